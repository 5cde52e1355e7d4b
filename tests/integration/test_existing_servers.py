# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For a Prometheus and a Loki that are somebody else's the rules are left as files; nothing is done to the servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from support.answering_server import AnsweringServer
from support.stack import PORTS, Stack, free_ports

EXISTING = {
    "stack_existing": ["prometheus", "loki"],
    "stack_prometheus_url": "http://prometheus.example.com:9090",
    "stack_loki_url": "http://loki.example.com:3100",
    "stack_loki_tenant": "claude",
    "stack_alerts_by": "servers",
}
STORES = ("site.yml", "--tags", "prometheus,loki")


@pytest.fixture
def others(tmp_path: Path) -> Stack:
    """Nothing runs: what is left on the host is all that there is."""
    return Stack(
        tmp_path / "stack", dict(zip(PORTS, free_ports(len(PORTS)), strict=True)), "a-token-of-tests", EXISTING
    )


def changed(printed: str) -> int:
    return int(re.findall(r"changed=(\d+)", printed.rpartition("PLAY RECAP")[2])[0])


def names(path: Path, key: str) -> set[str]:
    groups = yaml.safe_load(path.read_text())["groups"]
    return {rule[key] for group in groups for rule in group["rules"]}


def test_rules_are_left_for_whoever_runs_the_servers(others: Stack) -> None:
    others.prefix.mkdir()
    foretold = others.playbook(*STORES, "--check")
    assert changed(foretold) > 0
    rules = others.prefix / "etc" / "prometheus" / "rules"
    events = others.prefix / "etc" / "loki" / "rules" / "claude"
    assert not rules.exists()

    printed = " ".join(others.playbook(*STORES).split())
    assert f"{rules} of this host" in printed
    assert f"{events} of this host" in printed
    for store in ("prometheus", "loki"):
        # Where it happened, and once more at the end of the run.
        assert printed.count(f"{store.title()} at {EXISTING[f'stack_{store}_url']} does not answer (") == 2
    alerts = names(rules / "alerts.yml", "alert")
    assert {"HighHourlyCost", "CollectorDown"} <= alerts
    # That somebody else's program is down is that person's alert.
    assert "LokiDown" not in alerts
    assert "claude_code:cost:sum1d" in names(rules / "rollups.yml", "record")
    assert names(events / "alerts.yml", "alert") == {"PrivateTextStored", "ClientClockWrong"}
    assert not (others.prefix / "bin").exists()

    assert changed(others.playbook(*STORES)) == 0
    # Unless it is said otherwise, Grafana evaluates the alerts there.
    others.variables = {name: value for name, value in EXISTING.items() if name != "stack_alerts_by"}
    with AnsweringServer() as answering:
        printed = others.playbook(
            *STORES,
            stack_prometheus_url=answering.url,
            stack_prometheus_username="stack",
            stack_prometheus_password="of-tests",
            stack_loki_url=answering.url,
        )
    assert "does not answer" not in printed
    assert [
        (one.target, one.headers.get("authorization"), one.headers.get("x-scope-orgid")) for one in answering.received
    ] == [
        ("/api/v1/query?query=vector(1)", "Basic c3RhY2s6b2YtdGVzdHM=", None),
        ("/loki/api/v1/labels", None, "claude"),
    ]
    assert names(rules / "alerts.yml", "alert") == names(events / "alerts.yml", "alert") == set()
    assert names(rules / "rollups.yml", "record")

    others.playbook("remove.yml", stack_remove_data=True)
    assert not rules.exists()
    assert not events.exists()
