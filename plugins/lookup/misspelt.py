# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: misspelt
author: observability.claude_code contributors (@observability)
version_added: 0.1.0
short_description: Variables that are nearly called as one of this collection's roles
description:
  - Ansible takes a variable that nobody reads without a word, so a misspelt one leaves the default in force.
  - A name is misspelt when it begins as the variables of a role do, is none of them, and is much like one of its
    options. Other names may be somebody's own.
options:
  _terms:
    description: Names of variables, such as those of a host in C(hostvars).
    required: true
    type: list
    elements: str
  roles:
    description: Names of the roles whose options may be meant.
    type: list
    elements: str
    default: [stack, prometheus, loki, otel_collector, grafana, verify, client_env]
"""

EXAMPLES = r"""
- name: Show what is misspelt in the inventory
  ansible.builtin.debug:
    msg: "{{ query('observability.claude_code.misspelt', *hostvars[inventory_hostname]) }}"
"""

RETURN = r"""
_raw:
  description: The misspelt names, each with the one that may be meant.
  type: list
  elements: str
  sample: ["prometheus_retention_day (did you mean prometheus_retention_days?)"]
"""

import typing as t
from pathlib import Path

from ansible.plugins.lookup import LookupBase
from ansible_collections.observability.claude_code.plugins.plugin_utils._variable_names import misspelt

ROLES = Path(__file__).resolve().parents[2] / "roles"


class LookupModule(LookupBase):
    """Compares names with what the roles say of their variables."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        found = misspelt(terms, [ROLES / role for role in self.get_option("roles")])
        return [f"{name} (did you mean {meant}?)" for name, meant in found.items()]
