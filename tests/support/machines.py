# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated machines, each a folder, that playbooks/client.yml rolls the settings out to."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.checkout import CHECKOUT, for_playbooks
from support.stack import Stack

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


@dataclass
class Rolled:
    """What a play printed and how it ended."""

    code: int
    text: str

    def changed(self, machine: str) -> int:
        found = re.search(rf"^{machine}\s+: ok=\d+\s+changed=(\d+)", self.text, re.MULTILINE)
        assert found, self.text
        return int(found.group(1))


@dataclass
class Machines:
    """Machines of one account, ``dev``, beneath ``folder``; their variables by name."""

    folder: Path
    stack: Stack
    variables: Mapping[str, Mapping[str, Any]]
    mdm: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def root(self, machine: str) -> Path:
        return self.folder / machine

    def home(self, machine: str) -> Path:
        return self.root(machine) / "home" / "dev"

    @property
    def report(self) -> Path:
        return self.folder / "report"

    def make(self) -> None:
        for machine in self.variables:
            self.home(machine).mkdir(parents=True)

    def write(self, machine: str, path: str, content: str) -> Path:
        file = self.root(machine) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    def everything(self, machine: str) -> dict[str, str]:
        found = (one for one in self.root(machine).rglob("*") if one.is_file())
        return {str(one.relative_to(self.root(machine))): one.read_text() for one in found}

    def roll_out(self, *arguments: str, **variables: Any) -> Rolled:
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps(self._inventory()))
        command = [PLAYBOOK, "-i", inventory, "playbooks/client.yml", "-e", json.dumps(variables), *arguments]
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=for_playbooks(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        return Rolled(done.returncode, done.stdout)

    def _inventory(self) -> dict[str, Any]:
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        common = {
            "client_env_endpoint": self.stack.otlp_url,
            "client_env_token_name": "tests",
            "client_env_users": ["dev"],
            "client_env_homes": {"dev": "/home/dev"},
        }
        machines = {name: {"client_env_root": str(self.root(name)), **own} for name, own in self.variables.items()}
        report = {"client_env_report_dir": str(self.report), "client_env_mdm_dir": str(self.folder / "mdm")}
        return {
            "all": {"vars": report},
            "claude_code_stack": {"hosts": {"stack": {}}, "vars": {**local, **self.stack.inventory_variables()}},
            "claude_code_clients": {"hosts": machines, "vars": {**local, **common}},
            "claude_code_mdm": {"hosts": dict(self.mdm), "vars": {"client_env_endpoint": self.stack.otlp_url}},
        }
