# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn: axes in our units and on our clock, stacks, gaps, cells, dials and flows."""

from __future__ import annotations

import datetime as dt
import itertools
import re

import pytest
from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots as plots
from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots_at_once as at_once
from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots_flow as flows
from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots_over_time as drawings
from support.panels import AT, HOUR, NOW, SESSION, over_time, panel, values

CANVAS = drawings.Canvas(600, 190, AT.tzinfo)


def labels(svg: str) -> list[str]:
    return [text for text in re.findall(r'aria-label="([^"]*)"', svg) if " · " in text]


def ticks(axis: dict) -> list[str]:
    """The texts of an axis, from its expression for Vega."""
    return re.findall(r"'([^']*)'", axis["axis"]["labelExpr"])


def edges(*told: tuple[str, str, float]) -> list[dict]:
    return [{"source": source, "target": target, "value": value} for source, target, value in told]


# --- axes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("highest", "unit", "texts"),
    [
        (0.21, "USD", ["0", "$0.05", "$0.10", "$0.15", "$0.20", "$0.25"]),
        (7.0, "USD/h", ["0", "$2", "$4", "$6", "$8"]),
        (1.0, "share", ["0", "20 %", "40 %", "60 %", "80 %", "100 %"]),
        (100.0, "s", ["0", "30 s", "1 min", "1 min 30 s", "2 min"]),
        (0.4, "s", ["0", "100 ms", "200 ms", "300 ms", "400 ms"]),
        (90_000.0, "ms", ["0", "30 s", "1 min", "1 min 30 s"]),
        (200_000.0, "s", ["0", "12 h", "1 d", "1 d 12 h", "2 d", "2 d 12 h"]),
        (180_000.0, "tokens", ["0", "50 k", "100 k", "150 k", "200 k"]),
        (1.0, "commits", ["0", "1"]),
        (6000.0, "By", ["0", "2 KiB", "4 KiB", "6 KiB"]),
        (4500.0, "By", ["0", "1 KiB", "2 KiB", "3 KiB", "4 KiB", "5 KiB"]),
        (0.0, "calls", ["0", "1"]),
    ],
)
def test_a_value_axis_has_round_numbers_with_units(highest, unit, texts) -> None:
    axis = plots.value_axis(highest, unit)
    assert ticks(axis) == texts
    assert axis["scale"]["domain"][1] >= highest


def test_a_value_axis_reaches_below_zero_where_values_do() -> None:
    axis = plots.value_axis(3.0, "hours", -1.5)
    assert axis["scale"]["domain"] == [-2.0, 3.0]


def test_a_time_axis_has_round_times_of_the_clock() -> None:
    assert list(plots.time_ticks(NOW - 24 * HOUR, NOW, AT.tzinfo, 8).values()) == [
        "21:00",
        "Sun 22",
        "03:00",
        "06:00",
        "09:00",
        "12:00",
        "15:00",
        "18:00",
    ]
    assert list(plots.time_ticks(NOW - HOUR, NOW, AT.tzinfo, 4).values()) == [
        "19:15",
        "19:30",
        "19:45",
        "20:00",
        "20:15",
    ]
    week = plots.time_ticks(NOW - 7 * 24 * HOUR, NOW, AT.tzinfo, 8)
    assert list(week.values())[:2] == ["16 Nov", "17 Nov"]
    assert {dt.datetime.fromtimestamp(at, AT.tzinfo).hour for at in week} == {0}
    assert len(plots.time_ticks(NOW - 365 * 24 * HOUR, NOW, AT.tzinfo, 8)) <= 8


def test_each_tick_gets_its_own_text() -> None:
    named = plots.value_axis(3.0, "calls")["axis"]["labelExpr"]
    assert named == (
        "['0', '1', '2', '3'][(datum.value > 0.5 ? 1 : 0) + (datum.value > 1.5 ? 1 : 0) + (datum.value > 2.5 ? 1 : 0)]"
    )


def test_identifiers_are_shortened_and_other_texts_only_where_they_must() -> None:
    assert plots.shortened(SESSION, 60) == "0b44caff"
    assert plots.shortened("a1b2c3d4" * 8, 60) == "a1b2c3d4"
    assert plots.shortened("general-purpose", 15) == "general-purpose"
    assert plots.shortened("general-purpose", 10) == "general-p…"


