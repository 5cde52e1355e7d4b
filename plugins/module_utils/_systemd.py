# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs kept alive by systemd."""

from __future__ import annotations

# This works without a module, which is what run_command belongs to.
# pylint: disable=ansible-bad-function
import os
import subprocess

from ansible_collections.observability.claude_code.plugins.module_utils._program import ProgramError, State, delete

PROPERTIES = ("LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "Result", "NeedDaemonReload")


class SystemdProgram:
    """One unit."""

    def __init__(
        self, name: str, files: list[str], systemctl: str = "systemctl", journalctl: str = "journalctl"
    ) -> None:
        self.name = name
        self.files = files
        self.systemctl = systemctl
        self.journalctl = journalctl

    @property
    def unit(self) -> str:
        return f"{self.name}.service"

    def control(self, *arguments: str) -> tuple[int, str]:
        try:
            done = _run(200, self.systemctl, *arguments)
        except (OSError, subprocess.TimeoutExpired) as error:
            return 124, str(error)
        return done.returncode, (done.stdout + done.stderr).strip()

    def _show(self) -> dict[str, str]:
        code, text = self.control("show", self.unit, f"--property={','.join(PROPERTIES)}")
        if code != 0:
            raise ProgramError(
                f"systemctl show {self.unit} failed: {text}. Is systemd running here? Set the engine to supervisord "
                f"if not."
            )
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def read(self) -> State:
        shown = self._show()
        active = shown.get("ActiveState", "")
        return State(
            known=shown.get("LoadState") == "loaded",
            running=active in ("active", "reloading") or (active == "activating" and shown.get("SubState") == "start"),
            enabled=shown.get("UnitFileState") in ("enabled", "enabled-runtime", "static"),
            failing=active == "failed" or shown.get("SubState") == "auto-restart",
            pid=int(shown.get("MainPID") or 0),
            text=f"{active}, {shown.get('SubState', '')}, last result {shown.get('Result', '')}",
        )

    def start(self) -> None:
        self._prepare()
        self._control("start")

    def restart(self) -> None:
        self._prepare()
        self._control("restart")

    def _prepare(self) -> None:
        # Always: NeedDaemonReload compares times and misses a file that was written within the same second.
        code, text = self.control("daemon-reload")
        if code != 0:
            raise ProgramError(f"systemctl daemon-reload failed: {text}")
        self._control("enable")
        self.control("reset-failed", self.unit)

    def signal(self, name: str) -> None:
        self._control("kill", f"--signal={name}", "--kill-who=main")

    def remove(self) -> bool:
        present = [path for path in self.files if os.path.lexists(path)]
        state = self.read()
        if state.known:
            code, text = self.control("disable", "--now", self.unit)
            if code != 0 and self.read().running:
                raise ProgramError(f"systemctl disable --now {self.unit} failed: {text}")
        delete(present)
        if present or state.known:
            self.control("daemon-reload")
            self.control("reset-failed", self.unit)
        return bool(present or state.known)

    def last_lines(self, count: int) -> tuple[str, list[str]]:
        where = f"journalctl -u {self.unit}"
        try:
            done = _run(30, self.journalctl, "--no-pager", "--output=cat", "-n", str(count), "-u", self.unit)
        except (OSError, subprocess.TimeoutExpired):
            return where, []
        return where, done.stdout.splitlines()[-count:]

    def _control(self, action: str, *options: str) -> None:
        code, text = self.control(action, *options, self.unit)
        # A failed start is told by the wait for readiness, with the program's own last lines.
        if code != 0 and action not in ("start", "restart"):
            raise ProgramError(f"systemctl {action} {self.unit} failed ({code}): {text}")


def _run(timeout_s: float, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=timeout_s,
    )
