# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings of values for a whole range: gauges and pies."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots as plots
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import parts, quantity

# A gauge is open at the bottom.
FROM, TO = -0.65 * math.pi, 0.65 * math.pi
GAUGE, PIE = 190, 180
Value = t.Mapping[str, t.Any]


def folded(values: t.Sequence[Value]) -> list[dict[str, t.Any]]:
    """The values of a pie with their names; the smallest are added up where there are more than colours."""
    kept = [{"name": " · ".join(filter(None, (one["group"], one["name"]))), "value": one["value"]} for one in values]
    kept = [one for one in kept if one["value"] > 0]
    if len(kept) <= plots.COLOURS:
        return kept
    rest = sum(one["value"] for one in kept[plots.COLOURS - 1 :])
    return [*kept[: plots.COLOURS - 1], {"name": plots.OTHERS, "value": rest}]


def full_scale(value: float, unit: str, thresholds: t.Sequence[t.Sequence[t.Any]]) -> float:
    """Where a gauge ends: at 100 %, or at a round number above the value and the last threshold."""
    if unit == "share":
        return 1.0
    last = max((least for _word, least in thresholds if least is not None), default=0.0)
    wanted = max(value, last * 1.25, 1e-9)
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(part * power for part in (1, 2, 4, 5, 8, 10) if part * power >= wanted * (1 - 1e-9))


def gauge(figure: plots.Figure, value: float) -> str:
    """An arc that is filled up to the value, within a thin one with the colours of the thresholds."""
    thresholds, unit = figure["thresholds"], figure["unit"]
    end = full_scale(value, unit, thresholds)

    def angle(at: float) -> float:
        return FROM + (TO - FROM) * min(max(at / end, 0.0), 1.0)

    word = plots.threshold_colour(value, thresholds)
    colour = plots.css(word or "series-1")
    said = quantity(value, unit, figure["decimals"])
    arcs = [
        {
            "from": FROM,
            "to": TO,
            "inner": 62,
            "outer": 80,
            "colour": "var(--track)",
            "label": f"up to {quantity(end, unit)}",
        },
        {"from": FROM, "to": angle(value), "inner": 62, "outer": 80, "colour": colour, "label": said},
    ]
    steps = [(word, 0.0 if least is None else least) for word, least in thresholds]
    for place, (word, least) in enumerate(steps):
        until = steps[place + 1][1] if place + 1 < len(steps) else end
        if least < end:
            label = f"{word} from {quantity(least, unit)}"
            arcs.append(
                {
                    "from": angle(least),
                    "to": angle(until),
                    "inner": 83,
                    "outer": 88,
                    "colour": plots.css(word),
                    "label": label,
                }
            )
    number, beside = parts(value, unit, figure["decimals"])
    texts = [
        {"type": "text", "text": number, "size": 30 if len(number) < 9 else 22, "dy": 0, "fill": colour},
        {"text": beside, "size": 13, "dy": 24, "fill": "var(--muted)"},
    ]
    marks: list[plots.Spec] = [_arcs(arcs, GAUGE / 2, 94)]
    marks += [_text(one["text"], GAUGE / 2, 94 + one["dy"], one["size"], one["fill"]) for one in texts]
    for at, text in (
        (FROM, quantity(0, unit, 0) if unit == "share" else "0"),
        (TO, quantity(end, unit, 0 if unit == "share" else None)),
    ):
        x, y = GAUGE / 2 + 71 * math.sin(at), 94 - 71 * math.cos(at)
        marks.append(_text(text, x, y + 17, 11, "var(--muted)"))
    return plots.draw(plots.vega(figure["title"], GAUGE, 156, marks))


def pie(figure: plots.Figure) -> str:
    """A ring with the sum in its middle."""
    values = folded(figure["values"])
    total = sum(one["value"] for one in values)
    arcs, at = [], 0.0
    for number, one in enumerate(values):
        until = at + 2 * math.pi * one["value"] / total
        label = f"{one['name']} · {quantity(one['value'], figure['unit'])} · {100 * one['value'] / total:.1f} %"
        colour = plots.colour(figure, number, one["name"])
        arcs.append({"from": at, "to": until, "inner": 52, "outer": 86, "colour": colour, "label": label})
        at = until
    number, beside = parts(total, figure["unit"], figure["decimals"])
    marks = [
        _arcs(arcs, PIE / 2, PIE / 2, "var(--surface)"),
        _text(number, PIE / 2, PIE / 2 + (0 if beside else 6), 20, "var(--text)"),
        _text(beside, PIE / 2, PIE / 2 + 18, 12, "var(--muted)"),
    ]
    return plots.draw(plots.vega(figure["title"], PIE, PIE, marks))


def _arcs(rows: list[dict[str, t.Any]], x: float, y: float, stroke: str = "") -> plots.Spec:
    edge = {"stroke": {"value": stroke}, "strokeWidth": {"value": 1.5}} if stroke else {}
    return plots.marks(
        "arc",
        rows,
        x={"value": x},
        y={"value": y},
        startAngle="from",
        endAngle="to",
        innerRadius="inner",
        outerRadius="outer",
        fill="colour",
        description="label",
        **edge,
    )


def _text(text: str, x: float, y: float, size: int, fill: str) -> plots.Spec:
    given = {
        "text": text,
        "x": round(x, 1),
        "y": round(y, 1),
        "fontSize": size,
        "fill": fill,
        "align": "center",
        "font": plots.FONT,
    }
    given |= {"fontWeight": 600} if size >= 20 else {}
    return {"type": "text", "encode": {"enter": {name: {"value": value} for name, value in given.items()}}}
