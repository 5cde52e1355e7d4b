# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack of its own, as the roles set it up: what clients do in it becomes exactly the alerts that it must become."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import LOKI, Choice
from ansible_collections.observability.claude_code.plugins.module_utils._captures import (
    Capture,
    moved,
    read_all,
    records,
)
from ansible_collections.observability.claude_code.plugins.module_utils._rules import load_rules
from support.alerts import Alertmanager, Alerts, foretold
from support.checkout import CHECKOUT
from support.clients import play_all
from support.comparison import Comparison, marked
from support.running import running
from support.stack import COLLECTOR, PROMETHEUS, Stack, catalogue, prepared, until
from support.stack import LOKI as LOKI_PROGRAM
from truth.interpreter import Truth
from truth.traps import DAY, wrong_clock

CATALOGUE = catalogue()
CAPTURES = CHECKOUT / "tests" / "truth" / "captures"
# Low enough for recordings, which last seconds and cost cents. Others are as they are by default.
THRESHOLDS = {
    "hourly_cost": 0.25,
    "tool_duration": 1,
    "reconciled_cost": 0.05,
    "rules_every": "20s",
    "week_rules_every": "20s",
    "event_rules_every": "20s",
}
WANTED = Choice(thresholds=THRESHOLDS)
GROUPS = load_rules(CHECKOUT / "files" / "catalogue", CATALOGUE, WANTED)
# How often each recording is played, by how the people fare.
CALM = {"plain": 5, "bash_ok": 5, "commit": 2, "sub_fg": 2, "mcp": 1, "err429": 2, "err401": 2, "sub_err": 1}
STORM = {
    # Tools fail.
    "bash_fail": 14,
    "commit_fail": 4,
    "bash_timeout": 8,
    # Commands take two seconds each.
    "long": 10,
    # The API refuses or cannot be reached.
    "err429": 7,
    "conn_refused": 6,
    # What costs most.
    "compact": 5,
}
# The roles that have rules.
STORES = "prometheus,loki"
EXPECTED = {"HighHourlyCost", "HighToolErrorRate", "APIErrorSpike", "SlowToolExecution"}