def test_colours_come_from_names_thresholds_and_places() -> None:
    figure = panel("bars", colours={"Added": "green"})
    assert plots.colour(figure, 3, "Added") == "var(--green)"
    assert plots.colour(figure, 8, "x") == "var(--series-2)"
    assert plots.colour({**figure, "wrong": True}, 0, "x") == "var(--wrong-1)"
    steps = [["green", None], ["yellow", 10.0], ["red", 25.0]]
    found = [plots.threshold_colour(value, steps) for value in (-1.0, 10.0, 24.9, 25.0, None)]
    assert found == ["green", "yellow", "yellow", "red", ""]
    assert plots.css("dark-blue") == "var(--dark-blue, var(--blue))"


# --- over time -------------------------------------------------------------------------------------------------------


def test_bars_are_stacked_say_what_they_are_and_take_their_colours_from_the_page() -> None:
    svg = drawings.svg(over_time("bars", ("a", [1.0] * 24), ("b", [2.0] * 24), unit="USD"), CANVAS)
    assert 'fill="var(--series-1)"' in svg
    assert 'fill="var(--series-2)"' in svg
    assert ">$3<" in svg  # the axis reaches the sum
    assert len(labels(svg)) == 48
    assert "19:15 to 20:15 · a · $1.00" in labels(svg)


def test_bars_that_do_not_add_up_stand_side_by_side() -> None:
    told = over_time("bars", ("a", [3.0]), ("b", [2.0]), unit="tokens", additive=False, stacked=False)
    svg = drawings.svg(told, CANVAS)
    assert ">3<" in svg
    assert ">5<" not in svg
    assert len(labels(svg)) == 2


def test_an_area_is_stacked_too() -> None:
    svg = drawings.svg(over_time("area", ("a", [1.0, 1.0]), ("b", [2.0, 2.0]), unit="errors"), CANVAS)
    assert 'fill="var(--series-2)"' in svg
    assert ">3<" in svg
    assert "19:15 to 20:15 · b · 2 errors" in labels(svg)


def test_lines_end_where_a_value_is_missing_and_a_lone_value_is_a_point() -> None:
    svg = drawings.svg(over_time("lines", ("a", [1.0, 2.0, None, 3.0, None, 4.0, 5.0]), unit="s"), CANVAS)
    lines = [path for path in re.findall(r'<path[^>]*stroke="var\(--series-1\)"[^>]*>', svg) if 'fill="none"' in path]
    drawn = lines or re.findall(r'<path[^>]*d="M[^"]*L[^"]*"[^>]*stroke="var\(--series-1\)"', svg)
    assert len(drawn) >= 2
    assert "22 Nov 20:15 · a · 5 s" in labels(svg)
    assert len(labels(svg)) == 5


def test_series_beyond_the_colours_are_added_up_where_they_can_be() -> None:
    many = [(f"s{number}", [float(10 - number)] * 2) for number in range(10)]
    shown = drawings.shown(over_time("bars", *many))
    assert [one["name"] for one in shown] == ["s0", "s1", "s2", "s3", "s4", "s5", "others"]
    assert [value for _at, value in shown[-1]["points"]] == [10.0, 10.0]
    assert len(drawings.shown(over_time("lines", *many, stacked=False))) == plots.COLOURS


def test_a_heatmap_has_a_cell_for_each_value_and_is_strongest_at_the_highest() -> None:
    svg = drawings.svg(
        over_time("heatmap", ("Bash", [0.0, 4.0, 1.0]), ("Read", [1.0, 0.0, 0.0]), unit="errors"), CANVAS
    )
    assert sorted(text.split(" · ", 1)[1] for text in labels(svg)) == [
        "Bash · 1 error",
        "Bash · 4 errors",
        "Read · 1 error",
    ]
    opacities = {float(value) for value in re.findall(r'fill-opacity="([\d.]+)"', svg)}
    assert min(opacities) == 0.575
    assert 'fill="var(--heat)"' in svg
    assert ">Bash<" in svg


