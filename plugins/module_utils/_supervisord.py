# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs kept alive by a supervisord of our own: one for each prefix."""

from __future__ import annotations

# This works without a module, which is what run_command belongs to.
# pylint: disable=ansible-bad-function
import contextlib
import glob
import http.client
import os
import signal
import stat
import subprocess
import time
import xmlrpc.client
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._program import (
    ProgramError,
    State,
    delete,
    tail,
)
from ansible_collections.observability.claude_code.plugins.module_utils._supervisor_client import (
    ABNORMAL_TERMINATION,
    ALREADY_ADDED,
    ALREADY_STARTED,
    BAD_NAME,
    NOT_RUNNING,
    SPAWN_ERROR,
    Client,
)

# What a program inherits. Not the environment of whoever ran the playbook: it may hold secrets and changes from run
# to run.
INHERITED = ("PATH", "HOME", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
# Longer than any program of ours is given to end by itself.
STOP_SECONDS = 180.0


class Supervisord:
    """One supervisord: its configuration, socket and processes."""

    def __init__(self, bin_dir: str, config: str, socket: str, pidfile: str, log: str) -> None:
        self.bin_dir = bin_dir
        self.config = config
        self.socket = socket
        self.pidfile = pidfile
        self.log = log
        self.client = Client(socket)

    @property
    def programs(self) -> list[str]:
        return sorted(glob.glob(os.path.join(os.path.dirname(self.config), "conf.d", "*.conf")))

    def call(self, name: str, *arguments: Any, faults: tuple[int, ...] = ()) -> Any:
        try:
            return self.client.tolerant(name, *arguments, faults=faults)
        except (OSError, xmlrpc.client.Error, http.client.HTTPException) as error:
            shown = " ".join([name, *(str(argument) for argument in arguments)])
            raise ProgramError(
                f"supervisord did not do {shown}: {error}. Look at {self.log}, then run the playbook again."
            ) from error

    def answers(self) -> bool:
        return self.client.answers()

    def take_up(self, name: str) -> None:
        """Take up a new, changed or deleted configuration of this program; the others keep running as they are."""
        ((added, changed, removed),) = self.call("reloadConfig")
        if name in changed or name in removed:
            self.call("stopProcessGroup", name, faults=(BAD_NAME, NOT_RUNNING))
            self.call("removeProcessGroup", name, faults=(BAD_NAME,))
        if name in changed or name in added:
            self.call("addProcessGroup", name, faults=(ALREADY_ADDED,))

    def ensure(self) -> None:
        """Have it running. What an earlier one left behind (killed, or the machine restarted) is cleared away first."""
        if self.answers():
            return
        self._check_socket_directory()
        self._end_mute()
        self._end_orphans()
        command = [os.path.join(self.bin_dir, "supervisord"), "-c", self.config]
        try:
            done = self._run(command)
        except OSError as error:
            raise ProgramError(
                f"supervisord did not start ({' '.join(command)}): {error.strerror or error}: {error.filename}. "
                "Install it there, or correct its paths, then run the playbook again."
            ) from error
        deadline = time.monotonic() + 20
        while done.returncode == 0 and time.monotonic() < deadline:
            if self.answers():
                return
            time.sleep(0.1)
        lines = "\n".join([*done.stderr.splitlines()[-10:], *tail(self.log, 20)])
        raise ProgramError(
            f"supervisord did not start ({' '.join(command)}). Its last lines ({self.log}):\n{lines}\n"
            "Mend what they complain about, then run the playbook again."
        )

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        for path in (self.socket, self.pidfile):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        return subprocess.run(
            command,
            env=environment(),
            cwd=os.path.dirname(self.config),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    def shut_down(self) -> None:
        pid = self._pid()
        self.call("shutdown")
        if pid and not wait_gone([pid], STOP_SECONDS):
            raise ProgramError(f"supervisord (process {pid}) does not end. See {self.log}, then end it by hand.")

    def _check_socket_directory(self) -> None:
        directory = os.path.dirname(self.socket)
        try:
            found = os.lstat(directory)
        except OSError as error:
            raise ProgramError(
                f"{directory}, where supervisord's socket belongs, cannot be used: {error.strerror or error}. Make it, "
                "or choose another."
            ) from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ProgramError(
                f"{directory} belongs to somebody else, so supervisord's socket would not be safe in it. Remove it, "
                f"or choose another."
            )

    def _pid(self) -> int:
        """The process in the pid file, if it really is this supervisord."""
        try:
            with open(self.pidfile, encoding="utf-8") as stream:
                pid = int(stream.read().strip())
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                arguments = stream.read().split(b"\0")
        except (OSError, ValueError):
            return 0
        return pid if self.config.encode() in arguments else 0

    def _end_mute(self) -> None:
        """A supervisord that runs but cannot be reached (its socket was deleted) would fight with the new one."""
        pid = self._pid()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            if not wait_gone([pid], STOP_SECONDS):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                wait_gone([pid], 5)

    def _end_orphans(self) -> None:
        """When supervisord is killed its programs live on, holding their ports and locks. They carry its address."""
        mark = f"SUPERVISOR_SERVER_URL=unix://{self.socket}".encode()
        orphans = [pid for pid in processes() if mark in environment_of(pid).split(b"\0")]
        for pid in orphans:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)
        if not wait_gone(orphans, STOP_SECONDS):
            for pid in orphans:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            wait_gone(orphans, 5)


class SupervisedProgram:
    """One program of a supervisord."""

    def __init__(self, name: str, daemon: Supervisord, log: str, files: list[str]) -> None:
        self.name = name
        self.daemon = daemon
        self.log = log
        self.files = files

    def read(self) -> State:
        if not self.daemon.answers():
            return State(text="supervisord is not running")
        found = self.daemon.call("getProcessInfo", self.name, faults=(BAD_NAME,))
        if not found:
            return State(text="supervisord does not know it yet")
        word = found["statename"]
        return State(
            known=True,
            running=word in ("RUNNING", "STARTING"),
            failing=word in ("FATAL", "BACKOFF"),
            pid=found["pid"],
            text=f"{word} {found['spawnerr'] or found['description']}".strip(),
        )

    def start(self) -> None:
        self.daemon.ensure()
        self.daemon.take_up(self.name)
        state = self.read()
        if not state.running:
            if state.failing:
                self._stop()
            self._start()

    def restart(self) -> None:
        self.daemon.ensure()
        before = self.read()
        self.daemon.take_up(self.name)
        after = self.read()
        if after.running and after.pid and after.pid != before.pid:
            return
        self._stop()
        self._start()

    def signal(self, name: str) -> None:
        self.daemon.call("signalProcess", self.name, name.removeprefix("SIG"))

    def remove(self) -> bool:
        """Stop it, forget it, and end supervisord with its last program. True if anything was there."""
        present = [path for path in self.files if os.path.lexists(path)]
        alive = self.daemon.answers()
        known = alive and self.read().known
        if known:
            self._stop()
        delete(present)
        if alive:
            self.daemon.take_up(self.name)
            if not self.daemon.programs:
                self.daemon.shut_down()
        return bool(present or known)

    def last_lines(self, count: int) -> tuple[str, list[str]]:
        return self.log, tail(self.log, count)

    def _stop(self) -> None:
        self.daemon.call("stopProcess", self.name, faults=(BAD_NAME, NOT_RUNNING))

    def _start(self) -> None:
        # Not waiting: whether it stays up is told by the wait for readiness, with the program's own last lines.
        faults = (SPAWN_ERROR, ABNORMAL_TERMINATION, ALREADY_STARTED)
        self.daemon.call("startProcess", self.name, False, faults=faults)


def environment() -> dict[str, str]:
    mine = {name: os.environ[name] for name in INHERITED if name in os.environ}
    mine.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    return mine


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def environment_of(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            return stream.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_gone(pids: list[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not all(gone(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
