# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telemetry that dashboards are proven with: sent to a stack, known in raw, and looked at through filters."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, Panel
from ansible_collections.observability.claude_code.plugins.module_utils._queries import Query
from support.burst import drained
from support.comparison import Comparison
from support.stack import Stack, catalogue, until
from truth.expressions import Numbers, View
from truth.grafana import Grafana
from truth.interpreter import Truth
from truth.panels import Outcome, Proof

HOUR, DAY = 3600, 86400
Chosen = Mapping[str, Sequence[str]]


@dataclass
class Evidence:
    """What clients with the mark sent, looked at from ``end`` over ``range`` seconds."""

    stack: Stack
    numbers: Numbers
    mark: tuple[str, str]
    end: float
    range: int

    def prove(self, dashboard: Dashboard, panel: Panel, asked: Sequence[Query], chosen: Chosen) -> Outcome:
        """Compares what the panel's queries answer with the truth, through the filters (by variable)."""
        settings = {setting.name: setting.value for setting in dashboard.settings}
        variables = {variable.name: chosen.get(variable.name, ()) for variable in dashboard.variables}
        labels = {variable.label: variables[variable.name] for variable in dashboard.variables}
        filters = {label: values for label, values in labels.items() if values}
        grafana = Grafana(self.stack, self.end, self.range, self.mark, variables, settings)
        view = View(self.end, self.range, self.range, filters, settings)
        outcome = Proof(panel, asked, self.numbers, grafana, view).run()
        outcome.wrong = [f"{described(chosen)}: {sentence}" for sentence in outcome.wrong]
        return outcome

    def choices(self, dashboard: Dashboard, each: int = 2) -> Iterator[Chosen]:
        """No filter; then for each variable the value that most is of, and with ``each`` of 2 two values."""
        yield {}
        for variable in dashboard.variables:
            seen: Counter[str] = Counter()
            for metric in variable.among:
                seen.update(one.labels.get(variable.label, "") for one in self.numbers.truth.amounts(metric))
            values = [value for value, _count in seen.most_common() if value]
            if values:
                yield {variable.name: values[:1]}
            if each > 1 and len(values) > 1:
                yield {variable.name: [values[0], values[-1]]}


def described(chosen: Chosen) -> str:
    return "; ".join(f"{name} {' or '.join(values)}" for name, values in chosen.items()) or "no filter"


def gathered(stack: Stack, captures: Sequence[Capture], mark: tuple[str, str], days: int) -> Evidence:
    """The evidence of what was sent, as soon as all of it can be read."""
    comparison = Comparison(stack, catalogue(), Truth(catalogue(), captures), dict([mark]), f"{days * 24 + 2}h")
    drained(stack, 300)
    wrong: list[str] = []

    def arrived() -> bool:
        wrong[:] = [difference for name in comparison.catalogue.metrics for difference in comparison.total(name)]
        return not wrong

    until(arrived, 60, lambda: f"all of {mark[1]} has arrived; {len(wrong)} totals are wrong: {wrong[:3]}")
    return Evidence(stack, Numbers(comparison.truth), mark, float(int(time.time())), days * DAY)
