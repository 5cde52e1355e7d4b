# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the stores what a panel of a rendered dashboard asks, with its variables put in as Grafana puts them in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._queries import (
    INSTANT,
    LOKI,
    PROMETHEUS,
    RANGE,
    ROWS,
    Query,
)
from support.stack import Stack, catalogue
from truth.expressions import seconds

# What Grafana makes of an interval in seconds: the first below whose bound it lies.
ROUNDED = (
    (0.75, 0.5), (1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120),
    (450, 300), (750, 600), (1050, 900), (1500, 1200), (2700, 1800), (5400, 3600), (9000, 7200), (16200, 10800),
    (32400, 21600), (86400, 43200), (604800, 86400), (1814400, 604800), (3628800, 2592000),
)  # fmt: skip
UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
VARIABLE = re.compile(r"\$([A-Za-z_]\w*)|\$\{(\w+)(?::(\w+))?\}")

RECORDED = re.compile(r"claude_code:(\w+):(\w+)\{((?:[^{}]|\$\{[^{}]*\})*)\}\[([^\]]+)\]")

Row = tuple[int, dict[str, str], str]
Labels = dict[str, str]
Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What a panel of a rendered dashboard asks: its queries, the shortest interval and the points of its chart."""

    queries: tuple[Query, ...]
    shortest: float
    points: int

    def interval(self, range_s: float) -> int:
        """The seconds between the points of the chart, which is $__interval too."""
        wanted = range_s / self.points
        return int(max(self.shortest, next(step for bound, step in ROUNDED if wanted < bound)))


def rendered(dashboard: Json) -> dict[int, Asked]:
    """What the panels of a dashboard ask, by their numbers; panels of collapsed rows included."""
    panels = [inner for outer in dashboard["panels"] for inner in (outer, *outer.get("panels", ()))]
    return {
        panel["id"]: Asked(
            tuple(_query(target) for target in panel.get("targets", ())),
            seconds(panel.get("interval", "15s")),
            panel.get("maxDataPoints", 1000),
        )
        for panel in panels
        if panel["type"] != "row"
    }


def _query(target: Json) -> Query:
    source = target["datasource"]["type"]
    if source == LOKI:
        kind = {"range": ROWS, "instant": INSTANT}[target["queryType"]]
    else:
        # Both at once would be two answers to one question.
        kind = {(True, False): INSTANT, (False, True): RANGE}[target["instant"], target["range"]]
    return Query(target["refId"], source, kind, target["expr"], limit=target.get("maxLines", 0))


@dataclass(frozen=True)
class Grafana:
    """A dashboard that shows ``range`` seconds up to ``end``; ``chosen`` maps variables to values, none meaning all.

    Only what the clients with the resource attribute ``mark`` sent is looked at, since others use the same stack;
    without it all is, which is for what programs say of themselves.
    """

    stack: Stack
    end: float
    range: int
    mark: tuple[str, str] | None
    variables: Sequence[Json] = ()
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def text(self, query: Query, interval: int = 60) -> str:
        """The query as it is sent."""
        text = _marked(query, *self.mark) if self.mark else query.text
        escape = _prometheus_values if query.source == PROMETHEUS else _loki_values
        built_in = {"__range": f"{self.range}s", "__range_s": str(self.range), "__interval": duration(interval)}
        variables = {one["name"]: one for one in self.variables if one["type"] != "datasource"}

        def value(found: re.Match[str]) -> str:
            name, braced, how = found.groups()
            if how not in (None, "pipe"):
                raise ValueError(f"What ${{{braced}:{how}}} becomes is not written down in {__name__}.")
            known = name or braced
            return built_in.get(known) or self._inserted(variables[known], escape if not how else "|".join)

        return VARIABLE.sub(value, text)

    def _inserted(self, variable: Json, escape: Callable[[Sequence[str]], str]) -> str:
        if variable["type"] == "textbox":
            return variable["query"]
        values = self.chosen.get(variable["name"])
        if values or "allValue" in variable:
            return escape(values) if values else variable["allValue"]
        return escape(self._results(variable))

    def _results(self, variable: Json) -> list[str]:
        """The values of a variable that a query's answer has: a part of the text that Grafana makes of each series."""
        found = re.fullmatch(r"query_result\((.+)\)", variable["query"]["query"])
        assert found, f"{variable['name']} asks for something else than the result of a query"
        texts = []
        for labels, value in self.at_end(Query("A", PROMETHEUS, INSTANT, found[1])):
            inner = ",".join(f'{name}="{one}"' for name, one in labels.items())
            texts.append(f"{{{inner}}} {value:g} {self.end * 1000:.0f}")
        cuts = [re.search(variable["regex"].strip("/"), text) for text in texts]
        return list(dict.fromkeys(cut[1] for cut in cuts if cut))

    def at_end(self, query: Query) -> list[tuple[Labels, float]]:
        """Labels and value of each series."""
        assert query.kind == INSTANT
        ask = self.stack.promql if query.source == PROMETHEUS else self.stack.logql
        return ask(self.text(query), self.end)

    def over_time(self, query: Query, step: int) -> list[tuple[Labels, dict[float, float]]]:
        """Labels and values by time of each series, at the multiples of the interval."""
        assert (query.kind, query.source) == (RANGE, PROMETHEUS)
        first, last = ((self.end - self.range) // step * step, self.end // step * step)
        return self.stack.promql_range(self.text(query, step), first, last, step)

    def rows(self, query: Query) -> list[Row]:
        """Time, labels and text of the newest lines."""
        return self.stack.newest_rows(self.text(query), self.end - self.range, self.end, query.limit)

    def offered(self, variable: Json) -> set[str]:
        """The values that a variable offers to choose from."""
        found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
        assert found, f"{variable['name']} asks for something else than values of a label"
        # Records have the labels of what they record.
        recorded = re.sub(r"claude_code:(\w+):\w+", lambda one: catalogue().metric(one[1]).prometheus, found.group(1))
        selector = self.text(Query("A", PROMETHEUS, INSTANT, recorded))
        values = self.stack.label_values(found.group(2), selector, self.end - self.range, self.end)
        if not variable["regex"]:
            return values
        return {cut.group(1) for value in values if (cut := re.search(variable["regex"].strip("/"), value))}


def duration(seconds: int) -> str:
    """As Grafana writes an interval: 5m, not 300s."""
    return next(f"{seconds // length}{unit}" for unit, length in UNITS if seconds % length == 0)


def _marked(query: Query, label: str, value: str) -> str:
    """The query about the marked clients alone."""
    wanted = f'{label}="{value}"'
    if query.source == PROMETHEUS:
        text = _as_recorded(query.text).replace('copy=""', f'copy="", {wanted}')
    else:
        text = re.sub(r'\{service_name=~"\.\+"[^{}]*\}', rf"\g<0> | {wanted}", query.text)
    if wanted not in text:
        raise ValueError(f"Nothing in the query can be marked: {query.text}")
    return text


def _as_recorded(text: str) -> str:
    """With what is recorded at the ends of windows put in place of the records: days need not pass for them.

    That the records are right is shown elsewhere. Before the last pass over a window there is nothing from it.
    """
    known = catalogue()

    def record(found: re.Match[str]) -> str:
        name, rollup, matchers, window = found.groups()
        metric, recorded = known.metric(name), known.rollups[rollup]
        summed = f'sum_over_time({metric.prometheus}{{copy="", {matchers}}}[{recorded.window}])'
        return f"(sum without ({', '.join(recorded.without)}) ({summed}))[{window}:{recorded.window}]"

    return RECORDED.sub(record, text)


def _prometheus_values(values: Sequence[str]) -> str:
    escaped = [re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", r"\\\\")) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _loki_values(values: Sequence[str]) -> str:
    return "|".join(re.sub(r"[$^*{}\[\]+?.()|]", r"\\\\\g<0>", value.replace("\\", r"\\\\")) for value in values)
