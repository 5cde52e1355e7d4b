# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test's own checks of the installed collection: all of them, on every Python that this machine has."""

from __future__ import annotations

import sys
from pathlib import Path

from support.checkout import environment, run
from support.interpreters import search_path


def test_installed_collection_passes_every_sanity_test(installed: Path, sanity_home: Path) -> None:
    env = environment(HOME=str(sanity_home), PATH=search_path(Path(sys.executable).parent), ANSIBLE_HOME=None)
    listed = run("ansible-test", "sanity", "--list-tests", cwd=installed, env=env).splitlines()
    # Beside the names it may print warnings.
    names = [line for line in listed if " " not in line]
    assert len(names) > 20
    printed = run("ansible-test", "sanity", "--local", "--color", "no", cwd=installed, env=env, timeout=1500)
    assert [name for name in names if f'sanity test "{name}"' not in printed] == []
