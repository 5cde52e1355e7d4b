# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the panels of a dashboard show, by the very queries that Grafana asks.

A figure is a panel's description with its data, in plain lists and mappings that can be written as JSON:

- over time: ``series`` of a name and points of (end of the interval, value), with ``start``, ``end`` and ``step``;
- at once: ``values`` with a group, a name within it and a value;
- tables: ``columns`` and ``rows``, ``more`` where there are further rows;
- flows: ``edges`` with source, target and value.

A panel that cannot be read has an ``error`` and no data; the others are read all the same.
"""

from __future__ import annotations

import contextlib
import math
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._expectations import seconds
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_fields import (
    MEANINGS,
    is_additive,
    is_stacked,
    is_wrong,
)
from ansible_collections.observability.claude_code.plugins.module_utils._layout import arrange
from ansible_collections.observability.claude_code.plugins.module_utils._measures import Stack
from ansible_collections.observability.claude_code.plugins.module_utils._panels import (
    OVER_TIME,
    TIME,
    Column,
    Dashboard,
    Panel,
    Series,
)
from ansible_collections.observability.claude_code.plugins.module_utils._queries import (
    LOKI,
    RANGE,
    ROWS,
    Query,
    queries,
    shortlisted,
    with_values,
)
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Sample, ServerError
from ansible_collections.observability.claude_code.plugins.module_utils._words import panel_in_words, span_in_words

# Servers of a laptop answer a few questions at once.
AT_ONCE = 4
# Steps that people know, in seconds, and how many of them a chart has at most.
STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 28800, 43200, 86400, 172800, 604800)
MOST_STEPS = {"heatmap": 24}
STEPS_OF_A_CHART = 48
# How much of a long answer is kept.
MOST_SERIES, MOST_ROWS, MOST_LINES = 50, 100, 50
Figure = dict[str, t.Any]

Answers = t.Sequence[tuple[Query, t.Any]]


@dataclass(frozen=True)
class Span:
    """The moments of a chart: ``step`` apart, each standing for the interval that ends there."""

    start: float
    end: float
    step: float

    @property
    def first(self) -> float:
        return self.start + self.step

    def moments(self) -> list[float]:
        return [self.first + number * self.step for number in range(round((self.end - self.start) / self.step))]


def dashboard_figures(stack: Stack, dashboard: Dashboard) -> Figure:
    """All panels of a dashboard with what they show over the stack's range."""
    jobs = [(panel, query) for panel in dashboard.panels() for query in _queries(stack, dashboard, panel)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda job: _answer(stack, *job), jobs))
    by_panel: dict[str, list[tuple[Query, t.Any]]] = {}
    for (panel, query), answer in zip(jobs, answers):
        by_panel.setdefault(panel.id, []).append((query, answer))
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "start": stack.start,
        "end": stack.now,
        "rows": [
            {
                "title": row.title,
                "spec": row.spec,
                "panels": [
                    {**_figure(stack, panel, by_panel.get(panel.id, [])), "width": place.w} for panel, place in panels
                ],
            }
            for row, panels in ((placed.row, placed.panels) for placed in arrange(dashboard.rows))
        ],
    }


def errors(figures: Figure) -> list[str]:
    """The title and the error of each panel that could not be read."""
    panels = [panel for row in figures["rows"] for panel in row["panels"]]
    return [f"{panel['title']}: {panel['error']}" for panel in panels if panel["error"]]


