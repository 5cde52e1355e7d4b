# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels of a dashboard as HTML: what stack_figures read, drawn as the page of a report shows it."""

from __future__ import annotations

import datetime as dt
import html
import re
import typing as t

from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots as plots
from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots_at_once as at_once
from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots_flow as flows
from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots_over_time as over_time
from ansible_collections.observability.claude_code.plugins.plugin_utils._report import printable
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import figure as cell
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import parts, quantity

NOTHING_YET = "Nothing was reported in this range."
# Pixels: of the page between its margins, between panels, within a panel beside its content; of a narrow screen.
PAGE, GAP, EDGES, NARROW = 1336, 12, 34, 350
COLUMNS = 24
HEIGHTS = {"low": 140, "normal": 190, "tall": 300}
ROWS = {"low": 6, "normal": 10, "tall": 18}
FLOW = {"low": 200, "normal": 300, "tall": 480}
# Letters of a text in a table that are shown; all of it is in its title.
LETTERS = 120
# Where a long word may be cut, and how many letters of it stay together.
BREAKS, PIECE = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[_/:.@])"), 24
RED = "red"
Figure = t.Mapping[str, t.Any]
Zone = dt.tzinfo | None


def escape(text: t.Any) -> str:
    return html.escape(printable(text))


def dashboard(figures: Figure, zone: Zone) -> str:
    """All rows of a dashboard."""
    return "".join(_row(row, zone) for row in figures.get("rows", ()))


def _row(row: Figure, zone: Zone) -> str:
    panels = "".join(panel(figure, zone) for figure in row["panels"])
    title = escape(row["title"])
    return f'<section class="row"><h2>{title}</h2>{_acts(row["panels"])}<div class="panels">{panels}</div></section>'


def _acts(panels: t.Sequence[Figure]) -> str:
    """What to do about the panels that are red."""
    told = "".join(
        f'<li><a href="#panel-{escape(figure["id"])}">{escape(figure["title"])}</a> {escape(figure["act"])}</li>'
        for figure in panels
        if RED in _words(figure)
    )
    return f'<ul class="acts">{told}</ul>' if told else ""


def panel(figure: Figure, zone: Zone) -> str:
    """One panel: its title, which opens what is to be known about it, and its content."""
    if figure["error"]:
        body = f'<p class="error"><strong>Could not be read.</strong> {_error(figure["error"])}</p>'
    elif _is_empty(figure):
        body = f'<p class="empty">{escape(figure["empty"] or NOTHING_YET)}</p>'
    else:
        body = BODIES[figure["show"]](figure, zone)
    kind = figure["show"].replace(" ", "-")
    return (
        f'<article class="panel {kind}" id="panel-{escape(figure["id"])}" style="--columns: {int(figure["width"])}">'
        f"{_about(figure)}{body}</article>"
    )


def _error(text: str) -> str:
    """An error without the middle of a long query, which is in its title."""
    if len(text) <= 2 * LETTERS:
        return escape(text)
    return f'<span title="{escape(text)}">{escape(text[:LETTERS])} … {escape(text[-LETTERS:])}</span>'


def _about(figure: Figure) -> str:
    told = [figure["about"], *figure["computed"], figure["span"], f"What to do: {figure['act']}"]
    lines = "".join(f"<p>{escape(line)}</p>" for line in told if line)
    return f"<details><summary><h3>{escape(figure['title'])}</h3></summary>{lines}</details>"


def _is_empty(figure: Figure) -> bool:
    data = [figure[key] for key in ("values", "series", "rows", "edges") if key in figure]
    return figure["show"] != "text" and not any(data)


def _words(figure: Figure) -> set[str]:
    """The words of the colours in which values of a panel stand."""
    found = {plots.threshold_colour(one["value"], figure["thresholds"]) for one in figure.get("values", ())}
    for place, column in enumerate(figure.get("columns", ())):
        values = [row[place] for row in figure["rows"][: _most_rows(figure)]]
        numbers = [value for value in values if isinstance(value, (int, float))]
        found |= {plots.threshold_colour(value, column["thresholds"]) for value in numbers}
    return found


