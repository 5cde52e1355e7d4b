#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_figures
short_description: Read the figures of a report
version_added: 0.1.0
description:
  - Reads single numbers and series from Prometheus, by the catalogue's metrics, so that a report can show them.
extends_documentation_fragment:
  - observability.claude_code.stack
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details: It reads only.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in
      diff mode.
    support: none
    details: Nothing changes.
options:
  cards:
    description: The numbers to read, as in C(files/catalogue/report).
    type: list
    elements: dict
    default: []
  charts:
    description: The series to read, as in C(files/catalogue/report).
    type: list
    elements: dict
    default: []
  must_read:
    description: Whether the module fails where Prometheus cannot be read. Otherwise it warns and returns no figures.
    type: bool
    default: true
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Read what was spent in the last day
  observability.claude_code.stack_figures:
    catalogue: "{{ lookup('observability.claude_code.catalogue', 'sources') }}"
    prometheus: {url: http://127.0.0.1:9090}
    loki: {url: http://127.0.0.1:3100}
    cards:
      - {id: cost, title: Cost, unit: USD, total: cost}
  register: figures
"""

RETURN = r"""
cards:
  description: The cards of O(cards), each with its C(value).
  returned: success
  type: list
  elements: dict
charts:
  description: The charts of O(charts), each with its C(series) of points, C(start), C(end) and C(step) in unix time.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _figures
from ansible_collections.observability.claude_code.plugins.module_utils import _stack_options as stack_options
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._servers import ServerError


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            stack_options.argument_spec(),
            cards=dict(type="list", elements="dict", default=[]),
            charts=dict(type="list", elements="dict", default=[]),
            must_read=dict(type="bool", default=True),
        ),
        supports_check_mode=True,
    )
    try:
        stack = stack_options.stack_of(module.params)
        cards = _figures.cards(stack, module.params["cards"])
        charts = _figures.charts(stack, module.params["charts"])
    except ServerError as error:
        if module.params["must_read"]:
            module.fail_json(msg=str(error))
        module.warn(f"There are no figures: {error}")
        cards, charts = [], []
    except (CatalogueError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, cards=cards, charts=charts)


if __name__ == "__main__":
    main()
