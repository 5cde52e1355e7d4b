# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts as SVG, drawn by the library vl-convert from Vega-Lite.

A chart is a mapping: title, unit, kind (bars or lines), start, end and step in unix time, and series, each with a name
and points of (start of the interval, value). Colours are CSS variables, so that the page decides about light and dark;
what a mark stands for is in its aria-label.
"""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.observability.claude_code.plugins.plugin_utils._units import quantity

try:
    import vl_convert
except ImportError:
    vl_convert = None

AVAILABLE = vl_convert is not None
WIDTH, HEIGHT = 520, 190
# The page has this many colours; what is beyond them is drawn as one series.
COLOURS = 7
OTHERS = "others"
FONT = "system-ui, sans-serif"
Chart = t.Mapping[str, t.Any]


def folded(series: t.Sequence[Chart]) -> list[dict[str, t.Any]]:
    """The series as they are drawn: the smallest ones are added up where there are more than colours."""
    kept = [{"name": one["name"], "points": [tuple(point) for point in one["points"]]} for one in series]
    if len(kept) <= COLOURS:
        return kept
    sums: dict[float, float] = {}
    for one in kept[COLOURS - 1 :]:
        for at, value in one["points"]:
            sums[at] = sums.get(at, 0.0) + value
    return [*kept[: COLOURS - 1], {"name": OTHERS, "points": sorted(sums.items())}]


def colour(number: int, name: str) -> str:
    return "var(--series-others)" if name == OTHERS else f"var(--series-{number + 1})"


def svg(chart: Chart, zone: dt.tzinfo | None = None) -> str:
    """The chart as an SVG element without a legend; the page writes that beside it. Only where AVAILABLE."""
    layers = {"bars": _bars, "lines": _lines}
    if chart["kind"] not in layers:
        raise ValueError(
            f"The chart {chart['title']!r} is of the kind {chart['kind']!r}. Use one of: {', '.join(layers)}."
        )
    shift = _Shift(zone)
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "height": HEIGHT,
        "background": "transparent",
        "description": chart["title"],
        "config": _config(),
        **layers[chart["kind"]](chart, folded(chart["series"]), shift),
    }
    return vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])


class _Shift:
    """Vega draws in UTC; times are moved so that it shows the clock of ``zone`` (None: this machine's)."""

    def __init__(self, zone: dt.tzinfo | None) -> None:
        self.zone = zone

    def clock(self, at: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(at, dt.UTC).astimezone(self.zone)

    def __call__(self, at: float) -> float:
        offset = self.clock(at).utcoffset() or dt.timedelta()
        return (at + offset.total_seconds()) * 1000

    def span(self, start: float, end: float) -> str:
        return f"{self.clock(start):%H:%M} to {self.clock(end):%H:%M}"


def _bars(chart: Chart, series: list[dict[str, t.Any]], shift: _Shift) -> dict[str, t.Any]:
    heights: dict[float, float] = {}
    rows = []
    inset = chart["step"] * 0.06
    for number, one in enumerate(series):
        for at, value in one["points"]:
            low = heights.get(at, 0.0)
            heights[at] = low + value
            rows.append(
                {
                    "from": shift(at + inset),
                    "to": shift(at + chart["step"] - inset),
                    "low": low,
                    "high": low + value,
                    "colour": colour(number, one["name"]),
                    "label": f"{shift.span(at, at + chart['step'])} · {one['name']} · {quantity(value, chart['unit'])}",
                }
            )
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "stroke": "var(--surface)", "strokeWidth": 0.75},
        "encoding": {
            "x": {**_time_axis(chart, shift), "field": "from"},
            "x2": {"field": "to"},
            "y": {**_value_axis(chart, max(heights.values(), default=0)), "field": "low"},
            "y2": {"field": "high"},
            "color": {"field": "colour", "type": "nominal", "scale": None},
            "description": {"field": "label"},
        },
    }


def _lines(chart: Chart, series: list[dict[str, t.Any]], shift: _Shift) -> dict[str, t.Any]:
    rows = [
        {
            "at": shift(at),
            "value": value,
            "name": one["name"],
            "colour": colour(number, one["name"]),
            "label": f"{shift.clock(at):%H:%M} · {one['name']} · {quantity(value, chart['unit'])}",
        }
        for number, one in enumerate(series)
        for at, value in one["points"]
    ]
    encoding = {
        "x": {**_time_axis(chart, shift), "field": "at"},
        "y": {**_value_axis(chart, max((row["value"] for row in rows), default=0)), "field": "value"},
        "color": {"field": "colour", "type": "nominal", "scale": None},
    }
    return {
        "data": {"values": rows},
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2, "aria": False}, "encoding": {"detail": {"field": "name"}}},
            # Points are wide and unseen: they are what the pointer finds.
            {
                "mark": {"type": "point", "size": 120, "filled": True, "opacity": 0},
                "encoding": {"description": {"field": "label"}},
            },
        ],
    }


def _time_axis(chart: Chart, shift: _Shift) -> dict[str, t.Any]:
    return {
        "type": "temporal",
        "scale": {"type": "utc", "domain": [shift(chart["start"]), shift(chart["end"])]},
        "axis": {
            "title": None,
            "grid": False,
            "tickCount": 8,
            # Midnight shows its day.
            "labelExpr": (
                "utcFormat(datum.value, utchours(datum.value) + utcminutes(datum.value) == 0 ? '%a %e' : '%H:%M')"
            ),
        },
    }


def _value_axis(chart: Chart, highest: float) -> dict[str, t.Any]:
    formats = {"USD": "$,.2f" if highest >= 0.05 else "$~g", "share": "~%"}
    return {
        "type": "quantitative",
        "scale": {"zero": True, "nice": 4},
        "axis": {
            "title": None,
            "tickCount": 4,
            "labelExpr": f"datum.value == 0 ? '0' : format(datum.value, '{formats.get(chart['unit'], '~s')}')",
            "domain": False,
            "ticks": False,
        },
    }


def _config() -> dict[str, t.Any]:
    return {
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelFont": FONT,
            "labelFontSize": 11,
            "labelColor": "var(--muted)",
            "gridColor": "var(--grid)",
            "domainColor": "var(--axis)",
            "tickColor": "var(--axis)",
            "labelPadding": 6,
        },
    }
