# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a program is started, restarted or reloaded, and what is said when it does not come up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _program as program
from ansible_collections.observability.claude_code.plugins.module_utils._program import (
    Decision,
    Files,
    Program,
    ProgramError,
    Stamp,
    State,
    decide,
    expect,
)

RUNNING = State(known=True, running=True, pid=7)
FILES = Files(restart={"/bin/p": "1", "/unit": "2"}, reload={"/conf": "3"})


@pytest.mark.parametrize(
    ("state", "stamp", "can_reload", "action", "reason"),
    [
        (RUNNING, FILES, True, "none", ""),
        (State(text="stopped"), FILES, True, "start", "it is not running (stopped)"),
        (RUNNING, None, True, "restart", "it is not known what it was started with"),
        (RUNNING, Files({"/bin/p": "0", "/unit": "2"}, {"/conf": "3"}), True, "restart", "/bin/p changed"),
        (RUNNING, Files({"/bin/p": "1"}, {"/conf": "3"}), True, "restart", "/unit changed"),
        (RUNNING, Files({**FILES.restart, "/old": "9"}, FILES.reload), True, "restart", "/old changed"),
        (RUNNING, Files(FILES.restart, {"/conf": "0"}), True, "reload", "/conf changed"),
        (RUNNING, Files(FILES.restart, {"/conf": "0"}), False, "restart", "/conf changed"),
        (State(known=True, running=True, enabled=False), FILES, True, "enable", "it would not start with the machine"),
    ],
)
def test_the_decision_follows_from_what_it_was_started_with(
    state: State, stamp: Files | None, can_reload: bool, action: str, reason: str
) -> None:
    decision = decide(state, stamp, FILES, can_reload)
    assert decision.action == action
    assert decision.reasons == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("restart", "reload", "can_reload", "action"),
    [
        (False, False, True, "none"),
        (True, False, True, "restart"),
        (False, True, True, "reload"),
        (False, True, False, "restart"),
        (True, True, True, "restart"),
    ],
)
def test_check_mode_counts_files_that_would_change(restart: bool, reload: bool, can_reload: bool, action: str) -> None:
    assert expect(Decision(), restart, reload, can_reload).action == action
    assert expect(Decision("start", ["x"]), restart, reload, can_reload).action == "start"


def test_a_stamp_keeps_what_was_written(tmp_path: Path) -> None:
    stamp = Stamp(str(tmp_path / "p.stamp"))
    assert stamp.read() is None
    stamp.write(FILES)
    assert stamp.read() == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["p.stamp"]
    stamp.forget()
    stamp.forget()
    assert stamp.read() is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"restart": 1, "reload": {}}'])
def test_a_damaged_stamp_is_no_stamp(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.stamp"
    path.write_text(text)
    assert Stamp(str(path)).read() is None


def test_a_digest_sees_content_and_names_and_absence(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a").write_text("x")
    seen = {program.digest_of(str(rules)), program.digest_of(str(rules / "none"))}
    (rules / "a").rename(rules / "b")
    seen.add(program.digest_of(str(rules)))
    (rules / "b").write_text("y")
    seen.add(program.digest_of(str(rules)))
    assert len(seen) == 4
    assert program.ABSENT in seen


def test_a_digest_sees_what_links_to_folders_lead_to(tmp_path: Path) -> None:
    rules, other = tmp_path / "rules", tmp_path / "other"
    rules.mkdir()
    other.mkdir()
    (other / "a").write_text("x")
    (other / "round").symlink_to(rules)
    (rules / "linked").symlink_to(other)
    (rules / "again").symlink_to(rules)
    seen = {program.digest_of(str(rules))}
    (other / "a").write_text("y")
    seen.add(program.digest_of(str(rules)))
    (rules / "again").unlink()
    (rules / "again").symlink_to(tmp_path / "rules" / "linked")
    seen.add(program.digest_of(str(rules)))
    assert len(seen) == 3


def test_what_is_beneath_a_file_is_absent(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert program.digest_of(str(tmp_path / "file" / "beneath")) == program.ABSENT


def test_what_cannot_be_read_or_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgramError, match=r"none/p\.stamp cannot be written: No such file.*Its folder"):
        Stamp(str(tmp_path / "none" / "p.stamp")).write(FILES)

    def denied(path: str) -> str:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(program, "sha256", denied)
    with pytest.raises(ProgramError, match=r"config cannot be read: Permission denied"):
        program.digest_of(str(tmp_path / "config"))


@dataclass
class Scripted:
    """An engine that plays a list of states; the last one stays."""

    states: list[State]
    done: list[str] = field(default_factory=list)

    def read(self) -> State:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def start(self) -> None:
        self.done.append("start")

    def restart(self) -> None:
        self.done.append("restart")

    def signal(self, name: str) -> None:
        self.done.append(name)

    def remove(self) -> bool:
        return False

    def last_lines(self, count: int) -> tuple[str, list[str]]:
        return "the log", ["address already in use"][:count]


def watched(states: list[State], ready: Callable[[], str] = lambda: "", **changes: object) -> Program:
    quick = {"timeout": 0.5, "grace": 0.05, "settle": 0.1, "poll": 0.01, **changes}
    return Program("p", Scripted(states), ready, **quick)


def test_waiting_ends_when_the_program_answers() -> None:
    answers = ["refused", "refused", ""]
    watched([RUNNING], ready=lambda: answers.pop(0) if len(answers) > 1 else answers[0]).wait_ready(Decision("start"))
    assert answers == [""]


def test_an_answer_of_another_program_on_the_port_does_not_count() -> None:
    crashing = [State(running=True, pid=pid) for pid in range(10, 1000)]
    with pytest.raises(ProgramError, match=r"(?s)not ready within 0\.5 s: it keeps stopping.*address already in use"):
        watched(crashing).wait_ready(Decision("start"))


def test_a_program_that_keeps_crashing_is_given_up_early_with_its_last_lines() -> None:
    down = State(known=True, failing=True, text="BACKOFF")
    with pytest.raises(ProgramError, match=r"(?s)p does not stay up.*BACKOFF.*the log.*address already in use.*Mend"):
        watched([down], timeout=30).wait_ready(Decision("start"))


def test_one_crash_is_forgiven() -> None:
    crash = State(known=True, failing=True, text="BACKOFF")
    watched([RUNNING, crash, State(known=True, running=True, pid=8)]).wait_ready(Decision("start"))


def test_a_program_that_never_answers_is_given_up_with_what_is_missing() -> None:
    with pytest.raises(ProgramError, match=r"p was not ready within 0\.5 s: no answer"):
        watched([RUNNING], ready=lambda: "no answer").wait_ready(Decision())


def test_a_reload_is_a_signal_or_a_call_and_nothing_else() -> None:
    by_signal = watched([RUNNING], reload_signal="SIGHUP")
    by_signal.apply(Decision("reload"))
    assert by_signal.engine.done == ["SIGHUP"]
    called: list[str] = []
    by_call = watched([RUNNING], reload_call=lambda: called.append("called"))
    by_call.apply(Decision("reload"))
    assert (by_call.engine.done, called) == ([], ["called"])


def test_a_port_in_use_is_told_with_what_to_do() -> None:
    line = "err: listen tcp 127.0.0.1:3100: bind: address already in use"
    assert program.taken_port(["x", line]).startswith("Another process has the port; `ss -ltnp` shows which.")
    assert program.taken_port(["a wrong value"]) == ""
