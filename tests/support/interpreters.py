# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python interpreters of this machine that really run; version managers put dead ones on PATH, too."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

# Those that a collection for ansible-core 2.19 or newer can meet, on either end of the connection.
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


@cache
def find(version: str) -> Path | None:
    """Return the path of a Python of this version, None when there is none that works."""
    managed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *sorted(managed.glob(f"{version}.*/bin/python{version}"))]
    found = (_path_if_it_works(candidate, version) for candidate in candidates if candidate)
    return next((path for path in found if path), None)


def search_path(first: Path) -> str:
    """Return a PATH that finds the programs beside `first`, then every working interpreter, and no dead one."""
    working = [path.parent for path in map(find, VERSIONS) if path]
    rest = [Path(entry) for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if entry]
    alive = [entry for entry in rest if not _holds_a_dead_interpreter(entry)]
    return os.pathsep.join(str(entry) for entry in dict.fromkeys([first, *working, *alive]))


def _path_if_it_works(candidate: str | Path, version: str) -> Path | None:
    asked = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys._base_executable)"
    answer = _run(candidate, asked)
    if answer is None or answer.split(maxsplit=1)[0] != version:
        return None
    return Path(answer.split(maxsplit=1)[1])


def _holds_a_dead_interpreter(directory: Path) -> bool:
    present = [directory / f"python{version}" for version in ("3.8", *VERSIONS)]
    return any(path.exists() and _run(path, "pass") is None for path in present)


def _run(program: str | Path, code: str) -> str | None:
    try:
        done = subprocess.run([program, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
