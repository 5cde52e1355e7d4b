# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said where supervisord cannot be started. What it does when it runs is shown by the integration tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._program import ProgramError
from ansible_collections.observability.claude_code.plugins.module_utils._supervisord import Supervisord


def daemon(folder: Path, run: str) -> Supervisord:
    config = str(folder / "supervisord.conf")
    return Supervisord(str(folder / "bin"), config, str(folder / run / "s"), str(folder / "pid"), str(folder / "log"))


def test_a_missing_folder_for_the_socket_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"run, where supervisord's socket belongs.*No such file.*Make it"):
        daemon(tmp_path, "run").ensure()


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"(?s)did not start.*No such file.*bin/supervisord\. Install it there"):
        daemon(tmp_path, ".").ensure()
