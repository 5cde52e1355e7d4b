# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules for Loki's ruler: LogQL for what only events tell."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._alerts import LOKI, Alert, Group
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._logql import lines
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, Rows
from ansible_collections.observability.claude_code.plugins.module_utils._rules_prometheus import COMPARED, rule_group


def query(alert: Alert, catalogue: Catalogue) -> str:
    """How many lines there are in the alert's window, for each combination of its labels."""
    if not isinstance(alert.value, Rows):
        raise CatalogueError(f"The alert {alert.name} is about metrics, which Loki does not have.")
    by = f" by ({', '.join(alert.by)})" if alert.by else ""
    return f"sum{by} (count_over_time({lines(alert.value, catalogue, {})} [{alert.over}]))"


def condition(alert: Alert, catalogue: Catalogue) -> str:
    """The same beyond the alert's bound: what there is of it is an alert."""
    return f"{query(alert, catalogue)} {COMPARED[alert.bound]} {alert.limits[0]:.15g}"


def rule_groups(
    groups: t.Iterable[Group], catalogue: Catalogue, dashboards: t.Mapping[str, Dashboard]
) -> list[dict[str, t.Any]]:
    """The groups that Loki's ruler evaluates, as they stand in its rule files."""
    return [
        rule_group(group, dashboards, lambda alert: condition(alert, catalogue))
        for group in groups
        if group.source == LOKI
    ]
