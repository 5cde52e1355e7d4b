# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what the stack says with the truth: an empty list, or a sentence for each number that differs."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from support.stack import Stack, StackError, until
from truth.interpreter import Totals, Truth

# Sums may differ by this share; counts may not differ at all.
TOLERANCE = 0.001
# A native histogram has 256 buckets for each doubling: a quantile is that exact.
BUCKET = 2 ** (1 / 256)
# A clock may be five minutes ahead; what it says is stored as it is.
AHEAD_S = 600
DAY_S = 25 * 3600
# What tells events of one moment apart.
IDENTITY = ("event_name", "session_id", "user_id", "event_sequence", "prompt_id")


def marked(captures: Iterable[Capture], *, entries: bool = True, **attributes: str) -> list[Capture]:
    """The recordings as of clients with these OTEL_RESOURCE_ATTRIBUTES: on the resource and on each entry.

    Without ``entries`` as of clients that are told not to copy them from the resource.
    """

    def of(capture: Capture) -> Capture:
        bodies = (_marked(request.body, attributes, entries) for request in capture.requests)
        pairs = zip(capture.requests, bodies, strict=True)
        return replace(capture, requests=tuple(replace(request, body=body) for request, body in pairs))

    return [of(capture) for capture in captures]


def _marked(body: dict[str, Any], attributes: dict[str, str], on_entries: bool) -> dict[str, Any]:
    pairs = [{"key": name, "value": {"stringValue": value}} for name, value in attributes.items()]
    body = copy.deepcopy(body)
    for group in (*body.get("resourceMetrics", ()), *body.get("resourceLogs", ())):
        group.setdefault("resource", {}).setdefault("attributes", []).extend(pairs)
        if not on_entries:
            continue
        for scope in (*group.get("scopeMetrics", ()), *group.get("scopeLogs", ())):
            entries = [*scope.get("logRecords", ())]
            for metric in scope.get("metrics", ()):
                entries += next(metric[kind] for kind in ("sum", "gauge") if kind in metric)["dataPoints"]
            for entry in entries:
                entry.setdefault("attributes", []).extend(pairs)
    return body


@dataclass
class Comparison:
    """What the clients with the attributes ``where`` sent, in the last day, against what the stack says of them."""

    stack: Stack
    catalogue: Catalogue
    truth: Truth
    where: dict[str, str]
    window: str = "25h"
    delivery: str = "otlp"
    copy: str = ""

    def settle(self, seconds: float = 60) -> None:
        """Wait until all has arrived; when it has not, the comparisons that follow say what is missing."""
        with contextlib.suppress(StackError):
            until(lambda: not self.everything(), seconds, "all has arrived")

    def everything(self) -> list[str]:
        """The totals of all metrics and the number of events; the first difference is enough."""
        for name in self.catalogue.metrics:
            if wrong := self.total(name):
                return wrong
        return self.rows(("event_name",))

    def total(self, name: str, by: Sequence[str] = ()) -> list[str]:
        metric = self.catalogue.metric(name)
        counts = metric.kind == "histogram" or (not metric.unit and self.delivery == "otlp")
        found = self.found(ex.Total(name, self.where), by)
        return differences(name, by, self.truth.total(name, by, self.where), found, 0 if counts else TOLERANCE)

    def observed(self, name: str, by: Sequence[str] = ()) -> list[str]:
        expected = self.truth.observed(name, by, self.where)
        return differences(f"sum of {name}", by, expected, self.found(ex.Observed(name, self.where), by))

    def quantile(self, name: str, share: float, by: Sequence[str] = ()) -> list[str]:
        found = self.found(ex.Quantile(name, self.where, share=share), by)
        wrong = []
        for key, (low, high) in self.truth.quantile(name, share, by, self.where).items():
            got = found.get(key, math.nan)
            if not low / BUCKET <= got <= high * BUCKET:
                wrong.append(f"{share} quantile of {name} of {by}={key} is {got:g}, not between {low:g} and {high:g}")
        return wrong

    def rows(self, by: Sequence[str]) -> list[str]:
        """The events as Loki shows them.

        They are read and not counted by Loki: `count_over_time` may count an event twice that was delivered twice, and
        two of the same kind and millisecond once, where they are in different blocks of its storage.
        """
        selected = " ".join(f'| {label}="{value}"' for label, value in self.where.items())
        query = f'{{service_name=~".+"}} {selected} | keep {", ".join(dict.fromkeys((*by, *IDENTITY)))}'
        now = time.time()
        counted = Counter(
            tuple(labels.get(label, "") for label in by)
            for _at, labels, _text in self.stack.rows(query, now - DAY_S, now + AHEAD_S)
        )
        return differences("events", by, self.truth.rows(by, self.where), dict(counted), 0)

    def second_way(self, name: str) -> list[str]:
        """The catalogue's sum over events against Loki, by session, and against the counter in all."""
        metric = self.catalogue.metric(name)
        assert metric.events
        selected = " ".join(f'| {label}="{value}"' for label, value in self.where.items())
        found: Totals = {}
        for value, attribute in metric.events.fields.items():
            stream = f'{{service_name=~".+", event_name="{metric.events.event}"}} {selected}'
            query = f'sum by (session_id) (sum_over_time({stream} | unwrap {attribute} | __error__="" [{self.window}]))'
            for labels, total in self.stack.logql(query, time.time() + AHEAD_S):
                found[(value, labels.get("session_id", ""))] = total
        expected = self.truth.from_events(name, (metric.events.by or "", "session_id"))
        return differences(f"events of {name}", ("type", "session_id"), expected, found)

    def found(self, expression: ex.Expression, by: Sequence[str] = ()) -> Totals:
        """What the stack answers for an expression."""
        query = Reading(self.catalogue, self.window, self.delivery, self.copy).promql(expression, by)
        return _totals(by, self.stack.promql(query, time.time() + AHEAD_S))


def differences(
    what: str, by: Sequence[str], expected: Totals, found: Totals, tolerance: float = TOLERANCE
) -> list[str]:
    """A sentence for each number that is not as expected; a series of zeros is as good as none."""
    wrong = []
    for key in sorted({*expected, *found}):
        wanted, got = expected.get(key, 0.0), found.get(key, 0.0)
        # Sums of doubles differ in the last digits by their order.
        if not math.isclose(wanted, got, rel_tol=max(tolerance, 1e-9), abs_tol=1e-9):
            place = ", ".join(f"{label}={value or 'none'}" for label, value in zip(by, key, strict=False))
            share = f" ({(got - wanted) / wanted:+.2%})" if wanted else ""
            wrong.append(f"{what}{f' of {place}' if place else ''} is {got:g} instead of {wanted:g}{share}")
    return wrong


def _totals(by: Sequence[str], rows: list[tuple[dict[str, str], float]]) -> Totals:
    return {tuple(labels.get(label, "") for label in by): value for labels, value in rows}
