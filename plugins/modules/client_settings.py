#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_settings
short_description: Have the telemetry settings of Claude Code on a machine, or as it was before
version_added: 0.1.0
description:
  - Writes all files that tell Claude Code where its telemetry goes in one go, whole files of our own as well as keys in
    settings files of others, which keep everything else that is in them.
  - All is read and planned before anything is written. When a file cannot be written, those before it are put back.
  - What was there before is kept in O(record). With O(state=absent) every file and key is put back as it was. A key
    that somebody changed meanwhile stays as it is, and is named in RV(kept), as are files of accounts that are gone.
  - Settings elsewhere that would win are reported in RV(conflicts).
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
      mode.
    support: full
    details: Tokens and the contents of secret files are not shown.
options:
  state:
    description: Whether to have the settings, or everything as it was before.
    type: str
    choices: [present, absent]
    default: present
  system:
    description:
      - What C(uname) calls the machine. It decides where managed settings are.
      - Without O(root) the module refuses to work on another one.
    type: str
    choices: [Linux, Darwin]
    default: Linux
  root:
    description: Folder that stands for the machine's root, for machines that are only simulated or being built.
    type: path
  homes:
    description: Home folders by account, for accounts that the machine does not know, or that are elsewhere.
    type: dict
    default: {}
  record:
    description:
      - File that keeps what was there before, readable by its owner alone. A path that begins with C(~) is in the home
        of who runs the module, C(~user) in that of a user.
    type: str
    required: true
  files:
    description: Files that are written as a whole.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path on the machine; C(~user) is that user's home.
        type: str
        required: true
      content:
        description: What is in it.
        type: str
        required: true
      mode:
        description: Its mode, in octal digits.
        type: str
        default: "0644"
      owner:
        description: Its owner, as whom it is written where root runs the module.
        type: str
        default: ""
      group:
        description: Its group; that of the owner when not given.
        type: str
        default: ""
      secret:
        description: Whether its content must not show in a diff.
        type: bool
        default: false
  settings:
    description: Settings files of others that keys are put into.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path on the machine; C(~user) is that user's home.
        type: str
        required: true
      settings:
        description: What is put in, C(env) with variables and C(otelHeadersHelper).
        type: dict
        required: true
      mode:
        description: The mode that it shall have, in octal digits. Its own, or 0600 for a new file, when not given.
        type: str
      owner:
        description: Its owner, as whom it is written where root runs the module.
        type: str
        default: ""
  variables:
    description: The variables that shall be in force afterwards. They are checked, and conflicts are looked for.
    type: dict
    default: {}
  headers_helper:
    description: The script for headers that shall be in force afterwards.
    type: str
    default: ""
  users:
    description: Accounts whose settings are searched for conflicts. By default who runs the module.
    type: list
    elements: str
    default: []
  project:
    description: Folder of a project whose settings count as well.
    type: str
  token:
    description: A token that stands in files and variables, so that it never shows in output.
    type: str
  on_conflict:
    description: Whether a conflict is only reported, or nothing is written.
    type: str
    choices: [report, fail]
    default: report
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Tell the client on this machine where its telemetry goes
  observability.claude_code.client_settings:
    record: /var/lib/claude-code-client-env/managed.json
    files:
      - path: /etc/claude-code/managed-settings.d/50-observability.json
        content: "{{ {'env': variables} | to_nice_json }}\n"
    variables: "{{ variables }}"
  vars:
    variables:
      CLAUDE_CODE_ENABLE_TELEMETRY: "1"
      OTEL_METRICS_EXPORTER: otlp
      OTEL_EXPORTER_OTLP_PROTOCOL: http/protobuf
      OTEL_EXPORTER_OTLP_ENDPOINT: https://telemetry.example.com:4318

- name: Put back what was there before
  observability.claude_code.client_settings:
    record: /var/lib/claude-code-client-env/managed.json
    state: absent
"""

RETURN = r"""
files:
  description: What was done with each file, or would be in check mode.
  returned: success
  type: dict
  sample: {/etc/claude-code/managed-settings.d/50-observability.json: created}
conflicts:
  description: What would win over the settings.
  returned: always
  type: list
  elements: dict
  contains:
    user:
      description: For whom.
      type: str
    name:
      description: The variable, or C(otelHeadersHelper).
      type: str
    path:
      description: The file that wins.
      type: str
    value:
      description: What it says; secrets are masked.
      type: str
    wanted:
      description: What was wanted; empty for a variable of a single signal, which nobody asked for.
      type: str
    msg:
      description: The same in a sentence, with the next step.
      type: str
problems:
  description: Settings files on the machine that Claude Code cannot read, each with the next step.
  returned: always
  type: list
  elements: str
kept:
  description:
    - Keys that are no longer wanted and stay, because somebody changed them since.
    - Files of accounts that are no longer there, which are left alone from then on.
  returned: success
  type: list
  elements: str
