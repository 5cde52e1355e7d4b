# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard is pushed while others are at work, and onto what others have made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Transport
from support.pushed_dashboards import CLAUDE_CODE, MODEL, SAVE, UID, changed, edit, push, refused, stored, unchanged
from support.shared_grafana import SharedGrafana

VERSIONS = ("9.5.0", "10.4.0", "11.2.0", "11.6.0", "12.4.0", "13.1.0")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transport, "pause_s", 0.0)


@pytest.fixture(params=["11.6.0"])
def server(request: pytest.FixtureRequest) -> Iterator[SharedGrafana]:
    with SharedGrafana(request.param) as running:
        yield running


every_version = pytest.mark.parametrize("server", VERSIONS, indirect=True)


# --- others at work ---------------------------------------------------------------------------------------------------


@every_version
def test_an_edit_in_between_is_not_lost_and_named(server) -> None:
    push(server)
    server.before_writes = [lambda: edit(server, tags=["mine"])]
    result = push(server, changed(title="New"))
    assert "was at version 1 when it was compared, and " in result["msg"]
    assert "saved version 2 at 20" in result["msg"]
    assert "with conflict set to overwrite it is replaced" in result["msg"]
    assert stored(server)["dashboard"]["tags"] == ["mine"]


@every_version
def test_an_edit_in_between_is_replaced_when_told_so(server) -> None:
    push(server)
    server.before_writes = [lambda: edit(server, tags=["mine"]), lambda: edit(server, tags=["again"])]
    result = push(server, changed(title="New"), conflict="overwrite")
    assert (result["changed"], result["version"]) == (True, 4)
    assert not any(body["overwrite"] for _method, _path, body in server.writes)
    assert unchanged(server, changed(title="New"))


def test_it_gives_up_where_somebody_saves_without_end(server) -> None:
    push(server)
    server.before_writes = [lambda: edit(server, tags=["mine"])] * 9
    result = push(server, changed(title="New"), conflict="overwrite")
    assert "(412): The dashboard has been changed by someone else" in result["msg"]
    assert len(result["sent"]) == 3


@pytest.mark.parametrize("conflict", ["fail", "overwrite"])
def test_the_same_save_in_between_is_as_good_as_ours(server, conflict) -> None:
    server.before_writes = [lambda: server.ask("POST", SAVE, {"dashboard": {**MODEL, "id": None}, "folderUid": ""})]
    result = push(server, conflict=conflict)
    assert (result["version"], len(result["sent"])) == (1, 1)
    assert unchanged(server)


@every_version
def test_a_lost_answer_is_looked_for(server) -> None:
    server.before_writes = [lambda: server.fail_next("lost")]
    assert push(server)["version"] == 1
    server.before_writes = [lambda: server.fail_next("lost")]
    assert push(server, changed(title="New"))["version"] == 2
    server.before_writes = [lambda: server.fail_next("lost")]
    assert push(server, changed(title="New"), **CLAUDE_CODE)["version"] == 3
    server.before_writes = [lambda: server.fail_next("lost")]
    assert push(server, None, uid=UID, state="absent")["action"] == "delete"
    assert server.state.dashboards == {}


@pytest.mark.parametrize("server", ["9.5.0", "11.2.0"], indirect=True)
@pytest.mark.parametrize("conflict", ["fail", "overwrite"])
def test_another_dashboard_with_the_title_is_never_replaced(server, conflict) -> None:
    server.ask("POST", SAVE, {"dashboard": {"uid": "theirs", "title": "costs"}, "folderUid": ""})
    result = push(server, conflict=conflict)
    assert 'refused to save the dashboard "costs" (412)' in result["msg"]
    assert "Until Grafana 11.2 a title occurs once in a folder" in result["msg"]
    assert stored(server, "theirs")["dashboard"]["title"] == "costs"
    assert [*server.state.dashboards] == ["theirs"]


