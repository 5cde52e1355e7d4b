# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the figures of a report: single numbers for its cards and series for its charts.

What a report shows is written in files/catalogue/report: ``total``, ``by`` and ``where`` name a metric of the
catalogue and its labels, ``ratio`` divides one such total by another.
"""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._measures import Stack
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading

INTERVALS = {"hour": 3600.0, "half hour": 1800.0, "day": 86400.0}
Part = t.Mapping[str, t.Any]


def cards(stack: Stack, wanted: t.Iterable[Part]) -> list[dict[str, t.Any]]:
    """Each wanted card with its ``value``; None where there is nothing to count."""
    return [{**_described(card), "value": _value(stack, card)} for card in wanted]


def charts(stack: Stack, wanted: t.Iterable[Part]) -> list[dict[str, t.Any]]:
    """Each wanted chart with its ``series``: name and points of (start of the interval in unix time, value)."""
    return [_chart(stack, chart) for chart in wanted]


def _value(stack: Stack, card: Part) -> float | None:
    if "ratio" not in card:
        return _number(stack, card)
    below = _number(stack, card["ratio"]["to"])
    if not below:
        return None
    return (_number(stack, card["ratio"]["of"]) or 0.0) / below


def _number(stack: Stack, part: Part) -> float | None:
    samples = stack.prometheus.query(_query(stack, part, stack.window), stack.now)
    return sum(sample.value for sample in samples) if samples else None


def _chart(stack: Stack, chart: Part) -> dict[str, t.Any]:
    each = chart.get("each", "hour")
    if each not in INTERVALS:
        raise CatalogueError(f"The chart {chart.get('id')!r} has each: {each!r}. Use one of: {', '.join(INTERVALS)}.")
    step = INTERVALS[each]
    # Windows that end now and do not overlap, so that the bars add up to the number on the card.
    first = stack.now - stack.window_s + step
    series = []
    for part in chart.get("series", [chart]):
        for found in stack.prometheus.query_range(_query(stack, part, f"{step:g}s"), first, stack.now, step):
            points = [(at - step, value) for at, value in found.points if value]
            if points:
                series.append(
                    {"name": part.get("name") or found.labels.get(part.get("by", ""), "") or "none", "points": points}
                )
    series.sort(key=lambda one: -sum(value for _at, value in one["points"]))
    return {
        **_described(chart),
        "kind": chart.get("show", "bars"),
        "start": first - step,
        "end": stack.now,
        "step": step,
        "series": series,
    }


def _query(stack: Stack, part: Part, window: str) -> str:
    by = (part["by"],) if part.get("by") else ()
    return Reading(stack.catalogue, window, stack.delivery).total(part["total"], by, part.get("where"))


def _described(part: Part) -> dict[str, t.Any]:
    return {key: part.get(key, "") for key in ("id", "title", "unit", "about", "empty")}
