# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places of panels: words for sizes become coordinates."""

from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._layout import Place, arrange
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Panel, Row


def panel(size: str, height: str = "normal", show: str = "bars") -> Panel:
    return Panel(id=size, title=size, show=show, about="a", act="b", size=size, height=height)


def places(*panels: Panel) -> list[Place]:
    (row,) = arrange([Row("r", "", panels)])
    return [place for _panel, place in row.panels]


def test_panels_flow_from_left_to_right_and_wrap() -> None:
    assert places(panel("half"), panel("half"), panel("full")) == [
        Place(0, 1, 12, 8),
        Place(12, 1, 12, 8),
        Place(0, 9, 24, 8),
    ]


def test_a_line_is_as_high_as_its_highest_panel() -> None:
    found = places(panel("half", "low"), panel("half", "tall"), panel("full", "low"))
    assert [(place.y, place.h) for place in found] == [(1, 12), (1, 12), (13, 6)]


def test_single_numbers_are_low_unless_a_chart_stands_beside_them() -> None:
    assert [place.h for place in places(panel("half", show="stat"), panel("half", show="gauge"))] == [4, 4]
    assert [place.h for place in places(panel("half", show="stat"), panel("half"))] == [8, 8]


@pytest.mark.parametrize(
    ("sizes", "widths"),
    [
        (["sixth"] * 5, [5, 5, 4, 5, 5]),
        (["third", "third"], [12, 12]),
        (["two thirds"], [24]),
        (["half", "sixth"], [18, 6]),
        # Wider than its content needs is worse than room at the right.
        (["sixth"], [4]),
        (["quarter", "quarter"], [6, 6]),
    ],
)
def test_a_nearly_full_line_is_stretched_to_be_full(sizes: list[str], widths: list[int]) -> None:
    found = places(*(panel(size) for size in sizes))
    assert [place.w for place in found] == widths
    assert [place.x for place in found] == [sum(widths[:number]) for number in range(len(widths))]


def test_rows_follow_each_other_without_gaps() -> None:
    first, second = arrange([Row("a", "", (panel("half"), panel("full"))), Row("b", "", (panel("half"),))])
    assert (first.y, second.y) == (0, 17)
    assert second.panels[0][1].y == 18


def test_the_panels_of_a_collapsed_row_take_no_room() -> None:
    first, second = arrange([Row("a", "", (panel("half"),), collapsed=True), Row("b", "", (panel("half"),))])
    assert (first.y, first.panels[0][1].y, second.y) == (0, 1, 1)
