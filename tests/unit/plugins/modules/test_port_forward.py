# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding is started, ended and explained; with a program that says what kubectl says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.modules import port_forward
from support.modules import run_module
from support.stack import until

READY = "Forwarding from 127.0.0.1:40001 -> 9090\\nForwarding from 127.0.0.1:40002 -> 4318"


def kubectl(folder: Path, says: str, then: str = "signal.pause()") -> dict[str, Any]:
    """Options for a program that writes its process and arguments to files, says something and does something then."""
    program = folder / "kubectl"
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, pathlib, signal, sys\n"
        f"pathlib.Path({str(folder / 'arguments')!r}).write_text(' '.join(sys.argv[1:]))\n"
        f"pathlib.Path({str(folder / 'pid')!r}).write_text(str(os.getpid()))\n"
        f"print('{says}', flush=True)\n{then}\n"
    )
    program.chmod(0o755)
    return {"kubectl": str(program), "target": "service/both", "namespace": "monitoring", "ports": [80, 4318]}


def gone(pid: int) -> bool:
    """A process that ended and that nobody has waited for counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("check_mode", [False, True])
def test_it_forwards_until_it_is_told_to_stop(tmp_path: Path, check_mode: bool) -> None:
    options = kubectl(tmp_path, READY)
    started = run_module(port_forward, **options, context="lab", kubeconfig="/k", check_mode=check_mode)
    assert started["ports"] == {"80": 40001, "4318": 40002}
    assert not started["changed"]
    expected = (
        "--kubeconfig /k --context lab --namespace monitoring port-forward --address 127.0.0.1 service/both :80 :4318"
    )
    assert (tmp_path / "arguments").read_text() == expected
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, 0)
    assert not run_module(port_forward, state="absent", pid=started["pid"])["changed"]
    until(lambda: gone(pid), 10, "the program ended")
    assert "failed" not in run_module(port_forward, state="absent", pid=started["pid"])


def test_it_ends_by_itself_after_its_lifetime(tmp_path: Path) -> None:
    run_module(port_forward, **kubectl(tmp_path, READY), lifetime=0.5)
    until(lambda: gone(int((tmp_path / "pid").read_text())), 10, "the program ended")


def test_an_end_before_it_forwards_is_told_with_the_words_of_the_program(tmp_path: Path) -> None:
    options = kubectl(tmp_path, 'Error from server (NotFound): services "both" not found', "sys.exit(1)")
    failed = run_module(port_forward, **options)
    assert failed["failed"]
    assert "service/both ended" in failed["msg"]
    assert 'services "both" not found' in failed["msg"]


def test_one_that_never_forwards_is_ended(tmp_path: Path) -> None:
    # Long enough that the program has written its process even on a busy machine.
    failed = run_module(port_forward, **kubectl(tmp_path, "waiting"), timeout=5)
    assert failed["failed"]
    assert "was not ready within 5 s. It says: waiting" in failed["msg"]
    until(lambda: gone(int((tmp_path / "pid").read_text())), 10, "the program ended")


def test_a_missing_program_is_named_with_what_to_do(tmp_path: Path) -> None:
    failed = run_module(port_forward, kubectl=str(tmp_path / "oc"), target="service/loki", ports=[3100])
    assert failed["failed"]
    assert "Install kubectl" in failed["msg"]


@pytest.mark.parametrize(
    ("options", "said"),
    [({}, "target"), ({"target": "service/loki"}, "ports"), ({"state": "absent"}, "pid")],
)
def test_what_is_missing_is_named(options: dict[str, Any], said: str) -> None:
    failed = run_module(port_forward, **options)
    assert failed["failed"]
    assert said in failed["msg"]


@pytest.mark.parametrize("pid", [-5, 0, 1])
def test_what_is_no_process_of_a_forwarding_is_refused(monkeypatch: pytest.MonkeyPatch, pid: int) -> None:
    monkeypatch.setattr(os, "killpg", lambda *_arguments: pytest.fail("something was ended"))
    failed = run_module(port_forward, state="absent", pid=pid)
    assert failed["failed"]
    assert f"{pid} is no process of a forwarding" in failed["msg"]


@pytest.mark.parametrize("proc", [True, False])
def test_another_process_that_has_the_number_by_now_is_left_alone(monkeypatch: pytest.MonkeyPatch, proc: bool) -> None:
    monkeypatch.setattr(os.path, "exists", lambda _path: proc)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        try:
            assert "failed" not in run_module(port_forward, state="absent", pid=other.pid)
            assert other.poll() is None
        finally:
            other.kill()


def test_a_forwarding_that_may_not_be_ended_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_arguments: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    started = run_module(port_forward, **kubectl(tmp_path, READY))
    with monkeypatch.context() as patched:
        patched.setattr(os, "killpg", forbidden)
        failed = run_module(port_forward, state="absent", pid=started["pid"])
    assert "cannot be ended: Operation not permitted. End it as the user who started it." in failed["msg"]
    run_module(port_forward, state="absent", pid=started["pid"])
