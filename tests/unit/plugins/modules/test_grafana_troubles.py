# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for one thing in Grafana say when it cannot be reached, lets nobody in, or is something else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Transport
from ansible_collections.observability.claude_code.plugins.modules import (
    grafana_alert_rules,
    grafana_dashboard,
    grafana_datasource,
    grafana_folder,
)
from support.answering_server import Answer as RawAnswer
from support.answering_server import AnsweringServer
from support.modules import run_module
from support.shared_grafana import SharedGrafana
from support.stack import free_ports

WANTED: dict[ModuleType, dict[str, Any]] = {
    grafana_dashboard: {"definition": {"uid": "costs", "title": "Costs"}},
    grafana_datasource: {"uid": "costs", "name": "Costs", "type": "prometheus", "ds_url": "http://127.0.0.1:9090"},
}
GONE: dict[str, Any] = {"uid": "costs", "state": "absent"}
NAMES = {grafana_dashboard: 'the dashboard "costs"', grafana_datasource: "the data source"}
WRITE_RIGHTS = {
    grafana_dashboard: "any of dashboards:create, dashboards:write",
    grafana_datasource: "datasources:create",
}
DELETE_RIGHTS = {grafana_dashboard: "dashboards:delete", grafana_datasource: "datasources:delete"}

every_module = pytest.mark.parametrize("module", WANTED, ids=lambda module: module.__name__.rpartition(".")[2])


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transport, "pause_s", 0.0)


@pytest.fixture
def server() -> Iterator[SharedGrafana]:
    with SharedGrafana() as running:
        yield running


def runs(module: ModuleType) -> list[dict[str, Any]]:
    """What it can be asked for: with and without check mode, present and absent."""
    return [{**what, "check_mode": check} for what in (WANTED[module], GONE) for check in (True, False)]


def complaint(module: ModuleType, **options: Any) -> str:
    result = run_module(module, **options)
    assert result["failed"]
    assert "changed" not in result or not result["changed"]
    return result["msg"]


@every_module
@pytest.mark.parametrize(
    ("without", "more", "expected"),
    [
        (("url",), {}, "missing required arguments: url"),
        (("token",), {}, "one of the following is required: token, username"),
        ((), {"username": "admin", "password": "any-one"}, "parameters are mutually exclusive: token|username"),
        (("token",), {"username": "admin"}, "required together: username, password"),
        ((), {"client_key": "/key.pem"}, "missing parameter(s) required by 'client_key': client_cert"),
        ((), {"url": "grafana.example.com"}, "is no address"),
        ((), {"timeout": 0}, "timeout must be more than 0"),
        ((), {"ca_file": "/none.pem", "url": "https://127.0.0.1:1"}, "The certificates in /none.pem cannot be used"),
    ],
)
def test_what_is_missing_or_wrong_is_named_before_anything_is_sent(server, module, without, more, expected) -> None:
    options = {"url": server.url, "token": server.token, **WANTED[module], **more}
    text = complaint(module, **{name: value for name, value in options.items() if name not in without})
    assert expected in text
    assert server.requests == []


@pytest.mark.parametrize(
    ("module", "options", "expected"),
    [
        (grafana_dashboard, {}, "any of the following are missing: definition, src"),
        (grafana_dashboard, {"state": "absent"}, "any of the following are missing: uid, definition, src"),
        (grafana_dashboard, {"definition": {}, "src": "/a"}, "mutually exclusive: definition|src"),
        (
            grafana_dashboard,
            {"definition": {}, "conflict": "ignore"},
            "value of conflict must be one of: fail, overwrite",
        ),
        (grafana_datasource, {}, "one of the following is required: uid, name"),
        (grafana_datasource, {"uid": "a", "access": "sideways"}, "value of access must be one of: proxy, direct"),
    ],
)
def test_what_a_module_wants_beside_the_connection_is_named(server, module, options, expected) -> None:
    assert expected in complaint(module, url=server.url, token=server.token, **options)


@every_module
def test_a_wrong_token_is_explained(server, module) -> None:
    for options in runs(module):
        text = complaint(module, url=server.url, token="glsa_wrong", **options)
        assert "(401): Invalid API key. The token is unknown, expired or revoked" in text
        assert "glsa_wrong" not in text


@every_module
def test_a_wrong_password_is_sent_once_and_does_not_lock_the_login(server, module) -> None:
    for count, options in enumerate(runs(module), start=1):
        text = complaint(module, url=server.url, username="admin", password="wrong-one", **options)
        assert "five wrong ones within five minutes lock the login" in text
        assert "wrong-one" not in text
        assert server.state.logins["admin"].wrong == len(server.requests) == count
    right = {"url": server.url, "username": "admin", "password": server.password}
    assert run_module(module, **right, **WANTED[module])["changed"]


