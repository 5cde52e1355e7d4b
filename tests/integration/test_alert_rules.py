# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each alert over metrics fires when it must and is silent when it must be, by Prometheus' own promtool."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import PROMETHEUS, Choice
from ansible_collections.observability.claude_code.plugins.module_utils._panels import load_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._promql import DELIVERIES
from ansible_collections.observability.claude_code.plugins.module_utils._rules import load_rules
from ansible_collections.observability.claude_code.plugins.module_utils._rules_prometheus import rule_groups
from support.alert_cases import Case, Rules, promtool_test, read_cases, without_data
from support.checkout import CHECKOUT, run
from support.stack import Stack, catalogue

FOLDER = CHECKOUT / "files" / "catalogue"
CATALOGUE = catalogue()
DASHBOARDS = load_dashboards(FOLDER, CATALOGUE)
# Of every platform.
GROUPS = load_rules(FOLDER, CATALOGUE, Choice(platform="openshift"))
ALERTS = {alert.name: alert for group in GROUPS if group.source == PROMETHEUS for alert in group.alerts}
CASES = read_cases(Path(__file__).parent / "files" / "alerts")
# Where no data is an alert, a case of its own says so.
CASES += [without_data(name) for name, alert in ALERTS.items() if alert.missing is None]
# What each alert must be shown to do; what is a state at a moment counts nothing, and has no first sample.
PROVEN = {"fires", "silent", "no data"}
PROVEN_OF_COUNTS = PROVEN | {"first sample", "idle"}
STATES = {"CollectorDown", "LokiDown", "CollectorQueueFilling", "MalformedSCC"}


def rules_of(delivery: str) -> tuple[str, Rules]:
    """The file of rules, and its rules."""
    groups = rule_groups(GROUPS, CATALOGUE, DASHBOARDS, delivery)
    return json.dumps({"groups": groups}), [rule for group in groups for rule in group["rules"]]


def cases_of(alert: str) -> list[Case]:
    return [case for case in CASES if case.alert == alert]


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_for_everything_that_it_must_be_shown_to_do(alert: str) -> None:
    proven = {word for case in cases_of(alert) for word in case.proves}
    assert proven >= (PROVEN if alert in STATES else PROVEN_OF_COUNTS)


def test_every_case_is_of_an_alert_and_is_told_once() -> None:
    names = [case.name for case in CASES]
    assert {case.alert for case in CASES} <= set(ALERTS)
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_when_it_must_and_only_then(stack: Stack, tmp_path: Path, alert: str, delivery: str) -> None:
    text, rules = rules_of(delivery)
    (tmp_path / "rules.yml").write_text(text)
    for every in sorted({case.every for case in cases_of(alert)}):
        tests = [promtool_test(case, rules, CATALOGUE, delivery) for case in cases_of(alert) if case.every == every]
        test = {"rule_files": ["rules.yml"], "evaluation_interval": every, "tests": tests}
        (tmp_path / "test.yml").write_text(json.dumps(test))
        run(stack.prefix / "bin" / "promtool", "test", "rules", tmp_path / "test.yml", cwd=tmp_path)


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_prometheus_takes_the_rules_of_every_delivery(stack: Stack, tmp_path: Path, delivery: str) -> None:
    (tmp_path / "rules.yml").write_text(rules_of(delivery)[0])
    # With --lint-fatal: two rules alike are an error too.
    program = stack.prefix / "bin" / "promtool"
    printed = run(program, "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yml")
    assert f"SUCCESS: {len(ALERTS)} rules found" in printed
