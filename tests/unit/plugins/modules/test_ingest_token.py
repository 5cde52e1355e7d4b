# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens come, change and go by name, and show nowhere."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._client_files import Content, read
from ansible_collections.observability.claude_code.plugins.modules import ingest_token
from support.modules import run_module

FIRST = "first-token-0123456789"
OTHER = "other-token-0123456789"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "ingest-tokens"
    file.write_text(f"# of the collector\n{FIRST} default\n{OTHER} data-team 2026-01-31\n")
    file.chmod(0o600)
    return file


def keep(path: Path, **options: Any) -> dict[str, Any]:
    result = run_module(ingest_token, path=str(path), **options)
    words = [line[0] for line in lines(path)]
    assert options.get("reveal") or not [token for token in words if token in result["printed"]]
    return result


def lines(path: Path) -> list[list[str]]:
    """Token, name and day of each line."""
    return [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]


def test_without_a_name_all_are_listed_and_nothing_changes(path: Path) -> None:
    before = path.read_text()
    result = keep(path)
    assert (result["changed"], path.read_text()) == (False, before)
    assert [(one["name"], one["issued"]) for one in result["tokens"]] == [
        ("default", [""]),
        ("data-team", ["2026-01-31"]),
    ]


def test_a_token_is_issued_once_and_the_rest_of_the_file_stays(path: Path) -> None:
    before = path.read_text()
    assert run_module(ingest_token, path=str(path), name="new", check_mode=True)["changed"]
    assert path.read_text() == before
    assert keep(path, name="new")["changed"]
    issued = path.read_text()
    assert issued.startswith(before)
    assert len(lines(path)[-1][0]) >= 40
    assert not keep(path, name="new")["changed"]
    assert (path.read_text(), path.stat().st_mode & 0o777) == (issued, 0o600)


def test_a_given_token_becomes_the_newest_of_its_name(path: Path) -> None:
    assert keep(path, name="default", token="given-token-0123456789")["changed"]
    assert [line[:2] for line in lines(path)[:2]] == [["given-token-0123456789", "default"], [FIRST, "default"]]
    assert not keep(path, name="default", token="given-token-0123456789")["changed"]


def test_a_rotation_puts_a_new_token_before_the_old_one_and_a_second_one_waits_for_the_first(path: Path) -> None:
    keep(path, name="default", state="rotated")
    (new, name, _day), (old, *_rest) = lines(path)[:2]
    assert (name, old) == ("default", FIRST)
    assert not keep(path, name="default", state="rotated")["changed"]
    assert keep(path, reveal=True)["newest"] == {"default": new, "data-team": OTHER}
    assert keep(path, name="default", state="settled")["changed"]
    assert [line[0] for line in lines(path)] == [new, OTHER]
    assert not keep(path, name="default", state="settled")["changed"]


def test_a_revoked_name_is_gone_and_stays_gone(path: Path) -> None:
    keep(path, name="default", state="rotated")
    assert keep(path, name="default", state="absent")["changed"]
    assert [line[0] for line in lines(path)] == [OTHER]
    assert not keep(path, name="default", state="absent")["changed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "no-such", "state": "rotated"}, "has no token named no-such. It has: default, data-team"),
        (
            {"name": "no-such", "state": "rotated", "token": "given-token-0123456789"},
            "has no token named no-such. It has: default, data-team",
        ),
        ({"name": "a b"}, "'a b' cannot name a token"),
        ({"name": "new", "token": "has, a comma and more"}, "characters that no header may hold"),
        ({"name": "new", "token": OTHER}, "data-team has the same token already"),
    ],
)
def test_what_cannot_work_is_refused(path: Path, options: dict[str, Any], said: str) -> None:
    before = path.read_text()
    result = keep(path, **options)
    assert result["failed"]
    assert said in result["msg"]
    assert path.read_text() == before


def test_the_last_token_cannot_be_revoked(path: Path) -> None:
    keep(path, name="default", state="absent")
    result = keep(path, name="data-team", state="absent")
    assert "data-team has the last token" in result["msg"]
    assert [line[0] for line in lines(path)] == [OTHER]


def test_a_collector_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = run_module(ingest_token, path=str(tmp_path / "none"))
    assert "Install the collector first" in result["msg"]


def test_a_rotation_with_a_given_token_makes_no_third(path: Path) -> None:
    given = {"name": "default", "state": "rotated"}
    assert not keep(path, **given, token=FIRST)["changed"]
    assert keep(path, **given, token="given-token-0123456789")["changed"]
    assert not keep(path, **given, token="third-token-0123456789")["changed"]
    assert [line[0] for line in lines(path)] == ["given-token-0123456789", FIRST, OTHER]


def test_what_is_not_changed_stays_as_it_was_written(path: Path) -> None:
    before = f"# of the collector\n{FIRST} default\n\n# of data\n  {OTHER}\tdata-team 2026-01-31 ask Ann first\r\n"
    path.write_bytes(before.encode())
    assert keep(path, name="new")["changed"]
    assert path.read_bytes().decode().startswith(before)
    assert keep(path, name="new", state="absent")["changed"]
    assert path.read_bytes().decode() == before


def test_runs_at_once_lose_no_token(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(place: str) -> Content:
        found = read(place)
        time.sleep(0.05)
        return found

    def issue(name: str) -> None:
        options = dict(path=str(path), name=name, state="present", token=None, reveal=False)
        assert ingest_token.run(SimpleNamespace(params=options, check_mode=False))["changed"]

    monkeypatch.setattr(ingest_token, "read", slowly)
    names = {f"team-{number}" for number in range(6)}
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(issue, names))
    assert names <= {line[1] for line in lines(path)}
    assert os.listdir(path.parent) == [path.name]
