# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of Grafana pass where it holds what was rendered and reaches its sources, and tell each fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _catalogue as catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import Connection, Grafana
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_dashboard import all_json
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_folders import Folder
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_group import RuleGroup
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_stored_dashboard import StoredDashboard
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Transport
from ansible_collections.observability.claude_code.plugins.module_utils._panels import load_dashboards, read_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._rules import load_rules
from ansible_collections.observability.claude_code.plugins.module_utils._rules_grafana import rule_groups
from ansible_collections.observability.claude_code.plugins.modules import stack_check
from support.checkout import CHECKOUT
from support.grafana_server import GrafanaServer
from support.grafana_server_state import Evaluation
from support.modules import run_module

FOLDER = CHECKOUT / "files" / "catalogue"
CATALOGUE = catalogue.load_catalogue(FOLDER)
SOURCES = {**catalogue.read_sources(FOLDER), "dashboards": read_dashboards(FOLDER)}
CHECKS = [{"group": "Grafana", **check} for check in catalogue.read_file(FOLDER / "checks" / "9-grafana.yml")["checks"]]
IDS = {check["id"] for check in CHECKS}
UIDS = {"prometheus": "claude-code-prometheus", "loki": "claude-code-loki"}
HOME = "claude-code"
DASHBOARDS = load_dashboards(FOLDER, CATALOGUE)
MODELS = all_json(DASHBOARDS, CATALOGUE, "otlp", UIDS)
GROUPS = rule_groups(load_rules(FOLDER, CATALOGUE), CATALOGUE, DASHBOARDS, "otlp", UIDS)
RULES = [rule for group in GROUPS for rule in group["rules"]]
FIRST = RULES[0]["uid"]
NOWHERE = {"url": "http://127.0.0.1:1"}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transport, "pause_s", 0.0)


def filled(version: str) -> GrafanaServer:
    """A stand-in with all that was rendered in it, whose data sources answer and whose rules were evaluated."""
    server = GrafanaServer(version)
    for kind, uid in UIDS.items():
        source = server.state.add_source(uid, kind, kind, "http://127.0.0.1:1", read_only=False)
        source.upstream = lambda *_request: (200, {"status": "success"})
    return server


def fill(server: GrafanaServer) -> None:
    grafana = Grafana(Connection(server.url, token=server.token))
    folder = Folder(grafana, HOME, "Claude Code")
    folder.write()
    for uid, model in MODELS.items():
        StoredDashboard(grafana, uid, model, HOME).write()
    for group in GROUPS:
        stored = RuleGroup(grafana, HOME, group["name"], group["interval_s"], group["rules"])
        stored.read()
        stored.write()
    for rule in server.state.rules.values():
        rule.evaluation = Evaluation(instances=[({}, False)])
    server.requests.clear()


@pytest.fixture(params=["11.6.0"])
def server(request: pytest.FixtureRequest) -> Iterator[GrafanaServer]:
    with filled(request.param) as running:
        fill(running)
        yield running


def check(server: GrafanaServer, *ids: str, **grafana: Any) -> dict[str, dict[str, Any]]:
    """What came of the checks, by id. None of them may write."""
    asked = {"url": server.url, "token": server.token, "data_sources": UIDS, "rules": GROUPS, **grafana}
    result = run_module(
        stack_check,
        checks=[entry for entry in CHECKS if not ids or entry["id"] in ids],
        catalogue=SOURCES,
        prometheus=NOWHERE,
        loki=NOWHERE,
        collector={"otlp_url": NOWHERE["url"], "telemetry_url": NOWHERE["url"], "health_url": NOWHERE["url"]},
        grafana=asked,
    )
    assert "msg" not in result, result["msg"]
    assert server.writes == []
    return {one["id"]: one for one in result["results"]}


def edited(server: GrafanaServer) -> None:
    panel = server.state.dashboards["claude-code-metrics"].model["panels"][1]
    panel["title"] = "Somebody's"


def moved(server: GrafanaServer) -> None:
    server.state.dashboards["claude-code-trends"].folder = ""


def without_dashboard(server: GrafanaServer) -> None:
    del server.state.dashboards["claude-code-session"]


def another_threshold(server: GrafanaServer) -> None:
    server.state.rules[FIRST].fields["data"][2]["model"]["conditions"][0]["evaluator"]["params"] = [1e9]


def without_rule(server: GrafanaServer) -> None:
    del server.state.rules[FIRST]


def in_error(server: GrafanaServer) -> None:
    server.state.rules[FIRST].evaluation = Evaluation(error="connection refused")


def refused_query(server: GrafanaServer) -> None:
    """Prometheus refuses the query, which to Grafana looks like no data."""
    server.state.rules[FIRST].fields["noDataState"] = "NoData"
    server.state.rules[FIRST].evaluation = Evaluation(without_data=[{"ref_id": "A"}])
    source = server.state.sources[UIDS["prometheus"]]
    source.upstream = lambda *_request: (400, {"status": "error", "error": "unknown function"})


def unhealthy(server: GrafanaServer) -> None:
    server.state.sources[UIDS["loki"]].unhealthy = "Unable to connect with Loki"


