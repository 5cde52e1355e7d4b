# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule groups are pushed to the ruler of a real Loki, which evaluates them on real events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._captures import moved, read, records
from ansible_collections.observability.claude_code.plugins.modules import ruler_rule_group
from support.answering_server import AnsweringServer
from support.checkout import CHECKOUT
from support.modules import run_module
from support.own_loki import OwnLoki
from support.stack import Stack, until

SAMPLE = CHECKOUT / "files" / "samples" / "api-error-400.jsonl"
ERRORS = 'sum by (event_name) (count_over_time({service_name="claude-code", event_name="api_error"}[10m]))'


@pytest.fixture(scope="module")
def alertmanager() -> Iterator[AnsweringServer]:
    """Takes every alert."""
    with AnsweringServer() as running:
        yield running


@pytest.fixture(scope="module")
def loki(stack: Stack, tmp_path_factory: pytest.TempPathFactory, alertmanager: AnsweringServer) -> Iterator[OwnLoki]:
    with OwnLoki(stack, tmp_path_factory.mktemp("loki"), alertmanager=alertmanager.url) as running:
        yield running


def push(loki: OwnLoki, group: dict[str, Any], **options: Any) -> dict[str, Any]:
    return run_module(ruler_rule_group, url=loki.url, namespace="claude-code", group=group, **options)


def group(name: str, *rules: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"name": name, **settings, "rules": list(rules)}


def alert(name: str, query: str = ERRORS, **changes: Any) -> dict[str, Any]:
    return {"alert": name, "expr": f"{query} > 0", "labels": {"severity": "warning"}, **changes}


# What Loki writes otherwise than it was sent: durations, texts of several lines, characters of all sorts.
MANY_KINDS = group(
    "many kinds é😀",
    alert("One", **{"for": "60m"}, annotations={"summary": "{{ $value }} é😀\tx", "description": "first\nsecond\n"}),
    alert("Two", '\n  sum(count_over_time({service_name="claude-code"} |~ `a\\d"é😀` [90s]))\n'),
    {"record": "claude_code:events", "expr": 'sum(count_over_time({service_name="claude-code"}[24h]))', "labels": {}},
    interval="90s",
    limit=0,
)


def test_a_group_goes_through_its_life(loki: OwnLoki) -> None:
    results = [push(loki, MANY_KINDS, check_mode=True), push(loki, MANY_KINDS), push(loki, MANY_KINDS)]
    assert [result["changed"] for result in results] == [True, True, False], results
    assert results[0]["diff"] == results[1]["diff"]
    assert results[2]["differences"] == []
    until(lambda: {"One", "Two", "claude_code:events"} <= set(loki.rules()), 30, "the ruler has found the rules")
    assert {rule["health"] for rule in loki.rules().values()} <= {"ok", "unknown"}
    changed = {**MANY_KINDS, "interval": "2m", "rules": [alert("One", **{"for": "61m"}), *MANY_KINDS["rules"][1:]]}
    result = push(loki, changed)
    assert result["differences"] == ["interval", "rules[0].annotations", "rules[0].for"]
    assert not push(loki, changed)["changed"]
    gone = [push(loki, MANY_KINDS, state="absent", check_mode=check) for check in (True, False, False)]
    assert [result["changed"] for result in gone] == [True, True, False]
    until(lambda: "One" not in loki.rules(), 30, "the ruler evaluates it no more")


def test_other_groups_stay(loki: OwnLoki) -> None:
    for name in ("first", "second"):
        assert push(loki, group(name, alert(name)))["changed"]
    assert push(loki, {"name": "first"}, state="absent")["changed"]
    assert not push(loki, group("second", alert("second")))["changed"]


def test_a_rule_fires_from_recorded_events(loki: OwnLoki, alertmanager: AnsweringServer) -> None:
    push(loki, group("fires", alert("ApiErrors"), alert("Silent", ERRORS.replace("api_error", "no_event"))))
    until(lambda: loki.rules().get("ApiErrors", {}).get("health") == "ok", 30, lambda: str(loki.rules()))
    assert loki.rules()["ApiErrors"]["state"] == "inactive"
    requests = [one.body for one in moved(read(SAMPLE), end=time.time()).requests if one.signal == "logs"]
    errors = [one for body in requests for one in records(body) if one.event == "api_error"]
    assert errors
    for body in requests:
        loki.store(json.dumps(body).encode())
    labels = {"alertname": "ApiErrors", "event_name": "api_error", "severity": "warning"}

    def firing() -> list[tuple[dict[str, str], float]]:
        alerts = loki.rules()["ApiErrors"]["alerts"]
        return [(one["labels"], float(one["value"])) for one in alerts if one["state"] == "firing"]

    until(lambda: firing() == [(labels, len(errors))], 30, lambda: str(loki.rules()))
    silent = loki.rules()["Silent"]
    assert (silent["state"], silent["health"]) == ("inactive", "ok")

    def sent() -> list[dict[str, str]]:
        return [one["labels"] for request in [*alertmanager.received] for one in request.content]

    until(lambda: labels in sent(), 30, lambda: f"{labels} is sent: {sent()}")
    assert "Silent" not in {one["alertname"] for one in sent()}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (alert("Broken", "sum("), "could not parse expression for alert 'Broken'"),
        (alert("Broken", annotations={"summary": "{{ $foo }}"}), 'undefined variable "$foo"'),
        (alert("Broken", labels={"a-b": "c"}), "invalid label name: a-b"),
    ],
)
def test_what_loki_does_not_take_is_told_in_its_words(loki: OwnLoki, rule: dict[str, Any], words: str) -> None:
    result = push(loki, group("broken", rule))
    assert f'Loki\'s ruler at {loki.url} refused to save the rule group "broken" (400): ' in result["msg"]
    assert words in result["msg"]
    assert not push(loki, {"name": "broken"}, state="absent")["changed"]


def test_rules_are_the_tenants(stack: Stack, tmp_path: Path) -> None:
    with OwnLoki(stack, tmp_path, tenants=True) as loki:
        errors = group("errors", alert("ApiErrors"))
        result = push(loki, errors)
        assert "(401): no org id. It has tenants: say as tenant whose rules they are." in result["msg"]
        assert push(loki, errors, tenant="one")["changed"]
        assert not push(loki, errors, tenant="one")["changed"]
        assert push(loki, errors, tenant="two", check_mode=True)["changed"]
        until(lambda: "ApiErrors" in loki.rules("one"), 30, "the ruler has found the rules")
        assert loki.rules("two") == {}


def test_a_ruler_that_reads_files_is_told_as_such(stack: Stack, tmp_path: Path) -> None:
    with OwnLoki(stack, tmp_path, rules="files") as loki:
        for state in ("present", "absent"):
            for check_mode in (True, False):
                result = push(loki, group("errors", alert("ApiErrors")), state=state, check_mode=check_mode)
                assert "reads its rules from files and takes none over its API." in result["msg"]
                assert "Set storage_config.use_thanos_objstore and a ruler_storage" in result["msg"]


def test_a_loki_without_a_ruler_is_told_as_such(stack: Stack, tmp_path: Path) -> None:
    with OwnLoki(stack, tmp_path, rules="none") as loki:
        result = push(loki, group("errors", alert("ApiErrors")))
        assert "It knows no /loki/api/v1/rules/claude-code/errors." in result["msg"]
        assert "its ruler is on: it needs storage for rules" in result["msg"]
        # Nor has it the API of Mimir.
        assert "It knows no /prometheus/config/v1/rules" in push(loki, group("a", alert("A")), kind="mimir")["msg"]
