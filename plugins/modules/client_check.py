#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_check
short_description: Check on a client's machine what Claude Code makes of its telemetry settings
version_added: 0.1.0
description:
  - Reads all places that Claude Code takes settings from, and returns for each variable of telemetry the value that is
    in force, the file that it comes from, and the files that say something else.
  - Finds what is wrong with them, such as a file that is no JSON, a file in a wrong place, a missing exporter, an
    address with a path too many, a script that cannot run, a token that others can read, a certificate that has ended,
    a proxy in the way.
  - Sends a marked probe the way the client would send its telemetry, with the same address, headers, token,
    certificates and proxy, and says what came of it for each signal. The probe counts in no panel.
    M(observability.claude_code.client_coverage) looks for it in the stores.
  - The module does not fail because of what it finds, so that one machine does not stop the others;
    RV(healthy) and RV(findings) say what there is.
  - It needs Python's standard library alone, and Linux (WSL too) or macOS. On Windows it cannot run.
notes:
  - The precedence is that of the client, observed on version 2.1.330. Managed settings win over F(settings.local.json)
    of a project, that over the project's F(settings.json), that over the user's, that over F(~/.claude.json), and all
    of them over the environment that the client was started with. What is given on its command line
    (C(--settings), above a project's) cannot be seen.
  - A project's files may set resource attributes and intervals, but not whether and where telemetry goes. Where managed
    settings give an address or headers for all signals, no other file can give others for one signal.
  - Of files of shells only plain assignments and files that are sourced are understood; what stands in a condition is
    taken for true. Which of them a log-in reads depends on the shell, so they all are read.
  - Over gRPC the probe ends where HTTP/2 begins, since Python has no gRPC. It shows that the port is reached and
    speaks HTTP/2, not that telemetry is taken.
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details: No probe is sent. The script for headers runs all the same, since it is part of what is checked.
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
    details: Nothing is configured.
options:
  name:
    description:
      - The machine's name in the roll-out. The probe carries it as C(host.name) where the settings name none.
    type: str
  user:
    description:
      - Whose settings are looked at. By default those of whoever owns O(home), or of who the module runs as.
      - Running as root, the module reads what this person may read, and runs the script for headers as this person.
    type: str
  home:
    description:
      - The person's home folder. By default the account's own.
      - Where the system has no such account, whoever owns this folder is the person.
    type: path
  root:
    description:
      - A folder that stands for the machine. All paths, those in settings too, are looked up beneath it.
    type: path
  system:
    description: Which system's places count. By default the machine's own.
    type: str
    choices: [Linux, Darwin]
  projects:
    description: Folders of projects whose settings are looked at as well.
    type: list
    elements: path
    default: []
  environment:
    description:
      - Variables that the client is started with, beside those that files set at log-in, for example
        C(ansible_facts.env) of a play that runs as the person.
    type: dict
    default: {}
  expected:
    description:
      - Variables as they were rolled out, and C(otelHeadersHelper) where a script for headers was. Where something else
        is in force, RV(in_force) is V(false) and a finding says which file wins.
      - With O(projects), they are to be in force in each of these.
    type: dict
    default: {}
  token_files:
    description:
      - Files that the script for headers reads tokens from; their mode, owner and content are looked at.
      - V(~) is the home folder of the person whose settings are looked at.
    type: list
    elements: str
    default: []
  probe:
    description: Whether to send a probe.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for each answer to the probe.
    type: float
    default: 10.0
seealso:
  - module: observability.claude_code.client_coverage
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Check what is in force for a developer, and whether it arrives
  observability.claude_code.client_check:
    name: "{{ inventory_hostname }}"
    user: alex
    expected:
      CLAUDE_CODE_ENABLE_TELEMETRY: "1"
      OTEL_EXPORTER_OTLP_ENDPOINT: https://telemetry.example.com:4318
      otelHeadersHelper: /etc/claude-code/otel-headers.sh
    token_files: [~/.config/claude-code-observability/otel-token]
  become: true
  register: client

- name: Say what is wrong
  ansible.builtin.debug:
    msg: "{{ client.findings | selectattr('severity', 'equalto', 'error') | map(attribute='what') }}"
  when: not client.healthy
"""

RETURN = r"""
machine:
  description: What O(name) says.
  returned: always
  type: str
user:
  description: Whose settings were looked at.
  returned: always
  type: str
healthy:
  description: Whether no finding is an error, a probe that was not accepted included.
  returned: always
  type: bool
in_force:
  description: Whether everything in O(expected) is in force.
  returned: always
  type: bool
since:
  description: Unix time at which the file was written last that switches telemetry on. Null where none does.
  returned: always
  type: float
diagnosis:
  description: The worst finding, or that all is well, in a sentence or two.
  returned: always
  type: str
settings:
  description: Each variable of telemetry that any place sets.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: The variable., type: str}
    value:
      description: The value in force, without secrets. Null where no place that sets it counts.
      type: str
    scope:
      description: V(managed), V(user), V(state) (F(~/.claude.json)) or V(environment).
      type: str
    path: {description: Where it comes from., type: str}
    overridden:
      description: Places that say something else, which counts less; each with C(value), C(scope) and C(path).
      type: list
      elements: dict
    ignored:
      description: Places that the client does not listen to, each with C(reason) besides.
      type: list
      elements: dict
  sample:
    - name: OTEL_METRICS_EXPORTER
      value: otlp
      scope: managed
      path: /etc/claude-code/managed-settings.d/50-observability.json
      overridden: [{value: none, scope: user, path: /homes/alex/.claude/settings.json}]
      ignored: []