def _colour(word: str) -> str:
    return f' style="color: {plots.css(word)}"' if word else ""


# --- single numbers --------------------------------------------------------------------------------------------------


def _stat(figure: Figure, _zone: Zone) -> str:
    values = figure["values"]
    if len(values) == 1:
        return f'<p class="value"{_value_colour(figure, values[0]["value"])}>{_number(figure, values[0]["value"])}</p>'
    lines = "".join(
        f'<li><span class="name">{escape(_value_name(one))}</span>'
        f'<span class="value"{_value_colour(figure, one["value"])}>{_number(figure, one["value"])}</span></li>'
        for one in values
    )
    return f'<ul class="numbers">{lines}</ul>'


def _number(figure: Figure, value: float) -> str:
    number, beside = parts(value, figure["unit"], figure["decimals"])
    return escape(number) + (f' <span class="unit">{escape(beside)}</span>' if beside else "")


def _value_colour(figure: Figure, value: float) -> str:
    return _colour(plots.threshold_colour(value, figure["thresholds"]))


def _value_name(one: Figure) -> str:
    return " · ".join(filter(None, (one["group"], one["name"])))


def _gauge(figure: Figure, _zone: Zone) -> str:
    if not plots.AVAILABLE:
        return _stat(figure, _zone)
    return "".join(
        f'<div class="dial">{printable(at_once.gauge(figure, one["value"]))}'
        f"{f'<p>{escape(_value_name(one))}</p>' if len(figure['values']) > 1 else ''}</div>"
        for one in figure["values"]
    )


# --- charts ----------------------------------------------------------------------------------------------------------


def _plot_width(figure: Figure) -> float:
    return (PAGE + GAP) * figure["width"] / COLUMNS - GAP - EDGES


def _plots(figure: Figure, draw: t.Callable[[float], str]) -> str:
    """The drawing; a wide one once more for narrow screens, on which its texts would be too small."""
    if not plots.AVAILABLE:
        return ""
    width = _plot_width(figure)
    if width <= NARROW * 1.3:
        return f'<div class="plot">{printable(draw(width))}</div>'
    both = (("on-wide", width), ("on-narrow", NARROW))
    return "".join(f'<div class="plot {where}">{printable(draw(size))}</div>' for where, size in both)


def _over_time(figure: Figure, zone: Zone) -> str:
    height = HEIGHTS[figure["height"]]
    drawing = _plots(figure, lambda width: over_time.svg(figure, over_time.Canvas(width, height, zone)))
    shown = over_time.shown(figure)
    if figure["show"] in ("heatmap", "states"):
        return drawing + _scale(figure) + _left_out(figure, over_time.MOST_ROWS)
    if len(shown) == 1 and shown[0]["name"] == figure["title"]:
        return f'{drawing}<p class="small">{escape(_summed_up(figure, shown[0]["points"]))}</p>'
    lines = "".join(
        _legend_line(plots.colour(figure, number, one["name"]), one["name"], _summed_up(figure, one["points"]))
        for number, one in enumerate(shown)
    )
    left_out = "" if over_time.is_stacked(figure) else _left_out(figure, plots.COLOURS)
    kind = "legend" if figure["additive"] else "legend long"
    return f'{drawing}<ul class="{kind}">{lines}</ul>{left_out}'


def _summed_up(figure: Figure, points: t.Sequence[t.Sequence[float]]) -> str:
    values = [value for _at, value in points]
    unit, decimals = figure["unit"], figure["decimals"]
    if figure["additive"]:
        return quantity(sum(values), unit, decimals)
    mean, highest = quantity(sum(values) / len(values), unit, decimals), quantity(max(values), unit, decimals)
    return f"mean {mean}, highest {highest}"


def _left_out(figure: Figure, most: int) -> str:
    more = len(figure["series"]) - most
    return f'<p class="small">The highest {most} of {len(figure["series"])}.</p>' if more > 0 else ""


