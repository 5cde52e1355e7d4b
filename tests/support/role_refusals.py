# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's preflight would say, without a play."""

from __future__ import annotations

from typing import Any

import yaml
from ansible.template import trust_as_template
from support.role_variables import ROLES, RoleVariables


def refusals(role: str, tasks: str, **inventory: Any) -> list[str]:
    """The messages of the assertions in a role's file of tasks that these settings do not meet."""
    inventory = {"stack_platform": "kubernetes", **inventory}
    without_own = RoleVariables(role, **inventory)
    found = []
    for task in yaml.safe_load((ROLES / role / "tasks" / tasks).read_text()):
        if asserted := task.get("ansible.builtin.assert"):
            own = {name: trust_as_template(value) for name, value in task.get("vars", {}).items()}
            variables = RoleVariables(role, **inventory, **own) if own else without_own
            if _met(task.get("when", []), variables) and not _met(asserted["that"], variables):
                found.append(variables.text(asserted["fail_msg"]))
    return found


def _met(conditions: list[str] | str, variables: RoleVariables) -> bool:
    each = conditions if isinstance(conditions, list) else [conditions]
    return all(_truth(variables.expression(condition), condition) for condition in each)


def _truth(value: Any, condition: str) -> bool:
    # Ansible refuses conditions that are worth anything else.
    assert isinstance(value, bool), f"{condition} is {value!r}"
    return value
