# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all drawings share. They are SVG, drawn by the library vl-convert from Vega-Lite or Vega.

Colours are CSS variables, so that the page decides about light and dark; what a mark stands for is in its aria-label.
Positions and texts of axes are computed here: Vega knows neither our units nor the time zone.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
import typing as t

from ansible_collections.observability.claude_code.plugins.plugin_utils._report import printable
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import clock, quantity

try:
    import vl_convert
except ImportError:
    vl_convert = None

AVAILABLE = vl_convert is not None
# The page has this many colours; what is beyond them is drawn as one series.
COLOURS = 7
OTHERS = "others"
SHADES = ("super-light", "light", "semi-dark", "dark")
FONT = "system-ui, sans-serif"
# About how wide a letter of an axis is.
LETTER = 6.3
HOURS = (1, 2, 3, 4, 6, 12)
DAYS = (1, 2, 7, 14, 30)
MINUTES = (1, 2, 5, 10, 15, 30)
# Steps of an axis of durations: of a minute, an hour, a day.
DURATIONS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
# Sessions, users and hashes of addresses.
IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|[0-9a-f]{16,}")
Figure = t.Mapping[str, t.Any]
Spec = dict[str, t.Any]


def colour(figure: Figure, number: int, name: str = "") -> str:
    """The CSS colour of a series: the one that its name has, or that of its place; reds for what went wrong."""
    if name in figure["colours"]:
        return css(figure["colours"][name])
    if name == OTHERS:
        return "var(--series-others)"
    return f"var(--{'wrong' if figure['wrong'] else 'series'}-{number % COLOURS + 1})"


def threshold_colour(value: float | None, thresholds: t.Sequence[t.Sequence[t.Any]]) -> str:
    """The word of the colour that the thresholds (colour, from this value on) give to a value; '' where none does."""
    found = ""
    for word, least in thresholds:
        if value is not None and (least is None or value >= least):
            found = word
    return found


def css(word: str) -> str:
    """The CSS colour for a word; a shade that the page does not know is drawn as its colour."""
    shade, _dash, base = word.rpartition("-")
    return f"var(--{word}, var(--{base}))" if shade in SHADES else f"var(--{word})"


def draw(spec: Spec) -> str:
    """The SVG element for a page. Only where AVAILABLE."""
    convert = vl_convert.vegalite_to_svg if "vega-lite" in spec["$schema"] else vl_convert.vega_to_svg
    # The namespaces are for SVG files; inside a page they say nothing.
    return re.sub(r' xmlns(:\w+)?="[^"]*"', "", convert(_clean(spec), allowed_base_urls=[]))


def _clean(part: t.Any) -> t.Any:
    """The same without letters at which the library ends the whole process."""
    if isinstance(part, dict):
        return {name: _clean(value) for name, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [_clean(value) for value in part]
    return printable(part) if isinstance(part, str) else part


def vega_lite(title: str, width: float, height: float, **more: t.Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": height,
        "background": "transparent",
        "description": title,
        "padding": 2,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                # It would read out positions, such as unix times.
                "aria": False,
                "labelFont": FONT,
                "labelFontSize": 11,
                "labelColor": "var(--muted)",
                "gridColor": "var(--grid)",
                "domainColor": "var(--axis)",
                "tickColor": "var(--axis)",
                "labelPadding": 6,
                "title": None,
            },
        },
        **more,
    }


def vega(title: str, width: float, height: float, marks_: list[Spec]) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "description": title,
        "width": width,
        "height": height,
        "padding": 2,
        "background": "transparent",
        "marks": marks_,
    }


def marks(kind: str, rows: list[dict[str, t.Any]], **channels: t.Any) -> Spec:
    """Marks for rows of data; a channel is the name of a field, or what Vega takes."""
    filled = {name: {"field": given} if isinstance(given, str) else given for name, given in channels.items()}
    return {
        "type": "group",
        "data": [{"name": "rows", "values": rows}],
        "marks": [{"type": kind, "from": {"data": "rows"}, "encode": {"enter": filled}}],
    }


def value_axis(highest: float, unit: str, lowest: float = 0.0) -> Spec:
    """A vertical axis from 0 (or below) to a round number above all values, with units."""
    step = _value_step(max(highest, 0.0) - min(lowest, 0.0), unit)
    first, last = math.floor(min(lowest, 0.0) / step), max(math.ceil(max(highest, 0.0) / step - 1e-9), 1)
    ticks = [number * step for number in range(first, last + 1)]
    return {
        "type": "quantitative",
        "scale": {"domain": [ticks[0], ticks[-1]], "nice": False, "zero": False},
        "axis": {
            "values": ticks,
            "labelExpr": _named({tick: _tick(tick, unit) for tick in ticks}),
            "domain": False,
            "ticks": False,
        },
    }


