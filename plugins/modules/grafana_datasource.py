#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_datasource
short_description: Keep a data source in Grafana
version_added: 0.1.0
description:
  - Creates, changes or deletes one data source. Nothing is written where Grafana has it already.
  - What is not given stays as it is, also other keys of C(jsonData) and other secrets.
  - Grafana never shows a secret, only whether there is one. O(update_secrets) says what follows from that.
  - Works with Grafana 9.5 to 13. The token or user needs the role Admin.
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
    details: Of secrets only their names are shown.
options:
  state:
    description: Whether the data source shall be there.
    type: str
    choices: [present, absent]
    default: present
  uid:
    description:
      - Uid of the data source. Dashboards and alert rules refer to it, so it is better given than not.
      - Without it the data source is found by O(name), and a new one gets a uid from Grafana.
    type: str
  name:
    description: Name of the data source, which its organisation has once. Needed to create it.
    type: str
  type:
    description: Plugin of the data source, such as V(prometheus) or V(loki). Needed to create it.
    type: str
  access:
    description: Who asks the data source's own server, V(proxy) for Grafana, V(direct) for the browser. A new one has
      V(proxy).
    type: str
    choices: [proxy, direct]
  ds_url:
    description: Address of the data source's own server, as Grafana reaches it.
    type: str
  user:
    description: User at the data source's own server, where the plugin has such a field.
    type: str
  database:
    description: Database at the data source's own server, where the plugin has such a field.
    type: str
  basic_auth:
    description: Whether Grafana signs in to the data source's own server with a user and a password.
    type: bool
  basic_auth_user:
    description: That user. The password is C(basicAuthPassword) in O(secure_json_data).
    type: str
  with_credentials:
    description: Whether cookies and authorization headers of the browser are passed on.
    type: bool
  is_default:
    description:
      - Whether this is the data source that Grafana takes where none is named. An organisation has one.
      - With V(true) another one loses the flag, see RV(former_default). With V(false) no other one gets it.
    type: bool
  json_data:
    description:
      - Settings of the plugin, by Grafana's names, such as C(httpMethod) or C(httpHeaderName1).
      - Keys that are not given stay; one with the value V(null) is removed.
    type: dict
    default: {}
  secure_json_data:
    description:
      - Secrets of the plugin, by Grafana's names, such as C(basicAuthPassword) or C(httpHeaderValue1).
      - Secrets that are not given stay; an empty one is removed.
    type: dict
    default: {}
  update_secrets:
    description:
      - When secrets are written that Grafana has already. One that it lacks is always written.
      - With V(on_change) they are written when they are others than those of the last run, or when somebody saved the
        data source since on Grafana's pages. To know that, a mark of all of them together is kept in C(jsonData),
        as C(ansibleSecrets). It is a salted PBKDF2 hash with 600,000 rounds. Everybody who may read data sources can
        read it and try secrets against it, about ten a second on each core; so this is for long random secrets.
        A change through Grafana's API that names no version may go unseen.
      - With V(on_create) they are not written again. A change goes unseen, here and there, and no mark is kept.
      - With V(always) they are written in every run, which always reports a change. No mark is kept.
    type: str
    choices: [on_create, on_change, always]
    default: on_change
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Let Grafana read from Prometheus
  observability.claude_code.grafana_datasource:
    url: https://grafana.example.com
    token: "{{ grafana_token }}"
    uid: claude-code-prometheus
    name: Claude Code Prometheus
    type: prometheus
    ds_url: http://127.0.0.1:9090
    json_data:
      httpMethod: POST
      timeInterval: 60s

- name: Let Grafana read from Loki with a password and a tenant
  observability.claude_code.grafana_datasource:
    url: https://grafana.example.com
    token: "{{ grafana_token }}"
    uid: claude-code-loki
    name: Claude Code Loki
    type: loki
    ds_url: https://loki.example.com
    basic_auth: true
    basic_auth_user: grafana
    json_data:
      httpHeaderName1: X-Scope-OrgID
    secure_json_data:
      basicAuthPassword: "{{ loki_password }}"
      httpHeaderValue1: claude-code

- name: Take a data source away
  observability.claude_code.grafana_datasource:
    url: https://grafana.example.com
    token: "{{ grafana_token }}"
    uid: claude-code-loki
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode.
  returned: success
  type: str
  sample: update
