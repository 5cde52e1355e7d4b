# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings of series over time: bars, lines, areas, heatmaps and states."""

from __future__ import annotations

import datetime as dt
import math
import typing as t
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots as plots
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import clock, quantity, short

ROW_HEIGHT = 22
# Rows of a heatmap or a timeline, and letters of their names.
MOST_ROWS, MOST_LETTERS = 14, 22
# How strong the weakest colour of a heatmap is.
FAINTEST = 0.15
Series = dict[str, t.Any]


@dataclass(frozen=True)
class Canvas:
    """How large a drawing is, and on whose clock its times are (None: this machine's)."""

    width: float
    height: float
    zone: dt.tzinfo | None = None


def folded(series: t.Sequence[t.Mapping[str, t.Any]]) -> list[Series]:
    """The series as they are drawn: the smallest ones are added up where there are more than colours."""
    kept = [{"name": one["name"], "points": [tuple(point) for point in one["points"]]} for one in series]
    if len(kept) <= plots.COLOURS:
        return kept
    sums: dict[float, float] = {}
    for one in kept[plots.COLOURS - 1 :]:
        for at, value in one["points"]:
            sums[at] = sums.get(at, 0.0) + value
    return [*kept[: plots.COLOURS - 1], {"name": plots.OTHERS, "points": sorted(sums.items())}]


def shown(figure: plots.Figure) -> list[Series]:
    """The series of a figure that are drawn. What is stacked can be added up; of lines only the highest are drawn."""
    return folded(figure["series"]) if is_stacked(figure) else list(figure["series"][: plots.COLOURS])


def is_stacked(figure: plots.Figure) -> bool:
    return figure["stacked"] and figure["show"] in ("bars", "area")


def svg(figure: plots.Figure, canvas: Canvas) -> str:
    """The figure as an SVG element without a legend. Only where plots.AVAILABLE."""
    return plots.draw(DRAWINGS[figure["show"]](figure, canvas))


# --- bars, areas and lines -------------------------------------------------------------------------------------------


def _stacked(figure: plots.Figure) -> tuple[list[dict[str, t.Any]], float, float]:
    """A row for each value with the heights between which it lies, the highest and the lowest of all.

    What cannot be added up stands side by side: each row has the place of its series.
    """
    above: dict[tuple[int, float], float] = {}
    below: dict[tuple[int, float], float] = {}
    rows = []
    for number, one in enumerate(shown(figure)):
        place = 0 if figure["stacked"] else number
        for at, value in one["points"]:
            heap = above if value >= 0 else below
            low = heap.get((place, at), 0.0)
            heap[place, at] = low + value
            row = {"at": at, "low": low, "high": low + value, "value": value, "name": one["name"], "place": place}
            rows.append({**row, "colour": plots.colour(figure, number, one["name"])})
    return rows, max(above.values(), default=0.0), min(below.values(), default=0.0)


def _bars(figure: plots.Figure, canvas: Canvas) -> plots.Spec:
    stacked, highest, lowest = _stacked(figure)
    inset = figure["step"] * 0.06
    thick = (figure["step"] - 2 * inset) / (1 if figure["stacked"] else len(shown(figure)))
    rows = [
        {
            **{key: row[key] for key in ("low", "high", "colour")},
            "from": row["at"] - figure["step"] + inset + thick * row["place"],
            "to": row["at"] - figure["step"] + inset + thick * (row["place"] + 1),
            "label": _label(figure, row["at"], row["name"], row["value"], canvas),
        }
        for row in stacked
        if row["value"]
    ]
    return plots.vega_lite(
        figure["title"],
        canvas.width,
        canvas.height,
        data={"values": rows},
        mark={"type": "bar", "stroke": "var(--surface)", "strokeWidth": 0.5},
        encoding={
            "x": {**plots.time_axis(figure, canvas.zone, canvas.width), "field": "from"},
            "x2": {"field": "to"},
            "y": {**plots.value_axis(highest, figure["unit"], lowest), "field": "low"},
            "y2": {"field": "high"},
            "color": {"field": "colour", "type": "nominal", "scale": None},
            "description": {"field": "label"},
        },
    )


