# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules for Prometheus: PromQL, and files of rule groups, whose form Loki's ruler shares."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._alert_texts import (
    annotations,
    labels,
    place_of,
)
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import PROMETHEUS, Alert, Group
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, Rows
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading

# The window of what is read at a moment; no query shows it.
AT_ONCE = "1m"
COMPARED = {"above": ">", "below": "<"}


def query(alert: Alert, catalogue: Catalogue, delivery: str = "otlp") -> str:
    """What the alert measures, as far as its provisos hold: a series for each combination of its labels."""
    return _where(_measured(alert, catalogue, delivery), alert, catalogue, delivery)


def condition(alert: Alert, catalogue: Catalogue, delivery: str = "otlp") -> str:
    """The same beyond the alert's bound: what there is of it is an alert."""
    measured = _measured(alert, catalogue, delivery)
    if alert.bound == "outside":
        least, most = (_number(limit) for limit in alert.limits)
        compared = f"({measured} < {least} or {measured} > {most})"
    else:
        compared = f"{measured} {COMPARED[alert.bound]} {_number(alert.limits[0])}"
    return _where(compared, alert, catalogue, delivery)


def rule_groups(
    groups: t.Iterable[Group],
    catalogue: Catalogue,
    dashboards: t.Mapping[str, Dashboard],
    delivery: str = "otlp",
) -> list[dict[str, t.Any]]:
    """The groups that Prometheus evaluates, as they stand in its rule files."""
    return [
        rule_group(group, dashboards, lambda alert: condition(alert, catalogue, delivery))
        for group in groups
        if group.source == PROMETHEUS
    ]


def rule_group(
    group: Group, dashboards: t.Mapping[str, Dashboard], expression: t.Callable[[Alert], str]
) -> dict[str, t.Any]:
    """One group as it stands in a file of rules."""
    return {
        "name": group.name,
        "interval": group.interval,
        "rules": [_rule(alert, dashboards, expression(alert)) for alert in group.alerts],
    }


def _rule(alert: Alert, dashboards: t.Mapping[str, Dashboard], expression: str) -> dict[str, t.Any]:
    place = place_of(alert, dashboards)
    shown = {"panel": f"{place.panel.title}, {place.address}"} if place else {}
    return {
        "alert": alert.name,
        "expr": expression,
        **({"for": alert.wait} if alert.wait != "0s" else {}),
        "labels": labels(alert),
        "annotations": {**annotations(alert, "$value"), **shown},
    }


def _measured(alert: Alert, catalogue: Catalogue, delivery: str) -> str:
    if isinstance(alert.value, Rows):
        raise CatalogueError(f"The alert {alert.name} is about log lines, which Prometheus does not have.")
    text = _asked(alert.value, alert.by, alert, catalogue, delivery)
    return text if alert.missing is None else f"({text} or vector({_number(alert.missing)}))"


def _where(text: str, alert: Alert, catalogue: Catalogue, delivery: str) -> str:
    for proviso in alert.provided:
        asked = _asked(proviso.value, proviso.by, alert, catalogue, delivery)
        text += f" and on ({', '.join(proviso.by)}) {asked} {proviso.sign} {_number(proviso.limit)}"
    if alert.weekdays and alert.weekdays != (0, 6):
        first, last = alert.weekdays
        text += f" and on () day_of_week() >= {first} and on () day_of_week() <= {last}"
    return text


def _asked(expression: ex.Expression, by: t.Sequence[str], alert: Alert, catalogue: Catalogue, delivery: str) -> str:
    return _enclosed(Reading(catalogue, alert.over or AT_ONCE, delivery).promql(expression, by))


def _enclosed(text: str) -> str:
    """In brackets, unless it is a single call already and cannot fall apart."""
    begin = re.match(r"\w+(?: by \([^()]*\) )?\(", text)
    if not begin:
        return f"({text})"
    depth, quoted = 0, False
    for place, letter in enumerate(text[begin.end() - 1 :], begin.end()):
        quoted ^= letter == '"'
        depth += 0 if quoted else {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return text if place == len(text) else f"({text})"
    return f"({text})"


def _number(value: float) -> str:
    return f"{value:.15g}"
