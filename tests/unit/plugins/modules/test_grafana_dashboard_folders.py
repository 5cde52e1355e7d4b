# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard is pushed into a folder that is there, or that is made, named and moved for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_folders as folders
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Transport
from support.pushed_dashboards import CLAUDE_CODE, push, refused, stored, unchanged
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


@every_version
def test_a_move_is_a_difference_of_its_own(server) -> None:
    push(server)
    moved = push(server, **CLAUDE_CODE)
    assert (moved["action"], moved["differences"]) == ("update", ["folderUid", "folder"])
    assert stored(server)["meta"]["folderUid"] == moved["folder_uid"] == "claude-code"
    assert unchanged(server, folder_uid="claude-code")
    back = push(server, folder_uid="")
    assert (back["differences"], back["folder_uid"]) == (["folderUid"], "")
    assert stored(server)["meta"]["folderUid"] == ""


def test_a_folder_is_found_by_its_title(server) -> None:
    server.ask("POST", "/api/folders", {"uid": "theirs", "title": "Claude Code"})
    assert push(server, folder_title=" Claude Code ")["folder_uid"] == "theirs"
    assert unchanged(server, folder_title="Claude Code")
    made = push(server, folder_title="Cost & Tokens (2026)")
    assert (made["folder_uid"], made["differences"]) == ("cost-tokens-2026", ["folderUid", "folder"])
    assert unchanged(server, folder_title="Cost & Tokens (2026)")


def test_a_folder_is_found_among_many(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "PAGE", 2)
    for number in range(5):
        server.ask("POST", "/api/folders", {"uid": f"uid-{number}", "title": f"Title {number}"})
    assert push(server, folder_title="Title 4")["folder_uid"] == "uid-4"


def test_a_folder_gets_its_title_back(server) -> None:
    push(server, **CLAUDE_CODE)
    server.ask("PUT", "/api/folders/claude-code", {"title": "Mine", "overwrite": True})
    done = push(server, **CLAUDE_CODE)
    assert (done["changed"], done["action"], done["differences"]) == (True, "none", ["folder.title"])
    assert done["sent"] == [("PUT", "/api/folders/claude-code")]
    assert unchanged(server, **CLAUDE_CODE)


def test_folders_in_folders_are_made_and_moved(server) -> None:
    for uid in ("company", "team"):
        server.ask("POST", "/api/folders", {"uid": uid, "title": uid.title()})
    assert push(server, **CLAUDE_CODE, parent_folder_uid="company")["differences"] == ["folder"]
    assert server.ask("GET", "/api/folders/claude-code")["parentUid"] == "company"
    assert unchanged(server, **CLAUDE_CODE, parent_folder_uid="company")
    assert unchanged(server, **CLAUDE_CODE)
    assert unchanged(server, folder_title="Claude Code", parent_folder_uid="company")
    for parent in ("team", ""):
        done = push(server, **CLAUDE_CODE, parent_folder_uid=parent)
        assert (done["differences"], done["sent"]) == (
            ["folder.parentUid"],
            [("POST", "/api/folders/claude-code/move")],
        )
        assert server.ask("GET", "/api/folders/claude-code").get("parentUid", "") == parent
        assert unchanged(server, **CLAUDE_CODE, parent_folder_uid=parent)


def test_a_parent_that_grafana_ignores_is_told(server) -> None:
    server.ask("POST", "/api/folders", {"uid": "company", "title": "Company"})
    server.before_writes = [lambda: server.fail_next((200, {"uid": "claude-code", "title": "Claude Code"}))] * 2
    result = push(server, **CLAUDE_CODE, parent_folder_uid="company")
    assert 'took the folder "claude-code" and ignored parentUid' in result["msg"]
    assert server.state.dashboards == {}


@pytest.mark.parametrize("server", ["10.4.0"], indirect=True)
def test_folders_in_folders_need_a_version(server) -> None:
    text = refused(server, **CLAUDE_CODE, parent_folder_uid="company")
    assert "A folder in a folder needs Grafana 11.0, this is 10.4" in text


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"folder_uid": "nowhere"}, 'has no folder "nowhere". Give a title for it'),
        ({"folder_uid": "a b"}, 'The uid "a b" of the folder will not do'),
        ({"folder_uid": "general"}, "The folder General is none that can be named"),
        ({"folder_title": "General"}, "The folder General is none that can be named"),
        ({"folder_title": "費用"}, 'The uid "" of the folder will not do'),
        ({"folder_title": "twice"}, 'A folder "twice" would get the uid "twice", which the folder "Other" has'),
        ({"folder_title": "Same"}, 'has 2 folders "Same" (same-1, same-2). Give the uid'),
        ({"folder_uid": "", "folder_title": "A"}, "An empty folder_uid stands for General"),
        ({"parent_folder_uid": "a"}, "Give folder_uid or folder_title"),
        ({"folder_uid": "same-1", "parent_folder_uid": "same-1"}, 'The folder "same-1" cannot be in itself'),
        ({"folder_uid": "same-1", "parent_folder_uid": "nowhere"}, 'has no folder "nowhere" that "same-1" could be in'),
    ],
)
def test_a_folder_that_cannot_be_meant_is_named(server, options, complaint) -> None:
    for uid, title in (("same-1", "Same"), ("same-2", "Same"), ("twice", "Other")):
        server.ask("POST", "/api/folders", {"uid": uid, "title": title})
    assert complaint in refused(server, **options)


@pytest.mark.parametrize("server", ["9.5.0", "11.6.0", "12.4.0"], indirect=True)
def test_a_folder_that_somebody_makes_at_the_same_time_is_taken(server) -> None:
    server.before_writes = [lambda: server.ask("POST", "/api/folders", {"uid": "claude-code", "title": "Claude Code"})]
    assert push(server, **CLAUDE_CODE)["action"] == "create"
    assert unchanged(server, **CLAUDE_CODE)


def test_a_folder_of_another_title_that_appears_is_not_taken(server) -> None:
    server.before_writes = [lambda: server.ask("POST", "/api/folders", {"uid": "claude-code", "title": "Other"})]
    result = push(server, **CLAUDE_CODE)
    assert 'refused to save the folder "claude-code" (412)' in result["msg"]
    assert server.state.dashboards == {}
