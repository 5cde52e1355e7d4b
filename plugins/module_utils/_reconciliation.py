# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what the clients counted with the sum of the events that they sent: two ways to one number."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Events
from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, SkipCheck
from ansible_collections.observability.claude_code.plugins.module_utils._expectations import Pair
from ansible_collections.observability.claude_code.plugins.module_utils._measures import (
    SETTLING_S,
    Stack,
    events_summed,
)
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading


def settling(settings: t.Mapping[str, t.Any]) -> float:
    """Seconds at either end of the range that are allowed for: at least twice ``interval_s``, after which clients send
    their counters.
    """
    return max(SETTLING_S, 2.0 * float(settings.get("interval_s") or 0))


class Reconciliation:
    """Counters in Prometheus against events in Loki, over the range of one stack."""

    def __init__(self, stack: Stack, settling_s: float = SETTLING_S) -> None:
        self.stack, self.settling_s = stack, settling_s

    def vocabulary(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"reconcile": self.reconcile}

    def reconcile(self, asked: dict[str, t.Any]) -> dict[str, Pair]:
        """``{metric: NAME, by: LABEL}``: for each value of the label the counter against the events."""
        metric = self.stack.catalogue.metric(asked["metric"])
        if not metric.events:
            raise MeasureError(
                f"The metric {metric.name!r} has no events to compare with. Give it some in the catalogue."
            )
        # Where points keep their time the last minutes are left out. Running totals stand at the time of their arrival,
        # so that all of them count, and only the newest events may be without.
        exact = self.stack.delivery == "otlp"
        end = self.stack.now - self.settling_s if exact else self.stack.now
        counted = self._counted(asked, self.stack.window, end)
        summed = self._summed(metric.events, asked["by"], self.stack.window, end)
        if not counted and not summed:
            raise SkipCheck("No data yet: neither counters nor events in the range.")
        around = f"{2 * self.settling_s:g}s"
        moving = [self._counted(asked, around, end - self.stack.window_s + self.settling_s)]
        if exact:
            moving.append(self._counted(asked, around, end + self.settling_s))
        else:
            moving.append(self._summed(metric.events, asked["by"], f"{self.settling_s:g}s", end))
        return {
            name: Pair(
                counted.get(name, 0.0),
                summed.get(name, 0.0),
                allowance=sum(edge.get(name, 0.0) for edge in moving),
            )
            for name in sorted({*counted, *summed})
        }

    def _counted(self, asked: dict[str, t.Any], window: str, at: float) -> dict[str, float]:
        stack = self.stack
        query = Reading(stack.catalogue, window, stack.delivery).total(asked["metric"], (asked["by"],))
        return _by_name((s.labels.get(asked["by"], ""), s.value) for s in stack.prometheus.query(query, at))

    def _summed(self, events: Events, by: str, window: str, at: float) -> dict[str, float]:
        found = events_summed(self.stack, events, (by,), window, at)
        return _by_name((sample.labels.get(by, ""), sample.value) for sample in found)


def _by_name(found: t.Iterable[tuple[str, float]]) -> dict[str, float]:
    """Sums by name. The client writes a model's context size in brackets in one place and leaves it out in others."""
    sums: dict[str, float] = {}
    for name, value in found:
        plain = name.split("[", 1)[0] or "none"
        sums[plain] = sums.get(plain, 0.0) + value
    return {name: value for name, value in sums.items() if value}