def _area(figure: plots.Figure, canvas: Canvas) -> plots.Spec:
    stacked, highest, lowest = _stacked(figure)
    rows = [{**row, "label": _label(figure, row["at"], row["name"], row["value"], canvas)} for row in stacked]
    shared = {
        "x": {**plots.time_axis(figure, canvas.zone, canvas.width), "field": "at"},
        "color": {"field": "colour", "type": "nominal", "scale": None},
        "detail": {"field": "name"},
    }
    axis = plots.value_axis(highest, figure["unit"], lowest)
    layers = [
        {
            "mark": {"type": "area", "opacity": 0.35, "aria": False},
            "encoding": {"y": {**axis, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "strokeWidth": 1.5, "aria": False},
            "encoding": {"y": {**axis, "field": "high"}},
        },
        _points("high", axis),
    ]
    return plots.vega_lite(
        figure["title"], canvas.width, canvas.height, data={"values": rows}, encoding=shared, layer=layers
    )


def _lines(figure: plots.Figure, canvas: Canvas) -> plots.Spec:
    rows = []
    for number, one in enumerate(shown(figure)):
        piece, before = 0, None
        for at, value in one["points"]:
            # Where a value is missing the line ends and begins anew.
            piece += before is not None and at - before > 1.5 * figure["step"]
            before = at
            rows.append(
                {
                    "at": at,
                    "value": value,
                    "piece": f"{number}/{piece}",
                    "colour": plots.colour(figure, number, one["name"]),
                    "label": _label(figure, at, one["name"], value, canvas),
                }
            )
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row["piece"]] = sizes.get(row["piece"], 0) + 1
    for row in rows:
        row["alone"] = sizes[row["piece"]] == 1
    values = [row["value"] for row in rows]
    axis = {**plots.value_axis(max(values, default=0.0), figure["unit"], min(values, default=0.0)), "field": "value"}
    layers = [
        {
            "mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round", "aria": False},
            "encoding": {"y": axis, "detail": {"field": "piece"}},
        },
        {
            "transform": [{"filter": "datum.alone"}],
            "mark": {"type": "point", "size": 18, "filled": True, "opacity": 1, "aria": False},
            "encoding": {"y": axis},
        },
        _points("value", axis),
    ]
    return plots.vega_lite(
        figure["title"],
        canvas.width,
        canvas.height,
        data={"values": rows},
        encoding={
            "x": {**plots.time_axis(figure, canvas.zone, canvas.width), "field": "at"},
            "color": {"field": "colour", "type": "nominal", "scale": None},
        },
        layer=layers,
    )


def _points(field: str, axis: plots.Spec) -> plots.Spec:
    """Wide points that are not seen: they are what the pointer finds."""
    return {
        "mark": {"type": "point", "size": 120, "filled": True, "opacity": 0},
        "encoding": {"y": {**axis, "field": field}, "description": {"field": "label"}},
    }


def _label(figure: plots.Figure, at: float, name: str, value: float, canvas: Canvas) -> str:
    when = plots.span_text(at - figure["step"], at, canvas.zone)
    if figure["show"] == "lines":
        when = f"{clock(at, canvas.zone):%-d %b %H:%M}"
    return f"{when} · {name} · {quantity(value, figure['unit'], figure['decimals'])}"


# --- rows of cells ---------------------------------------------------------------------------------------------------


def _heatmap(figure: plots.Figure, canvas: Canvas) -> plots.Spec:
    series = figure["series"][:MOST_ROWS]
    highest = max((value for one in series for _at, value in one["points"]), default=0.0) or 1.0
    cells = []
    for one in series:
        for at, value in one["points"]:
            if value:
                word = plots.threshold_colour(value, figure["thresholds"])
                strength = FAINTEST + (1 - FAINTEST) * math.sqrt(max(0.0, value / highest))
                cells.append(
                    {
                        "row": one["name"],
                        "from": at - figure["step"],
                        "to": at,
                        "colour": _cell_colour(figure, word),
                        "strength": round(strength, 3),
                        "label": _label(figure, at, one["name"], value, canvas),
                    }
                )
    return _cells(figure, canvas, [one["name"] for one in series], cells)


