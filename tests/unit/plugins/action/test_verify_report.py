# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action verify_report, in a play of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.observability.claude_code.plugins.action import verify_report
from support.checkout import for_playbooks, run

RESULT = {
    "id": "a",
    "title": "A check",
    "group": "Numbers",
    "status": "passed",
    "measured": "what was found",
    "expected": "at least 1",
    "guards": "a fault",
    "remedy": "mend it",
    "spec": "",
    "took_s": 0.1,
    "value": 1,
}


def play(folder: Path, *arguments: str, **options: object) -> str:
    task = {"observability.claude_code.verify_report": {"results": [RESULT], "host": "demo", **options}}
    tasks = [task | {"register": "said"}, {"ansible.builtin.debug": {"msg": "SAID {{ said | to_json }}"}}]
    book = folder / "book.json"
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    env = for_playbooks(COLUMNS="100")
    return run("ansible-playbook", "-i", "localhost,", book, *arguments, env=env)


def test_a_report_is_printed_and_written_and_counts_as_no_change(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "report"
    printed = play(tmp_path, directory=str(directory))
    assert "ok       A check" in printed
    assert f"The report is {directory / 'report.html'}" in printed
    assert "changed=0" in printed
    assert sorted(path.name for path in directory.iterdir()) == ["report.html", "report.json", "report.xml"]
    assert json.loads((directory / "report.json").read_text())["results"] == [RESULT]


def test_check_mode_prints_and_writes_nothing(tmp_path: Path) -> None:
    printed = play(tmp_path, "--check", directory=str(tmp_path / "report"))
    assert "ok       A check" in printed
    assert not (tmp_path / "report").exists()


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        pytest.fail.Exception, match="The report cannot be written to /dev/null/report: Not a directory"
    ):
        play(tmp_path, directory="/dev/null/report")


CLIENTS = {"summary": "1 clients: 1 covered.", "clients": [], "unnamed": [], "counts": {}}


def test_a_table_of_clients_is_shown_where_there_is_one(tmp_path: Path) -> None:
    directory, table = tmp_path / "report", tmp_path / "clients.json"
    play(tmp_path, directory=str(directory), clients_file=str(table))
    assert "Machines of the last roll-out" not in (directory / "report.html").read_text()
    table.write_text(json.dumps(CLIENTS))
    play(tmp_path, directory=str(directory), clients_file=str(table))
    assert "1 clients: 1 covered." in (directory / "report.html").read_text()
    assert json.loads((directory / "report.json").read_text())["clients"]["summary"] == CLIENTS["summary"]


def test_a_table_of_clients_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    table = tmp_path / "clients.json"
    table.write_text("[]")
    with pytest.raises(pytest.fail.Exception, match=r"The table of clients in \S+clients\.json cannot be read"):
        play(tmp_path, directory=str(tmp_path / "report"), clients_file=str(table))


ROW = {
    "machine": "laptop",
    "user": "ann",
    "state": "covered",
    "settings": "in force",
    "probe_metrics": "found",
    "probe_logs": "found",
    "last_session": 1e9,
    "client_version": "",
    "gaps": [],
}


def table_of(folder: Path, *rows: object, **more: object) -> dict[str, object]:
    table = folder / "clients.json"
    table.write_text(json.dumps({**CLIENTS, "clients": rows, **more}))
    return verify_report._clients(str(table), dt.UTC)


@pytest.mark.parametrize(
    "row",
    [
        None,
        {"machine": "laptop"},
        {**ROW, "state": "new"},
        {**ROW, "state": None},
        {**ROW, "user": None},
        {**ROW, "gaps": None},
        {**ROW, "gaps": [1]},
        {**ROW, "last_session": "yesterday"},
        {**ROW, "last_session": 1e18},
        {**ROW, "last_session": float("nan")},
    ],
    ids=repr,
)
def test_a_row_of_clients_that_cannot_be_shown_is_told_with_its_file(tmp_path: Path, row: object) -> None:
    with pytest.raises(
        AnsibleActionFail, match=r"The table of clients in \S+clients\.json cannot be read.*client\.yml"
    ):
        table_of(tmp_path, ROW, row)


@pytest.mark.parametrize("more", [{"unnamed": None}, {"clients": None}, {"clients": "x"}])
def test_a_table_of_clients_of_another_shape_is_told_with_its_file(tmp_path: Path, more: dict[str, object]) -> None:
    assert table_of(tmp_path, ROW)["clients"] == [ROW]
    with pytest.raises(AnsibleActionFail, match=r"The table of clients in \S+clients\.json cannot be read"):
        table_of(tmp_path, **more)


def test_results_that_cannot_be_reported_are_refused(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"The result 'a' took None.* Give results as stack_check returned"):
        play(tmp_path, directory=str(tmp_path), results=[{**RESULT, "took_s": None}])


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.json"
    verify_report._replace(file, "old")

    def full(*_paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        verify_report._replace(file, "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.json", "old")]
