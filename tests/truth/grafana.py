# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the stores what a panel asks, with a dashboard's variables put in as Grafana puts them in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._queries import (
    INSTANT,
    PROMETHEUS,
    RANGE,
    Query,
)
from support.stack import Stack

# How wide a chart is: its interval is the range divided by this, rounded up to what people count in.
POINTS = 300
INTERVALS = (60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)
UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
# All of a variable that has this as its own value for all.
ALL = ".*"
VARIABLE = re.compile(r"\$([A-Za-z_]\w*)|\$\{(\w+)(?::(\w+))?\}")

Row = tuple[int, dict[str, str], str]
Labels = dict[str, str]


@dataclass(frozen=True)
class Grafana:
    """A dashboard that shows ``range`` seconds up to ``end``; ``chosen`` maps variables to values, none meaning all.

    Only what the clients with the resource attribute ``mark`` sent is looked at: others use the same stack.
    """

    stack: Stack
    end: float
    range: int
    mark: tuple[str, str]
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)

    def interval(self, shortest: int) -> int:
        """The seconds between the points of a chart."""
        return max(shortest, next(step for step in INTERVALS if step >= self.range / POINTS))

    def text(self, query: Query, shortest: int = 60) -> str:
        """The query as it is sent."""
        text = _marked(query, *self.mark)
        escape = _prometheus_values if query.source == PROMETHEUS else _loki_values
        known: dict[str, str] = {
            **{name: escape(values) if values else ALL for name, values in self.chosen.items()},
            **{name: f"{value:g}" for name, value in self.settings.items()},
            "__range": f"{self.range}s",
            "__range_s": str(self.range),
            "__interval": duration(self.interval(shortest)),
        }

        def value(found: re.Match[str]) -> str:
            name, braced, how = found.groups()
            if how:
                raise ValueError(f"What ${{{braced}:{how}}} becomes is not written down in {__name__}.")
            return known[name or braced]

        return VARIABLE.sub(value, text)

    def at_end(self, query: Query) -> list[tuple[Labels, float]]:
        """Labels and value of each series."""
        assert query.kind == INSTANT
        ask = self.stack.promql if query.source == PROMETHEUS else self.stack.logql
        return ask(self.text(query), self.end)

    def over_time(self, query: Query, shortest: int) -> list[tuple[Labels, dict[float, float]]]:
        """Labels and values by time of each series, at the multiples of the interval."""
        assert (query.kind, query.source) == (RANGE, PROMETHEUS)
        step = self.interval(shortest)
        first, last = ((self.end - self.range) // step * step, self.end // step * step)
        return self.stack.promql_range(self.text(query, shortest), first, last, step)

    def rows(self, query: Query) -> list[Row]:
        """Time, labels and text of the newest lines."""
        return self.stack.newest_rows(self.text(query), self.end - self.range, self.end, query.limit)


def duration(seconds: int) -> str:
    """As Grafana writes an interval: 5m, not 300s."""
    return next(f"{seconds // length}{unit}" for unit, length in UNITS if seconds % length == 0)


def _marked(query: Query, label: str, value: str) -> str:
    """The query about the marked clients alone."""
    wanted = f'{label}="{value}"'
    if query.source == PROMETHEUS:
        text = query.text.replace('copy=""', f'copy="", {wanted}')
    else:
        text = re.sub(r'\{service_name=~"\.\+"[^{}]*\}', rf"\g<0> | {wanted}", query.text)
    if wanted not in text:
        raise ValueError(f"Nothing in the query can be marked: {query.text}")
    return text


def _prometheus_values(values: Sequence[str]) -> str:
    escaped = [re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", r"\\\\")) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _loki_values(values: Sequence[str]) -> str:
    return "|".join(re.sub(r"[$^*{}\[\]+?.()|]", r"\\\\\g<0>", value.replace("\\", r"\\\\")) for value in values)


def settings_of(dashboard: Any) -> dict[str, float]:
    """The numbers that stand in a dashboard's fields at first."""
    return {setting.name: setting.value for setting in dashboard.settings}
