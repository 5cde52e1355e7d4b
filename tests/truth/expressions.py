# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an expression of the catalogue is worth, computed from raw telemetry in plain Python.

It knows the language of _expressions by its documentation alone: neither PromQL nor how queries are made of it.
"""

from __future__ import annotations

import bisect
import functools
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, Metric
from truth.interpreter import Amount, Truth

# A native histogram has 256 buckets for each doubling: a quantile is that exact.
BUCKET = 2 ** (1 / 256)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
Key = tuple[str, ...]


class NoTruthError(Exception):
    """Nobody has said how this is computed from raw telemetry."""


@dataclass(frozen=True)
class Span:
    """A number as far as it is known: a quantile lies between two observations, all else is exact."""

    low: float
    high: float

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def __mul__(self, factor: float) -> Span:
        low, high = sorted((self.low * factor, self.high * factor))
        return Span(low, high)

    def holds(self, number: float, tolerance: float) -> bool:
        slack = max(abs(self.low), abs(self.high)) * tolerance + 1e-9
        return self.low - slack <= number <= self.high + slack

    def __str__(self) -> str:
        return f"{self.low:.10g}" if self.low == self.high else f"between {self.low:.10g} and {self.high:.10g}"


def exactly(number: float) -> Span:
    return Span(number, number)


Values = dict[Key, Span]


@dataclass(frozen=True)
class View:
    """What somebody looks at: a window that ends at ``end`` (its begin excluded), within a dashboard's range.

    ``filters`` maps labels to the values that were chosen; a label that is not there is not filtered. With ``whole``
    seconds only the whole windows of that length count that end in the window, a minute's delay allowed.
    """

    end: float
    window: float
    range: float
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)
    whole: float = 0

    @property
    def between(self) -> tuple[float, float]:
        moments = self.end - self.window, self.end
        return tuple((moment + 60) // self.whole * self.whole for moment in moments) if self.whole else moments


class Numbers:
    """The values of expressions over some recordings."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.catalogue = truth.catalogue
        self._sorted: dict[object, tuple[list[int], list[Amount]]] = {}
        self._attributes: dict[str, set[str]] = {}
        # What the stack's own programs say of themselves, for who asks for it.
        self.own: Callable[[ex.Own, Sequence[str], float, float], Values] | None = None

    def amounts(self, name: str, where: ex.Where, view: View) -> list[Amount]:
        """What adds to the metric in the window, filtered by whatever of the filters the metric has a label for."""
        known = labels_of(self.catalogue, self.catalogue.metric(name))
        filters = {label: tuple(values) for label, values in view.filters.items() if label in known}
        identity = (name, repr(sorted(where.items())), repr(sorted(filters.items())))
        if identity not in self._sorted:
            kept = self.catalogue.metric(name).derived is not None
            # A client's counter that did not grow says nothing; a zero in an event does.
            found = [one for one in self.truth.amounts(name, where) if one.matches(filters) and (kept or one.value > 0)]
            found.sort(key=lambda one: one.time_ns)
            self._sorted[identity] = [one.time_ns for one in found], found
        times, found = self._sorted[identity]
        # The begin is excluded, the end included; milliseconds, since stores keep no more.
        first, last = (round(moment * 1000) * 1_000_000 + 999_999 for moment in view.between)
        return found[bisect.bisect_right(times, first) : bisect.bisect_right(times, last)]

    def attributes(self, event: str) -> set[str]:
        """What an event may have, as Loki names it: what all have, and what any of its kind was seen with."""
        if event not in self._attributes:
            shared = (*self.catalogue.standard_labels, *self.catalogue.resource_labels)
            seen = [name for one in self.truth.events if one.event == event for name in one.attributes]
            self._attributes[event] = {name.replace(".", "_") for name in (*seen, *(label.otel for label in shared))}
        return self._attributes[event]

    def filtered(self, node: ex.Expression, by: Sequence[str], view: View) -> Values:
        """The same through the filters of the view that mean something to every metric of the expression."""
        known = [labels_of(self.catalogue, self.catalogue.metric(name)) for name in node.names()]
        filters = {label: values for label, values in view.filters.items() if all(label in one for one in known)}
        return self.of(node, by, replace(view, filters=filters))

    @functools.singledispatchmethod
    def of(self, node: ex.Expression, by: Sequence[str], view: View) -> Values:
        """The value of an expression for each combination of the labels ``by``."""
        raise NoTruthError(f"Write in {__name__} what {type(node).__name__} is in terms of raw telemetry.")

    def scalar(self, node: ex.Expression, view: View) -> float:
        if isinstance(node, ex.Number):
            return node.value
        if isinstance(node, ex.Setting):
            return view.settings[node.name]
        if isinstance(node, ex.Days):
            return view.range / 86400
        raise NoTruthError(f"{type(node).__name__} is no number.")

    @of.register
    def _total(self, node: ex.Total, by: Sequence[str], view: View) -> Values:
        counts = self.catalogue.metric(node.metric).kind == "histogram"
        return _totals(self._groups(node, by, view), lambda one: 1.0 if counts else one.value)

    @of.register
    def _observed(self, node: ex.Observed, by: Sequence[str], view: View) -> Values:
        return _totals(self._groups(node, by, view), lambda one: one.value)

    @of.register
    def _quantile(self, node: ex.Quantile, by: Sequence[str], view: View) -> Values:
        found = {}
        for key, amounts in self._groups(node, by, view).items():
            low, high = quantile(sorted(one.value for one in amounts), node.share)
            found[key] = Span(low / BUCKET, high * BUCKET)
        return found

    @of.register
    def _distinct(self, node: ex.Distinct, by: Sequence[str], view: View) -> Values:
        values: dict[Key, set[str]] = defaultdict(set)
        for name in node.metrics:
            totals = self.of(ex.Total(name, node.where), (*by, node.label), view)
            for (*key, value), total in totals.items():
                if total.low > 0 and value:
                    values[tuple(key)].add(value)
        return {key: exactly(len(found)) for key, found in values.items()}

    @of.register
    def _first(self, node: ex.First, by: Sequence[str], view: View) -> Values:
        return {key: exactly(min(times)) for key, times in self._moments(node, by, view).items()}

    @of.register
    def _last(self, node: ex.Last, by: Sequence[str], view: View) -> Values:
        return {key: exactly(max(times)) for key, times in self._moments(node, by, view).items()}

    @of.register
    def _own(self, node: ex.Own, by: Sequence[str], view: View) -> Values:
        if not self.own:
            raise NoTruthError("Nobody knows here what the programs say of themselves.")
        return self.own(node, by, view.end, view.window)

    @of.register
    def _ratio(self, node: ex.Ratio, by: Sequence[str], view: View) -> Values:
        if isinstance(node.to, ex.SCALARS):
            divisor = self.scalar(node.to, view)
            return {key: value * (1 / divisor) for key, value in self.of(node.of, by, view).items()}
        found = {}
        above = {} if isinstance(node.of, ex.SCALARS) else self.of(node.of, by, view)
        for key, below in self.of(node.to, by, view).items():
            one = exactly(self.scalar(node.of, view)) if isinstance(node.of, ex.SCALARS) else above.get(key, exactly(0))
            if below.low > 0:
                found[key] = Span(one.low / below.high, one.high / below.low)
        return found

    @of.register
    def _sum(self, node: ex.Sum, by: Sequence[str], view: View) -> Values:
        found: Values = {}
        for term in node.terms:
            for key, value in self.of(term, by, view).items():
                found[key] = found.get(key, exactly(0)) + value
        return found

    @of.register
    def _scaled(self, node: ex.Scaled, by: Sequence[str], view: View) -> Values:
        factor = self.scalar(node.times, view)
        return {key: value * factor for key, value in self.of(node.of, by, view).items()}

    @of.register
    def _highest(self, node: ex.Highest, by: Sequence[str], view: View) -> Values:
        groups: dict[Key, list[Span]] = defaultdict(list)
        for key, value in self.of(node.of, (*by, *node.among), view).items():
            groups[key[: len(by)]].append(value)
        return {
            key: Span(max(one.low for one in values), max(one.high for one in values)) for key, values in groups.items()
        }

    @of.register
    def _share_of(self, node: ex.ShareOf, by: Sequence[str], view: View) -> Values:
        values = self.of(node.of, by, view)
        low, high = (math.fsum(getattr(one, end) for one in values.values()) for end in ("low", "high"))
        return {key: Span(one.low / high, one.high / low) for key, one in values.items()} if low > 0 else {}

    @of.register
    def _unless(self, node: ex.Unless, by: Sequence[str], view: View) -> Values:
        counted = self.of(node.counted, by, view)
        values = self.of(node.of, by, view)
        return {key: value for key, value in values.items() if counted.get(key, exactly(0)).low <= 0}

    @of.register
    def _over(self, node: ex.Over, by: Sequence[str], view: View) -> Values:
        window = seconds(node.window) if node.window else view.window
        return self.of(node.of, by, replace(view, end=view.end - seconds(node.ago or "0s"), window=window))

    def _groups(self, node: ex.OfMetric, by: Sequence[str], view: View) -> dict[Key, list[Amount]]:
        read = [node.read.get(label, label) for label in by]
        groups: dict[Key, list[Amount]] = defaultdict(list)
        for amount in self.amounts(node.metric, node.where, view):
            groups[tuple(amount.labels.get(label, "") for label in read)].append(amount)
        return groups

    def _moments(self, node: ex.OfMetrics, by: Sequence[str], view: View) -> dict[Key, list[float]]:
        groups: dict[Key, list[float]] = defaultdict(list)
        for name in node.metrics:
            for amount in self.amounts(name, node.where, view):
                key = tuple(amount.labels.get(label, "") for label in by)
                groups[key].append(amount.time_ns // 1_000_000 / 1000)
        return groups


def counted(catalogue: Catalogue, node: ex.Expression) -> bool:
    """Whether it is made of counts alone, which must be exact."""
    if isinstance(node, (ex.Quantile, ex.Observed, ex.Own)):
        return False
    if isinstance(node, ex.Total):
        metric = catalogue.metric(node.metric)
        return metric.kind == "histogram" or not metric.unit
    return all(counted(catalogue, part) for part in node.parts())


def labels_of(catalogue: Catalogue, metric: Metric) -> set[str]:
    """The labels that a metric may have, by their names in Prometheus."""
    return {
        label.otel.replace(".", "_")
        for label in (*metric.labels, *catalogue.standard_labels, *catalogue.resource_labels)
    }


def seconds(duration: str) -> float:
    """What a duration such as 1h30m is."""
    parts = re.findall(r"(\d+)([smhdw])", duration)
    return sum(int(number) * SECONDS[unit] for number, unit in parts)


def quantile(ordered: list[float], share: float) -> tuple[float, float]:
    """The lowest and the highest value that is such a quantile: two where it lies between observations."""
    rank = share * len(ordered)
    low, high = math.ceil(rank - 1e-9), math.floor(rank + 1e-9) + 1
    return ordered[max(low, 1) - 1], ordered[min(high, len(ordered)) - 1]


def fits(labels: Mapping[str, str], where: ex.Where) -> bool:
    """Whether an event or a series is what is asked for."""
    for label, wanted in where.items():
        value = labels.get(label, "")
        if isinstance(wanted, Mapping):
            if value in ((wanted["not"],) if isinstance(wanted["not"], str) else wanted["not"]):
                return False
        elif value not in ((wanted,) if isinstance(wanted, str) else wanted):
            return False
    return True


def _totals(groups: Mapping[Key, list[Amount]], value: Callable[[Amount], float]) -> Values:
    return {key: exactly(math.fsum(map(value, amounts))) for key, amounts in groups.items()}
