# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The true numbers: every metric of the catalogue, computed from recordings in plain Python.

It knows neither PromQL nor the collector. It knows what the catalogue says a metric is, what the client sends, and
which attributes the collector makes out of others before it drops them.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._captures import (
    Capture,
    Record,
    increments,
    records,
)
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, Derived, Metric

# Names that the collector takes out of tool_parameters, which it drops itself.
KEPT_OF_PARAMETERS = ("subagent_type", "skill_name")
Totals = dict[tuple[str, ...], float]
# What a label must be: a value, one of several, or {"not": value or values}; "" stands for none.
Wanted = str | Sequence[str] | Mapping[str, str | Sequence[str]]
Where = Mapping[str, Wanted]


@dataclass(frozen=True)
class Amount:
    """What one point or one event adds to a metric."""

    labels: Mapping[str, str]
    value: float
    time_ns: int

    def matches(self, where: Where) -> bool:
        return all(_is(self.labels.get(label, ""), wanted) for label, wanted in where.items())


class Truth:
    """The numbers of some recordings; what was exported twice counts once."""

    def __init__(self, catalogue: Catalogue, captures: Iterable[Capture]) -> None:
        self.catalogue = catalogue
        captures = list(captures)
        self.events = [_prepared(record) for record in _once(captures)]
        self._by_name = {metric.otel: metric.name for metric in catalogue.metrics.values() if not metric.derived}
        self._amounts: dict[str, list[Amount]] = {name: [] for name in catalogue.metrics}
        for capture in captures:
            for point in increments(capture):
                if point.metric in self._by_name:
                    given = {**_promoted(catalogue, point.resource), **_named(point.attributes, point.resource)}
                    amount = Amount(_labels(given), float(point.value), point.time_ns)
                    self._amounts[self._by_name[point.metric]].append(amount)
        for metric in catalogue.metrics.values():
            if metric.derived:
                self._amounts[metric.name] = list(self._derived(metric, metric.derived))

    def amounts(
        self, name: str, where: Where | None = None, between: tuple[float, float] | None = None
    ) -> list[Amount]:
        """What adds to the metric; ``between`` are unix seconds, the first excluded and the last included."""
        self.catalogue.metric(name)
        found = [amount for amount in self._amounts[name] if amount.matches(where or {})]
        if between:
            first, last = (seconds * 1e9 for seconds in between)
            found = [amount for amount in found if first < amount.time_ns <= last]
        return found

    def total(self, name: str, by: Sequence[str] = (), where: Where | None = None, **window: Any) -> Totals:
        """A sum's value, or a histogram's number of observations, for each combination of the labels ``by``."""
        counts = self.catalogue.metric(name).kind == "histogram"
        amounts = self.amounts(name, where, **window)
        return _summed(by, ((amount.labels, 1.0 if counts else amount.value) for amount in amounts))

    def observed(self, name: str, by: Sequence[str] = (), where: Where | None = None, **window: Any) -> Totals:
        """The sum of what a histogram observed."""
        return _summed(by, ((amount.labels, amount.value) for amount in self.amounts(name, where, **window)))

    def quantile(
        self, name: str, share: float, by: Sequence[str] = (), where: Where | None = None
    ) -> dict[tuple[str, ...], tuple[float, float]]:
        """The lowest and the highest value that is a ``share`` quantile: two where it lies between observations."""
        groups: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for amount in self.amounts(name, where):
            groups[_key(by, amount.labels)].append(amount.value)
        return {key: _quantile(sorted(values), share) for key, values in groups.items()}

    def rows(self, by: Sequence[str] = ("event_name",), where: Where | None = None) -> Totals:
        """The number of events."""
        found = (Amount(_labels(event.attributes), 1.0, event.time_ns) for event in self.events)
        return _summed(by, ((amount.labels, 1.0) for amount in found if amount.matches(where or {})))

    def from_events(self, name: str, by: Sequence[str] = ()) -> Totals:
        """The second way to one of the client's own counters: the sum over events that the catalogue names."""
        second = self.catalogue.metric(name).events
        assert second, f"the metric {name} has no second way"
        parts = []
        for event in self.events:
            if event.event == second.event:
                for value, attribute in second.fields.items():
                    labels = _labels(event.attributes) | ({second.by: value} if second.by else {})
                    parts.append((labels, _number(event.attributes.get(attribute)) or 0.0))
        return _summed(by, parts)

    def empty(self) -> list[str]:
        """The metrics of the catalogue that no recording has anything of."""
        return sorted(name for name, amounts in self._amounts.items() if not amounts)

    def _derived(self, metric: Metric, derived: Derived) -> Iterable[Amount]:
        shared = (*self.catalogue.standard_labels, *self.catalogue.resource_labels)
        for event in self.events:
            given = {**_promoted(self.catalogue, event.resource), **event.attributes}
            if event.event != derived.event:
                continue
            if not all(given.get(attribute) in values for attribute, values in derived.where):
                continue
            value = 1.0 if derived.value is None else _number(given.get(derived.value))
            if value is None:
                continue
            kept = {label.otel: given.get(label.otel, label.default) for label in (*metric.labels, *shared)}
            yield Amount(_labels(kept), value * derived.scale if derived.value else value, event.time_ns)


def _is(value: str, wanted: Wanted) -> bool:
    if isinstance(wanted, Mapping):
        return not _is(value, wanted["not"])
    return value in ((wanted,) if isinstance(wanted, str) else wanted)


def _once(captures: Iterable[Capture]) -> Iterable[Record]:
    seen = set()
    for capture in captures:
        for request in capture.requests:
            for record in records(request.body):
                identity = json.dumps([record.time_ns, record.body, record.attributes, record.resource], sort_keys=True)
                if identity not in seen:
                    seen.add(identity)
                    yield record


def _prepared(record: Record) -> Record:
    attributes = dict(record.attributes)
    try:
        parameters = json.loads(attributes.pop("tool_parameters", "{}"))
    except ValueError:
        parameters = {}
    attributes |= {name: parameters[name] for name in KEPT_OF_PARAMETERS if name in parameters}
    return replace(record, attributes=_named(attributes, record.resource))


def _named(attributes: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, Any]:
    """With the name that the collector gives a user who sends none, where addresses are kept."""
    names = (
        attributes.get("user.name"),
        resource.get("user.name"),
        attributes.get("user.email"),
        attributes.get("user.id"),
    )
    return {**attributes, "user.name": next((name for name in names if name), None)}


def _promoted(catalogue: Catalogue, resource: Mapping[str, Any]) -> dict[str, Any]:
    """What an administrator put on the resource stands in for what a point or an event lacks."""
    wanted = {label.otel for label in catalogue.resource_labels}
    return {name: value for name, value in resource.items() if name in wanted}


def _labels(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {name.replace(".", "_"): label_text(value) for name, value in attributes.items() if value is not None}


def label_text(value: Any) -> str:
    """A value as the stores keep it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _quantile(ordered: list[float], share: float) -> tuple[float, float]:
    rank = share * len(ordered)
    low, high = math.ceil(rank - 1e-9), math.floor(rank + 1e-9) + 1
    return ordered[max(low, 1) - 1], ordered[min(high, len(ordered)) - 1]


def _key(by: Sequence[str], labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(label, "") for label in by)


def _summed(by: Sequence[str], parts: Iterable[tuple[Mapping[str, str], float]]) -> Totals:
    groups: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for labels, value in parts:
        groups[_key(by, labels)].append(value)
    return {key: math.fsum(values) for key, values in groups.items()}
