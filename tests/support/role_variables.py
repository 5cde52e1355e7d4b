# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's variables and templates are worth, without a play: as Ansible evaluates them, in this process."""

from __future__ import annotations

import json
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from support.checkout import CHECKOUT

ROLES = CHECKOUT / "roles"
# One, so that each file is read once.
LOADER = DataLoader()
# Of the host in the inventory; values of a cluster must not depend on it.
FACTS = {
    "user_uid": 1000,
    "service_mgr": "systemd",
    "system": "Linux",
    "architecture": "x86_64",
    "env": {"HOME": "/home/observer"},
    "user_dir": "/home/observer",
    "python": {"executable": "/usr/bin/python3"},
}


class RoleVariables:
    """The variables of a role and of `stack`, with those that an inventory would set."""

    def __init__(self, role: str, **inventory: Any) -> None:
        variables: dict[str, Any] = {
            "ansible_facts": FACTS,
            "ansible_check_mode": False,
            "role_path": str(ROLES / role),
        }
        for kind in ("defaults", "vars"):
            for name in ("stack", role):
                for file in sorted((ROLES / name / kind).rglob("*.yml")):
                    variables |= LOADER.load_from_file(str(file), trusted_as_template=True)
            if kind == "defaults":
                variables |= inventory
        variables["ansible_search_path"] = [str(ROLES / role)]
        self._templar = Templar(LOADER, variables)

    def __getitem__(self, name: str) -> Any:
        return self.expression(name)

    def expression(self, text: str) -> Any:
        """What ``{{ text }}`` is worth, as plain Python."""
        return json.loads(json.dumps(self._templar.template(trust_as_template("{{ " + text + " }}"))))

    def text(self, template: str) -> str:
        """What a text with expressions in it becomes."""
        return str(self._templar.template(trust_as_template(template)))

    def file(self, template: str) -> str:
        """The text that a template of the role makes."""
        return self.expression(f"lookup('ansible.builtin.template', '{template}')")