def _scale(figure: Figure) -> str:
    """What the colours of cells mean."""
    unit, decimals = figure["unit"], figure["decimals"]
    if figure["thresholds"]:
        lines = "".join(
            _legend_line(plots.css(word), f"from {quantity(least, unit, decimals)}" if least else "all below", "")
            for word, least in figure["thresholds"]
            if word != "transparent"
        )
        return f'<ul class="legend in-line">{lines}</ul>'
    if figure["show"] == "states":
        return ""
    highest = max(value for one in figure["series"] for _at, value in one["points"])
    word = "scale wrong" if figure["wrong"] else "scale"
    ends = [escape(quantity(value, unit, decimals)) for value in (0, highest)]
    return f'<p class="{word}"><span>{ends[0]}</span><i></i><span>{ends[1]}</span></p>'


def _legend_line(colour: str, name: str, number: str, share: str = "") -> str:
    beside = f'<span class="share">{escape(share)}</span>' if share else ""
    return (
        f'<li><span class="swatch" style="background: {colour}"></span>{_text(name, "name")}'
        f'<span class="number">{escape(number)}</span>{beside}</li>'
    )


def _pie(figure: Figure, _zone: Zone) -> str:
    values = at_once.folded(figure["values"])
    total = sum(one["value"] for one in values)
    lines = "".join(
        _legend_line(
            plots.colour(figure, number, one["name"]),
            one["name"],
            cell(one["value"], figure["unit"], figure["decimals"]),
            f"{100 * one['value'] / total:.1f} %",
        )
        for number, one in enumerate(values)
    )
    drawing = f'<div class="plot">{printable(at_once.pie(figure))}</div>' if plots.AVAILABLE else ""
    return f'<div class="beside">{drawing}<ul class="legend">{lines}</ul></div>'


def _flow(figure: Figure, _zone: Zone) -> str:
    """A drawing, and a list where the screen is too narrow for it."""
    edges = figure["edges"][: flows.MOST_EDGES]
    full = max(edge["value"] for edge in edges)
    lines = "".join(
        _bar_line(
            f"{edge['source']} → {edge['target']}",
            f'<i style="width: {100 * edge["value"] / full:.2f}%; background: var(--series-1)"></i>',
            quantity(edge["value"], figure["unit"], figure["decimals"]),
        )
        for edge in edges
    )
    if not plots.AVAILABLE:
        return f'<ul class="across">{lines}</ul>'
    drawing = printable(flows.svg(figure, _plot_width(figure), FLOW[figure["height"]]))
    return f'<div class="plot on-wide">{drawing}</div><ul class="across on-narrow">{lines}</ul>'


# --- bars across the panel -------------------------------------------------------------------------------------------


def _bar_chart(figure: Figure, _zone: Zone) -> str:
    """A bar for each group, stacked where a group has several names."""
    groups: dict[str, list[Figure]] = {}
    for one in figure["values"]:
        groups.setdefault(one["group"], []).append(one)
    names = list(dict.fromkeys(one["name"] for one in figure["values"]))
    totals = {name: sum(one["value"] for one in figure["values"] if one["name"] == name) for name in names}
    names.sort(key=lambda name: -totals[name])
    places = {name: min(place, plots.COLOURS - 1) for place, name in enumerate(names)}
    full = max(sum(one["value"] for one in ones) for ones in groups.values()) or 1.0

    def colour(one: Figure) -> str:
        return plots.colour(figure, places[one["name"]], one["name"] if len(names) > 1 else one["group"])

    lines = []
    for group, ones in groups.items():
        pieces = "".join(
            f'<i style="width: {100 * max(one["value"], 0.0) / full:.2f}%; background: {colour(one)}"'
            f' title="{escape(_value_name(one))}: {escape(quantity(one["value"], figure["unit"]))}"></i>'
            for one in sorted(ones, key=lambda one: places[one["name"]])
        )
        lines.append(
            _bar_line(group, pieces, quantity(sum(one["value"] for one in ones), figure["unit"], figure["decimals"]))
        )
    legend = ""
    if len(names) > 1:
        entries = "".join(
            _legend_line(colour({"group": "", "name": name}), name, quantity(totals[name], figure["unit"]))
            for name in names
        )
        legend = f'<ul class="legend">{entries}</ul>'
    return f'<ul class="across">{"".join(lines)}</ul>{legend}'


