# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was sent to Grafana and what came back are told equal exactly when they mean the same."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule import (
    derived_uid,
    normalised,
    payload,
)
from ansible_collections.observability.claude_code.plugins.module_utils._paths import differing
from support.alert_rules import grafana_rule, with_query
from support.checkout import CHECKOUT
from support.grafana_replay import recorded

RECORDINGS = CHECKOUT / "tests" / "files" / "grafana" / "exchanges.jsonl"

# What a newer Grafana gives back for grafana_rule().
READ_BACK = {
    "id": 7,
    "uid": "hightoolerrorrate",
    "orgID": 1,
    "folderUID": "claude-code",
    "ruleGroup": "tools",
    "title": "HighToolErrorRate",
    "condition": "B",
    "data": [
        {
            "refId": "A",
            "queryType": "",
            "relativeTimeRange": {"from": 600, "to": 0},
            "datasourceUid": "prometheus",
            "model": {
                "expr": "sum(up)",
                "instant": True,
                "intervalMs": 1000,
                "maxDataPoints": 43200,
                "refId": "A",
            },
        },
        {
            "refId": "B",
            "queryType": "",
            "relativeTimeRange": {"from": 0, "to": 0},
            "datasourceUid": "__expr__",
            "model": {
                "conditions": [{"evaluator": {"params": [0.15], "type": "gt"}}],
                "expression": "A",
                "intervalMs": 1000,
                "maxDataPoints": 43200,
                "refId": "B",
                "type": "threshold",
            },
        },
    ],
    "updated": "2026-11-22T19:11:55Z",
    "noDataState": "OK",
    "execErrState": "Error",
    "for": "10m",
    "keep_firing_for": "0s",
    "annotations": {"summary": "Many tool calls fail"},
    "labels": {"severity": "warning"},
    "provenance": "api",
    "isPaused": False,
    "notification_settings": None,
    "record": None,
    "a_field_of_the_year_2030": 1,
}


# What the recorded Grafana drops from a rule, because it has no such field or takes it from the path.
DROPPED = {
    "rule.create-is-paused": ["isPaused"],
    "rule.create-no-condition": ["condition"],
    "rule.create-unknown-field": ["nonsense"],
    "rule.create-interval-in-rule": ["interval", "intervalSeconds"],
    "rule.update-uid-in-body": ["uid"],
}


def test_every_recorded_rule_came_back_as_what_was_sent() -> None:
    seen = 0
    for exchange in recorded(RECORDINGS):
        written = exchange.method in ("POST", "PUT") and "/provisioning/alert-rules" in exchange.path
        if written and exchange.status in (200, 201):
            # Grafana makes a uid where none is sent.
            sent = {"uid": exchange.response["uid"], **exchange.request}
            assert paths(sent, exchange.response) == DROPPED.get(exchange.case, []), exchange.case
            seen += 1
    assert seen > 50


def paths(sent: dict[str, Any], back: dict[str, Any]) -> list[str]:
    return [*differing(normalised(back, sent.keys()), normalised(sent, sent.keys()))]


def test_what_grafana_adds_is_no_difference() -> None:
    assert paths(grafana_rule(), READ_BACK) == []


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        ({"for": "60m"}, {"for": "1h"}),
        ({"for": "24h"}, {"for": "1d"}),
        ({"for": "0"}, {"for": "0s"}),
        ({"for": None}, {"for": "0s"}),
        ({"keep_firing_for": "90s"}, {"keep_firing_for": "1m30s"}),
        ({"labels": {}}, {"labels": None}),
        ({"annotations": None}, {"annotations": {}}),
        ({"noDataState": None}, {"noDataState": "NoData"}),
        ({"isPaused": True}, {"isPaused": True}),
        (
            {"notification_settings": {"receiver": "on-call", "group_wait": "60s", "group_by": []}},
            {"notification_settings": {"receiver": "on-call", "group_wait": "1m"}},
        ),
        # A recording rule keeps nothing of what only alerts have.
        (
            {"record": {"metric": "a:b", "from": "A"}},
            {"record": {"metric": "a:b", "from": "A"}, "condition": "", "noDataState": "", "for": "0s"},
        ),
    ],
)
def test_what_grafana_writes_otherwise_is_no_difference(sent: dict[str, Any], back: dict[str, Any]) -> None:
    assert paths(grafana_rule(**sent), READ_BACK | back) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"title": "Other", "uid": "hightoolerrorrate"}, "title"),
        ({"for": "11m"}, "for"),
        ({"for": None}, "for"),
        ({"noDataState": None}, "noDataState"),
        ({"labels": {"severity": "critical"}}, "labels.severity"),
        ({"labels": {}}, "labels"),
        ({"annotations": {"summary": "Many tool calls fail", "b": "c"}}, "annotations.b"),
        ({"isPaused": True}, "isPaused"),
        ({"keep_firing_for": "5m"}, "keep_firing_for"),
        ({"condition": "A"}, "condition"),
        ({"notification_settings": {"receiver": "on-call"}}, "notification_settings"),
        ({"missingSeriesEvalsToResolve": 3}, "missingSeriesEvalsToResolve"),
        ({"a_field_of_the_year_2030": 2}, "a_field_of_the_year_2030"),
        ({"data": with_query(grafana_rule(), "sum(down)")["data"]}, "data[A].model.expr"),
        ({"data": grafana_rule()["data"][:1]}, "data[B]"),
    ],
)
def test_every_other_field_is_a_difference(changes: dict[str, Any], path: str) -> None:
    assert paths(grafana_rule(**changes), READ_BACK) == [path]


@pytest.mark.parametrize(
    ("model", "different"),
    [
        ({"intervalMs": 0}, []),
        ({"intervalMs": "often"}, []),
        ({"intervalMs": 5000}, ["data[A].model.intervalMs"]),
        ({"maxDataPoints": 100}, ["data[A].model.maxDataPoints"]),
        ({"instant": 1}, ["data[A].model.instant"]),
        ({"queryType": "instant"}, ["data[A].model.queryType", "data[A].queryType"]),
    ],
)
def test_presets_of_a_query_count_only_where_they_are_overridden(model: dict[str, Any], different: list[str]) -> None:
    rule = grafana_rule()
    rule["data"][0]["model"] |= model
    assert paths(rule, READ_BACK) == different


def test_the_old_name_of_expressions_means_the_same() -> None:
    rule = grafana_rule()
    rule["data"][1]["datasourceUid"] = "-100"
    assert paths(rule, READ_BACK) == []


def test_a_derived_uid_depends_on_the_place_and_the_title_alone() -> None:
    uid = derived_uid("claude-code", "tools", "HighToolErrorRate")
    # It must never change: another uid is another rule, and the alerts that fire lose their state.
    assert uid == "824d30f5ed3638df5ca7d7990fa972e05249e2b5"
    others = {derived_uid(*place) for place in (("a", "bc", "d"), ("ab", "c", "d"), ("a", "b", "cd"), ("a", "bc", "D"))}
    assert len(others | {uid}) == 5


def test_what_is_the_servers_is_not_sent() -> None:
    sent = payload(READ_BACK, "other", "group")
    assert not {"id", "orgID", "updated", "provenance"} & {*sent}
    assert (sent["folderUID"], sent["ruleGroup"]) == ("other", "group")


def test_both_states_are_always_sent() -> None:
    sent = payload({"title": "x"}, "f", "g")
    assert (sent["noDataState"], sent["execErrState"], sent["for"]) == ("NoData", "Error", "0s")
    assert "noDataState" not in payload({"title": "x", "record": {"metric": "m", "from": "A"}}, "f", "g")