def _states(figure: plots.Figure, canvas: Canvas) -> plots.Spec:
    """A row for each series, with a bar for as long as its state stays the same."""
    series = sorted(figure["series"][:MOST_ROWS], key=lambda one: next((at for at, value in one["points"] if value), 0))
    highest = max((value for one in series for _at, value in one["points"]), default=0.0) or 1.0
    cells = []
    for one in series:
        for start, end, value in _pieces(one["points"], figure["step"], bool(figure["thresholds"]), figure):
            word = plots.threshold_colour(value, figure["thresholds"])
            when = plots.span_text(start, end, canvas.zone)
            cells.append(
                {
                    "row": one["name"],
                    "from": start,
                    "to": end,
                    "colour": _cell_colour(figure, word),
                    "strength": 1 if word else round(0.35 + 0.65 * value / highest, 3),
                    "label": f"{when} · {one['name']} · {quantity(value, figure['unit'], figure['decimals'])}",
                }
            )
    return _cells(figure, canvas, [one["name"] for one in series], cells)


def _cell_colour(figure: plots.Figure, word: str) -> str:
    return plots.css(word or ("heat-wrong" if figure["wrong"] else "heat"))


def _pieces(
    points: t.Sequence[t.Sequence[float]], step: float, merge: bool, figure: plots.Figure
) -> list[tuple[float, float, float]]:
    """Start, end and highest value of each time in which something happened; of one colour with ``merge``."""
    pieces: list[tuple[float, float, float]] = []
    for at, value in points:
        if not value:
            continue
        word = plots.threshold_colour(value, figure["thresholds"])
        if merge and pieces and abs(pieces[-1][1] - (at - step)) < step / 2:
            start, _end, before = pieces[-1]
            if plots.threshold_colour(before, figure["thresholds"]) == word:
                pieces[-1] = (start, at, max(before, value))
                continue
        pieces.append((at - step, at, value))
    return pieces


def _cells(figure: plots.Figure, canvas: Canvas, names: list[str], cells: list[dict[str, t.Any]]) -> plots.Spec:
    letters = min(MOST_LETTERS, int(canvas.width * 0.35 / plots.LETTER))
    short_names = _distinct(names, letters)
    for cell in cells:
        cell["row"] = short_names[cell["row"]]
    rows = list(short_names.values())
    return plots.vega_lite(
        figure["title"],
        canvas.width,
        ROW_HEIGHT * len(rows) + 30,
        data={"values": cells},
        mark={"type": "rect", "stroke": "var(--surface)", "strokeWidth": 1.5, "cornerRadius": 2},
        encoding={
            "x": {**plots.time_axis(figure, canvas.zone, canvas.width), "field": "from"},
            "x2": {"field": "to"},
            "y": {
                "field": "row",
                "type": "nominal",
                "sort": None,
                "scale": {"domain": rows, "paddingInner": 0.08},
                "axis": {"labelLimit": 400, "domain": False, "ticks": False, "grid": False},
            },
            "color": {"field": "colour", "type": "nominal", "scale": None},
            "fillOpacity": {"field": "strength", "type": "quantitative", "scale": None},
            "description": {"field": "label"},
        },
    )


def _distinct(names: t.Sequence[str], letters: int) -> dict[str, str]:
    """Each name shortened, so that no two look alike."""
    found: dict[str, str] = {}
    for name in names:
        text, number = plots.shortened(name, letters), 2
        while text in found.values():
            text, number = f"{plots.shortened(name, letters - 3)} {short(number)}", number + 1
        found[name] = text
    return found


DRAWINGS: dict[str, t.Callable[[plots.Figure, Canvas], plots.Spec]] = {
    "bars": _bars,
    "area": _area,
    "lines": _lines,
    "heatmap": _heatmap,
    "states": _states,
}
