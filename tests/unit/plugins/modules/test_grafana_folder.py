# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder is kept in a stand-in for Grafana, and never taken away with anything in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Transport
from ansible_collections.observability.claude_code.plugins.modules import grafana_folder
from support.grafana_server import GrafanaServer
from support.grafana_server_state import Rule
from support.modules import run_module

UID = "claude-code"
VERSIONS = ("10.4.0", "11.6.0", "12.4.0", "13.2.0")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transport, "pause_s", 0.0)


@pytest.fixture(params=["11.6.0"])
def server(request: pytest.FixtureRequest) -> Iterator[GrafanaServer]:
    with GrafanaServer(request.param) as running:
        yield running


every_version = pytest.mark.parametrize("server", VERSIONS, indirect=True)


def keep(server: GrafanaServer, **options: Any) -> dict[str, Any]:
    """What the module says; result["sent"] are the requests that write."""
    server.requests.clear()
    given = {"url": server.url, "token": server.token, "uid": UID, "title": "Claude Code", **options}
    result = run_module(grafana_folder, **{name: value for name, value in given.items() if value is not None})
    assert server.token not in result["printed"]
    return {**result, "sent": [(method, path) for method, path, _body in server.writes]}


def remove(server: GrafanaServer, **options: Any) -> dict[str, Any]:
    return keep(server, state="absent", title=None, **options)


def add_rule(server: GrafanaServer, group: str, folder: str = UID) -> None:
    uid = f"rule-{len(server.state.rules)}"
    server.state.rules[uid] = Rule(uid, 1, folder, group, {"title": uid, "data": [], "for": "1m"})


@every_version
def test_a_folder_is_made_once_and_removed_once(server) -> None:
    assert (keep(server, check_mode=True)["changed"], server.state.folders) == (True, {})
    made = keep(server)
    assert (made["action"], made["sent"], made["rule_groups"]) == ("create", [("POST", "/api/folders")], [])
    again = keep(server)
    assert (again["changed"], again["action"], again["sent"]) == (False, "none", [])
    foreseen = remove(server, check_mode=True)
    assert (foreseen["changed"], foreseen["sent"]) == (True, [])
    gone = remove(server)
    assert (gone["action"], gone["contents"], server.state.folders) == ("delete", {}, {})
    again = remove(server)
    assert (again["changed"], again["action"], again["sent"]) == (False, "none", [])


def test_another_title_is_set_back_and_told(server) -> None:
    server.state.add_folder(UID, "Somebody's")
    done = keep(server)
    assert (done["action"], done["differences"]) == ("update", ["title"])
    assert (done["diff"]["before"]["title"], done["diff"]["after"]["title"]) == ("Somebody's", "Claude Code")
    assert server.state.folders[UID].title == "Claude Code"


def test_the_groups_of_its_rules_are_told_and_not_those_of_other_folders(server) -> None:
    server.state.add_folder(UID, "Claude Code")
    server.state.add_folder("other", "Other")
    for group, folder in (("b", UID), ("a", UID), ("b", UID), ("c", "other")):
        add_rule(server, group, folder)
    assert keep(server)["rule_groups"] == ["a", "b"]


def fill_with_dashboard(server: GrafanaServer) -> None:
    server.state.add_dashboard({"uid": "mine", "title": "Mine"}, UID)


def fill_with_folder(server: GrafanaServer) -> None:
    server.state.add_folder("inner", "Inner", parent=UID)


@pytest.mark.parametrize(
    ("fill", "told"),
    [
        (fill_with_dashboard, "dashboard: 1"),
        (fill_with_folder, "folder: 1"),
        (lambda server: add_rule(server, "g"), "alertrule: 1"),
    ],
    ids=["dashboard", "folder", "rule"],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_folder_with_anything_in_it_stays(server, fill, told: str, check_mode: bool, capsys) -> None:
    server.state.add_folder(UID, "Claude Code")
    fill(server)
    refused = remove(server, check_mode=check_mode)
    assert refused["failed"]
    assert f"is not empty ({told}), so it stays" in refused["msg"]
    kept = remove(server, check_mode=check_mode, not_empty="keep")
    assert (kept["changed"], kept["sent"]) == (False, [])
    assert f"is not empty ({told}), so it stays" in capsys.readouterr().err
    assert UID in server.state.folders


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"title": None}, "state is present but all of the following are missing: title"),
        ({"token": None}, "one of the following is required: token, username"),
        ({"token": "another"}, "401"),
        ({"uid": "not a uid"}, "will not do"),
        ({"parent_uid": "missing"}, 'has no folder "missing"'),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(server, options: dict[str, Any], told: str) -> None:
    result = keep(server, **options)
    assert result["failed"]
    assert told in result["msg"]
    assert result["sent"] == []


def test_an_old_grafana_cannot_say_what_is_in_a_folder() -> None:
    with GrafanaServer("9.5.0") as server:
        server.state.add_folder(UID, "Claude Code")
        assert "needs Grafana 10.0, this is 9.5" in remove(server)["msg"]
        assert UID in server.state.folders


@pytest.mark.parametrize("answer", [(200, ["nothing"]), "nonsense"])
def test_an_answer_that_is_none_keeps_the_folder(server, answer: Any) -> None:
    server.state.add_folder(UID, "Claude Code")
    server.fail_next(None, None, answer)  # the folder, the version, and then what is in it
    assert remove(server)["failed"]
    assert UID in server.state.folders
