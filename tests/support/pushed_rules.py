# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes a rule group to a stand-in for Grafana that keeps it, in each of the versions that differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Transport
from ansible_collections.observability.claude_code.plugins.modules import grafana_alert_rules
from support.alert_rules import grafana_rule
from support.grafana_server import GrafanaServer
from support.modules import run_module

VERSIONS = ("9.5.0", "10.4.0", "11.4.0", "11.6.0", "12.4.0", "13.1.0")
FOLDER, GROUP = "claude-code", "tools"
PATH = f"/api/v1/provisioning/folder/{FOLDER}/rule-groups/{GROUP}"
RULES = "/api/v1/provisioning/alert-rules"
ONE, TWO, THREE = (grafana_rule(title) for title in ("HighToolErrorRate", "SlowToolExecution", "SubagentFailureSpike"))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transport, "pause_s", 0.0)


@pytest.fixture(name="server", params=["11.6.0"])
def grafana_with_a_folder(request: pytest.FixtureRequest) -> Iterator[GrafanaServer]:
    with GrafanaServer(version=request.param) as running:
        ask(running, "POST", "/api/folders", {"uid": FOLDER, "title": "Claude Code"})
        running.requests.clear()
        yield running


every_version = pytest.mark.parametrize("server", VERSIONS, indirect=True)


def ask(server: GrafanaServer, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """What the stand-in answers to somebody else."""
    answer = server.answer(
        method,
        path,
        {"authorization": f"Bearer {server.token}", "content-type": "application/json", **headers},
        "" if body is None else json.dumps(body),
    )
    assert answer is not None
    assert answer.status < 300, answer
    return answer.body


def push(server: GrafanaServer, *rules: dict[str, Any], **options: Any) -> dict[str, Any]:
    """What the module says; result["sent"] are the requests that write, as methods and paths."""
    server.requests.clear()
    given = {"url": server.url, "token": server.token, "folder_uid": FOLDER, "group": GROUP, "rules": [*rules]}
    result = run_module(grafana_alert_rules, **{name: value for name, value in {**given, **options}.items() if value})
    return {**result, "sent": [(method, path) for method, path, _body in server.writes]}


def unchanged(server: GrafanaServer, *rules: dict[str, Any], **options: Any) -> bool:
    """Whether the same again changes nothing and writes nothing."""
    result = push(server, *rules, **options)
    assert "msg" not in result, result["msg"]
    return (result["changed"], result["sent"], result["differences"]) == (False, [], [])


def titles(server: GrafanaServer, group: str = GROUP) -> set[str]:
    return {rule["title"] for rule in ask(server, "GET", RULES) if rule["ruleGroup"] == group}


def provenances(server: GrafanaServer) -> dict[str, str]:
    return {
        rule["title"]: ask(server, "GET", f"{RULES}/{rule['uid']}").get("provenance", "")
        for rule in ask(server, "GET", RULES)
    }


def made_in_grafana(server: GrafanaServer, title: str, group: str = GROUP) -> None:
    """As somebody makes a rule on Grafana's pages."""
    rule = {**grafana_rule(title), "folderUID": FOLDER, "ruleGroup": group}
    ask(server, "POST", RULES, rule, **{"x-disable-provenance": "true"})
