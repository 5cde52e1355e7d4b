# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telemetry that dashboards are proven with: sent to a stack, known in raw, and looked at through filters."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_dashboard import dashboard_json
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_panels import identifier
from ansible_collections.observability.claude_code.plugins.module_utils._panels import (
    Dashboard,
    Panel,
    Variable,
    load_dashboards,
)
from support.burst import drained
from support.checkout import CHECKOUT
from support.comparison import Comparison
from support.stack import Stack, catalogue, until
from truth.expressions import Numbers, View
from truth.grafana import Asked, Grafana, Json, rendered
from truth.interpreter import Truth
from truth.own import OwnNumbers
from truth.panels import Outcome, Proof

HOUR, DAY = 3600, 86400
Chosen = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Shown:
    """A panel as the catalogue has it, and what it asks in the rendered dashboard."""

    dashboard: Dashboard
    panel: Panel
    asked: Asked
    variables: Sequence[Json]

    @property
    def of_clients(self) -> bool:
        """Whether it is about what clients send, and not about what the stack's programs say of themselves."""
        return bool(self.panel.names() or self.panel.rows)


def all_shown() -> Iterator[Shown]:
    """Every panel of every dashboard."""
    dashboards = load_dashboards(CHECKOUT / "files" / "catalogue", catalogue())
    for dashboard in dashboards.values():
        content = dashboard_json(dashboard, catalogue(), others=dashboards)
        asked = rendered(content)
        for panel in dashboard.panels():
            yield Shown(dashboard, panel, asked.pop(identifier(panel.id)), content["templating"]["list"])
        assert not asked, f"{dashboard.uid} shows panels that are not in the catalogue: {asked}"


@dataclass
class Evidence:
    """What clients with the mark sent, looked at from ``end`` over ``range`` seconds."""

    stack: Stack
    numbers: Numbers
    mark: tuple[str, str]
    end: float
    range: int
    _seen: dict[str, set[str]] = field(default_factory=dict)
    _unfiltered: dict[tuple[str, str], Outcome] = field(default_factory=dict)

    def prove(self, shown: Shown, chosen: Chosen) -> Outcome:
        """Compares what the panel's queries answer with the truth, through the filters (by variable)."""
        dashboard = shown.dashboard
        settings = {setting.name: setting.value for setting in dashboard.settings}
        mark = self.mark if shown.of_clients else None
        grafana = Grafana(self.stack, self.end, self.range, mark, shown.variables, chosen)
        used = [variable for variable in dashboard.variables if variable.name in chosen]
        filters = {variable.label: self._meant(variable, chosen[variable.name]) for variable in used}
        whole = DAY if dashboard.reads == "long" else 0
        view = View(self.end, self.range, self.range, filters, settings, whole)
        outcome = Proof(shown.panel, shown.asked, self.numbers, grafana, view).run()
        outcome.wrong = [f"{described(chosen)}: {sentence}" for sentence in outcome.wrong]
        return outcome

    def unfiltered(self, shown: Shown) -> Outcome:
        """The outcome without a filter, proven once."""
        identity = (shown.dashboard.uid, shown.panel.id)
        if identity not in self._unfiltered:
            self._unfiltered[identity] = self.prove(shown, {})
        return self._unfiltered[identity]

    def _meant(self, variable: Variable, chosen: Sequence[str]) -> list[str]:
        """The label's values that are chosen with those of the variable."""
        if variable.label not in self._seen:
            truth = self.numbers.truth
            found = {
                one.labels.get(variable.label, "") for name in truth.catalogue.metrics for one in truth.amounts(name)
            }
            self._seen[variable.label] = found | {str(one.attributes.get(variable.label, "")) for one in truth.events}
        return [value for value in self._seen[variable.label] if named(variable, value) in chosen]

    def offered(self, shown: Shown, chosen: Chosen) -> dict[str, set[str]]:
        """The values that each variable offers while others are chosen; hidden ones offer nothing."""
        grafana = Grafana(self.stack, self.end, self.range, self.mark, shown.variables, chosen)
        variables = [one for one in shown.variables if one["type"] == "query" and not one["hide"]]
        return {one["name"]: grafana.offered(one) for one in variables}

    def there(self, dashboard: Dashboard, where: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
        """The values that there are for each variable among what has these labels."""
        amounts = self.numbers.truth.amounts
        return {
            variable.name: {
                value
                for metric in variable.among
                for one in amounts(metric, where)
                if (value := named(variable, one.labels.get(variable.label, "")))
            }
            for variable in dashboard.variables
        }

    def choices(self, dashboard: Dashboard, one: int | None = None) -> Iterator[Chosen]:
        """No filter; then for each variable the value that most is of, and this one with the rarest.

        With ``one`` only the commonest value of one variable, whose number it is, counted round and round.
        """
        yield {}
        variables = dashboard.variables
        if one is not None and variables:
            variables = variables[one % len(variables) :][:1]
        for variable in variables:
            seen: Counter[str] = Counter()
            for metric in variable.among:
                amounts = self.numbers.truth.amounts(metric)
                seen.update(named(variable, one.labels.get(variable.label, "")) for one in amounts)
            most, *others = [value for value, _count in seen.most_common() if value]
            yield {variable.name: [most]}
            if others and one is None:
                yield {variable.name: [most, others[-1]]}


def named(variable: Variable, value: str) -> str:
    """A value as the variable calls it."""
    return value.partition(variable.up_to)[0] if variable.up_to else value


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
    return seen_now(stack, comparison.truth, mark, days * DAY)


def seen_now(stack: Stack, truth: Truth, mark: tuple[str, str], range_s: int) -> Evidence:
    """The evidence as it is at this moment, over so many seconds."""
    end, numbers = float(int(time.time())), Numbers(truth)
    numbers.own = OwnNumbers(stack, truth.catalogue, end).of
    return Evidence(stack, numbers, mark, end, range_s)
