# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each alert over events fires when it must and is silent when it must be: the committed rules in a real Loki."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.observability.claude_code.plugins.modules import ruler_rule_group
from support.checkout import CHECKOUT
from support.event_cases import read_event_cases, stored
from support.modules import run_module
from support.own_loki import OwnLoki
from support.stack import Stack, until

CASES = read_event_cases(Path(__file__).parent / "files" / "event_alerts")
GROUPS = [
    group
    for path in sorted((CHECKOUT / "files" / "rules" / "loki").glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
]
ALERTS = [rule["alert"] for group in GROUPS for rule in group["rules"]]
PROVEN = {"fires", "silent", "first sample", "idle"}
ADDED = ("alertname", "severity", "service")


@pytest.fixture
def loki(stack: Stack, tmp_path: Path) -> Iterator[OwnLoki]:
    with OwnLoki(stack, tmp_path) as running:
        yield running


def told(loki: OwnLoki) -> list[tuple[Any, ...]]:
    """Name, labels and summary of each alert that is active."""
    found = [
        (name, {key: text for key, text in alert["labels"].items() if key not in ADDED}, alert["annotations"])
        for name, rule in loki.rules().items()
        for alert in rule["alerts"]
    ]
    return sorted((name, *sorted({**own, "summary": said["summary"]}.items())) for name, own, said in found)


def evaluated(loki: OwnLoki) -> None:
    """Wait until each rule was evaluated once more, without an error."""
    before = {name: rule["lastEvaluation"] for name, rule in loki.rules().items()}
    until(
        lambda: all(rule["lastEvaluation"] > before[name] for name, rule in loki.rules().items()),
        30,
        lambda: f"the rules are evaluated: {loki.rules()}",
    )
    assert {name: rule.get("lastError") for name, rule in loki.rules().items() if rule["health"] != "ok"} == {}


def test_events_become_exactly_the_alerts_that_they_must(loki: OwnLoki) -> None:
    # As they are but for their pace, so that nobody waits for five minutes.
    quick = [{**group, "interval": "1s"} for group in GROUPS]
    results = [
        run_module(ruler_rule_group, url=loki.url, namespace="claude-code", group=group) for group in (*quick, *quick)
    ]
    assert [result["changed"] for result in results] == [True] * len(quick) + [False] * len(quick), results
    until(lambda: set(loki.rules()) == set(ALERTS), 30, "the ruler has found the rules")
    evaluated(loki)
    assert told(loki) == []

    loki.store(stored([event for case in CASES for event in case.given]))
    wanted = sorted((case.alert, *sorted(said.items())) for case in CASES for said in case.then)
    until(lambda: len(told(loki)) >= len(wanted), 30, lambda: f"there are {wanted}, not {told(loki)}")
    evaluated(loki)
    assert told(loki) == wanted


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_for_everything_that_it_must_be_shown_to_do(alert: str) -> None:
    assert {word for case in CASES if case.alert == alert for word in case.proves} >= PROVEN


def test_every_case_is_of_an_alert() -> None:
    assert {case.alert for case in CASES} == set(ALERTS)
