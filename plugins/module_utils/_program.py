# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide whether a program must be started, restarted or reloaded, and do it. No Ansible in here.

What a program was last started with is written down in a stamp: the SHA-256 of each file that matters to it. The
stamp goes away before anything is done, and is written after the program answered. So whatever interrupts a play
between "file written" and "program restarted", the next play repairs it; a handler would have been forgotten.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ansible_collections.observability.claude_code.plugins.module_utils._file_digest import sha256

ABSENT = "absent"


class ProgramError(Exception):
    """Says what went wrong, where, and the next step."""


@dataclass
class State:
    """What the engine says about a program."""

    known: bool = False
    running: bool = False
    enabled: bool = True
    failing: bool = False
    pid: int = 0
    text: str = "unknown"


class Engine(Protocol):
    """What keeps programs alive: systemd or supervisord."""

    def read(self) -> State: ...
    def start(self) -> None: ...
    def restart(self) -> None: ...
    def signal(self, name: str) -> None: ...
    def remove(self) -> bool: ...
    def last_lines(self, count: int) -> tuple[str, list[str]]: ...


@dataclass
class Files:
    """The files a program lives on, with their digests."""

    restart: dict[str, str]
    reload: dict[str, str]

    @classmethod
    def of(cls, restart: list[str], reload: list[str]) -> Files:
        return cls(restart=digests(restart), reload=digests(reload))


@dataclass
class Decision:
    action: str = "none"
    reasons: list[str] = field(default_factory=list)