uid:
  description: The data source's uid. Not known in check mode, where Grafana would choose it.
  returned: success
  type: str
  sample: claude-code-loki
version:
  description: Grafana's count of its saves. In check mode the one that is there.
  returned: when it is there
  type: int
  sample: 3
differences:
  description:
    - Paths of what differs between Grafana and what is asked for, by Grafana's names.
    - Empty for a data source that is created or deleted.
  returned: success
  type: list
  elements: str
  sample: [url, jsonData.httpMethod, secureJsonData.basicAuthPassword]
former_default:
  description: Uid of the data source that loses the flag of the default to this one.
  returned: when there is one
  type: str
  sample: prometheus
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_options as grafana_options
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import GrafanaError
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_data_source import (
    ALWAYS,
    ON_CHANGE,
    ON_CREATE,
    DataSource,
)

# Our options by Grafana's names.
FIELDS = {
    "name": "name",
    "type": "type",
    "access": "access",
    "url": "ds_url",
    "user": "user",
    "database": "database",
    "basicAuth": "basic_auth",
    "basicAuthUser": "basic_auth_user",
    "withCredentials": "with_credentials",
    "isDefault": "is_default",
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            **grafana_options.connection_spec(),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            uid=dict(type="str"),
            name=dict(type="str"),
            type=dict(type="str"),
            access=dict(type="str", choices=["proxy", "direct"]),
            ds_url=dict(type="str"),
            user=dict(type="str"),
            database=dict(type="str"),
            basic_auth=dict(type="bool"),
            basic_auth_user=dict(type="str"),
            with_credentials=dict(type="bool"),
            is_default=dict(type="bool"),
            json_data=dict(type="dict", default={}),
            secure_json_data=dict(type="dict", default={}, no_log=True),
            update_secrets=dict(type="str", choices=[ON_CREATE, ON_CHANGE, ALWAYS], default=ON_CHANGE, no_log=False),
        ),
        supports_check_mode=True,
        mutually_exclusive=grafana_options.MUTUALLY_EXCLUSIVE,
        required_together=grafana_options.REQUIRED_TOGETHER,
        required_one_of=[*grafana_options.REQUIRED_ONE_OF, ("uid", "name")],
        required_by=grafana_options.REQUIRED_BY,
    )
    try:
        result = run(module)
    except GrafanaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    wanted = {name: params[option] for name, option in FIELDS.items() if params[option] is not None}
    grafana = grafana_options.grafana_of(params)
    source = DataSource(
        grafana,
        params["uid"],
        wanted,
        params["json_data"],
        secrets_of(params["secure_json_data"]),
        params["update_secrets"],
    )
    with grafana_options.answers(grafana):
        source.read()
        return remove(module, source) if params["state"] == "absent" else push(module, source)


def push(module: AnsibleModule, source: DataSource) -> dict[str, t.Any]:
    wrong = source.differences()
    action = "none" if not wrong else "update" if source.exists else "create"
    former = source.former_default()
    diff = {"before": source.before(), "after": source.after()}
    if wrong:
        source.check_writable()
        source.warn_of_default()
        if not module.check_mode:
            source.write()
    for text in source.warnings:
        module.warn(text)
    result = outcome(source, action, [path for path in wrong if path], diff)
    return {**result, "former_default": former} if former else result


def remove(module: AnsibleModule, source: DataSource) -> dict[str, t.Any]:
    action = "delete" if source.exists else "none"
    if source.exists:
        source.check_writable()
        if not module.check_mode:
            source.delete()
    return outcome(source, action, [], {"before": source.before(), "after": {}})


def outcome(source: DataSource, action: str, paths: list[str], diff: dict[str, t.Any]) -> dict[str, t.Any]:
    result = {
        "changed": action != "none",
        "action": action,
        "uid": source.uid or "",
        "differences": paths,
        "diff": diff,
    }
    return {**result, "version": source.version} if source.exists and action != "delete" else result


def secrets_of(given: dict[str, t.Any]) -> dict[str, str]:
    """As Grafana takes them: texts, an empty one for none."""
    wrong = [key for key, value in given.items() if isinstance(value, (dict, list, bool))]
    if wrong:
        raise GrafanaError(f"secure_json_data holds what is no text in {', '.join(wrong)}. Write it in quotes.")
    return {key: "" if value is None else str(value) for key, value in given.items()}


if __name__ == "__main__":
    main()