def span(stack: Stack, panel: Panel) -> Span:
    """Steps that fill the range without a rest, so that the bars of a chart add up to the number of the range."""
    most = MOST_STEPS.get(panel.show, STEPS_OF_A_CHART)
    shortest = min(seconds(panel.each), stack.window_s)
    for step in STEPS:
        if step >= shortest and step * most >= stack.window_s and stack.window_s % step == 0:
            return Span(stack.start, stack.now, float(step))
    step = max(shortest, stack.window_s // most)
    return Span(stack.now - stack.window_s // step * step, stack.now, step)


def _queries(stack: Stack, dashboard: Dashboard, panel: Panel) -> list[Query]:
    step = span(stack, panel).step
    asking = with_values(dashboard, stack.catalogue, stack.window_s, step, stack.delivery)
    # Where the shortlist cannot be had its panel asks without it, and says what is wrong.
    with contextlib.suppress(ServerError):
        asking = shortlisted(panel, asking, lambda first: [one.labels for one in _series(stack, first)])
    return queries(panel, asking)


def _series(stack: Stack, query: Query) -> list[Sample]:
    return stack.prometheus.query(query.text, stack.now)


def _answer(stack: Stack, panel: Panel, query: Query) -> t.Any:
    try:
        if query.kind == ROWS:
            return stack.loki.entries(query.text, stack.start, stack.now, min(query.limit or MOST_LINES, MOST_LINES))
        if query.source == LOKI:
            return [one for one in stack.loki.query(query.text, stack.now) if math.isfinite(one.value)]
        if query.kind == RANGE:
            times = span(stack, panel)
            return stack.prometheus.query_range(query.text, times.first, times.end, times.step)
        return [one for one in stack.prometheus.query(query.text, stack.now) if math.isfinite(one.value)]
    except ServerError as error:
        return error


def _figure(stack: Stack, panel: Panel, answers: Answers) -> Figure:
    figure = {
        **_described(stack, panel),
        "error": next((str(answer) for _query, answer in answers if isinstance(answer, ServerError)), ""),
    }
    if figure["error"]:
        return figure
    if panel.show in OVER_TIME:
        return {**figure, **_over_time(panel, answers, span(stack, panel))}
    if panel.show == "flow":
        return {**figure, "edges": _edges(answers)}
    if panel.columns:
        return {**figure, **_table(panel, answers)}
    return {**figure, "values": _values(panel, answers)} if answers else figure


def _described(stack: Stack, panel: Panel) -> Figure:
    """What the catalogue says of a panel, in words and with colours by the names of series."""
    values = [one.value for one in panel.series]
    additive = all(map(is_additive, values))
    described = ("id", "title", "show", "height", "unit", "decimals", "empty", "about", "act", "text")
    return {
        **{key: getattr(panel, key) for key in described},
        "computed": [" — ".join(filter(None, pair)) for pair in panel_in_words(panel, stack.catalogue)],
        "span": span_in_words(panel),
        "thresholds": [list(threshold) for threshold in panel.thresholds],
        "colours": {**MEANINGS, **panel.colours},
        "wrong": bool(values) and all(map(is_wrong, values)),
        "additive": additive,
        "stacked": is_stacked(panel),
    }


# --- the data of each kind -----------------------------------------------------------------------------------------


def _over_time(panel: Panel, answers: Answers, times: Span) -> Figure:
    moments = times.moments()
    series = []
    for (query, found), one in zip(answers, panel.series):
        for each in found:
            values = {round((at - times.start) / times.step): value for at, value in each.points}
            points = [[at, values.get(number, 0.0 if one.counts else None)] for number, at in enumerate(moments, 1)]
            points = [[at, value] for at, value in points if value is not None and math.isfinite(value)]
            if any(value for _at, value in points) or (points and not one.counts):
                series.append({"name": _name(panel, query, each.labels) or panel.title, "points": points})
    if panel.by:
        series.sort(key=lambda one: -sum(value for _at, value in one["points"]))
    return {"series": series[:MOST_SERIES], "start": times.start, "end": times.end, "step": times.step}


def _values(panel: Panel, answers: Answers) -> list[Figure]:
    values = []
    for query, found in answers:
        for sample in found:
            several = query.name if len(answers) > 1 else ""
            told = [*_labels(panel, sample.labels), *filter(None, [several])] or [query.name]
            values.append({"group": told[0], "name": " · ".join(told[1:]), "value": sample.value})
    if panel.by:
        totals: dict[str, float] = {}
        for one in values:
            totals[one["group"]] = totals.get(one["group"], 0.0) + one["value"]
        values.sort(key=lambda one: (-totals[one["group"]], one["group"], -one["value"]))
    return values[:MOST_ROWS]


def _table(panel: Panel, answers: Answers) -> Figure:
    if panel.rows and panel.rows.by:
        rows = _groups(panel, answers, panel.rows.by[0])
    elif panel.rows:
        rows = [
            [_field(column, at, fields) for column in panel.columns]
            for _query, found in answers
            for at, fields in found
        ]
    else:
        rows = _by_labels(panel, answers)
    columns = [
        {"title": one.title, "unit": _unit(one), "thresholds": [list(each) for each in one.thresholds]}
        for one in panel.columns
    ]
    return {"columns": columns, "rows": rows[:MOST_ROWS], "more": max(0, len(rows) - MOST_ROWS)}


def _unit(column: Column) -> str:
    return TIME if column.field in (TIME, "first", "last") else column.unit


def _by_labels(panel: Panel, answers: Answers) -> list[list[t.Any]]:
    """A row for each combination of labels, highest first by the column that the panel is ranked by."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for query, samples in answers:
        for sample in samples:
            key = tuple(sample.labels.get(label, "") for label in panel.labels)
            found.setdefault(key, {})[query.name] = sample.value
    ranked = panel.ranked or (answers[0][0].name if answers else "")
    ordered = sorted(found.items(), key=lambda item: (-item[1].get(ranked, -math.inf), item[0]))
    return [
        [
            values.get(column.title, 0.0 if Series("", column.value).counts else None)
            if column.value
            else labels[panel.labels.index(column.label)] or _without(column.label)
            for column in panel.columns
        ]
        for labels, values in ordered
    ]


def _groups(panel: Panel, answers: Answers, name: str) -> list[list[t.Any]]:
    """A row for each group of log lines, the most frequent first; ``name`` is the field that they are grouped by."""
    found: dict[str, dict[str, float]] = {}
    for query, samples in answers:
        for sample in samples:
            found.setdefault(sample.labels.get(name, ""), {})[query.name] = sample.value
    rows = []
    for group, values in found.items():
        row: list[t.Any] = []
        for column in panel.columns:
            value = values.get(column.title)
            # Loki says in milliseconds when a line was written.
            row.append(
                (group or _without(name))
                if column.field == name
                else value / 1000
                if value and _unit(column) == TIME
                else value
            )
        rows.append(row)
    ranked = [column.title == panel.ranked if panel.ranked else column.field == "count" for column in panel.columns]
    counted = ranked.index(True) if True in ranked else 0
    return sorted(rows, key=lambda row: -row[counted] if isinstance(row[counted], float) else 0.0)


def _field(column: Column, at: float, fields: t.Mapping[str, str]) -> t.Any:
    if column.field == TIME:
        return at
    value = fields.get(column.field, "")
    if column.unit:
        # A text that says NaN or inf is a number to Python, but none that could be written or drawn.
        with contextlib.suppress(ValueError):
            number = float(value)
            if math.isfinite(number):
                return number
    return value or None


def _edges(answers: Answers) -> list[Figure]:
    edges = [
        {
            "source": sample.labels.get("source") or _without("source"),
            "target": sample.labels.get("target") or _without("target"),
            "value": sample.value,
        }
        for _query, found in answers
        for sample in found
    ]
    return sorted(edges, key=lambda edge: (-edge["value"], edge["source"], edge["target"]))[:MOST_ROWS]


def _name(panel: Panel, query: Query, labels: t.Mapping[str, str]) -> str:
    told = _labels(panel, labels)
    if not told or len(panel.series) > 1:
        told = [*told, *filter(None, [query.name])]
    return " · ".join(told)


def _labels(panel: Panel, labels: t.Mapping[str, str]) -> list[str]:
    return [labels.get(label) or _without(label) for label in panel.by]


def _without(label: str) -> str:
    return f"no {label.replace('_', ' ')}"