headers_helper:
  description: The script for headers that is in force, empty where none is, and the file that names it.
  returned: always
  type: dict
  contains:
    path: {description: The script., type: str}
    set_in: {description: The file., type: str}
sources:
  description: The places that have something to do with telemetry, those that count more later.
  returned: always
  type: list
  elements: dict
  contains:
    scope: {description: What kind of place it is., type: str}
    path: {description: The file., type: str}
findings:
  description: What is wrong or worth knowing, the worst first.
  returned: always
  type: list
  elements: dict
  contains:
    id: {description: 'The fault, such as V(invalid-json) or V(probe-unauthorized).', type: str}
    severity:
      description:
        - V(error) where telemetry does not arrive or is wrong, V(warning) where it may be or a secret is in danger,
          V(notice) where it is worth knowing.
      type: str
    where: {description: The file or the address that it is about., type: str}
    what: {description: What is wrong., type: str}
    next_step: {description: What to do., type: str}
probe:
  description: What came of the probe.
  returned: always
  type: dict
  contains:
    sent: {description: Whether anything was sent., type: bool}
    accepted: {description: Whether the collector took both signals., type: bool}
    id: {description: 'Its mark, the attribute C(probe.id). Empty where no probe was asked for.', type: str}
    session_id: {description: The session that it claims to be., type: str}
    time: {description: Unix time of its record., type: float}
    signals:
      description: By V(metrics) and V(logs).
      type: dict
      contains:
        sent: {description: Whether the client would send this signal at all., type: bool}
        url: {description: Where it goes., type: str}
        protocol: {description: How., type: str}
        reached: {description: Whether a server answered., type: bool}
        accepted: {description: Whether it was taken., type: bool}
        status: {description: The HTTP status; null without an answer., type: raw}
        cause: {description: 'Why not, in a word such as V(unauthorized), V(dns), V(proxy).', type: str}
        error: {description: What the server or the network said., type: str}
        next_step: {description: What to do., type: str}
        latency_ms: {description: Milliseconds until the answer., type: float}
        unproven: {description: What the probe cannot show., type: str}
        diagnosis: {description: All of it in a sentence., type: str}
"""

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_check import ClientCheck, Wanted
from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import (
    Account,
    Machine,
    UnknownUserError,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_module import ClientModule
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import (
    masked,
    matters,
    secrets_in,
)


def main() -> None:
    module = ClientModule(
        argument_spec=dict(
            name=dict(type="str"),
            user=dict(type="str"),
            home=dict(type="path"),
            root=dict(type="path"),
            system=dict(type="str", choices=["Linux", "Darwin"]),
            projects=dict(type="list", elements="path", default=[]),
            environment=dict(type="dict", default={}),
            expected=dict(type="dict", default={}),
            token_files=dict(type="list", elements="str", default=[], no_log=False),
            probe=dict(type="bool", default=True),
            timeout=dict(type="float", default=10.0),
        ),
        supports_check_mode=True,
    )
    params = module.params
    environment, expected = _texts(params["environment"]), _texts(params["expected"])
    module.no_log_values.update(secrets_in(expected), secrets_in(environment))
    # Ansible returns the options as well. Of a whole environment it has no business with secrets of other programs.
    params["expected"] = {name: masked(name, value) for name, value in expected.items()}
    params["environment"] = {name: masked(name, value) for name, value in environment.items() if matters(name)}
    if params["timeout"] <= 0:
        module.fail_json(msg=f"timeout is {params['timeout']} seconds; give more than 0.")
    try:
        account = Account.of(params["user"], params["home"], params["root"] or "")
    except UnknownUserError as error:
        module.fail_json(msg=str(error))
    machine = Machine(account, params["root"] or "")
    if params["system"]:
        machine = Machine(account, params["root"] or "", params["system"])
    check = ClientCheck(
        machine,
        Wanted(
            environment=environment,
            projects=params["projects"],
            expected=expected,
            token_files=params["token_files"],
            name=params["name"] or "",
            probe=params["probe"] and not module.check_mode,
            timeout=params["timeout"],
        ),
    )
    module.no_log_values.update(check.secrets())
    module.exit_json(changed=False, **check.report())


def _texts(values: t.Mapping[str, t.Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


if __name__ == "__main__":
    main()