"""

import dataclasses
import platform

from ansible_collections.observability.claude_code.plugins.module_utils._client_conflicts import (
    Conflict,
    Expected,
    Planned,
    broken,
    conflicts,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_document import complaints
from ansible_collections.observability.claude_code.plugins.module_utils._client_files import ClientFilesError, Place
from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import (
    Account,
    UnknownUserError,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_module import ClientModule
from ansible_collections.observability.claude_code.plugins.module_utils._client_record import Record
from ansible_collections.observability.claude_code.plugins.module_utils._client_rollout import (
    Plan,
    WantedFile,
    WantedSettings,
    plan_absent,
    plan_present,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import secrets_in

SYSTEMS = ["Linux", "Darwin"]


def octal(mode: str) -> int:
    try:
        return int(mode, 8)
    except ValueError as error:
        raise ClientFilesError(f"{mode} is no mode; write octal digits such as 0644.") from error


def refuse_what_cannot_work(params: dict) -> None:
    here = platform.system()
    if not params["root"] and here != params["system"]:
        raise ClientFilesError(
            f"This machine is {here}, and system is {params['system']}. Set client_env_system: {here} for it."
        )
    wanted = dict(env=params["variables"])
    wrong = complaints(wanted)
    for one in params["settings"]:
        wrong.extend(complaints(one["settings"]))
    if wrong:
        raise ClientFilesError(f"Nothing was changed: {'; '.join(dict.fromkeys(wrong))}. Correct the variables.")


def secrets_of(params: dict) -> set[str]:
    """What stands in variables and must not show."""
    environments = [params["variables"], *(one["settings"].get("env") for one in params["settings"])]
    found = [one for one in environments if isinstance(one, dict)]
    return set().union(*(secrets_in({name: str(value) for name, value in one.items()}) for one in found))


def planned(params: dict) -> Plan:
    place = Place(params["root"] or "", params["homes"])
    record = Record.load(params["record"], place)
    if params["state"] == "absent":
        return plan_absent(place, record)
    files = [WantedFile(**dict(one, mode=octal(one["mode"]))) for one in params["files"]]
    merged = [
        WantedSettings(**dict(one, mode=octal(one["mode"]) if one["mode"] else None)) for one in params["settings"]
    ]
    return plan_present(place, record, files, merged)


def account_of(user: str, place: Place) -> Account:
    home = place.homes.get(user)
    if home and place.root:  # an account of the simulated machine; its files belong to who runs this
        return dataclasses.replace(Account.of(None), name=user, home=home)
    return Account.of(user or None, home)


def looked_for(params: dict, plan: Plan) -> tuple[list[Conflict], list[str]]:
    """Conflicts of each user, and broken files, with everything written that is planned."""
    found = []
    problems = []
    expected = Expected(params["variables"], params["headers_helper"], frozenset(plan.contents()))
    for user in params["users"] or [""]:
        account = account_of(user, plan.place)
        machine = Planned(account, plan.place.root, params["system"], plan.contents())
        problems.extend(broken(machine, params["project"]))
        if params["state"] == "present":
            found.extend(conflicts(machine, expected, params["project"]))
    return found, list(dict.fromkeys(problems))


def main() -> None:
    file_spec = dict(
        path=dict(type="str", required=True),
        content=dict(type="str", required=True),
        mode=dict(type="str", default="0644"),
        owner=dict(type="str", default=""),
        group=dict(type="str", default=""),
        secret=dict(type="bool", default=False, no_log=False),
    )
    settings_spec = dict(
        path=dict(type="str", required=True),
        settings=dict(type="dict", required=True),
        mode=dict(type="str"),
        owner=dict(type="str", default=""),
    )
    module = ClientModule(
        argument_spec=dict(
            state=dict(type="str", choices=["present", "absent"], default="present"),
            system=dict(type="str", choices=SYSTEMS, default="Linux"),
            root=dict(type="path"),
            homes=dict(type="dict", default={}),
            record=dict(type="str", required=True),
            files=dict(type="list", elements="dict", default=[], options=file_spec),
            settings=dict(type="list", elements="dict", default=[], options=settings_spec),
            variables=dict(type="dict", default={}),
            headers_helper=dict(type="str", default=""),
            users=dict(type="list", elements="str", default=[]),
            project=dict(type="str"),
            token=dict(type="str", no_log=True),
            on_conflict=dict(type="str", choices=["report", "fail"], default="report"),
        ),
        supports_check_mode=True,
    )
    params = module.params
    module.no_log_values.update(secrets_of(params))
    try:
        if params["state"] == "present":
            refuse_what_cannot_work(params)
        plan = planned(params)
        found, problems = looked_for(params, plan)
        result = dict(conflicts=[one.as_dict() for one in found], problems=problems)
        if found and params["on_conflict"] == "fail":
            module.fail_json(msg=f"Nothing was changed. {' '.join(str(one) for one in found)}", **result)
        actions = {change.path: change.action for change in plan.changes}
        diff = plan.diffs()
        if not module.check_mode:
            plan.carry_out()
    except (ClientFilesError, UnknownUserError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(diff), files=actions, kept=plan.kept, diff=diff, **result)


if __name__ == "__main__":
    main()
