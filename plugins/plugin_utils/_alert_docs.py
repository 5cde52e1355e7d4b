# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page docs/alerts.md: every alert with its meaning, its queries and the cases that it was tested with."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_loki as loki
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_prometheus as prometheus
from ansible_collections.observability.claude_code.plugins.module_utils._alert_texts import figure_of, place_of, told
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import LOKI, Alert, Choice, Group
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, read_files
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, Rows
from ansible_collections.observability.claude_code.plugins.module_utils._promql import DELIVERIES
from ansible_collections.observability.claude_code.plugins.module_utils._rules import load_rules, load_thresholds
from ansible_collections.observability.claude_code.plugins.module_utils._rules_grafana import uid_of
from ansible_collections.observability.claude_code.plugins.module_utils._thresholds import Threshold
from ansible_collections.observability.claude_code.plugins.module_utils._words import (
    in_words,
    length,
    period,
    rows_in_words,
)
from ansible_collections.observability.claude_code.plugins.plugin_utils._docs_text import (
    ADDITIONAL,
    GENERATED,
    anchor,
    one_line,
    panel_page,
    parted,
    queries_block,
    wrapped,
)

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@dataclass(frozen=True)
class AlertPage:
    """What the page is made of. ``cases`` are sentences by alert and by what they prove."""

    groups: tuple[Group, ...]
    thresholds: t.Mapping[str, Threshold]
    catalogue: Catalogue
    dashboards: t.Mapping[str, Dashboard]
    cases: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)

    def text(self, page: str) -> str:
        """docs/alerts.md with the alerts and thresholds made anew; what stands above them is written by hand."""
        head, _old = parted(page, "docs/alerts.md")
        lines = [GENERATED, ""]
        for group in self.groups:
            lines += [f"## {_title(group)}", "", one_line(group.about), ""]
            lines += ["| alert | severity | specification | when |", "|---|---|---|---|"]
            for alert in group.alerts:
                link = f"[{alert.name}](#{anchor(alert.name)})"
                lines.append(
                    f"| {link} | {alert.severity} | {alert.spec or ADDITIONAL} | {one_line(told(alert, alert.means))} |"
                )
            lines.append("")
            for alert in group.alerts:
                lines += self._alert(alert, group)
        return head + "\n".join([*lines, *self._thresholds()]).rstrip() + "\n"

    def _alert(self, alert: Alert, group: Group) -> list[str]:
        place = place_of(alert, self.dashboards)
        facts = [f"**Place:** {f'specification {alert.spec}' if alert.spec else ADDITIONAL}; severity {alert.severity}"]
        if alert.differs:
            facts.append(f"**Differs from the specification:** {one_line(alert.differs)}")
        facts += [f"**Measured:** {self._measured(alert)}", f"**Fires:** {_fires(alert)}"]
        facts += self._provisos(alert)
        server = "Loki" if group.source == LOKI else "Prometheus"
        facts.append(
            f"**Evaluated:** every {length(group.interval)} by {server}, or by Grafana as `{uid_of(alert.name)}`"
        )
        if group.platform:
            facts.append(f"**Only on:** {group.platform}")
        if alert.thresholds:
            facts.append("**Thresholds:** " + ", ".join(f"`{name}`" for name in alert.thresholds))
        if place:
            facts.append(f"**Panel:** [{place.panel.title}]({panel_page(place.dashboard, place.panel)})")
        if alert.name in self.cases:
            facts.append("\n  - ".join(["**Tested:**", *self.cases[alert.name]]))
        lines = [f"### {alert.name}", "", wrapped(told(alert, alert.means)), ""]
        lines += [wrapped(f"**What to do:** {told(alert, alert.act)}"), ""]
        lines += [f"- {wrapped(fact, hanging=True)}" for fact in facts]
        return [*lines, "", *self._queries(alert, group)]

    def _measured(self, alert: Alert) -> str:
        if isinstance(alert.value, Rows):
            by = f", for each {' and '.join(alert.by)}" if alert.by else ""
            return f"the number of log lines in {period(alert.over)}{by}. {rows_in_words(alert.value)}"
        return in_words(ex.Over(alert.value, alert.over) if alert.over else alert.value, self.catalogue, alert.by)

    def _provisos(self, alert: Alert) -> list[str]:
        found = []
        for proviso in alert.provided:
            words = in_words(ex.Over(proviso.value, alert.over), self.catalogue, proviso.by).rstrip(".")
            compared = {">=": "at least", "<=": "at most"}[proviso.sign]
            found.append(f"**Provided that:** {words[:1].lower()}{words[1:]} is {compared} {proviso.limit:,.15g}")
        if alert.weekdays:
            first, last = (WEEKDAYS[day] for day in alert.weekdays)
            found.append(f"**Days:** {first} to {last}, in UTC")
        if alert.program:
            found.append(f"**Left out:** where `stack_existing` has {alert.program}")
        return found

    def _queries(self, alert: Alert, group: Group) -> list[str]:
        if group.source == LOKI:
            return queries_block({loki.condition(alert, self.catalogue): ["Loki"]}, "logql")
        asked: dict[str, list[str]] = {}
        for delivery in DELIVERIES:
            asked.setdefault(prometheus.condition(alert, self.catalogue, delivery), []).append(delivery)
        if len(asked) == 1:
            asked = {text: ["every delivery"] for text in asked}
        return queries_block(asked, "promql")

    def _thresholds(self) -> list[str]:
        users = {name: [] for name in self.thresholds}  # type: dict[str, list[str]]
        for alert in (alert for group in self.groups for alert in group.alerts):
            for name in alert.thresholds:
                users[name].append(f"[{alert.name}](#{anchor(alert.name)})")
        lines = [
            "## Thresholds",
            "",
            "What `stack_alert_thresholds` may change. A duration is a number and one of s, m, h, d, w.",
            "",
        ]
        lines += ["| threshold | is | unit | | used by |", "|---|---|---|---|---|"]
        for name, one in self.thresholds.items():
            used = ", ".join(users[name]) or "how often groups are evaluated"
            value = one.value if isinstance(one.value, str) else f"{one.value:,.15g}"
            lines.append(f"| `{name}` | {value} | {one.unit} | {one_line(one.about)} | {used} |")
        return lines


