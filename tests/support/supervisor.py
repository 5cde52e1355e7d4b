# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisord of the stacks that tests set up: lent to them, and ended with all that it runs."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import yaml
from support.checkout import CACHE, CHECKOUT, run

DEFAULTS = CHECKOUT / "roles" / "service" / "defaults" / "main.yml"


def lend(prefix: Path) -> None:
    """Put a link to one for all tests where the role would install it, which takes as long as to set up a server.

    The tests of the role let it install its own. What removes the role's takes the link alone away.
    """
    version = yaml.safe_load(DEFAULTS.read_text())["service_supervisor_version"]
    # Another Python makes another environment.
    shared = CACHE / f"supervisor-{version}-python-{sys.version_info.major}.{sys.version_info.minor}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "supervisor.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # As the role marks it.
        mark = shared / f"version-{version}"
        if not mark.exists():
            run(sys.executable, "-m", "venv", "--clear", shared)
            run(shared / "bin" / "python", "-m", "pip", "install", "--quiet", f"supervisor=={version}")
            mark.write_text(f"{version}\n")
    link = prefix / "lib" / "supervisor"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(shared)


def processes(prefix: Path) -> list[int]:
    """Everything that runs from this prefix."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if str(prefix).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def end(prefix: Path) -> None:
    """Leave nothing running, whatever the test did; first who would start the others again."""
    with suppress(OSError, ValueError):
        os.kill(int((prefix / "run" / "supervisord.pid").read_text()), signal.SIGKILL)
    for pid in processes(prefix):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
