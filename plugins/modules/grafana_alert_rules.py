#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_alert_rules
short_description: Push a whole group of alert rules to Grafana
version_added: 0.1.0
description:
  - Makes a rule group in a folder of Grafana hold exactly the given rules, evaluated at the given interval.
  - Rules that left the source leave the group. Other groups are never touched. A rule whose uid or, before Grafana
    12.0, title is in use in another group is refused with the name of that group.
  - Rules are compared as Grafana gives them back, so V(60m) equals V(1h), and what Grafana adds by itself does not
    differ. Where nothing differs, nothing is written, since every write changes all rules of the group, changed or
    not.
  - The order of the rules is not compared. It has no effect on what they say.
  - Rules are checked before they are sent, because Grafana answers to most mistakes only that the request is bad, or
    takes them and fails at every evaluation.
  - Needs Grafana 9.5 or later. Before 11.0 the user or the token needs the role Admin, since then Editor suffices.
extends_documentation_fragment:
  - observability.claude_code.grafana
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
      mode.
    support: full
options:
  folder_uid:
    description: Uid of the folder that the group is in. Grafana keeps no alert rules outside of folders.
    type: str
    required: true
  folder_title:
    description:
      - Title of the folder. It is created with it where it is not there, and a folder with another title gets this
        one.
      - Without it a folder that is not there is an error.
    type: str
  group:
    description: Name of the group, up to 190 characters without slashes of either kind.
    type: str
    required: true
  interval:
    description: How often the group is evaluated, as a duration such as V(1m) or in seconds. A multiple of ten
      seconds.
    type: str
    default: 1m
  rules:
    description:
      - All rules of the group, each as Grafana's provisioning API has it (C(ProvisionedAlertRule)).
      - RV(uids) are their uids. A rule without C(uid) gets one that is made of folder, group and title, 40
        characters, always the same; with another title it is another rule and loses its state.
      - C(noDataState) is V(NoData) and C(execErrState) V(Error) where the rule does not say. C(id), C(orgID),
        C(updated) and C(provenance) are Grafana's own and ignored.
      - An empty list removes the group, as O(state=absent) does.
      - Required when O(state=present).
    type: list
    elements: dict
  provenance:
    description:
      - Whom Grafana takes the rules for. Rules with V(api) cannot be edited on Grafana's pages. With V(none) they
        can, and the next run of this module takes such changes back.
      - A group is written as a whole, so all of its rules have the same. Changing it is a change of the group.
    type: str
    choices: [api, none]
    default: api
  unmanaged_rules:
    description:
      - What becomes of rules in the group that are not in O(rules) and were not written through the API, such as
        those that somebody made on Grafana's pages.
      - V(fail) refuses to go on, V(remove) deletes them, V(keep) leaves them. To keep them beside others,
        O(provenance) must be V(none), because writing the group would lock them otherwise.
      - A rule that was pushed with O(provenance=none) and a uid of its own looks like this once it has left the
        source. One with a uid that this module made is recognised.
    type: str
    choices: [fail, keep, remove]
    default: fail
  state:
    description: Whether the group is there. Its folder stays.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Rules from files on Grafana's host (provenance C(file)) and imported rules of Prometheus (C(converted_prometheus))
    cannot be changed through this API. They are refused.
  - Until Grafana 11.5.1 rules are created one by one, so that a failure between two of them leaves a part. Run it
    again, it continues from what is there.
  - For a rename of a group remove the old one first, or give the rules other uids.
seealso:
  - module: observability.claude_code.grafana_dashboard
  - module: observability.claude_code.ruler_rule_group
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Alert when a program of the stack is down
  observability.claude_code.grafana_alert_rules:
    url: https://grafana.example.com
    token: "{{ vault_grafana_token }}"
    folder_uid: claude-code
    folder_title: Claude Code
    group: claude-code-stack
    interval: 1m
    rules:
      - uid: claude-code-program-down
        title: ProgramDown
        condition: B
        for: 5m
        labels: {severity: critical}
        annotations: {summary: A program of the stack is down}
        noDataState: Alerting
        data:
          - refId: A
            datasourceUid: prometheus
            relativeTimeRange: {from: 600, to: 0}
            model: {refId: A, expr: min by (job) (up), instant: true}
          - refId: B
            datasourceUid: __expr__
            model: {refId: B, type: threshold, expression: A, conditions: [{evaluator: {type: lt, params: [1]}}]}

