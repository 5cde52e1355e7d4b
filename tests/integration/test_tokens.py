# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token is issued, rotated and revoked under a running collector, without a restart and without a gap."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.modules import ingest_token
from support.certificates import Authority
from support.checkout import CHECKOUT, for_playbooks
from support.machines import PLAYBOOK
from support.modules import run_module
from support.own_collector import TOKEN, OwnCollector
from support.sending import send
from support.stack import Stack, until


@pytest.fixture(scope="module")
def collector(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnCollector]:
    folder = tmp_path_factory.mktemp("collector")
    with OwnCollector(
        stack, folder, Authority(tmp_path_factory.mktemp("a")), Authority(tmp_path_factory.mktemp("b"))
    ) as one:
        yield one


def keep(collector: OwnCollector, **options: Any) -> dict[str, Any]:
    result = run_module(ingest_token, path=str(collector.tokens), **options)
    assert not result.get("failed"), result
    return result


def newest(collector: OwnCollector, name: str) -> str:
    return keep(collector, reveal=True)["newest"][name]


def taken(collector: OwnCollector, token: str) -> bool:
    return send(collector.doors["plain"].url, {"resourceMetrics": []}, token=token).accepted


class Client:
    """Sends with one token without a pause, from the beginning to the end, and remembers what it was told."""

    def __init__(self, collector: OwnCollector, token: str) -> None:
        self.answers: list[bool] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(collector, token))

    def _run(self, collector: OwnCollector, token: str) -> None:
        while not self.ended.is_set():
            self.answers.append(taken(collector, token))

    def __enter__(self) -> Client:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self.thread.join(60)


def test_a_rotation_has_no_gap_and_a_revoked_token_is_refused(collector: OwnCollector) -> None:
    pid = collector.process.pid if collector.process else 0
    keep(collector, name="team")
    first = newest(collector, "team")
    until(lambda: taken(collector, first), 30, "the issued token is taken")
    assert taken(collector, TOKEN)
    with Client(collector, first) as client:
        keep(collector, name="team", state="rotated")
        second = newest(collector, "team")
        assert second != first
        until(lambda: taken(collector, second), 30, "the new token is taken")
        some = len(client.answers)
        until(lambda: len(client.answers) > some + 20, 30, "the old token goes on sending")
    assert all(client.answers)
    with Client(collector, second) as client:
        keep(collector, name="team", state="settled")
        until(lambda: not taken(collector, first), 30, "the old token is refused")
    assert all(client.answers)
    keep(collector, name="team", state="absent")
    until(lambda: not taken(collector, second), 30, "the revoked token is refused")
    assert taken(collector, TOKEN)
    assert collector.process
    assert (collector.process.pid, collector.process.poll()) == (pid, None)


def play(prefix: Path, **variables: Any) -> tuple[int, str]:
    where = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "stack_prefix": str(prefix)}
    inventory = prefix / "inventory.json"
    inventory.write_text(json.dumps({"claude_code_stack": {"hosts": {"stack": {}}, "vars": where}}))
    command = [PLAYBOOK, "-i", inventory, "playbooks/tokens.yml", "-e", json.dumps(variables), "-v", "--diff"]
    env = for_playbooks()
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_playbook_saves_the_new_token_for_its_owner_and_prints_none(tmp_path: Path) -> None:
    file = tmp_path / "etc/otel_collector/ingest-tokens"
    file.parent.mkdir(parents=True)
    file.write_text(f"{TOKEN} team\n")
    saved = tmp_path / "saved"
    code, text = play(tmp_path, tokens_action="rotate", tokens_name="team", tokens_save_to=str(saved))
    assert code == 0, text
    tokens = [line.split()[0] for line in file.read_text().splitlines()]
    assert (len(tokens), tokens[1]) == (2, TOKEN)
    assert (saved.read_text(), saved.stat().st_mode & 0o777) == (tokens[0] + "\n", 0o600)
    assert not [token for token in tokens if token in text]


def test_the_playbook_leaves_tokens_of_the_inventory_to_it(tmp_path: Path) -> None:
    code, text = play(tmp_path, tokens_action="issue", tokens_name="x", otel_collector_tokens={"a": "b"})
    assert code != 0
    assert "The tokens are those of otel_collector_tokens in the inventory; change them there" in " ".join(text.split())


def test_the_playbook_revokes_no_token_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "etc/otel_collector/ingest-tokens"
    file.parent.mkdir(parents=True)
    file.write_text(f"{TOKEN} team\n{TOKEN}-of-others others\n")
    code, text = play(tmp_path, tokens_action="revoke", tokens_name="taem")
    assert code != 0
    assert "There is no token of the name taem, so nothing was revoked." in " ".join(text.split())
    assert f"In {file} there are: team, others." in " ".join(text.split())
    code, text = play(tmp_path, tokens_action="revoke", tokens_name="team")
    assert (code, file.read_text()) == (0, f"{TOKEN}-of-others others\n"), text