def _bar_gauge(figure: Figure, _zone: Zone) -> str:
    highest = max((one["value"] for one in figure["values"]), default=0.0)
    full = 1.0 if figure["unit"] == "share" else highest or 1.0
    lines = []
    for one in figure["values"]:
        word = plots.threshold_colour(one["value"], figure["thresholds"])
        width = 100 * min(max(one["value"] / full, 0.0), 1.0)
        piece = f'<i style="width: {width:.2f}%; background: {plots.css(word or "series-1")}"></i>'
        lines.append(_bar_line(_value_name(one), piece, quantity(one["value"], figure["unit"], figure["decimals"])))
    return f'<ul class="across tracks">{"".join(lines)}</ul>'


def _bar_line(name: str, pieces: str, number: str) -> str:
    return (
        f'<li>{_text(name, "name")}<span class="bar">{pieces}</span><span class="number">{escape(number)}</span></li>'
    )


# --- tables ----------------------------------------------------------------------------------------------------------


def _table(figure: Figure, zone: Zone) -> str:
    columns, rows = figure["columns"], figure["rows"]
    shown = rows[: _most_rows(figure)]
    numeric = [_is_numeric(column, [row[place] for row in rows]) for place, column in enumerate(columns)]
    head = "".join(
        f'<th scope="col"{" class=number" if number else ""}>{escape(column["title"])}</th>'
        for column, number in zip(columns, numeric, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(*told, zone) for told in zip(columns, row, numeric, strict=True)) + "</tr>"
        for row in shown
    )
    note = ""
    if len(shown) < len(rows) or figure["more"]:
        known = f"more than {len(rows)}" if figure["more"] else str(len(rows))
        note = f'<p class="small">{len(shown)} of {known} rows; more of them are in report.json.</p>'
    table = f'<table class="data"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>{note}'


def _most_rows(figure: Figure) -> int:
    return ROWS[figure["height"]]


def _is_numeric(column: Figure, values: t.Sequence[t.Any]) -> bool:
    numbers = [value for value in values if isinstance(value, (int, float))]
    return bool(numbers) and column["unit"] != "time" and len(numbers) == len([x for x in values if x is not None])


def _cell(column: Figure, value: t.Any, number: bool, zone: Zone) -> str:
    if isinstance(value, (int, float)):
        colour = _colour(plots.threshold_colour(value, column["thresholds"]))
        kind = "number" if number else "moment"
        return f'<td class="{kind}"{colour}>{escape(cell(float(value), column["unit"], None, zone))}</td>'
    if value is None:
        return f"<td{' class=number' if number else ''}>{escape(cell(None))}</td>"
    text = str(value)
    said = plots.shortened(text, LETTERS)
    pieces = BREAKS.split(said)
    # A column is at least as wide as its longest piece, unless that is too long for any.
    longest = max(len(word) for piece in pieces for word in [*piece.split(), ""])
    kind = "whole" if plots.IDENTIFIER.fullmatch(text) else "long" if longest > PIECE else ""
    title = f' title="{escape(text)}"' if said != text else ""
    return f"<td{f' class={kind}' if kind else ''}{title}>{'<wbr>'.join(map(escape, pieces))}</td>"


def _text(text: str, kind: str = "", letters: int = 60) -> str:
    """A text that may be too long; all of it is in its title."""
    said = plots.shortened(text, letters)
    title = f' title="{escape(text)}"' if said != text else ""
    return f"<span{f' class={kind}' if kind else ''}{title}>{escape(said)}</span>"


def _written(figure: Figure, _zone: Zone) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in figure["text"].split("\n\n"))


BODIES: dict[str, t.Callable[[Figure, Zone], str]] = {
    "stat": _stat,
    "gauge": _gauge,
    "bars": _over_time,
    "lines": _over_time,
    "area": _over_time,
    "heatmap": _over_time,
    "states": _over_time,
    "pie": _pie,
    "bar chart": _bar_chart,
    "bar gauge": _bar_gauge,
    "flow": _flow,
    "table": _table,
    "rows": _table,
    "logs": _table,
    "text": _written,
}
