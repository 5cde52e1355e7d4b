# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One alert rule of Grafana as its provisioning API has it: its uid, and how it reads back.

A rule that was sent never comes back the same: durations are rewritten, defaults put in, empty things left out.
Brought into one form here, what was sent and what came back are equal exactly when they mean the same.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._durations import as_written

Rule = t.Mapping[str, t.Any]

# What Grafana sets by itself, or what the address of the group decides.
OF_THE_SERVER = ("id", "orgID", "updated", "provenance", "folderUID", "ruleGroup")
# What is compared even where the source does not have it. A field that only the server has, because it is newer than
# this list, is none of our business.
FIELDS = (
    "uid",
    "title",
    "condition",
    "data",
    "noDataState",
    "execErrState",
    "for",
    "keep_firing_for",
    "annotations",
    "labels",
    "isPaused",
    "notification_settings",
    "record",
    "missingSeriesEvalsToResolve",
)
# Grafana requires both states; its pages preset them so.
NO_DATA_STATE, EXEC_ERR_STATE = "NoData", "Error"
# Of these a recording rule keeps nothing.
OF_ALERTS = ("condition", "noDataState", "execErrState", "for", "keep_firing_for", "notification_settings")
# What these are where nobody sets them; Grafana leaves it out of its answers, or does not.
PRESETS: dict[str, t.Any] = {
    "for": "0s",
    "keep_firing_for": "0s",
    "annotations": {},
    "labels": {},
    "isPaused": False,
    "notification_settings": {},
    "record": {},
}
EXPRESSION = "__expr__"
EXPRESSIONS = (EXPRESSION, "-100")  # the second one is how it was called long ago
# What Grafana puts into each query that lacks them.
INTERVAL_MS, MAX_DATA_POINTS = 1000, 43200


def derived_uid(folder_uid: str, group: str, title: str) -> str:
    """The uid of a rule that has none: always the same for a title in a group of a folder. 40 characters."""
    place = json.dumps([folder_uid, group, title]).encode()
    return hashlib.sha256(place).hexdigest()[:40]


def payload(rule: Rule, folder_uid: str, group: str) -> dict[str, t.Any]:
    """The rule as it is sent. An ``id`` would be stored as it is, so what is the server's own is left out."""
    sent = {key: value for key, value in rule.items() if key not in OF_THE_SERVER}
    presets = {} if sent.get("record") else {"noDataState": NO_DATA_STATE, "execErrState": EXEC_ERR_STATE, "for": "0s"}
    return {**presets, **sent, "folderUID": folder_uid, "ruleGroup": group}


def normalised(rule: Rule, also: t.Collection[str] = ()) -> dict[str, t.Any]:
    """The form in which rules are compared: no value that is a default, durations as Grafana writes them.

    ``also`` are names of further fields that matter.
    """
    found = {key: rule[key] for key in (*FIELDS, *also) if rule.get(key) is not None and key not in OF_THE_SERVER}
    if found.get("record"):
        found = {key: value for key, value in found.items() if key not in OF_ALERTS}
    else:
        found["noDataState"] = found.get("noDataState") or NO_DATA_STATE
        found["execErrState"] = found.get("execErrState") or EXEC_ERR_STATE
    for key in ("for", "keep_firing_for"):
        if key in found:
            found[key] = as_written(found[key])
    if "notification_settings" in found:
        found["notification_settings"] = _filled(found["notification_settings"])
    if "record" in found:
        found["record"] = _filled(found["record"])
    found["data"] = [_query(query) for query in found.get("data") or ()]
    return {key: value for key, value in found.items() if key not in PRESETS or value != PRESETS[key]}


def _filled(settings: t.Any) -> t.Any:
    """Without what is empty; durations as Grafana writes them."""
    if not isinstance(settings, dict):
        return settings
    waits = ("group_wait", "group_interval", "repeat_interval")
    return {
        key: as_written(value) if key in waits else value
        for key, value in settings.items()
        if value not in (None, "", [])
    }


def is_expression(query: Rule) -> bool:
    return query.get("datasourceUid") in EXPRESSIONS


def _query(query: t.Any) -> t.Any:
    """One of the rule's queries, with what Grafana puts in."""
    if not isinstance(query, dict) or not isinstance(query.get("model"), dict):
        return query
    model = dict(query["model"])
    for key, preset in (("intervalMs", INTERVAL_MS), ("maxDataPoints", MAX_DATA_POINTS)):
        given = model.get(key)
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not given:
            model[key] = preset
    span = query.get("relativeTimeRange") or {}
    return {
        **query,
        "queryType": model.get("queryType") or query.get("queryType") or "",
        "relativeTimeRange": {"from": span.get("from") or 0, "to": span.get("to") or 0},
        "datasourceUid": EXPRESSION if is_expression(query) else query.get("datasourceUid"),
        "model": model,
    }
