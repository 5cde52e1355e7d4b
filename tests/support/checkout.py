# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout that is tested: where it is, which files belong to it, how its commands are run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# What the tests may keep from one run to the next; `make clean` deletes it.
CACHE = CHECKOUT / ".cache"
COLLECTIONS = CHECKOUT / ".collections"


def files(*suffixes: str) -> list[Path]:
    """Return the files that belong to the project, relative to the checkout: what Git tracks or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CHECKOUT,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = sorted({Path(name) for name in listed.split("\0") if name})
    return [p for p in paths if (not suffixes or p.suffix in suffixes) and (CHECKOUT / p).is_file()]


def environment(**changes: str | None) -> dict[str, str]:
    """Return this process's environment with the programs of this Python first, and without settings of Ansible."""
    # As the Makefile has it: no module shall read its program byte by byte.
    unwanted = ("ANSIBLE_", "PYTHONUNBUFFERED")
    env = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    env["ANSIBLE_HOME"] = str(CACHE / "ansible")
    env["NO_COLOR"] = "1"
    # Git refuses to look at a checkout that belongs to somebody else, which is common where root runs the tests.
    env.update(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    return env


def for_playbooks(**changes: str | None) -> dict[str, str]:
    """The same for playbooks of the checkout, whose modules start twice as fast (support/compiled)."""
    config, compiled = CHECKOUT / "ansible.cfg", CHECKOUT / "tests" / "support" / "compiled"
    return environment(**{"ANSIBLE_CONFIG": str(config), "PYTHONPATH": str(compiled), **changes})


def run(*command: str | Path, cwd: Path = CHECKOUT, env: dict[str, str] | None = None, timeout: int = 600) -> str:
    """Run a command and return what it printed; when it fails, fail the test with that text."""
    __tracebackhide__ = True
    words = [str(word) for word in command]
    chosen = environment() if env is None else env
    program = shutil.which(words[0], path=chosen["PATH"])
    assert program, f"{words[0]} is not installed; run `make setup`"
    done = subprocess.run(
        [program, *words[1:]],
        cwd=cwd,
        env=chosen,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"`{shlex.join(words)}` in {cwd} ended with {done.returncode}:\n{done.stdout}", pytrace=False)
    return done.stdout
