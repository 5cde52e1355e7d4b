# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told. A script plays its part, with the answers that systemctl 252 gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._program import ProgramError
from ansible_collections.observability.claude_code.plugins.module_utils._systemd import SystemdProgram

SYSTEMCTL = r"""#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/calls"
case "$1" in show) cat "$here/show" ;; start) cat "$here/start-answer" 2>/dev/null && exit 1 ;; esac
exit 0
"""
JOURNALCTL = "#!/bin/sh\nprintf 'one\\ntwo\\n'\n"


@dataclass
class Fake:
    folder: Path

    def program(self, *files: Path) -> SystemdProgram:
        tools = {"systemctl": str(self.folder / "systemctl"), "journalctl": str(self.folder / "journalctl")}
        return SystemdProgram("p", [str(path) for path in files], **tools)

    def says(self, **properties: object) -> None:
        shown = {"LoadState": "loaded", "UnitFileState": "enabled", "MainPID": 0, "Result": "success", **properties}
        (self.folder / "show").write_text("".join(f"{name}={value}\n" for name, value in shown.items()))

    def calls(self) -> list[str]:
        lines = (self.folder / "calls").read_text().splitlines()
        return [line for line in lines if not line.startswith("show")]


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    for name, text in {"systemctl": SYSTEMCTL, "journalctl": JOURNALCTL}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return Fake(tmp_path)


@pytest.mark.parametrize(
    ("active", "sub", "running", "failing"),
    [
        ("active", "running", True, False),
        ("reloading", "reload", True, False),
        ("activating", "start", True, False),
        ("activating", "auto-restart", False, True),
        ("failed", "failed", False, True),
        ("inactive", "dead", False, False),
    ],
)
def test_states_are_understood(fake: Fake, active: str, sub: str, running: bool, failing: bool) -> None:
    fake.says(ActiveState=active, SubState=sub, MainPID=42)
    state = fake.program().read()
    assert (state.running, state.failing, state.pid, state.enabled) == (running, failing, 42, True)
    fake.says(ActiveState=active, SubState=sub, UnitFileState="disabled")
    assert not fake.program().read().enabled


def test_a_start_takes_up_the_unit_and_enables_it(fake: Fake) -> None:
    fake.program().start()
    assert fake.calls() == ["daemon-reload", "enable p.service", "reset-failed p.service", "start p.service"]


def test_a_failed_start_is_left_to_the_wait_for_readiness(fake: Fake) -> None:
    (fake.folder / "start-answer").write_text("Job for p.service failed.")
    fake.program().start()
    assert fake.calls()[-1] == "start p.service"


def test_a_signal_goes_to_the_main_process(fake: Fake) -> None:
    fake.program().signal("SIGHUP")
    assert fake.calls() == ["kill --signal=SIGHUP --kill-who=main p.service"]


def test_removing_stops_disables_and_forgets(fake: Fake) -> None:
    unit = fake.folder / "p.service"
    unit.touch()
    fake.says(ActiveState="active", SubState="running")
    assert fake.program(unit).remove()
    assert not unit.exists()
    assert fake.calls() == ["disable --now p.service", "daemon-reload", "reset-failed p.service"]


def test_removing_what_is_not_there_changes_nothing(fake: Fake) -> None:
    fake.says(LoadState="not-found", ActiveState="inactive", SubState="dead", UnitFileState="")
    assert not fake.program(fake.folder / "p.service").remove()
    assert fake.calls() == []


def test_the_journal_gives_the_last_lines(fake: Fake) -> None:
    assert fake.program().last_lines(20) == ("journalctl -u p.service", ["one", "two"])


def test_a_host_without_systemd_is_told_of_the_other_engine(fake: Fake) -> None:
    (fake.folder / "systemctl").write_text("#!/bin/sh\necho 'System has not been booted with systemd' >&2\nexit 1\n")
    with pytest.raises(ProgramError, match=r"has not been booted with systemd.*Set the engine to supervisord"):
        fake.program().read()


def test_what_is_no_utf_8_is_shown_as_well_as_it_can_be(fake: Fake) -> None:
    (fake.folder / "journalctl").write_text("#!/bin/sh\nprintf 'caf\\351\\n'\n")
    assert fake.program().last_lines(20)[1] == ["caf\ufffd"]
    (fake.folder / "systemctl").write_text("#!/bin/sh\nprintf 'caf\\351\\n'\nexit 1\n")
    with pytest.raises(ProgramError, match="caf\ufffd"):
        fake.program().read()


def test_a_folder_among_the_files_is_named_and_stays(fake: Fake) -> None:
    folder = fake.folder / "p.service.d"
    folder.mkdir()
    fake.says(ActiveState="inactive", SubState="dead")
    with pytest.raises(ProgramError, match=r"p\.service\.d cannot be deleted.*It must be a file"):
        fake.program(folder).remove()
    assert folder.is_dir()