def test_a_state_lasts_as_long_as_its_colour_stays() -> None:
    steps = [["transparent", None], ["blue", 1.0], ["red", 9.0]]
    told = over_time("states", (SESSION, [0.0, 4.0, 5.0, 10.0, 0.0, 2.0]), unit="requests", thresholds=steps)
    svg = drawings.svg(told, CANVAS)
    assert [text.split(" · ")[0] for text in labels(svg)] == ["15:15 to 17:15", "17:15 to 18:15", "19:15 to 20:15"]
    assert ">0b44caff<" in svg


def test_rows_with_like_beginnings_are_told_apart() -> None:
    long = "a-very-long-name-of-a-tool-that-"
    svg = drawings.svg(over_time("heatmap", (long + "reads", [1.0]), (long + "writes", [2.0])), CANVAS)
    assert len(set(re.findall(r">(a-very[^<]*)<", svg))) == 2


# --- at once ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "thresholds", "end"),
    [
        (0.2, "share", [["red", 0.15]], 1.0),
        (2.2, "hours", [["green", 8.0]], 10.0),
        (37.0, "hours", [["green", 8.0]], 40.0),
        (0.0, "hours", [], 1e-9),
    ],
)
def test_a_gauge_ends_at_a_round_number(value, unit, thresholds, end) -> None:
    assert at_once.full_scale(value, unit, thresholds) == pytest.approx(end)


def test_a_gauge_has_an_arc_for_each_threshold() -> None:
    steps = [["green", None], ["yellow", 0.05], ["red", 0.15]]
    svg = at_once.gauge(values("gauge", ("", 0.1), unit="share", thresholds=steps), 0.1)
    said = re.findall(r'aria-label="([^"]*)"', svg)
    assert [text for text in said if " from " in text] == ["green from 0.0 %", "yellow from 5.0 %", "red from 15.0 %"]
    assert "10.0 %" in said


def test_a_pie_adds_up_what_is_beyond_the_colours() -> None:
    many = at_once.folded(values("pie", *((f"n{number}", 10.0 - number) for number in range(10)))["values"])
    assert many[-1] == {"name": "others", "value": 10.0}
    assert len(many) == plots.COLOURS
    svg = at_once.pie(values("pie", ("a", 3.0), ("b", 1.0), unit="calls"))
    assert labels(svg) == ["a · 3 calls · 75.0 %", "b · 1 call · 25.0 %"]


def test_a_flow_has_layers_and_a_way_back_moves_nothing() -> None:
    there = edges(("Prompts", "Claude", 5), ("Claude", "Agent", 2), ("Agent", "Explore", 2), ("Explore", "Claude", 1))
    assert flows.depths_of(there) == {"Prompts": 0, "Claude": 1, "Agent": 2, "Explore": 3}
    assert flows.depths_of(edges(("a", "b", 1), ("b", "a", 1))) == {"a": 0, "b": 1}


def test_a_ribbon_that_passes_a_layer_has_a_lane_in_it() -> None:
    layers, ribbons = flows.arranged(edges(("a", "b", 1.0), ("b", "c", 1.0), ("a", "c", 4.0)))
    assert [[node.name for node in layer] for layer in layers] == [["a"], ["", "b"], ["c"]]
    assert [len(ribbon.through) for ribbon in ribbons] == [2, 2, 3]


def test_the_nodes_of_a_flow_do_not_lie_on_each_other() -> None:
    told = edges(("Claude", "opus", 800.0), *((("Claude", f"tool {number}", 1.0)) for number in range(20)))
    layers, _ribbons = flows.arranged(told)
    scale = flows._place(layers, 600, 300)
    for layer in layers:
        for above, below in itertools.pairwise(layer):
            assert above.y + scale * above.size <= below.y
            assert below.y - above.y >= 12


def test_a_flow_says_how_often_it_went_each_way() -> None:
    figure = panel("flow", edges=edges(("Prompts", "Claude", 5.0), ("Claude", "Bash", 3.0), ("Bash", "Bash", 1.0)))
    svg = flows.svg(figure, 600, 300)
    assert "Claude → Bash · 3" in labels(svg)
    assert ">Claude 5<" in svg
    assert "Bash → Bash" not in svg