class Stamp:
    """What the program was last started or reloaded with."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> Files | None:
        try:
            with open(self.path, encoding="utf-8") as stream:
                read = json.load(stream)
            return Files(restart=dict(read["restart"]), reload=dict(read["reload"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def forget(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def write(self, files: Files) -> None:
        directory = os.path.dirname(self.path)
        try:
            handle, path = tempfile.mkstemp(prefix=".stamp-", dir=directory)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump({"restart": files.restart, "reload": files.reload}, stream, indent=2, sort_keys=True)
            os.replace(path, self.path)
        except OSError as error:
            raise ProgramError(
                f"The stamp {self.path} cannot be written: {error.strerror or error}. Its folder must be there and "
                "writable: mend that, then run the playbook again."
            ) from error


def digests(paths: list[str]) -> dict[str, str]:
    return {path: digest_of(path) for path in paths}


def digest_of(path: str) -> str:
    """SHA-256 of a file, or of a directory's files with their names, links followed."""
    try:
        return _folder_digest(path) if os.path.isdir(path) else sha256(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError as error:
        raise ProgramError(
            f"{path} cannot be read: {error.strerror or error}. What a program lives on must be readable to see "
            "whether it changed: mend that, then run the playbook again."
        ) from error


def _folder_digest(folder: str) -> str:
    digest = hashlib.sha256()
    seen = {os.path.realpath(folder)}
    for top, names, members in os.walk(folder, followlinks=True):
        for name in sorted(names):
            full = os.path.join(top, name)
            target = os.path.realpath(full)
            if target in seen:
                # A link to a folder above would lead round for ever; where it leads says enough.
                names.remove(name)
                digest.update(f"{os.path.relpath(full, folder)}\0{target}\n".encode())
            seen.add(target)
        names.sort()
        for name in sorted(members):
            full = os.path.join(top, name)
            digest.update(f"{os.path.relpath(full, folder)}\0{digest_of(full)}\n".encode())
    return digest.hexdigest()


def delete(paths: list[str]) -> None:
    """Deletes the files of a program that is to go."""
    for path in paths:
        try:
            os.unlink(path)
        except OSError as error:
            raise ProgramError(
                f"{path} cannot be deleted: {error.strerror or error}. It must be a file in a folder that may be "
                "written: correct the path or mend that, then run the playbook again."
            ) from error


def differing(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return sorted(path for path in {*before, *now} if before.get(path) != now.get(path))


def decide(state: State, stamp: Files | None, now: Files, can_reload: bool) -> Decision:
    if not state.running:
        return Decision("start", [f"it is not running ({state.text})"])
    if stamp is None:
        return Decision("restart", ["it is not known what it was started with"])
    reasons = [f"{path} changed" for path in differing(stamp.restart, now.restart)]
    reload_reasons = [f"{path} changed" for path in differing(stamp.reload, now.reload)]
    if reasons:
        return Decision("restart", reasons + reload_reasons)
    if reload_reasons:
        return Decision("reload" if can_reload else "restart", reload_reasons)
    if not state.enabled:
        return Decision("enable", ["it would not start with the machine"])
    return Decision()


def expect(decision: Decision, restart: bool, reload: bool, can_reload: bool) -> Decision:
    """In check mode files are not written: what earlier tasks of the play would change counts as changed."""
    if decision.action in ("none", "reload", "enable"):
        if restart or (reload and not can_reload):
            return Decision("restart", [*decision.reasons, "its files would change"])
        if reload and decision.action != "reload":
            return Decision("reload", [*decision.reasons, "its files would change"])
    return decision


@dataclass
class Program:
    """One program, its engine and how to see that it works."""

    name: str
    engine: Engine
    ready: Callable[[], str]  # empty when ready, else what is missing
    timeout: float = 60.0
    grace: float = 5.0  # from the first crash on: some mend themselves by a second try
    settle: float = 2.0  # how long a new process must stay: the answer may be another program's on the same port
    poll: float = 0.25
    reload_signal: str | None = None
    reload_call: Callable[[], None] | None = None

    @property
    def can_reload(self) -> bool:
        return bool(self.reload_signal or self.reload_call)

    def apply(self, decision: Decision) -> None:
        if decision.action in ("start", "enable"):
            self.engine.start()
        elif decision.action == "restart":
            self.engine.restart()
        elif decision.action == "reload":
            if self.reload_call:
                self.reload_call()
            elif self.reload_signal:
                self.engine.signal(self.reload_signal)

    def wait_ready(self, decision: Decision) -> None:
        started = time.monotonic()
        deadline = started + self.timeout
        settled = started + (self.settle if decision.action in ("start", "restart", "reload") else 0.0)
        pid = -1
        patience: float | None = None
        while True:
            state = self.engine.read()
            if state.failing and patience is None:
                patience = time.monotonic() + self.grace
            missing = self.ready() if state.running else f"it is not running ({state.text})"
            if state.pid != pid:
                settled = settled if pid == -1 else time.monotonic() + self.settle
                pid = state.pid
            if not missing and time.monotonic() >= settled:
                return
            if state.failing and patience is not None and time.monotonic() > patience:
                raise self.failure(f"{self.name} does not stay up: {missing}")
            if time.monotonic() > deadline:
                why = missing or "it keeps stopping"
                raise self.failure(f"{self.name} was not ready within {self.timeout:g} s: {why}")
            time.sleep(self.poll)

    def failure(self, what: str) -> ProgramError:
        # pylint reads the body of the protocol's method and takes it for one that returns nothing.
        where, lines = self.engine.last_lines(20)  # pylint: disable=unpacking-non-sequence
        shown = "\n".join(f"  {line}" for line in lines) or "  (nothing)"
        return ProgramError(
            f"{what}. Its last log lines ({where}):\n{shown}\n{taken_port(lines)}"
            "Mend what they complain about (an address in use, a directory it may not write, a wrong value), then "
            "run the playbook again."
        )


def taken_port(lines: list[str]) -> str:
    """What to do where a log says that a port is in use; empty where none does."""
    taken = any("address already in use" in line.lower() for line in lines)
    advice = "Another process has the port; `ss -ltnp` shows which. Stop it, or give another stack_*_port.\n"
    return advice if taken else ""


def tail(path: str, count: int) -> list[str]:
    """The last lines of a log without reading all of it."""
    with contextlib.suppress(OSError), open(path, "rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - 64 * 1024))
        return stream.read().decode("utf-8", "replace").splitlines()[-count:]
    return []
