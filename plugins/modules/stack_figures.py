#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_figures
short_description: Read what the panels of a dashboard show
version_added: 0.1.0
description:
  - Asks Prometheus and Loki what the panels of one of the catalogue's dashboards show, with the very queries that
    Grafana asks, so that a report can show the dashboard without Grafana.
  - A panel that cannot be read has its error in place of its data. The others are read all the same.
extends_documentation_fragment:
  - observability.claude_code.stack
  - observability.claude_code.stack.prometheus
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
  dashboard:
    description: The dashboard to read, by its uid; one of those in O(catalogue).
    type: str
    default: claude-code-metrics
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Read what the main dashboard shows of the last day
  observability.claude_code.stack_figures:
    catalogue: "{{ lookup('observability.claude_code.catalogue', 'sources') }}"
    prometheus: {url: http://127.0.0.1:9090}
    loki: {url: http://127.0.0.1:3100}
  register: figures
"""

RETURN = r"""
figures:
  description: The dashboard with the data of its panels.
  returned: success
  type: dict
  contains:
    uid:
      description: The dashboard's uid.
      type: str
    title:
      description: The dashboard's title.
      type: str
    start:
      description: Unix time at which its range begins.
      type: float
    end:
      description: Unix time at which its range ends.
      type: float
    rows:
      description:
        - Its rows, each with C(title) and C(panels). A panel has what the catalogue says of it, an C(error) that is
          empty where all went well, and its data.
        - Over time these are C(series) of a name and C(points) of the end of an interval and its value, with C(start),
          C(end) and C(step).
        - Over the whole range these are C(values) of a group, a name and a value.
        - Tables and log lines have C(columns) and C(rows), and in C(more) how many further rows there are.
        - Flows have C(edges) of C(source), C(target) and C(value).
      type: list
      elements: dict
unread:
  description: The panels that could not be read, each with the reason.
  returned: success
  type: list
  elements: str
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
            dashboard=dict(type="str", default="claude-code-metrics"),
        ),
        supports_check_mode=True,
    )
    wanted = module.params["dashboard"]
    try:
        stack = stack_options.stack_of(module.params)
        dashboards = stack_options.dashboards_of(module.params, stack.catalogue)
        if wanted not in dashboards:
            known = ", ".join(dashboards) or "none"
            module.fail_json(msg=f"The catalogue has no dashboard {wanted!r}. There are: {known}.")
        figures = _figures.dashboard_figures(stack, dashboards[wanted])
    except (CatalogueError, ServerError, ValueError) as error:
        module.fail_json(msg=str(error))
    unread = _figures.errors(figures)
    if unread:
        module.warn(f"{len(unread)} panels could not be read. {unread[0]}")
    module.exit_json(changed=False, figures=figures, unread=unread)


if __name__ == "__main__":
    main()
