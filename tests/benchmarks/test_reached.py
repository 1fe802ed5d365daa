"""
The plot of what was reached.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from benchmarks.figures import Figure
from benchmarks.reached import to_svg


SVG = "{http://www.w3.org/2000/svg}"
MET = Figure("bulk", "inserts & more", 3.0, "s", 2.0, "events")
MISSED = Figure("cold_build", "cold build", 200.0, "s", 2.0, "fit")
BESIDE_NOTHING = Figure("restart.server", "restart", 1.0, "s")
WITHOUT_GOAL = Figure("cost.rest", "at rest", 1.0, "ms")


def drawn(*figures):
    root = ET.fromstring(to_svg("a run", figures, 100_000))  # noqa: S314 it is ours
    bars = [one for one in root.iter(f"{SVG}rect") if one.get("class")]
    must = next(one for one in root.iter(f"{SVG}line") if one.get("class") == "must")
    return root, bars, float(must.attrib["x1"])


def test_what_is_met_is_left_of_the_must_and_what_is_missed_right():
    """
    Each has a bar from the must to what was reached, and its name.
    """
    root, (met, missed), must = drawn(MET, MISSED)

    assert (met.get("class"), missed.get("class")) == ("met", "missed")
    assert float(met.attrib["x"]) < must
    assert float(missed.attrib["x"]) == must
    assert float(missed.attrib["width"]) > float(met.attrib["width"])
    assert "inserts & more" in "".join(root.itertext())


def test_what_has_no_goal_has_no_bar():
    """
    Neither has a figure whose other side is missing, nor what must be none; without any
    there is no plot.
    """
    none = Figure("exactness", "differences", 0, "")
    _, bars, _ = drawn(MET, WITHOUT_GOAL, BESIDE_NOTHING, none)

    assert len(bars) == 1
    assert to_svg("a run", [WITHOUT_GOAL, BESIDE_NOTHING], 100_000) is None


def test_what_is_far_beyond_ends_at_the_edge():
    """
    Nothing is drawn outside of the picture.
    """
    far = Figure("cold_build", "cold build", 1e9, "s", 1.0, "fit")
    root, (bar,), _ = drawn(far)

    assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= int(root.get("width"))