@every_module
def test_missing_rights_are_named(server, module) -> None:
    viewer = server.add_token("glsa_viewer", "Viewer")
    text = complaint(module, url=server.url, token=viewer, **WANTED[module])
    assert f"refused to save {NAMES[module]}" in text
    assert f"Permissions needed: {WRITE_RIGHTS[module]}. Give the token's service account" in text
    run_module(module, url=server.url, token=server.token, **WANTED[module])
    text = complaint(module, url=server.url, token=viewer, **GONE)
    assert f"refused to delete {NAMES[module]}" in text
    assert f"Permissions needed: {DELETE_RIGHTS[module]}" in text
    # Who may read is told truly that there is nothing to do.
    assert not run_module(module, url=server.url, token=viewer, **WANTED[module])["changed"]


@every_module
def test_a_server_that_is_down_is_named(module) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    for options in runs(module):
        text = complaint(module, url=url, token="glsa_any", **options)
        assert f"Grafana at {url} does not answer: [Errno 111] Connection refused. Check that Grafana runs" in text


@every_module
def test_a_slow_server_is_named_with_the_time_it_had(server, module) -> None:
    for options in runs(module):
        server.fail_next("slow")
        text = complaint(module, url=server.url, token=server.token, timeout=0.1, **options)
        assert f"Grafana at {server.url} gave no answer in 0.1 s" in text
        assert "or raise timeout" in text
    server.before_writes = [lambda: server.fail_next("slow")]
    text = complaint(module, url=server.url, token=server.token, timeout=0.1, **WANTED[module])
    assert "Whether the change was made is unknown" in text


@every_module
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("nonsense", "(200) is not Grafana: "),
        ((404, "<html><title>No such site</title></html>"), "(404) is not Grafana: "),
        ((200, {"status": "success", "data": {}}), "has not the shape that Grafana gives it"),
        ((200, [1, 2]), "has not the shape that Grafana gives it"),
        ((200, None), " Grafana"),
    ],
)
def test_a_server_that_is_no_grafana_is_named(server, module, fault, expected) -> None:
    for options in runs(module):
        server.faults = [fault] * 2
        assert expected in complaint(module, url=server.url, token=server.token, **options)
        assert server.writes == []


@every_module
@pytest.mark.parametrize("fault", ["nonsense", (200, {"status": "success"}), (200, [])])
def test_a_write_that_is_answered_with_nonsense_is_no_success(server, module, fault) -> None:
    server.before_writes = [lambda: server.fail_next(fault)]
    text = complaint(module, url=server.url, token=server.token, **WANTED[module])
    assert "is not Grafana" in text or "has not the shape" in text


FOLDER = {"uid": "costs", "title": "Costs"}
SOURCE = {"uid": "costs", "name": "Costs", "type": "prometheus"}
RULE = {"uid": "u", "title": "t", "folderUID": "costs", "ruleGroup": "tools", "provenance": "api"}
GROUP = {"folder_uid": "costs", "group": "tools", "state": "absent"}
HEALTH = {"database": "ok", "version": "12.0.0"}


@pytest.mark.parametrize(
    ("module", "wanted", "answers"),
    [
        (grafana_folder, FOLDER, [FOLDER, [None]]),
        (grafana_datasource, WANTED[grafana_datasource], [[SOURCE], {**SOURCE, "jsonData": "x"}]),
        (
            grafana_datasource,
            {**WANTED[grafana_datasource], "secure_json_data": {"password": "a-long-secret"}},
            [[SOURCE], {**SOURCE, "secureJsonFields": [1]}],
        ),
        (grafana_dashboard, WANTED[grafana_dashboard], [{"dashboard": FOLDER | {"version": 1}, "meta": {"url": 5}}]),
        (grafana_alert_rules, GROUP, [[{**RULE, "provenance": ["x"]}], {"interval": 60}, HEALTH]),
        (grafana_alert_rules, GROUP, [[{**RULE, "data": 5}], {"interval": 60}, HEALTH]),
    ],
)
def test_an_answer_with_something_else_inside_is_none_of_a_grafana(module, wanted, answers) -> None:
    with AnsweringServer() as other:
        kind = {"Content-Type": "application/json"}
        other.answers[:] = [RawAnswer(200, json.dumps(one).encode(), kind) for one in answers]
        text = complaint(module, url=other.url, token="a-token", check_mode=True, **wanted)
        assert f"Grafana at {other.url} answered something else than its API does (" in text
        assert "Look whether another program listens there." in text
        assert len(other.received) == len(answers)


@every_module
@pytest.mark.parametrize("status", [429, 502, 503, 504, "hang up"])
def test_what_passes_is_waited_for(server, module, status) -> None:
    server.fail_next(status, status, status)
    assert run_module(module, url=server.url, token=server.token, **WANTED[module])["changed"]
    server.fail_next(status, status, status)
    assert not run_module(module, url=server.url, token=server.token, **WANTED[module])["changed"]


@every_module
def test_a_failure_of_the_server_is_told_once(server, module) -> None:
    server.fail_next(500)
    text = complaint(module, url=server.url, token=server.token, **WANTED[module])
    assert "(500): asked for by the test. Grafana also answers so to some bad requests" in text
    assert len(server.requests) == 1
