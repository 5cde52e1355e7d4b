#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_coverage
short_description: Tell which machines' telemetry arrives, and which machine is missing
version_added: 0.1.0
description:
  - Takes what M(observability.claude_code.client_check) returned on each machine, looks for the probes in Prometheus
    and Loki, and for the last session of each machine, and returns a table with a row for each client.
  - It names the machines whose telemetry does not arrive and why, those that have been silent for days, and those that
    report although nothing was ever rolled out to them.
  - A machine is known in the telemetry by the attribute C(host.name), which the role C(client_env) sets.
extends_documentation_fragment:
  - observability.claude_code.stack
  - observability.claude_code.stack.prometheus
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details: It reads only. In check mode M(observability.claude_code.client_check) sends no probes to look for.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in
      diff mode.
    support: none
    details: Nothing changes.
options:
  clients:
    description:
      - What M(observability.claude_code.client_check) returned, one result for each person on each machine.
      - A machine that could not be checked has C(machine) and C(error) instead, and is named in the summary.
    type: list
    elements: dict
    required: true
  days:
    description: How many days back sessions are looked for.
    type: int
    default: 14
  silent_days:
    description: After how many days without a session a machine is silent.
    type: float
    default: 7.0
  wait:
    description: Seconds that a probe may take from the collector into the stores.
    type: float
    default: 60.0
seealso:
  - module: observability.claude_code.client_check
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Tell whose telemetry arrives
  observability.claude_code.client_coverage:
    catalogue: "{{ lookup('observability.claude_code.catalogue', 'sources') }}"
    prometheus: {url: http://127.0.0.1:9090}
    loki: {url: http://127.0.0.1:3100}
    clients: "{{ groups['claude_code_clients'] | map('extract', hostvars, 'client') | list }}"
  register: coverage

- name: Show it
  ansible.builtin.debug:
    msg: "{{ coverage.summary }}"
"""

RETURN = r"""
clients:
  description: A row for each client, in the order of O(clients).
  returned: success
  type: list
  elements: dict
  contains:
    machine: {description: The machine., type: str}
    user: {description: The person., type: str}
    state:
      description:
        - V(covered) where all arrives and a session was seen in the last O(silent_days) days, V(waiting) where the
          settings are not as old and none was seen yet, V(silent) otherwise.
        - V(not delivered) where the client's settings or its probe have a fault, V(unreachable) where it could not be
          checked.
      type: str
    settings: {description: 'V(in force), V(overridden) or V(unknown).', type: str}
    probe_metrics:
      description: V(found), V(lost) (the collector took it and no store has it), V(refused) or V(not sent).
      type: str
    probe_logs: {description: The same for the probe's event., type: str}
    last_session: {description: Unix time of the last telemetry of a session; null where none was seen., type: float}
    days_silent: {description: Days since then., type: float}
    reporting_users: {description: Users whose sessions were seen on the machine., type: list, elements: str}
    client_version: {description: The version that the last session ran., type: str}
    gaps: {description: 'What is missing, each with what to do.', type: list, elements: str}
unknown_machines:
  description: Machines that report although they are not among O(clients), each with the last four values of a row.
  returned: success
  type: list
  elements: dict
unnamed:
  description: Users whose telemetry names no machine, with the same values.
  returned: success
  type: list
  elements: dict
counts:
  description: How many clients are in each state.
  returned: success
  type: dict
complete:
  description: Whether every client is covered or waits for its first session, and nobody unknown reports.
  returned: success
  type: bool
summary:
  description: All that in a sentence, with the machines to look at.
  returned: success
  type: str
  sample: "50 clients: 48 covered, 1 waiting, 1 not delivered. Look at laptop-17."
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _stack_options as stack_options
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._client_coverage import Client, coverage
from ansible_collections.observability.claude_code.plugins.module_utils._client_sightings import Sightings
from ansible_collections.observability.claude_code.plugins.module_utils._servers import ServerError


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            stack_options.argument_spec(),
            clients=dict(type="list", elements="dict", required=True),
            days=dict(type="int", default=14),
            silent_days=dict(type="float", default=7.0),
            wait=dict(type="float", default=60.0),
        ),
        supports_check_mode=True,
    )
    params = module.params
    if params["days"] < 1:
        module.fail_json(msg=f"days is {params['days']}; look at least one day back.")
    try:
        clients = [Client.of(reported) for reported in params["clients"]]
        stack = stack_options.stack_of(params)
        sightings = Sightings(
            stack.prometheus, stack.loki, stack.catalogue, stack.delivery, params["days"], params["wait"]
        )
        found = coverage(clients, sightings, params["silent_days"])
    except (CatalogueError, ServerError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found.report())


if __name__ == "__main__":
    main()
