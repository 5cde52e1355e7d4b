# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the role `stack` puts things of a user, when nobody says where."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from support.checkout import for_playbooks, run

FOLDERS = ("stack_cache_dir", "stack_home")
BELOW = [".cache/claude-code-observability", ".local/share/claude-code-observability"]


def folders(work: Path, home: Path) -> list[str]:
    role = {"ansible.builtin.import_role": {"name": "observability.claude_code.stack", "public": True}}
    show = {"ansible.builtin.debug": {"msg": "folders=" + ",".join(f"{{{{ {name} }}}}" for name in FOLDERS)}}
    play = {"hosts": "localhost", "gather_facts": True, "tasks": [role, show]}
    path = work / "play.json"
    path.write_text(json.dumps([play]))
    env = for_playbooks(HOME=str(home))
    python = f"ansible_python_interpreter={sys.executable}"
    printed = run("ansible-playbook", "-i", "localhost,", "-c", "local", "-e", python, path, env=env)
    return printed.partition("folders=")[2].split()[0].split(",")


def test_they_follow_the_home_of_the_environment(tmp_path: Path) -> None:
    assert folders(tmp_path, tmp_path) == [f"{tmp_path}/{name}" for name in BELOW]
