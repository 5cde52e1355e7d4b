# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the panels of a dashboard stand, from their order and the words for their size and height.

Panels flow from left to right into lines of 24 columns; all panels of a line are as high as its highest, and a line
that is nearly full is stretched to be full. Lines and rows follow each other without gaps.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._packing import packed
from ansible_collections.observability.claude_code.plugins.module_utils._panels import SIZES, Panel, Row

COLUMNS = 24
# Units of Grafana's grid (30 pixels and a gap) for each word, for a single number and for all else.
NUMBER_HEIGHTS = {"low": 3, "normal": 4, "tall": 6}
HEIGHTS = {"low": 6, "normal": 8, "tall": 12}
# A panel grows at most by this to fill its line; a wider one would be wider than its content needs.
STRETCH = 1.5


@dataclass(frozen=True)
class Place:
    """A rectangle of the grid, as Grafana's gridPos."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class PlacedRow:
    """A row, the line of its title, and its panels with their places."""

    row: Row
    y: int
    panels: tuple[tuple[Panel, Place], ...]


def arrange(rows: t.Sequence[Row]) -> list[PlacedRow]:
    """All rows from top to bottom. The panels of a collapsed row take no room among the others."""
    found = []
    y = 0
    for row in rows:
        placed, end = _panels(row.panels, y + 1)
        found.append(PlacedRow(row, y, tuple(placed)))
        y = y + 1 if row.collapsed else end
    return found


def _panels(panels: t.Sequence[Panel], y: int) -> tuple[list[tuple[Panel, Place]], int]:
    placed = []
    for line in packed(panels, lambda panel: SIZES[panel.size], COLUMNS):
        height = max(_height(panel) for panel in line)
        x = 0
        for panel, width in zip(line, _widths([SIZES[panel.size] for panel in line])):
            placed.append((panel, Place(x, y, width, height)))
            x += width
        y += height
    return placed, y


def _widths(widths: list[int]) -> list[int]:
    """The widths, stretched in proportion where that fills the line."""
    total = sum(widths)
    if total * STRETCH < COLUMNS:
        return widths
    edges = [round(sum(widths[:number]) * COLUMNS / total) for number in range(len(widths) + 1)]
    return [right - left for left, right in zip(edges, edges[1:])]


def _height(panel: Panel) -> int:
    return (NUMBER_HEIGHTS if panel.show in ("stat", "gauge") else HEIGHTS)[panel.height]
