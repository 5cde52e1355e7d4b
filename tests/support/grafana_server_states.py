# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana: how its rules fare, in the form of Prometheus' rules API."""

from __future__ import annotations

from typing import Any

from support.grafana_server_http import Answer, Request, endpoint
from support.grafana_server_rule import seconds
from support.grafana_server_rules import INTERVAL_S, group_of
from support.grafana_server_state import NEVER, Evaluation, Rule

FIRING = "1e+00"


@endpoint("GET", "/api/prometheus/grafana/api/v1/rules", needs="alert.rules:read")
def states(request: Request) -> Answer:
    places = sorted({(rule.folder, rule.group) for rule in request.org.rules.values()})
    groups = [_group(request, folder, name) for folder, name in places]
    asked = {"folder_uid": "folderUid", "rule_group": "name"} if request.since(11) else {}
    for parameter, field in asked.items():
        groups = [group for group in groups if request.asked(parameter, group[field]) == group[field]]
    return Answer(200, {"status": "success", "data": {"groups": [group for group in groups if group["rules"]]}})


def _group(request: Request, folder: str, name: str) -> dict[str, Any]:
    dashboard = request.asked("dashboard_uid")
    there = [
        rule
        for rule in group_of(request, folder, name)
        if not dashboard or rule.fields.get("annotations", {}).get("__dashboardUid__") == dashboard
    ]
    place = request.org.folders[folder].title if folder in request.org.folders else folder
    return {
        "name": name,
        "file": place,
        "rules": [_rule(request, rule, place) for rule in there],
        "interval": request.org.intervals.get((folder, name), INTERVAL_S),
        "lastEvaluation": next((rule.evaluation.at for rule in there if rule.evaluation), NEVER),
        "evaluationTime": 0.01 if any(rule.evaluation for rule in there) else 0,
        **({"folderUid": folder} if request.since(11) else {}),
    }


def _rule(request: Request, rule: Rule, place: str) -> dict[str, Any]:
    done = rule.evaluation
    alerts = _alerts(rule, done, place) if done else []
    states = [alert["state"] for alert in alerts]
    firing, pending = any(state.startswith("Alerting") for state in states), "Pending" in states
    held = seconds(rule.fields["for"])
    return {
        "state": "firing" if firing else "pending" if pending else "inactive",
        "name": rule.title,
        "query": rule.fields["data"][0]["model"].get("expr", ""),
        **({"duration": held} if held else {}),
        "annotations": rule.fields.get("annotations", {}),
        **({"alerts": alerts} if done else {}),
        "labels": rule.fields.get("labels", {}),
        "health": _health(done, states),
        **({"lastError": done.error} if done and _health(done, states) == "error" else {}),
        "type": "alerting",
        "lastEvaluation": done.at if done else NEVER,
        "evaluationTime": 0.01 if done else 0,
        **({"uid": rule.uid, "folderUid": rule.folder} if request.since(11) else {}),
    }


def _health(done: Evaluation | None, states: list[str]) -> str:
    """The rule's state alone does not tell: without data, or in error, it is inactive."""
    if "NoData" in states:
        return "nodata"
    return "error" if done and done.error and "Normal (Error)" not in states else "ok"


def _alerts(rule: Rule, done: Evaluation, place: str) -> list[dict[str, Any]]:
    if done.error:
        state = {"Error": "Error", "OK": "Normal (Error)"}.get(rule.fields["execErrState"], "Alerting (Error)")
        return [_alert(rule, done, place, done.error_labels, state, quiet=state == "Normal (Error)")]
    if done.without_data:
        state = {"NoData": "NoData", "OK": "Normal (NoData)"}.get(rule.fields["noDataState"], "Alerting (NoData)")
        return [_alert(rule, done, place, labels, state) for labels in done.without_data]
    alerts = []
    for labels, breaches in done.instances:
        state = ("Pending" if done.pending else "Alerting") if breaches else "Normal"
        alerts.append(_alert(rule, done, place, labels, state, quiet=not breaches, value=FIRING if breaches else ""))
    return alerts


def _alert(
    rule: Rule, done: Evaluation, place: str, labels: dict[str, str], state: str, quiet: bool = False, value: str = ""
) -> dict[str, Any]:
    every = {"alertname": rule.title, "grafana_folder": place, **rule.fields.get("labels", {}), **labels}
    return {
        "labels": dict(sorted(every.items())),
        "annotations": done.annotations or rule.fields.get("annotations", {}),
        "state": state,
        "activeAt": NEVER if quiet else done.at,
        "value": value,
    }
