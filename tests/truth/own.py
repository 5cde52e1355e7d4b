# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stack's programs say of themselves, from the samples as they were scraped, in plain Python."""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from support.stack import Stack
from truth.expressions import Key, Span, Values, exactly, fits

# An older sample is none. What was not there for a day is new.
STALE_S, NEW_S = 300, 86400
DAYS = 16
Samples = list[tuple[float, float]]


class OwnNumbers:
    """The values of own metrics; samples are read once."""

    def __init__(self, stack: Stack, catalogue: Catalogue, end: float) -> None:
        self.stack, self.catalogue, self.end = stack, catalogue, end
        self._read: dict[str, list[tuple[dict[str, str], Samples]]] = {}

    def of(self, node: ex.Own, by: Sequence[str], end: float, window: float) -> Values:
        own = self.catalogue.own_metric(node.name)
        if node.kind == "histogram":
            return self._histogram(node, own.series, by, end, window)
        values: dict[Key, list[Span]] = defaultdict(list)
        for labels, samples in self._series(own.series, node.where):
            if node.kind == "gauge":
                value = peak(samples, end, window) if node.peak else latest(samples, end)
            else:
                value = rate(samples, end, window) if node.per_second else growth(samples, end, window)
            if value is not None:
                values[_key(labels, by)].append(value if isinstance(value, Span) else exactly(value))
        return {key: sum(found[1:], found[0]) for key, found in values.items()}

    def _histogram(self, node: ex.Own, series: str, by: Sequence[str], end: float, window: float) -> Values:
        def grown(suffix: str, also: Sequence[str] = ()) -> dict[Key, float]:
            sums: dict[Key, float] = defaultdict(float)
            for labels, samples in self._series(series + suffix, node.where):
                value = growth(samples, end, window)
                if value is not None:
                    sums[_key(labels, (*by, *also))] += value
            return sums

        if node.share is None:
            sums, counts = grown("_sum"), grown("_count")
            return {key: exactly(sums[key] / count) for key, count in counts.items() if count > 0}
        buckets: dict[Key, dict[float, float]] = defaultdict(dict)
        for (*key, bound), count in grown("_bucket", ("le",)).items():
            buckets[tuple(key)][float(bound)] = count
        return {key: _bucket(found, node.share) for key, found in buckets.items() if max(found.values()) > 0}

    def _series(self, series: str, where: ex.Where) -> Iterator[tuple[Mapping[str, str], Samples]]:
        if series not in self._read:
            self._read[series] = self.stack.promql_samples(f"{series}[{DAYS}d]", self.end)
        return ((labels, samples) for labels, samples in self._read[series] if fits(labels, where))


def growth(samples: Samples, end: float, window: float) -> float | None:
    """By how much a counter grew; a lower value than the one before is a program that began anew."""
    before, within = _split(samples, end, window)
    if not within:
        return None
    if before and end - window - before[-1][0] <= STALE_S:
        last = before[-1][1]
    elif before and end - window - before[-1][0] <= NEW_S:
        last = within[0][1]
    else:
        last = 0.0
    return _grown(last, within)


def rate(samples: Samples, end: float, window: float) -> Span | None:
    """The mean rate: of the time between the samples at most, of the window at least."""
    _before, within = _split(samples, end, window)
    if len(within) < 2:
        return None
    grown = _grown(within[0][1], within)
    return Span(grown / window, grown / (within[-1][0] - within[0][0]))


def latest(samples: Samples, end: float) -> float | None:
    _before, within = _split(samples, end, STALE_S)
    return within[-1][1] if within else None


def peak(samples: Samples, end: float, window: float) -> float | None:
    _before, within = _split(samples, end, window)
    return max((value for _at, value in within), default=None)


def _split(samples: Samples, end: float, window: float) -> tuple[Samples, Samples]:
    """What is there before the window, and in it."""
    first = bisect.bisect_right(samples, (end - window, math.inf))
    return samples[:first], samples[first : bisect.bisect_right(samples, (end, math.inf))]


def _grown(last: float, samples: Samples) -> float:
    grown = 0.0
    for _at, value in samples:
        grown += value - last if value >= last else value
        last = value
    return grown


def _bucket(counts: Mapping[float, float], share: float) -> Span:
    """The bucket that the quantile lies in; what is above all of them is said to be the highest bound."""
    bounds = sorted(counts)
    rank = share * counts[bounds[-1]]
    place = next(number for number, bound in enumerate(bounds) if counts[bound] >= rank - 1e-9)
    if math.isinf(bounds[place]):
        return exactly(bounds[place - 1])
    return Span(bounds[place - 1] if place else 0.0, bounds[place])


def _key(labels: Mapping[str, str], by: Sequence[str]) -> Key:
    return tuple(labels.get(label, "") for label in by)
