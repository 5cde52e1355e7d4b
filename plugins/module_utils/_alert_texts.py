# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an alert says to people: its labels and annotations, with the templates of the server that evaluates it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._alert_parsing import PLACE
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import Alert
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_panels import identifier
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, Panel
from ansible_collections.observability.claude_code.plugins.module_utils._words import length

# By which notification policies tell these alerts from others.
SERVICE = "claude-code"
# How the measured value stands in a template, by its unit; VALUE is the server's variable.
TEMPLATES = {
    "USD": '${{ printf "%.2f" VALUE }}',
    "share": "{{ humanizePercentage VALUE }}",
    "s": "{{ humanizeDuration VALUE }}",
}
COUNTED = '{{ printf "%.0f" VALUE }}'


@dataclass(frozen=True)
class Place:
    """The panel that shows what an alert is about."""

    dashboard: Dashboard
    panel: Panel

    @property
    def number(self) -> int:
        """The panel's number in Grafana."""
        return identifier(self.panel.id)

    @property
    def address(self) -> str:
        """Where Grafana shows it, below the address of Grafana itself."""
        return f"/d/{self.dashboard.uid}?viewPanel={self.number}"


def place_of(alert: Alert, dashboards: t.Mapping[str, Dashboard]) -> Place | None:
    """The panel that the alert names; CatalogueError where there is none of that name."""
    if not alert.panel:
        return None
    uid, _slash, panel = alert.panel.partition("/")
    if uid not in dashboards:
        known = ", ".join(dashboards)
        raise CatalogueError(f"The alert {alert.name} names the dashboard {uid!r}. Use one of: {known}.")
    return Place(dashboards[uid], dashboards[uid].panel(panel))


def labels(alert: Alert) -> dict[str, str]:
    """The labels that the rule adds to those of the series."""
    return {"severity": alert.severity, "service": SERVICE}


def annotations(alert: Alert, value: str) -> dict[str, str]:
    """The alert's sentences; ``value`` is the variable that holds the measured value in templates."""
    return {
        "summary": summary(alert, value),
        "description": told(alert, alert.means),
        "runbook": told(alert, alert.act),
    }


def summary(alert: Alert, value: str) -> str:
    """The summary as a template."""
    series = {label: f"{{{{ $labels.{label} }}}}" for label in alert.by}
    figure = TEMPLATES.get(alert.unit, COUNTED).replace("VALUE", value)
    return _filled(alert.summary, {**_fixed(alert), **series, "value": figure})


def told(alert: Alert, text: str) -> str:
    """A sentence of the alert without templates: the same whatever was measured."""
    return _filled(text, _fixed(alert))


def figure_of(limit: float, unit: str) -> str:
    """A limit with its unit as far as that is part of the number: $10, 15%, 30 s, 5."""
    if unit == "USD":
        return f"${limit:,.0f}" if limit == int(limit) else f"${limit:,.2f}"
    if unit == "share":
        return f"{100 * limit:.6g}%"
    return f"{limit:,.15g}" + (" s" if unit == "s" else "")


def _fixed(alert: Alert) -> dict[str, str]:
    figures = [figure_of(limit, alert.unit) for limit in alert.limits]
    words = {"limit": figures[0]} if len(figures) == 1 else dict(zip(("least", "most"), figures))
    return {**words, "over": length(alert.over)} if alert.over else words


def _filled(text: str, words: t.Mapping[str, str]) -> str:
    return PLACE.sub(lambda found: words[found.group(1)], " ".join(text.split()))