def without_source(server: GrafanaServer) -> None:
    del server.state.sources[UIDS["prometheus"]]


@pytest.mark.parametrize("server", ["9.5.0", "10.4.0", "11.6.0", "12.4.0", "13.2.0"], indirect=True)
def test_all_checks_pass_where_everything_is_as_it_was_rendered(server) -> None:
    found = check(server)
    assert set(found) == IDS
    old = {"grafana-version"} if server.state.version == "9.5.0" else set()
    assert {name for name, one in found.items() if one["status"] != "passed"} == old
    assert found["grafana-rules-evaluate"]["measured"].endswith(f"{len(RULES)} rules")


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        ("grafana-dashboards", edited, "claude-code-metrics: panels["),
        ("grafana-dashboards", moved, "claude-code-trends: folderUid"),
        ("grafana-dashboards", without_dashboard, "claude-code-session: is not there"),
        ("grafana-rules", another_threshold, f"rules[{RULES[0]['title']}].data[C].model.conditions"),
        ("grafana-rules", without_rule, f"{GROUPS[0]['name']}: rules[{RULES[0]['title']}]"),
        ("grafana-rules-evaluate", in_error, f"{RULES[0]['title']}: connection refused"),
        ("grafana-rules-evaluate", refused_query, "unknown function"),
        ("grafana-data-sources", unhealthy, "loki (claude-code-loki): Unable to connect with Loki"),
        ("grafana-data-sources", without_source, "prometheus (claude-code-prometheus): is not there"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_fault_is_told(server, name: str, fault: Callable[[GrafanaServer], None], words: str) -> None:
    fault(server)
    found = check(server, name)[name]
    assert found["status"] == "failed"
    assert words in found["measured"]


def test_a_server_that_does_not_answer_through_an_old_grafana_is_told() -> None:
    with filled("9.5.0") as server:
        server.state.sources[UIDS["loki"]].upstream = lambda *_request: (502, "")
        found = check(server, "grafana-data-sources")["grafana-data-sources"]
    assert found["status"] == "failed"
    assert "502" in found["measured"]


def test_a_grafana_that_lets_strangers_in_is_told(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(server), "answer", anonymous(type(server).answer))
    found = check(server, "grafana-closed")["grafana-closed"]
    assert (found["status"], found["measured"]) == ("failed", "200")


def anonymous(answer: Callable[..., Any]) -> Callable[..., Any]:
    def lenient(self: GrafanaServer, method: str, target: str, headers: dict[str, str], text: str) -> Any:
        return answer(self, method, target, {"authorization": f"Bearer {self.token}", **headers}, text)

    return lenient


def test_rules_that_wait_for_their_first_evaluation_are_counted(server) -> None:
    server.state.rules[FIRST].evaluation = None
    measured = check(server, "grafana-rules-evaluate")["grafana-rules-evaluate"]
    assert measured["status"] == "passed"


def test_rules_that_the_servers_evaluate_are_not_looked_for(server) -> None:
    found = check(server, "grafana-rules", "grafana-rules-evaluate", rules=[])
    assert {one["status"] for one in found.values()} == {"skipped"}
    assert "stack_alerts_by" in found["grafana-rules"]["measured"]


@pytest.mark.parametrize("asked", [{"token": "another"}, {"url": "http://127.0.0.1:1"}], ids=["login", "down"])
def test_a_grafana_that_refuses_or_is_down_fails_the_checks_with_its_words(server, asked: dict[str, str]) -> None:
    found = check(server, "grafana-dashboards", "grafana-rules", "grafana-data-sources", **asked)
    assert {one["status"] for one in found.values()} == {"failed"}
    assert all(server.url in one["measured"] or "127.0.0.1:1" in one["measured"] for one in found.values())


def test_an_answer_that_is_none_of_a_grafana_fails_the_check_and_not_the_run(server) -> None:
    rule = {"uid": FIRST, "title": "t", "folderUID": HOME, "ruleGroup": GROUPS[0]["name"], "provenance": ["x"]}
    server.faults = [(200, [rule])]
    (found,) = check(server, "grafana-rules").values()
    assert found["status"] == "failed"
    assert f"Grafana at {server.url} answered something else than its API does" in found["measured"]


def test_the_password_may_be_in_a_file(server, tmp_path: Path) -> None:
    file = tmp_path / "admin-password"
    file.write_text(f"{server.password}\n")
    login = {"token": "", "username": "admin", "password": "", "password_file": str(file)}
    assert check(server, "grafana-dashboards", **login)["grafana-dashboards"]["status"] == "passed"


@pytest.mark.parametrize(
    ("login", "words"),
    [({"password_file": "/nonexistent"}, "/nonexistent with the password of Grafana cannot be read"), ({}, "sign in")],
)
def test_a_login_that_is_not_there_is_told(login: dict[str, str], words: str) -> None:
    result = run_module(
        stack_check,
        checks=CHECKS,
        catalogue=SOURCES,
        prometheus=NOWHERE,
        loki=NOWHERE,
        collector={"otlp_url": NOWHERE["url"], "telemetry_url": NOWHERE["url"], "health_url": NOWHERE["url"]},
        grafana={**NOWHERE, "username": "admin", **login},
    )
    assert words in result["msg"]