@pytest.fixture(scope="module")
def alert_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack without data that looks at its rules every few seconds."""
    found, stays = prepared(tmp_path_factory.mktemp("alerts"), "alerts", stack_alert_thresholds=THRESHOLDS)
    used = found.installed
    with running(found, stays):
        if used:
            found.playbook("site.yml", "--tags", STORES)
            emptied(found)
        until(lambda: reached(found), 90, "Prometheus has reached every program")
        yield found


def reached(stack: Stack) -> bool:
    """Whether Prometheus has done so at its last try; it starts before the others, which it would tell as an alert."""
    targets = stack.promql("up")
    return len(targets) == len((PROMETHEUS, LOKI_PROGRAM, COLLECTOR)) and all(value == 1 for _labels, value in targets)


def emptied(stack: Stack) -> None:
    """Take away what an earlier run has left in a stack that stays."""
    for program, folder in ((PROMETHEUS, "prometheus"), (LOKI_PROGRAM, "loki")):
        stack.control("stop", program)
        for path in (stack.prefix / "data" / folder).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        stack.control("start", program)
        stack.ready(program)


@pytest.fixture(scope="module")
def alerts(alert_stack: Stack) -> Alerts:
    return Alerts(alert_stack)


def play(stack: Stack, counts: dict[str, int], name: str) -> list[Capture]:
    """Send recordings, each by another person and of the last two minutes, and wait until they are stored."""
    run = f"{name}-{time.time_ns():x}"
    recordings = {capture.name: capture for capture in read_all([CAPTURES])}
    chosen = [recordings[name] for name, count in counts.items() for _time in range(count)]
    now = time.time()
    placed = [moved(one, end=now - 5 - n % 60, seed=run, user=f"{run}-{n}") for n, one in enumerate(chosen)]
    captures = marked(placed, department=run)
    play_all(stack.otlp_url, stack.token, captures)
    stored = Comparison(stack, CATALOGUE, Truth(CATALOGUE, captures), {"department": run})
    until(lambda: not stored.everything(), 60, lambda: "\n".join(stored.everything()))
    return captures


def test_calm_work_alerts_nobody_and_a_storm_becomes_exactly_its_alerts(alert_stack: Stack, alerts: Alerts) -> None:
    calm = play(alert_stack, CALM, "calm")
    alerts.evaluated("prometheus")
    assert alerts.active("prometheus") == {}

    storm = play(alert_stack, STORM, "storm")
    alerts.evaluated("prometheus")
    active = alerts.active("prometheus")
    assert {name for name, _labels in active} == EXPECTED
    # What the alerts say was measured is what raw telemetry says, and of the others it says that they must be silent.
    truth = Truth(CATALOGUE, [*calm, *storm])
    assert alerts.differences(active, foretold(GROUPS, truth, time.time())) == []


def test_a_client_whose_clock_is_a_day_ahead_is_named_by_loki(alert_stack: Stack, alerts: Alerts) -> None:
    alerts.evaluated(LOKI)
    assert alerts.told(LOKI) == []
    (recording,) = [capture for capture in read_all([CAPTURES]) if capture.name == "long"]
    session = moved(recording, end=time.time() - 5, seed="clock", user="clock")
    (user,) = session.values("user")
    play_all(alert_stack.otlp_url, alert_stack.token, [wrong_clock(session, ahead=DAY)])
    events = sum(len([*records(request.body)]) for request in session.requests)
    stored = f'{{service_name="claude-code"}} | user_name="{user}" | clock_corrected="true"'
    counted = f"sum(count_over_time({stored} [1h]))"
    until(lambda: alert_stack.logql(counted) == [({}, events)], 30, "all is stored")
    alerts.evaluated(LOKI)
    summary = f"The clock of {user} is wrong; {events} events of the last hour had an impossible time"
    assert alerts.told(LOKI) == [("ClientClockWrong", ("summary", summary), ("user_name", user))]


def test_alertmanagers_are_told_by_both(alert_stack: Stack) -> None:
    with Alertmanager() as manager:
        urls = [manager.url]
        pid = alert_stack.pid(PROMETHEUS)
        alert_stack.playbook("site.yml", "--tags", STORES, prometheus_alertmanagers=urls, loki_alertmanagers=urls)
        assert alert_stack.pid(PROMETHEUS) == pid, "a reload is enough"
        # What Loki's ruler has, and what has waited for its two minutes in Prometheus.
        wanted = {"ClientClockWrong", "HighToolErrorRate"}
        until(lambda: wanted <= manager.names, 180, lambda: f"it is told of {wanted}, not only of {manager.names}")


def test_thresholds_change_without_a_restart_and_alerts_can_be_switched_off(alert_stack: Stack, alerts: Alerts) -> None:
    pid = alert_stack.pid(PROMETHEUS)
    changed = {"stack_alert_thresholds": {**THRESHOLDS, "hourly_cost": 77}, "stack_alerts_off": ["LokiDown"]}
    alert_stack.playbook("site.yml", "--tags", "prometheus", **changed)
    queries = {rule["name"]: rule["query"] for rule in alerts.rules("prometheus")}
    assert queries["HighHourlyCost"].endswith(" > 77")
    assert {*queries} == {alert.name for group in GROUPS if group.source != LOKI for alert in group.alerts} - {
        "LokiDown"
    }
    # Without the Alertmanagers Loki has another configuration, so that it reads its rules at once.
    alert_stack.playbook("site.yml", "--tags", STORES, stack_alerts=False)
    assert alerts.rules("prometheus") == []
    alert_stack.ready(LOKI_PROGRAM)
    assert alerts.rules(LOKI) == []
    assert alert_stack.pid(PROMETHEUS) == pid