def test_a_move_to_where_the_title_is_taken_leaves_both(server) -> None:
    server.state.version = "11.2.0"
    server.ask("POST", "/api/folders", {"uid": "claude-code", "title": "Claude Code"})
    server.ask("POST", SAVE, {"dashboard": {"uid": "theirs", "title": "Costs"}, "folderUid": "claude-code"})
    push(server)
    for conflict in ("fail", "overwrite"):
        assert "a title occurs once in a folder" in push(server, conflict=conflict, **CLAUDE_CODE)["msg"]
    assert stored(server)["meta"]["folderUid"] == ""
    assert stored(server, "theirs")["meta"]["version"] == 1


def test_reading_another_dashboard_is_no_success(server) -> None:
    push(server, uid="Costs")
    server.fail_next((200, stored(server, "Costs")))
    assert 'answers with the dashboard "Costs" instead of "costs"' in refused(server)


def test_an_answer_about_another_folder_is_no_success(server) -> None:
    server.before_writes = [lambda: server.fail_next((200, {"uid": "theirs", "title": "Claude Code", "version": 2}))]
    assert 'wrote the folder "theirs" instead of "claude-code"' in push(server, **CLAUDE_CODE)["msg"]


def test_an_answer_about_another_dashboard_is_no_success(server) -> None:
    server.before_writes = [lambda: server.fail_next((200, {"uid": "theirs", "version": 2, "status": "success"}))]
    assert 'answers with the dashboard "theirs" instead of "costs"' in push(server)["msg"]


def test_what_a_file_provides_is_left_and_explained(server) -> None:
    push(server)
    server.state.dashboards[UID].file = "costs.json"
    assert unchanged(server)
    for options in ({"model": changed(title="New")}, {"model": None, "uid": UID, "state": "absent"}):
        for check_mode in (True, False):
            text = refused(server, check_mode=check_mode, **options)
            assert 'The dashboard "costs" is provided by the file costs.json' in text
            assert "Change that file" in text


def test_a_file_that_allows_changes_is_warned_about(server, capsys) -> None:
    push(server)
    found = stored(server)
    server.fail_next((200, {**found, "meta": {**found["meta"], "provisionedExternalId": "costs.json"}}))
    assert push(server, changed(title="New"))["changed"]
    assert "the next change of that file undoes this one" in capsys.readouterr().err


# --- newer formats ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["13.1.0"], indirect=True)
# A warning is printed once, so each has its own.
@pytest.mark.parametrize(("seen_by", "stated"), [("meta", "v2beta1"), ("resource", "v2")])
def test_what_the_pages_stored_in_the_newer_format_is_warned_about(server, seen_by, stated, capsys) -> None:
    push(server)
    kept = stored(server)
    read = {**kept, "dashboard": {**kept["dashboard"], "schemaVersion": 42, "links": []}}
    if seen_by == "meta":
        read["meta"]["apiVersion"] = stated
        server.fail_next((200, read))
    else:
        read["meta"].pop("apiVersion")
        resource = {"status": {"conversion": {"storedVersion": stated}}}
        server.fail_next((200, read), "", "", (200, resource))
    result = push(server, _ansible_diff=True)
    assert (result["changed"], result["differences"], result["diff"]["before"]["dashboard"]) == (
        True,
        ["apiVersion"],
        {"apiVersion": stated},
    )
    assert f"in its newer format {stated}." in capsys.readouterr().err
    if seen_by == "resource":
        assert server.requests[3][1] == ("/apis/dashboard.grafana.app/v1beta1/namespaces/default/dashboards/costs")
    assert unchanged(server)


@pytest.mark.parametrize(("server", "asked"), [("11.6.0", False), ("12.4.0", True)], indirect=["server"])
def test_an_edit_in_the_classic_format_is_no_newer_one(server, asked, capsys) -> None:
    push(server)
    edit(server, tags=[])
    assert push(server)["differences"] == ["tags[0]"]
    assert any(path.startswith("/apis/") for _method, path, _body in server.requests) is asked
    assert "newer format" not in capsys.readouterr().err


def test_a_format_that_cannot_be_read_is_explained(server) -> None:
    server.fail_next((406, {"message": "dashboard api version not supported, use /apis/dashboard.grafana.app/v2"}))
    assert "stored in a newer format" in refused(server)
