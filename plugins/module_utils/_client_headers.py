# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that Claude Code takes headers from (otelHeadersHelper), run as the client runs it."""

from __future__ import annotations

# This works without a module, which is what run_command belongs to.
# pylint: disable=ansible-bad-function
import contextlib
import json
import os
import signal
import stat
import subprocess
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import Machine, reason

# The client waits as long.
TIMEOUT_S = 30.0


class ScriptError(Exception):
    """The script gives no headers; the message says why."""


def headers_from(machine: Machine, script: str, timeout: float = TIMEOUT_S) -> dict[str, str]:
    """Run it as the person whose settings name it, and read what it prints: an object of names and texts."""
    place = machine.at(script)
    found = machine.status(script)
    # A file is started as it is; anything else is a command for the shell.
    command = [place] if found and stat.S_ISREG(found.st_mode) else ["/bin/sh", "-c", script]
    try:
        status, printed, complained = _run(command, timeout, env=_environment(machine), **_identity(machine))
    except (OSError, ValueError) as error:
        raise ScriptError(reason(error)) from None
    if status:
        # Only this stream: the other one may hold a token.
        said = " ".join(complained.decode("utf-8", "replace").split())[:200]
        raise ScriptError(f"it ended with {status}{': ' + said if said else ' and said nothing'}")
    return parsed(printed)


def _run(command: t.Sequence[str], timeout: float, **options: t.Any) -> tuple[int, bytes, bytes]:
    pipe = subprocess.PIPE
    # In a session of its own, so that what the script has started ends with it.
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True, **options
    ) as running:
        try:
            printed, complained = running.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(running.pid, signal.SIGKILL)
            raise ScriptError(f"it gave no answer in {timeout:g} s") from None
    return running.returncode, printed, complained


def parsed(printed: bytes) -> dict[str, str]:
    """The headers in what it printed. Nothing of that stands in the message of an error."""
    if not printed.strip():
        raise ScriptError("it printed nothing")
    try:
        headers = json.loads(printed)
    except (ValueError, RecursionError):
        raise ScriptError("it printed no JSON") from None
    if not isinstance(headers, dict):
        raise ScriptError("it printed JSON, but no object of names and texts")
    for name, value in headers.items():
        if not isinstance(value, str):
            raise ScriptError(f"the value of {name} that it printed is no text")
    # HTTP takes white space around a value away; the token is to be known as it is sent, so that it shows nowhere.
    return {name: value.strip() for name, value in headers.items()}


def _identity(machine: Machine) -> dict[str, t.Any]:
    """A script that somebody else may have written never runs as root."""
    account = machine.account
    if os.geteuid() != 0:
        return {}
    if account.uid == 0:
        owner = machine.status("~")
        if owner and owner.st_uid != 0:
            raise ScriptError(
                f"it is not run as root, since {account.home} belongs to the account {owner.st_uid}; give that as user"
            )
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": account.groups}


def _environment(machine: Machine) -> dict[str, str]:
    path, name = os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"), machine.account.name
    return {"PATH": path, "HOME": machine.at("~"), "USER": name, "LOGNAME": name}