- name: Push a file of rules that people may edit on Grafana's pages
  observability.claude_code.grafana_alert_rules:
    url: https://grafana.example.com
    token: "{{ vault_grafana_token }}"
    folder_uid: claude-code
    group: tools
    rules: "{{ (lookup('file', 'tools.json') | from_json).rules }}"
    provenance: none
    unmanaged_rules: keep

- name: Remove a group and its rules
  observability.claude_code.grafana_alert_rules:
    url: https://grafana.example.com
    token: "{{ vault_grafana_token }}"
    folder_uid: claude-code
    group: claude-code-stack
    state: absent
"""

RETURN = r"""
uids:
  description: Uids of all rules of the source, in its order.
  returned: success
  type: list
  elements: str
created:
  description: Uids of the rules that were not there.
  returned: success
  type: list
  elements: str
updated:
  description: Uids of the rules that differed.
  returned: success
  type: list
  elements: str
removed:
  description: Uids of the rules that left the group.
  returned: success
  type: list
  elements: str
differences:
  description: What differed, as paths. A rule that was not there or left is named as a whole.
  returned: success
  type: list
  elements: str
  sample: [interval, "rules[ProgramDown].data[A].model.expr", "rules[QueueFilling]"]
unsettled:
  description: What Grafana took and does not give back as it was sent, as paths. Such a field is unknown to its
    version, and differs again at the next run. A warning tells it too.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_options as grafana_options
from ansible_collections.observability.claude_code.plugins.module_utils._durations import whole_seconds
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import GrafanaError
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_folders import Folder
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_conflicts import (
    API,
    FAIL,
    KEEP,
    NONE,
    REMOVE,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_group import RuleGroup, text


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            **grafana_options.connection_spec(),
            folder_uid=dict(type="str", required=True),
            folder_title=dict(type="str"),
            group=dict(type="str", required=True),
            interval=dict(type="str", default="1m"),
            rules=dict(type="list", elements="dict"),
            provenance=dict(type="str", choices=[API, NONE], default=API),
            unmanaged_rules=dict(type="str", choices=[FAIL, KEEP, REMOVE], default=FAIL),
            state=dict(type="str", choices=["present", "absent"], default="present"),
        ),
        mutually_exclusive=grafana_options.MUTUALLY_EXCLUSIVE,
        required_together=grafana_options.REQUIRED_TOGETHER,
        required_one_of=grafana_options.REQUIRED_ONE_OF,
        required_by=grafana_options.REQUIRED_BY,
        required_if=[("state", "present", ["rules"])],
        supports_check_mode=True,
    )
    params = module.params
    rules = (params["rules"] if params["state"] == "present" else None) or []
    try:
        grafana = grafana_options.grafana_of(params)
        group = RuleGroup(
            grafana,
            params["folder_uid"],
            params["group"],
            whole_seconds(params["interval"]),
            rules,
            provenance=params["provenance"],
            unmanaged=params["unmanaged_rules"],
        )
        # Without rules nothing is put into the folder, so it need not be there.
        folder = Folder(grafana, params["folder_uid"], params["folder_title"]) if rules else None
        with grafana_options.answers(grafana):
            result = pushed(group, folder, write=not module.check_mode)
    except (GrafanaError, ValueError) as error:
        module.fail_json(msg=str(error))
    for path in result["unsettled"]:
        module.warn(f"Grafana took the rules, but does not give {path} back as it was sent.")
    module.exit_json(**result)


def pushed(group: RuleGroup, folder: Folder | None, write: bool) -> dict[str, t.Any]:
    """What differs and, where it is to be written, what still does afterwards."""
    paths, texts = [], []
    if folder:
        folder.read()
        paths = [f"folder.{name}".rstrip(".") for name in folder.differences()]
    if folder and paths:
        before = folder.before()
        texts = [("folder", text(before), text(folder.after()))]
    group.read()
    change = group.change()
    changed, unsettled = bool(paths or change), []
    if changed and write:
        if folder:
            folder.write()
        group.write()
        unsettled = group.unsettled()
    return dict(
        changed=changed,
        uids=[*group.wanted],
        created=change.created,
        updated=change.updated,
        removed=change.removed,
        differences=[*paths, *change.paths],
        unsettled=unsettled,
        diff=[
            dict(before_header=what, after_header=what, before=old, after=new)
            for what, old, new in [*texts, *change.texts]
        ],
    )


if __name__ == "__main__":
    main()
