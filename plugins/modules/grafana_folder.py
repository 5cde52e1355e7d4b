#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_folder
short_description: Keep a folder in Grafana
version_added: 0.1.0
description:
  - Creates, renames or moves one folder, or deletes it when nothing is in it any more.
  - Grafana itself deletes a folder with all dashboards in it. This module never does.
  - Works with Grafana 9.5 to 13. Deleting needs 10.0, a folder in another one 11.0.
extends_documentation_fragment:
  - observability.claude_code.grafana
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in
      diff mode.
    support: full
options:
  state:
    description: Whether the folder shall be there.
    type: str
    choices: [present, absent]
    default: present
  uid:
    description: Uid of the folder, up to 40 letters, digits, C(-) and C(_).
    type: str
    required: true
  title:
    description: Title of the folder. Needed with O(state=present).
    type: str
  parent_uid:
    description: Uid of the folder that it shall be in, an empty one for none. It stays where it is when not set.
    type: str
  not_empty:
    description:
      - What to do with O(state=absent) when there are dashboards, alert rules, library panels or folders in it.
      - V(fail) says so, V(keep) leaves it and says so in a warning.
    type: str
    choices: [fail, keep]
    default: fail
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Have a folder
  observability.claude_code.grafana_folder:
    url: https://grafana.example.com
    token: "{{ grafana_token }}"
    uid: claude-code
    title: Claude Code

- name: Take it away unless somebody has put something into it
  observability.claude_code.grafana_folder:
    url: https://grafana.example.com
    token: "{{ grafana_token }}"
    uid: claude-code
    state: absent
    not_empty: keep
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode.
  returned: success
  type: str
  sample: create
differences:
  description: What differs between Grafana and what is asked for, V(title) or V(parentUid). Empty for one that is made
    or deleted.
  returned: success
  type: list
  elements: str
rule_groups:
  description: Names of the groups of alert rules in the folder.
  returned: with O(state=present)
  type: list
  elements: str
  sample: [claude-code-cost]
contents:
  description: How many things of each kind are in the folder.
  returned: with O(state=absent)
  type: dict
  sample: {dashboard: 2}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_options as grafana_options
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import Grafana, GrafanaError
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_folder_contents import (
    contents,
    delete_empty,
    rule_groups,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_folders import Folder

FAIL = "fail"
KEEP = "keep"


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            **grafana_options.connection_spec(),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            uid=dict(type="str", required=True),
            title=dict(type="str"),
            parent_uid=dict(type="str"),
            not_empty=dict(type="str", choices=[FAIL, KEEP], default=FAIL),
        ),
        supports_check_mode=True,
        mutually_exclusive=grafana_options.MUTUALLY_EXCLUSIVE,
        required_together=grafana_options.REQUIRED_TOGETHER,
        required_one_of=grafana_options.REQUIRED_ONE_OF,
        required_by=grafana_options.REQUIRED_BY,
        required_if=[("state", "present", ("title",))],
    )
    try:
        grafana = grafana_options.grafana_of(module.params)
        with grafana_options.answers(grafana):
            result = push(module, grafana) if module.params["state"] == "present" else remove(module, grafana)
    except GrafanaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def push(module: AnsibleModule, grafana: Grafana) -> dict[str, t.Any]:
    params = module.params
    folder = Folder(grafana, params["uid"], params["title"], params["parent_uid"])
    folder.read()
    wrong = folder.differences()
    action = "none" if not wrong else "update" if folder.exists else "create"
    shown = {"before": folder.before() or {}, "after": folder.after()}
    groups = rule_groups(grafana, folder.uid) if folder.exists else []
    if wrong and not module.check_mode:
        folder.write()
    return dict(
        changed=bool(wrong), action=action, differences=[path for path in wrong if path], rule_groups=groups, diff=shown
    )


def remove(module: AnsibleModule, grafana: Grafana) -> dict[str, t.Any]:
    # With any title: only whether it is there counts.
    folder = Folder(grafana, module.params["uid"], module.params["uid"])
    folder.read()
    left: dict[str, int] = {}
    if folder.exists:
        left = contents(grafana, folder.uid) if module.check_mode else delete_empty(grafana, folder.uid)
    if left:
        told = ", ".join(f"{kind}: {number}" for kind, number in left.items())
        said = f'The folder "{folder.uid}" in Grafana at {grafana.url} is not empty ({told}), so it stays.'
        if module.params["not_empty"] == FAIL:
            raise GrafanaError(f"{said} Move or delete what is in it first, or set not_empty: keep.")
        module.warn(said)
    gone = folder.exists and not left
    return dict(
        changed=gone,
        action="delete" if gone else "none",
        differences=[],
        contents=left,
        diff={"before": folder.before() or {}, "after": {} if gone or not folder.exists else folder.before()},
    )


if __name__ == "__main__":
    main()
