#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_dashboard
short_description: Keep a dashboard in Grafana
version_added: 0.1.0
description:
  - Creates, changes, moves or deletes one dashboard, and creates its folder where that is asked for.
  - Nothing is written where Grafana has it already. Compared is everything but what Grafana counts itself (C(id),
    C(version)), and what the definition leaves open (numbers of panels, what is chosen in a variable).
  - A dashboard that was changed on Grafana's pages differs, and is written again.
  - Works with Grafana 9.5 to 13. It wants the classic JSON model, which all of them take.
  - From Grafana 13 on a dashboard saved on its pages is stored in a newer format, of which only a conversion can be
    read. It is then not compared but written again, with a warning, and RV(differences) is V(apiVersion).
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
    description:
      - Whether the dashboard shall be there.
      - V(absent) leaves the folder, and refuses to delete what is a folder itself.
    type: str
    choices: [present, absent]
    default: present
  definition:
    description:
      - The dashboard's JSON model. One exported for sharing, with C(__inputs), is refused.
      - This or O(src) is needed with O(state=present).
    type: dict
  src:
    description: File with the JSON model, on the target host.
    type: path
  uid:
    description:
      - The dashboard's uid, up to 40 letters, digits, C(-) and C(_). That of the definition when not set.
      - There must be one, since without it Grafana makes a further dashboard each time.
    type: str
  folder_uid:
    description:
      - Uid of the folder. An empty one stands for General, the folder that is none.
      - Without this and O(folder_title) the dashboard stays where it is, and a new one goes to General.
      - It must be there unless O(folder_title) is given.
    type: str
  folder_title:
    description:
      - Title of the folder, which is created where it is missing, and gets this title where it has another one.
      - Without O(folder_uid) the folder is found by this title, and a new one gets a uid made of it.
    type: str
  parent_folder_uid:
    description:
      - Uid of the folder that the folder shall be in; it must be there. An empty one stands for none.
      - The folder stays where it is when not set. Needs Grafana 11.0.
    type: str
  conflict:
    description:
      - What to do about somebody who saves the dashboard between our reading and our writing.
      - V(fail) writes nothing and says who it was, V(overwrite) replaces that as well.
      - Another dashboard with the same title in the folder is never replaced. Until Grafana 11.2 that is an error.
    type: str
    choices: [fail, overwrite]
    default: fail
  commit_message:
    description: What the history of the dashboard says of the change, up to 500 characters.
    type: str
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Show the metrics in the folder Claude Code
  observability.claude_code.grafana_dashboard:
    url: https://grafana.example.com
    token: "{{ grafana_token }}"
    definition: "{{ lookup('ansible.builtin.file', 'claude-code-metrics.json') | from_json }}"
    folder_uid: claude-code
    folder_title: Claude Code

- name: Put a file of the target host into a folder within another one
  observability.claude_code.grafana_dashboard:
    url: https://grafana.example.com
    token: "{{ grafana_token }}"
    src: /srv/dashboards/costs.json
    folder_title: Costs
    parent_folder_uid: claude-code
    commit_message: Release 12

- name: Take a dashboard away
  observability.claude_code.grafana_dashboard:
    url: https://grafana.example.com
    token: "{{ grafana_token }}"
    uid: claude-code-metrics
    state: absent
"""

RETURN = r"""
action:
  description:
    - What was done to the dashboard, or would be done in check mode.
    - V(none) with RV(ignore:changed) true means that only the folder was changed.
  returned: success
  type: str
  sample: update
uid:
  description: The dashboard's uid.
  returned: success
  type: str
  sample: claude-code-metrics
dashboard_url:
  description: Where people find it.
  returned: when it is there
  type: str
  sample: https://grafana.example.com/d/claude-code-metrics/claude-code-metrics
version:
  description: Grafana's count of its saves. In check mode the one that is there.
  returned: when it is there
  type: int
  sample: 3
folder_uid:
  description: Uid of its folder, empty for General.
  returned: when it is there
  type: str
  sample: claude-code
differences:
  description:
    - Paths of what differs between Grafana and the definition. Panels and variables are named by number and name.
    - V(folderUid) stands for a move, V(folder) for a missing folder, V(folder.title) and V(folder.parentUid) for one
      that is not as asked.
    - Empty for a dashboard that is created or deleted.
  returned: success
  type: list
  elements: str
  sample: ["panels[12].targets[A].expr", "title"]
