"""
No check keeps another from being made.
"""

from __future__ import annotations

from listener.doctor.checks import Check, made
from listener.doctor.finding import Finding, Verdict, fail, ok, unknown, warn
from listener.errors import Refused, Unreachable
from recommender.errors import SettingsFault


def raising(error: Exception) -> Finding:
    """
    Raise *error*, where a check would look.
    """
    raise error


def test_what_goes_wrong_is_a_finding() -> None:
    """
    Whatever a check raises is what it found; the next ones are made.
    """
    found = dict(
        made(
            [
                Check("hangs", lambda: raising(Unreachable("no answer"))),
                Check("refused", lambda: raising(Refused("not you", "ask for it"))),
                Check("set", lambda: raising(SettingsFault(["A=1: no", "B=2: no"]))),
                Check("disk", lambda: raising(PermissionError(13, "no", "model"))),
                Check("defect", lambda: raising(KeyError("x"))),
                Check("fine", lambda: ok("it is")),
            ]
        )
    )

    assert found["hangs"] == fail("no answer")
    assert found["refused"] == fail("not you", "ask for it")
    assert found["set"] == fail("A=1: no; B=2: no")
    assert found["disk"].verdict is Verdict.FAIL
    assert "model" in found["disk"].found
    assert found["defect"].found == "a defect of ours: KeyError: 'x'"
    assert found["fine"] == ok("it is")


def test_what_needs_a_failed_check_is_left_out() -> None:
    """
    A check is left out, and says so, when one that it needs failed, or was left out
    itself; not when that only warned.
    """
    found = dict(
        made(
            [
                Check("bad", lambda: fail("broken")),
                Check("odd", lambda: warn("odd", "look")),
                Check("dark", lambda: unknown("not to be seen")),
                Check("of bad", lambda: ok("never"), ("odd", "bad")),
                Check("of that", lambda: ok("never"), ("of bad",)),
                Check("of dark", lambda: ok("never"), ("dark",)),
                Check("of odd", lambda: ok("made"), ("odd",)),
            ]
        )
    )

    assert found["of bad"].found == "not checked, because of what `bad` says"
    assert found["of that"].found == "not checked, because of what `of bad` says"
    assert found["of dark"].verdict is Verdict.UNKNOWN
    assert found["of odd"] == ok("made")


def test_each_is_shown_before_the_next_is_made() -> None:
    """
    Findings come one by one: a slow check does not hold back those before it.
    """
    order: list[str] = []

    def look(name: str) -> Finding:
        order.append(f"looked at {name}")
        return ok("")

    checks = [Check(name, lambda name=name: look(name)) for name in ("a", "b")]  # type: ignore[misc]
    for name, _ in made(checks):
        order.append(f"showed {name}")

    assert order == ["looked at a", "showed a", "looked at b", "showed b"]
