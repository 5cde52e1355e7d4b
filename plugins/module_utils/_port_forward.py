# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of a cluster's Service on this machine's loopback, by a ``kubectl port-forward`` that ends by itself."""

from __future__ import annotations

# A forward outlives the module, which run_command would wait for.
# pylint: disable=ansible-bad-function
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass

# In the order of the ports asked for. What follows the arrow is the pod's port, not the Service's.
FORWARDED = re.compile(r"^Forwarding from 127\.0\.0\.1:(\d+) -> \d+$", re.MULTILINE)
# Started with seconds and a command; ends the command after them, and with itself.
GUARD = """
import subprocess, sys
with subprocess.Popen(sys.argv[2:]) as forwarding:
    try:
        sys.exit(forwarding.wait(float(sys.argv[1])))
    except subprocess.TimeoutExpired:
        forwarding.terminate()
"""
PAUSE_S = 0.1
# Stands in the command line of every forwarding, and hardly in that of another process.
WORD = "port-forward"


class PortForwardError(Exception):
    """The ports could not be had; the message says why and what to do."""


@dataclass(frozen=True)
class Forward:
    """What ends it, and the port on 127.0.0.1 of each port that was asked for."""

    pid: int
    ports: dict[int, int]


def command(program: str, namespace: str, kubeconfig: str | None, context: str | None) -> list[str]:
    """Up to the word port-forward; the target and its ports follow."""
    where = [*(["--kubeconfig", kubeconfig] if kubeconfig else []), *(["--context", context] if context else [])]
    return [program, *where, "--namespace", namespace, WORD, "--address", "127.0.0.1"]


def start(
    forward: t.Sequence[str], target: str, ports: t.Sequence[int], lifetime_s: float, patience_s: float
) -> Forward:
    """Forwards to ``target``, such as service/loki, until ``stop`` or for ``lifetime_s``.

    Raises PortForwardError when it does not within ``patience_s``.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        guard = subprocess.Popen(
            # kubectl chooses ports of its own: two runs at once do not meet.
            [sys.executable, "-c", GUARD, str(lifetime_s), *forward, target, *(f":{port}" for port in ports)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        ends = time.monotonic() + patience_s
        while True:
            over = guard.poll() is not None
            text = os.pread(said.fileno(), os.fstat(said.fileno()).st_size, 0).decode("utf-8", "replace")
            found = FORWARDED.findall(text)
            if not over and len(found) == len(ports):
                return Forward(guard.pid, dict(zip(ports, map(int, found))))
            if over or time.monotonic() > ends:
                _end_group(guard.pid)
                what = "ended" if over else f"was not ready within {patience_s:.0f} s"
                raise PortForwardError(
                    f"The forwarding to {target} {what}. It says: {_last_words(text)} "
                    "Look at the pods behind it with kubectl get pods."
                )
            time.sleep(PAUSE_S)


def stop(pid: int) -> bool:
    """Ends a forwarding; False where it has ended already.

    Raises PortForwardError where ``pid`` cannot be one, or where it may not be ended.
    """
    if pid <= 1:
        # To the system these are this module's own process group, or all processes.
        raise PortForwardError(f"{pid} is no process of a forwarding. Give the pid that state=present returned.")
    # The number may meanwhile be that of somebody else's process.
    return WORD in _command_of(pid) and _end_group(pid)


def _end_group(pid: int) -> bool:
    try:
        os.killpg(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    except OSError as error:
        raise PortForwardError(
            f"The forwarding with the pid {pid} cannot be ended: {error.strerror or error}. "
            "End it as the user who started it."
        ) from error
    return True


def _command_of(pid: int) -> str:
    """The command line of a process; empty where there is none."""
    try:
        if os.path.exists("/proc/self/cmdline"):
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                return stream.read().decode("utf-8", "replace")
        asked = ["ps", "-o", "args=", "-p", str(pid)]
        return subprocess.run(asked, capture_output=True, text=True, errors="replace", check=False).stdout
    except OSError:
        return ""


def _last_words(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if not line.startswith("Forwarding")]
    return " ".join(lines[-3:]) or "nothing."