"""

import json
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_options as grafana_options
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import Grafana, GrafanaError
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_folders import GENERAL, Folder
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_model import model_of
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_stored_dashboard import (
    FAIL,
    OVERWRITE,
    StoredDashboard,
)

Result = dict[str, t.Any]


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            **grafana_options.connection_spec(),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            definition=dict(type="dict"),
            src=dict(type="path"),
            uid=dict(type="str"),
            folder_uid=dict(type="str"),
            folder_title=dict(type="str"),
            parent_folder_uid=dict(type="str"),
            conflict=dict(type="str", choices=[FAIL, OVERWRITE], default=FAIL),
            commit_message=dict(type="str"),
        ),
        supports_check_mode=True,
        mutually_exclusive=[*grafana_options.MUTUALLY_EXCLUSIVE, ("definition", "src")],
        required_together=grafana_options.REQUIRED_TOGETHER,
        required_one_of=grafana_options.REQUIRED_ONE_OF,
        required_by=grafana_options.REQUIRED_BY,
        required_if=[
            ("state", "present", ("definition", "src"), True),
            ("state", "absent", ("uid", "definition", "src"), True),
        ],
    )
    try:
        result = run(module)
    except GrafanaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def run(module: AnsibleModule) -> Result:
    params = module.params
    model = definition_of(params)
    uid = params["uid"] or (model or {}).get("uid")
    if not uid:
        raise GrafanaError(
            "The definition has no uid, so Grafana would make a further dashboard each time. Give one as uid."
        )
    grafana = grafana_options.grafana_of(params)
    if params["state"] == "absent":
        gone = StoredDashboard(grafana, uid, None)
        with grafana_options.answers(grafana):
            return remove(module, gone)
    message = params["commit_message"] or ""
    if len(message) > 500:
        raise GrafanaError("The commit_message is longer than the 500 characters that Grafana keeps. Shorten it.")
    folder = folder_of(grafana, params)
    where = params["folder_uid"] if folder is None else folder.uid
    dashboard = StoredDashboard(grafana, uid, model, where, params["conflict"], message)
    with grafana_options.answers(grafana):
        return push(module, dashboard, folder)


def push(module: AnsibleModule, dashboard: StoredDashboard, folder: Folder | None) -> Result:
    if folder:
        folder.read()
        dashboard.wanted_folder = folder.uid
    dashboard.read()
    wrong, wrong_folder = dashboard.differences(), folder.differences() if folder else []
    shown = {"before": dashboard.before(), "after": dashboard.after()}
    if folder and wrong_folder:
        shown["before"]["folder"], shown["after"]["folder"] = folder.before(), folder.after()
    action = "none" if not wrong else "update" if dashboard.exists else "create"
    if wrong:
        dashboard.check_writable()
    if not module.check_mode:
        if folder and wrong_folder:
            folder.write()
        if wrong:
            dashboard.write()
    paths = [path for path in wrong if path] + [f"folder.{path}" if path else "folder" for path in wrong_folder]
    return outcome(module, dashboard, action, paths, shown, changed=bool(wrong or wrong_folder))


def remove(module: AnsibleModule, dashboard: StoredDashboard) -> Result:
    dashboard.read()
    action = "delete" if dashboard.exists else "none"
    shown = {"before": dashboard.before(), "after": {}}
    if dashboard.exists:
        dashboard.check_writable()
        if not module.check_mode:
            dashboard.delete()
    return outcome(module, dashboard, action, [], shown, changed=action == "delete")


def outcome(
    module: AnsibleModule,
    dashboard: StoredDashboard,
    action: str,
    paths: list[str],
    shown: dict[str, t.Any],
    changed: bool,
) -> Result:
    for text in dashboard.warnings:
        module.warn(text)
    result: Result = {"changed": changed, "action": action, "uid": dashboard.uid, "differences": paths}
    if dashboard.exists and action != "delete":
        place = {"dashboard_url": dashboard.url, "folder_uid": dashboard.folder_uid}
        result.update(version=dashboard.version, **place)
    # A dashboard is long, and nobody looks at it twice.
    return {**result, "diff": shown} if module._diff else result


def definition_of(params: dict[str, t.Any]) -> dict[str, t.Any] | None:
    if params["definition"] is not None:
        return model_of(params["definition"])
    path = params["src"]
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8-sig") as file:
            definition = json.load(file)
    except OSError as error:
        raise GrafanaError(f"The file {path} cannot be read: {error.strerror}. Give one on the target host.") from error
    except ValueError as error:
        raise GrafanaError(f"The file {path} is no JSON: {error}. Give the JSON model of one dashboard.") from error
    return model_of(definition, f"The file {path}")


def folder_of(grafana: Grafana, params: dict[str, t.Any]) -> Folder | None:
    """The folder that is asked for; None for General, and for wherever the dashboard is."""
    uid, title, parent = params["folder_uid"], params["folder_title"], params["parent_folder_uid"]
    if uid == GENERAL and (title or parent is not None):
        raise GrafanaError(
            "An empty folder_uid stands for General, which has no title of yours and is in no folder. Give the uid of "
            "another folder, or leave folder_title and parent_folder_uid away."
        )
    if parent is not None and not (title or uid):
        raise GrafanaError(
            "parent_folder_uid says where a folder is, and none is named. Give folder_uid or folder_title."
        )
    return Folder(grafana, uid, title, parent) if title or uid else None


if __name__ == "__main__":
    main()
