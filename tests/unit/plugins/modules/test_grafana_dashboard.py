# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard is pushed to a stand-in for Grafana that keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Transport
from support.checkout import CHECKOUT
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


# --- what it is for ---------------------------------------------------------------------------------------------------


@every_version
def test_a_dashboard_is_made_and_the_same_again_writes_nothing(server) -> None:
    foreseen = push(server, check_mode=True, **CLAUDE_CODE)
    assert (foreseen["sent"], server.state.dashboards) == ([], {})
    done = push(server, **CLAUDE_CODE)
    assert done["sent"] == [("POST", "/api/folders"), ("POST", SAVE)]
    for result in (foreseen, done):
        found = [result[name] for name in ("changed", "action", "uid", "differences")]
        assert found == [True, "create", UID, ["folder"]]
    assert (done["version"], done["folder_uid"]) == (1, "claude-code")
    assert done["dashboard_url"] == f"{server.url}/d/costs/costs"
    kept = stored(server)
    assert kept["meta"]["folderTitle"] == "Claude Code"
    assert kept["dashboard"]["title"] == "Costs"
    assert {name: kept["dashboard"][name] for name in ("panels", "templating")} == {
        name: MODEL[name] for name in ("panels", "templating")
    }
    assert unchanged(server, **CLAUDE_CODE)
    assert unchanged(server, check_mode=True, **CLAUDE_CODE)
    assert unchanged(server)  # it stays where it is


@pytest.mark.parametrize("path", sorted((CHECKOUT / "files" / "dashboards").glob("*.json")), ids=lambda path: path.stem)
def test_our_dashboards_are_pushed_once(server, path: Path) -> None:
    done = push(server, None, src=str(path), **CLAUDE_CODE)
    assert (done["action"], done["uid"], done["version"]) == ("create", path.stem, 1)
    assert unchanged(server, None, src=str(path), **CLAUDE_CODE)


@every_version
def test_drift_is_repaired_and_told(server) -> None:
    push(server)
    edit(server, tags=["mine"], refresh="5s", panels=[{**MODEL["panels"][0], "title": "Mine"}])
    foreseen = push(server, check_mode=True)
    done = push(server)
    for result in (foreseen, done):
        assert result["action"] == "update"
        assert result["differences"] == ["panels[3].title", "panels[4]", "refresh", "tags[0]"]
    assert (foreseen["version"], done["version"], done["sent"]) == (2, 3, [("POST", SAVE)])
    assert "refresh" not in stored(server)["dashboard"]
    assert unchanged(server)


def test_the_request_carries_what_grafana_needs_and_nothing_of_another_one(server) -> None:
    push(server, commit_message="Release 12", **CLAUDE_CODE)
    ((_method, _path, first),) = [write for write in server.writes if write[1] == SAVE]
    assert {name: first[name] for name in ("overwrite", "folderUid", "message")} == {
        "overwrite": False,
        "folderUid": "claude-code",
        "message": "Release 12",
    }
    assert not {"id", "version"} & set(first["dashboard"])
    push(server, changed(title="Other"))
    ((_method, _path, second),) = server.writes
    assert (second["dashboard"]["version"], second["folderUid"]) == (1, "claude-code")
    assert "message" not in second
    assert "id" not in second["dashboard"]


def test_the_difference_is_shown_when_asked_for(server) -> None:
    push(server)
    diff = push(server, changed(title="New"), _ansible_diff=True, check_mode=True, **CLAUDE_CODE)["diff"]
    assert (diff["before"]["dashboard"]["title"], diff["after"]["dashboard"]["title"]) == ("Costs", "New")
    assert (diff["before"]["folderUid"], diff["after"]["folderUid"]) == ("", "claude-code")
    assert (diff["before"]["folder"], diff["after"]["folder"]["title"]) == (None, "Claude Code")
    assert not {"id", "version"} & {*diff["before"]["dashboard"], *diff["after"]["dashboard"]}
    assert "diff" not in push(server)
    gone = push(server, None, uid=UID, state="absent", _ansible_diff=True)["diff"]
    assert (gone["before"]["dashboard"]["title"], gone["after"]) == ("Costs", {})


# --- what counts as a difference --------------------------------------------------------------------------------------


