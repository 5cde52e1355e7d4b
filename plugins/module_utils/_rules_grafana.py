# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules that Grafana evaluates itself, in the JSON of its provisioning API.

A rule is a query (A), the value of each of its series (B) and the comparison with the bound (C), which Grafana 9 to 13
all take.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._alert_texts import (
    annotations,
    labels,
    place_of,
)
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import LOKI, PROMETHEUS, Alert, Group
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._durations import milliseconds, shortest
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard
from ansible_collections.observability.claude_code.plugins.module_utils._rules_loki import query as logql
from ansible_collections.observability.claude_code.plugins.module_utils._rules_prometheus import query as promql

# The uids of the data sources where nothing else is chosen, and in the committed files.
SOURCES = {PROMETHEUS: "prometheus", LOKI: "loki"}
EXPRESSION = {"type": "__expr__", "uid": "__expr__"}
# What Grafana puts in where it is missing.
PRESETS = {"intervalMs": 1000, "maxDataPoints": 43200}
EVALUATORS = {"above": "gt", "below": "lt", "outside": "outside_range"}
# The least range of time of a query; an instant one looks at its end.
RANGE_S = 600
LONGEST_UID = 40
# Grafana evaluates in steps of so many seconds.
STEP_S = 10
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*")


def rule_groups(
    groups: t.Iterable[Group],
    catalogue: Catalogue,
    dashboards: t.Mapping[str, Dashboard],
    delivery: str = "otlp",
    sources: t.Mapping[str, str] | None = None,
) -> list[dict[str, t.Any]]:
    """All groups; ``sources`` are the uids of the data sources prometheus and loki."""
    chosen = {**SOURCES, **(sources or {})}
    return [
        {
            "name": group.name,
            "interval_s": _interval(group),
            "rules": [
                _rule(alert, _query(alert, group.source, catalogue, delivery, chosen[group.source]), dashboards)
                for alert in group.alerts
            ],
        }
        for group in groups
    ]


def _interval(group: Group) -> int:
    seconds = milliseconds(group.interval) // 1000
    if seconds % STEP_S:
        raise CatalogueError(
            f"The group {group.name} is evaluated every {group.interval}; Grafana evaluates in steps of {STEP_S} s. "
            "Choose a multiple of that for the threshold that says how often."
        )
    return seconds


def uid_of(name: str) -> str:
    """The uid of a rule, always the same for an alert: claude-code-high-hourly-cost."""
    uid = "-".join(["claude-code", *(word.lower() for word in WORDS.findall(name))])
    if len(uid) > LONGEST_UID:
        raise CatalogueError(f"The name of the alert {name} is too long: {uid} has more than {LONGEST_UID} characters.")
    return uid


def _rule(alert: Alert, query: dict[str, t.Any], dashboards: t.Mapping[str, Dashboard]) -> dict[str, t.Any]:
    place = place_of(alert, dashboards)
    shown = {"__dashboardUid__": place.dashboard.uid, "__panelId__": str(place.number)} if place else {}
    reduce = {"type": "reduce", "expression": "A", "reducer": "last"}
    evaluator = {"type": EVALUATORS[alert.bound], "params": list(alert.limits)}
    threshold = {"type": "threshold", "expression": "B", "conditions": [{"evaluator": evaluator}]}
    return {
        "uid": uid_of(alert.name),
        "title": alert.name,
        "condition": "C",
        "data": [query, _expression("B", reduce), _expression("C", threshold)],
        # A query without a series has nothing to report. Where no data is an alert the query gives a number.
        "noDataState": "OK",
        # Also tells that a server is down, which its own rules cannot.
        "execErrState": "Error",
        "for": shortest(milliseconds(alert.wait)),
        "labels": labels(alert),
        "annotations": {**annotations(alert, "$values.B.Value"), **shown},
        "isPaused": False,
    }


def _query(alert: Alert, source: str, catalogue: Catalogue, delivery: str, uid: str) -> dict[str, t.Any]:
    metrics = source == PROMETHEUS
    kind: dict[str, t.Any] = {"instant": True, "range": False} if metrics else {"queryType": "instant"}
    return {
        "refId": "A",
        "queryType": kind.get("queryType", ""),
        "relativeTimeRange": {"from": max(RANGE_S, milliseconds(alert.over or "0s") // 1000), "to": 0},
        "datasourceUid": uid,
        "model": {
            "refId": "A",
            "datasource": {"type": source, "uid": uid},
            "editorMode": "code",
            "expr": promql(alert, catalogue, delivery) if metrics else logql(alert, catalogue),
            **kind,
            **PRESETS,
        },
    }


def _expression(ref: str, model: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        "refId": ref,
        "queryType": "",
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": EXPRESSION["uid"],
        "model": {"refId": ref, "datasource": EXPRESSION, **model, **PRESETS},
    }
