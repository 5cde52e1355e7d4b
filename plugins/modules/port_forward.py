#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_forward
short_description: Reach a Service of a cluster on this machine's loopback
version_added: 0.1.0
description:
  - Starts C(kubectl port-forward) in the background and returns the ports on 127.0.0.1 that it chose.
  - It ends with O(state=absent), and by itself after O(lifetime), whatever becomes of the playbook.
  - Nothing is changed, so it never reports a change.
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details: It forwards in check mode too, so that what only reads can be done.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in
      diff mode.
    support: none
    details: Nothing is configured.
options:
  state:
    description: Whether to start or to end the forwarding.
    type: str
    choices: [present, absent]
    default: present
  target:
    description: What to forward to, such as V(service/loki). Needed with O(state=present).
    type: str
  namespace:
    description: The namespace of O(target).
    type: str
    default: default
  ports:
    description: The ports of O(target). Needed with O(state=present).
    type: list
    elements: int
  pid:
    description: What RV(pid) was when it was started. Needed with O(state=absent). Where another process has that
      number by now, the forwarding has ended, and that process is left alone.
    type: int
  kubeconfig:
    description: How to reach the cluster; what kubectl finds by itself when not set.
    type: path
  context:
    description: Context in O(kubeconfig); its current one when not set.
    type: str
  kubectl:
    description: The program, such as V(oc).
    type: str
    default: kubectl
  lifetime:
    description: Seconds after which it ends by itself.
    type: float
    default: 1800.0
  timeout:
    description: Seconds until it must forward.
    type: float
    default: 30.0
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Reach Loki
  observability.claude_code.port_forward:
    target: service/loki
    namespace: monitoring
    ports: [3100]
  register: forwarded

- name: Ask Loki whether it is ready
  ansible.builtin.uri:
    url: http://127.0.0.1:{{ forwarded.ports['3100'] }}/ready

- name: Leave Loki
  observability.claude_code.port_forward:
    state: absent
    pid: "{{ forwarded.pid }}"
"""

RETURN = r"""
ports:
  description: The port on 127.0.0.1 of each of O(ports).
  returned: with O(state=present)
  type: dict
  sample: {"3100": 40123}
pid:
  description: The process that forwards.
  returned: with O(state=present)
  type: int
  sample: 4711
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _port_forward as port_forward


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            state=dict(type="str", choices=["present", "absent"], default="present"),
            target=dict(type="str"),
            namespace=dict(type="str", default="default"),
            ports=dict(type="list", elements="int"),
            pid=dict(type="int"),
            kubeconfig=dict(type="path"),
            context=dict(type="str"),
            kubectl=dict(type="str", default="kubectl"),
            lifetime=dict(type="float", default=1800.0),
            timeout=dict(type="float", default=30.0),
        ),
        required_if=[("state", "present", ("target", "ports")), ("state", "absent", ("pid",))],
        supports_check_mode=True,
    )
    params = module.params
    if params["state"] == "absent":
        try:
            port_forward.stop(params["pid"])
        except port_forward.PortForwardError as error:
            module.fail_json(msg=str(error))
        module.exit_json(changed=False)
    program = module.get_bin_path(params["kubectl"])
    if program is None:
        module.fail_json(
            msg=f"The program {params['kubectl']} is not on this machine, and is needed to reach {params['target']}. "
            "Install kubectl, or name another program such as oc with the option kubectl."
        )
    command = port_forward.command(program, params["namespace"], params["kubeconfig"], params["context"])
    try:
        forward = port_forward.start(command, params["target"], params["ports"], params["lifetime"], params["timeout"])
    except port_forward.PortForwardError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, pid=forward.pid, ports={str(port): own for port, own in forward.ports.items()})


if __name__ == "__main__":
    main()