def alert_page(
    folder: Path, cases: t.Sequence[Path], catalogue: Catalogue, dashboards: t.Mapping[str, Dashboard]
) -> AlertPage:
    """The page of the catalogue in ``folder``; ``cases`` are folders of the tests' cases."""
    told_cases: dict[str, list[str]] = {}
    for content in (content for one in cases for content in read_files(one).values()):
        for alert, entries in content.items():
            told_cases[alert] = [f"{', '.join(entry['proves'])}: {entry['says']}" for entry in entries]
    # With what is for one platform only.
    groups = load_rules(folder, catalogue, Choice(platform="openshift"))
    return AlertPage(groups, load_thresholds(folder), catalogue, dashboards, told_cases)


def alert_differences(groups: t.Iterable[Group]) -> list[str]:
    """The tables of docs/differences.md about alerts."""
    alerts = [alert for group in groups for alert in group.alerts]
    lines = ["## Alerts", "", "| specification | alert | here, and why |", "|---|---|---|"]
    lines += [f"| {alert.spec} | {alert.name} | {one_line(alert.differs)} |" for alert in alerts if alert.differs]
    added = "; ".join(f"[{alert.name}](alerts.md#{anchor(alert.name)})" for alert in alerts if not alert.spec)
    return [*lines, "", f"Alerts that the specification does not have: {added}."]


def _fires(alert: Alert) -> str:
    figures = [figure_of(limit, alert.unit) for limit in alert.limits]
    said = f"below {figures[0]} or above {figures[1]}" if alert.bound == "outside" else f"{alert.bound} {figures[0]}"
    said += f", for {period(alert.wait)}" if alert.wait != "0s" else ", at once"
    return said + (f"; no data counts as {alert.missing:g}" if alert.missing is not None else "")


def _title(group: Group) -> str:
    return f"Group {group.name}"
