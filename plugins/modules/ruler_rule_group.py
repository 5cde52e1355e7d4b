#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ruler_rule_group
short_description: Push a rule group to the ruler of Loki or Mimir
version_added: 0.1.0
description:
  - Makes a rule group in a namespace of a ruler be exactly what is given. Other groups are never touched.
  - Groups are compared as the ruler gives them back, so V(60m) equals V(1h). Where nothing differs, nothing is written.
  - A ruler that reads its rules from files takes none over its API. That is told as such.
  - New rules are evaluated once the ruler has looked for them, which Loki does every minute (C(ruler.poll_interval)).
requirements:
  - The Python package C(PyYAML) on the target host, because rulers give their rules as YAML.
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
      mode.
    support: full
options:
  url:
    description:
      - Address of Loki or Mimir, such as V(http://127.0.0.1:3100), without the path of the API.
      - The environment's proxies apply, except to this machine's own addresses. Redirects are not followed.
    type: str
    required: true
  kind:
    description: Whose ruler it is. The paths of their APIs differ, and the fields that they keep.
    type: str
    choices: [loki, mimir]
    default: loki
  namespace:
    description: The namespace that the group is in, such as a file of rules. It comes with its first group.
    type: str
    required: true
  group:
    description:
      - The group as in a rule file, C(name), C(interval), C(limit) and C(rules), of which each has C(alert) or
        C(record), C(expr), C(for), C(labels) and C(annotations). With O(kind=mimir) also what only that has, such as
        C(keep_firing_for).
      - A field that the ruler would drop is refused, because it would differ at every run.
      - For O(state=absent) the name is enough.
    type: dict
    required: true
  tenant:
    description: The tenant whose rules they are (C(X-Scope-OrgID)), where the server has several.
    type: str
  username:
    description: User, where the server wants one.
    type: str
  password:
    description: The user's password.
    type: str
  bearer_token:
    description: Token, where the server wants one instead of a user.
    type: str
  ca_file:
    description: PEM file on the target host of the authority that issued the server's certificate. The system's own
      when not set.
    type: path
  client_cert:
    description: PEM file of the client certificate, where the server asks for one. It may hold the key as well.
    type: path
  client_key:
    description: PEM file of the client certificate's key.
    type: path
  timeout:
    description:
      - Seconds to wait for each answer.
      - A request is sent up to four times while the connection fails or the server says that it has no time.
    type: float
    default: 30.0
  state:
    description: Whether the group is there.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: observability.claude_code.grafana_alert_rules
  - name: Loki's ruler
    description: What to configure, so that it takes rules and evaluates them.
    link: https://grafana.com/docs/loki/latest/alert/
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Alert when clients report errors
  observability.claude_code.ruler_rule_group:
    url: http://127.0.0.1:3100
    namespace: claude-code
    group:
      name: errors
      interval: 1m
      rules:
        - alert: ManyErrors
          expr: sum(count_over_time({service_name="claude-code"} | severity_text="ERROR" [5m])) > 10
          for: 5m
          labels: {severity: warning}
          annotations: {summary: Clients report many errors}

- name: Push all groups of a rule file to one tenant of Mimir
  observability.claude_code.ruler_rule_group:
    url: https://mimir.example.com
    kind: mimir
    tenant: platform
    username: ruler
    password: "{{ vault_mimir_password }}"
    namespace: claude-code
    group: "{{ item }}"
  loop: "{{ (lookup('file', 'rules.yml') | from_yaml).groups }}"
  loop_control:
    label: "{{ item.name }}"

- name: Remove a group
  observability.claude_code.ruler_rule_group:
    url: http://127.0.0.1:3100
    namespace: claude-code
    group: {name: errors}
    state: absent
"""

RETURN = r"""
differences:
  description: What differed, as paths. The group's own name stands for all of it, where it comes or goes.
  returned: success
  type: list
  elements: str
  sample: [interval, "rules[ManyErrors].expr"]
"""

import json
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.observability.claude_code.plugins.module_utils._answers import answers_of
from ansible_collections.observability.claude_code.plugins.module_utils._ruler import KINDS, MissingYamlError, Ruler
from ansible_collections.observability.claude_code.plugins.module_utils._ruler_group import RulerGroup
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Access, ServerError, Web

CONNECTION = ("url", "username", "password", "bearer_token", "ca_file", "tenant", "client_cert", "client_key")


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            url=dict(type="str", required=True),
            kind=dict(type="str", choices=list(KINDS), default="loki"),
            namespace=dict(type="str", required=True),
            group=dict(type="dict", required=True),
            tenant=dict(type="str"),
            username=dict(type="str"),
            password=dict(type="str", no_log=True),
            bearer_token=dict(type="str", no_log=True),
            ca_file=dict(type="path"),
            client_cert=dict(type="path"),
            client_key=dict(type="path", no_log=False),
            timeout=dict(type="float", default=30.0),
            state=dict(type="str", choices=["present", "absent"], default="present"),
        ),
        mutually_exclusive=[("bearer_token", "username")],
        required_together=[("username", "password")],
        required_by={"client_key": "client_cert"},
        supports_check_mode=True,
    )
    params = module.params
    kind, given = KINDS[params["kind"]], params["group"]
    try:
        web = Web(Access(kind.ruler, **{name: params[name] for name in CONNECTION}), params["timeout"])
        name = str(given.get("name") or "")
        group = RulerGroup(Ruler(web, kind), params["namespace"], name, given if params["state"] == "present" else None)
        after = text(group.after())
        with answers_of(f"{kind.ruler} at {params['url']}", ServerError):
            group.read()
            paths, before = group.differences(), text(group.before())
            if paths and not module.check_mode:
                group.write()
    except MissingYamlError as error:
        module.fail_json(msg=f"{missing_required_lib('PyYAML')} {error}")
    except ServerError as error:
        module.fail_json(msg=str(error))
    header = f"{params['namespace']}/{name}"
    module.exit_json(
        changed=bool(paths),
        differences=[path or name for path in paths],
        diff=dict(before_header=header, after_header=header, before=before, after=after),
    )


def text(group: dict[str, t.Any] | None) -> str:
    """JSON as a diff shows it; nothing where there is nothing."""
    return "" if group is None else json.dumps(group, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
