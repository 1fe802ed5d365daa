"""
Plots show what they are given.
"""

from __future__ import annotations

import math

from xml.etree import ElementTree as ET

import pytest

from benchmarks.plots import HEIGHT, Panel, to_svg


SVG = "{http://www.w3.org/2000/svg}"
POINTS = [(0.0, 10.0), (30.0, 20.0), (60.0, 15.0)]


def make_panel(points=POINTS, **more):
    return Panel("memory & more", "MB", {"listener": points}, "minutes", **more)


def parse(svg):
    return ET.fromstring(svg)  # noqa: S314 it is ours


def places(svg):
    lines = parse(svg).iter(f"{SVG}polyline")
    return [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in lines
    ]


def test_a_line_is_drawn_to_scale():
    """
    Time goes to the right, evenly; more is higher, from zero up, within the field.
    """
    ((first, middle, last),) = places(to_svg([make_panel()]))

    assert first[0] == 0.0
    assert middle[0] == pytest.approx(last[0] / 2)
    assert 0 <= middle[1] < last[1] < first[1] <= HEIGHT
    assert HEIGHT - middle[1] == pytest.approx(2 * (HEIGHT - first[1]), abs=0.2)


def test_what_is_not_known_is_a_gap():
    """
    A line stops before it and begins anew.
    """
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, math.nan), (3.0, 3.0)]

    assert [len(line) for line in places(to_svg([make_panel(points)]))] == [2, 1]


@pytest.mark.parametrize("points", [[], [(5.0, 0.0)], [(1.0, math.nan)]])
def test_next_to_nothing_is_drawn_all_the_same(points):
    """
    No line, one point, nothing but gaps: a plot without a fault.
    """
    assert "minutes" in "".join(parse(to_svg([make_panel(points)])).itertext())


def test_panels_say_what_they_show():
    """
    Title, names, marks and the part that is judged, each panel below the last.
    """
    panel = make_panel(marks=[10.0, 20.0], shaded_from=30.0)

    root = parse(to_svg([panel, panel]))

    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert texts.count("memory & more") == texts.count("listener") == 2
    assert len([e for e in root.iter(f"{SVG}line") if e.get("class") == "mark"]) == 4
    assert len([e for e in root.iter(f"{SVG}rect") if e.get("class") == "judged"]) == 2
