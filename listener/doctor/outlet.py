"""
Where generations are published for other hosts.
"""

from __future__ import annotations

from typing import Final

from listener.clock import Clock
from listener.copies.opening import open_place
from listener.copies.place import PlaceFault, Told
from listener.copies.pointer import LEASE_S, MODEL
from listener.doctor.finding import Finding, fail, ok, warn


SETTING: Final = "EVERSHELF_PUBLISH_TO"
START_ONE: Final = "start the listener, with the same settings; if it runs, see its log"


def look_at_outlet(uri: str, clock: Clock) -> Finding:
    """
    Find out whether anything can be had at *uri*, and whether anybody publishes there.

    Raises:
        SettingsFault: The address cannot be right.
    """
    with open_place(uri, MODEL, setting=SETTING, clock=clock) as place:
        try:
            return judge_outlet(place.name, place.read_newest())
        except PlaceFault as error:
            return fail(
                f"{place.name} cannot be asked what is published there: {error}",
                f"start it, or correct {SETTING}; the collection is followed without it",
            )


def judge_outlet(name: str, told: Told | None) -> Finding:
    """
    Return whether hosts that follow what is at *name* are well.
    """
    if told is None:
        return warn(f"{name} answers, but nothing is published there yet", START_ONE)
    generation = told.manifest.generation
    if told.age_s >= LEASE_S:
        return warn(
            f"{name} has generation {generation}, and nobody has spoken for it since",
            START_ONE,
        )
    return ok(f"{name} has generation {generation}, and a listener speaks for it")