def _tick(value: float, unit: str) -> str:
    if value == 0:
        return "0"
    if unit.startswith("USD"):
        # As many digits as the step needs, so that equal distances look equal.
        text = f"{value:,.6f}".rstrip("0")
        whole, point, rest = text.partition(".")
        return f"${whole}{point}{rest.ljust(2, '0')}" if rest and value < 100 else quantity(value, "USD", 0)
    if unit == "share":
        return f"{100 * value:g} %"
    return quantity(value, unit if unit in ("s", "ms", "By") else "")


def _value_step(size: float, unit: str) -> float:
    size = size or 1.0
    wanted = size / 5
    second = {"s": 1.0, "ms": 1000.0}.get(unit, math.inf)
    if wanted >= second:
        wanted /= second
        return second * next(
            (step for step in DURATIONS if step >= wanted), DURATIONS[-1] * _round(wanted / DURATIONS[-1])
        )
    if unit == "By" and size >= 2048:
        power = 1024 ** int(math.log(size / 2, 1024))
        return power * _round(wanted / power)
    # What is counted has no halves.
    whole = size >= 1 and not unit.startswith("USD") and unit not in ("share", "s", "ms")
    return max(_round(wanted), 1.0) if whole else _round(wanted)


def _round(value: float) -> float:
    """The next of 1, 2, 5, 10 and so on."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(part * power for part in (1, 2, 5, 10) if part * power >= value * (1 - 1e-9))


def time_axis(figure: Figure, zone: dt.tzinfo | None, width: float) -> Spec:
    """A horizontal axis over the figure's range, with ticks at round times of the clock of ``zone``."""
    start, end = figure["start"], figure["end"]
    ticks = time_ticks(start, end, zone, max(2, int(width // 75)))
    return {
        "type": "quantitative",
        "scale": {"domain": [start, end], "nice": False, "zero": False},
        "axis": {"values": list(ticks), "labelExpr": _named(ticks), "grid": False, "labelOverlap": True},
    }


def time_ticks(start: float, end: float, zone: dt.tzinfo | None, most: int) -> dict[float, str]:
    """Round times between two moments, at most about so many, and their texts; midnight shows its day."""
    size = end - start
    for unit, steps in ((60, MINUTES), (3600, HOURS)):
        for step in steps:
            if size / (unit * step) <= most:
                return _clock_ticks(start, end, zone, unit * step)
    days = next((step for step in DAYS if size / (86400 * step) <= most), 90)
    return _day_ticks(start, end, zone, days)


def _clock_ticks(start: float, end: float, zone: dt.tzinfo | None, step: int) -> dict[float, str]:
    ticks = {}
    offset = (clock(start, zone).utcoffset() or dt.timedelta()).total_seconds()
    at = math.ceil((start + offset) / step) * step - offset
    while at <= end:
        moment = clock(at, zone)
        ticks[at] = f"{moment:%a %-d}" if moment.hour == moment.minute == 0 else f"{moment:%H:%M}"
        at += step
    return ticks


def _day_ticks(start: float, end: float, zone: dt.tzinfo | None, days: int) -> dict[float, str]:
    ticks = {}
    day = clock(start, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while day.timestamp() <= end:
        if day.timestamp() >= start:
            ticks[day.timestamp()] = f"{day:%-d %b}"
        day += dt.timedelta(days=days)
    return ticks


def _named(texts: t.Mapping[float, str]) -> str:
    """A Vega expression that gives each tick its text: the nearest, as floats change a little on their way."""
    names = ", ".join(f"'{text}'" for text in texts.values())
    if not texts:
        return "''"
    values = list(texts)
    if len(values) == 1:
        return f"'{texts[values[0]]}'"
    where = " + ".join(f"(datum.value > {(low + high) / 2!r} ? 1 : 0)" for low, high in itertools.pairwise(values))
    return f"[{names}][{where}]"


def shortened(text: str, most: int) -> str:
    """A text of at most so many letters. Of an identifier the beginning tells enough."""
    if IDENTIFIER.fullmatch(text):
        return text[:8]
    return text if len(text) <= most else text[: max(1, most - 1)].rstrip() + "…"


def span_text(start: float, end: float, zone: dt.tzinfo | None) -> str:
    one, two = clock(start, zone), clock(end, zone)
    if end - start < 86400:
        return f"{one:%H:%M} to {two:%H:%M}"
    return f"{one:%-d %b %H:%M} to {two:%-d %b %H:%M}"