def test_what_looking_on_leaves_behind_is_none(server) -> None:
    open_ = changed(panels=[{"type": "text", "title": "A"}, {"type": "text", "title": "B", "id": 9}])
    push(server, open_)
    variables = [
        {**MODEL["templating"]["list"][0], "current": {"text": ["a"], "value": ["a"]}, "options": [{"value": "a"}]},
        {**MODEL["templating"]["list"][1], "current": {"text": "5", "value": "5"}},
    ]
    panels = [{**open_["panels"][0], "id": 1}, open_["panels"][1]]
    edit(server, templating={"list": variables}, panels=panels, iteration=1700000000000)
    assert unchanged(server, open_)


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"title": "Costs 2"}, ["title"]),
        ({"tags": []}, ["tags[0]"]),
        ({"panels": [MODEL["panels"][0]]}, ["panels[4]"]),
        ({"panels": [*MODEL["panels"], {"id": 7, "type": "text"}]}, ["panels[7]"]),
        ({"panels": MODEL["panels"][::-1]}, ["panels"]),
        ({"editable": True}, ["editable"]),
        ({"templating": {"list": MODEL["templating"]["list"][:1]}}, ["templating.list[limit]"]),
        (
            {
                "templating": {
                    "list": [MODEL["templating"]["list"][0], {"name": "limit", "type": "textbox", "query": "6"}]
                }
            },
            ["templating.list[limit].query"],
        ),
        (
            {
                "templating": {
                    "list": [
                        MODEL["templating"]["list"][0],
                        {**MODEL["templating"]["list"][1], "current": {"text": "6", "value": "6"}},
                    ]
                }
            },
            ["templating.list[limit].current.text", "templating.list[limit].current.value"],
        ),
    ],
)
def test_what_the_definition_says_is_kept(server, changes, paths) -> None:
    push(server)
    assert push(server, changed(**changes))["differences"] == paths
    assert unchanged(server, changed(**changes))


def test_numbers_and_markup_are_compared_as_values(server) -> None:
    model = changed(description='<b>1 & 2</b> "ü"', scale=1.0, big=12345678901234567890, nothing=None, empty={})
    push(server, model)
    assert unchanged(server, {**model, "scale": 1})
    assert push(server, {**model, "scale": True})["differences"] == ["scale"]


# --- absent -----------------------------------------------------------------------------------------------------------


@every_version
def test_a_dashboard_is_taken_away_once(server) -> None:
    push(server, **CLAUDE_CODE)
    gone = {"model": None, "uid": UID, "state": "absent"}
    assert push(server, check_mode=True, **gone)["action"] == "delete"
    assert UID in server.state.dashboards
    done = push(server, **gone)
    assert (done["changed"], done["sent"]) == (True, [("DELETE", "/api/dashboards/uid/costs")])
    assert "version" not in done
    assert [*server.state.folders] == ["claude-code"]
    for options in (gone, {"state": "absent"}):
        again = push(server, **options)
        assert (again["changed"], again["action"], again["sent"]) == (False, "none", [])


@pytest.mark.parametrize("server", ["9.5.0", "11.6.0"], indirect=True)
def test_a_folder_is_never_deleted_or_replaced_as_a_dashboard(server) -> None:
    server.ask("POST", "/api/folders", {"uid": UID, "title": "Costs of all"})
    for options in ({"model": None, "uid": UID, "state": "absent"}, {}):
        assert 'The uid "costs" is that of the folder "Costs of all"' in refused(server, **options)
    assert UID in server.state.folders


# --- options ----------------------------------------------------------------------------------------------------------


def test_the_uid_is_the_options_before_the_definitions(server) -> None:
    assert push(server, uid="other")["uid"] == "other"
    assert stored(server, "other")["dashboard"]["title"] == "Costs"
    assert unchanged(server, {**MODEL, "uid": None}, uid="other")


def test_files_are_read_on_the_target(server, tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    path.write_text("\ufeff" + json.dumps(MODEL), encoding="utf-8")
    assert push(server, None, src=str(path))["action"] == "create"
    assert unchanged(server)
    path.write_text("{")
    assert f"The file {path} is no JSON: " in refused(server, None, src=str(path))
    path.write_text("[]")
    assert f"The file {path} is no JSON object" in refused(server, None, src=str(path))
    assert "cannot be read: No such file" in refused(server, None, src=str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ({"uid": UID}, "The definition has no title"),
        ({"uid": UID, "title": " "}, "The definition has no title"),
        ({"title": "Costs"}, "The definition has no uid, so Grafana would make a further dashboard each time"),
        ({"uid": "a b", "title": "Costs"}, "The uid 'a b' of the dashboard will not do"),
        ({"uid": "a" * 41, "title": "Costs"}, "of the dashboard will not do"),
        ({"uid": 12, "title": "Costs"}, "The uid 12 of the dashboard will not do"),
        ({"dashboard": MODEL, "meta": {}}, "Give what it has under dashboard"),
        (
            {"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "spec": {}},
            'Export the dashboard as "Classic"',
        ),
        ({**MODEL, "__inputs": [{"name": "DS_PROM"}]}, "wants values for DS_PROM"),
    ],
)
def test_a_definition_that_grafana_cannot_take_is_named_before_it_is_sent(server, model, complaint) -> None:
    assert complaint in refused(server, model)
    assert server.requests == []


def test_a_message_has_its_limit(server) -> None:
    assert "longer than the 500 characters" in refused(server, commit_message="a" * 501)


def test_an_organisation_is_written_to_and_no_other(server) -> None:
    server.ask("POST", "/api/orgs", {"name": "Second"})
    login = {"token": None, "username": "admin", "password": server.password}
    assert push(server, org_id=2, **login)["action"] == "create"
    assert (server.state.dashboards, [*server.state.organisations[2].dashboards]) == ({}, [UID])
    assert unchanged(server, org_id=2, **login)
    assert "belongs to organisation 1 ('Main Org.')" in refused(server, org_id=2)
    assert "has no organisation 7" in refused(server, None, uid=UID, state="absent", org_id=7, **login)
