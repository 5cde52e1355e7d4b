#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_check
short_description: Check that telemetry arrives and that its numbers are true
version_added: 0.1.0
description:
  - Runs a list of checks against a collector, a Prometheus, a Loki and a Grafana, and returns what each one measured.
  - All checks run, whatever comes of the others. The module itself does not fail when a check does, so that a
    report can be written;
    RV(failed_checks) says how many did.
  - It reads only, with one exception. O(probe) sends a few marked points and log records, which count in no panel.
extends_documentation_fragment:
  - observability.claude_code.stack
  - observability.claude_code.stack.prometheus
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details: The checks that send a probe are skipped.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in
      diff mode.
    support: none
    details: Nothing is configured.
options:
  checks:
    description: The checks, as C(lookup('observability.claude_code.catalogue', 'checks')) gives them.
    type: list
    elements: dict
    required: true
  collector:
    description: How to reach the collector.
    type: dict
    required: true
    suboptions:
      otlp_url:
        description: Address of its OTLP receiver over HTTP.
        type: str
        required: true
      telemetry_url:
        description: Address of its own metrics, without C(/metrics).
        type: str
        required: true
      health_url:
        description: Address of its health endpoint.
        type: str
        required: true
      token:
        description: Token that the probe is sent with. Not set where the collector wants none.
        type: str
      token_file:
        description: File on the target host whose first token the probe is sent with, where O(collector.token) is not
          given.
        type: path
      ca_file:
        description: PEM file of the authority that issued the collector's certificate. The system's own when not set.
        type: path
  grafana:
    description: How to reach Grafana, and what is to be in it. Not set where the stack has none.
    type: dict
    suboptions:
      url:
        description: Address of Grafana.
        type: str
        required: true
      token:
        description: Token of a service account, where there is no user.
        type: str
      username:
        description: User, where there is no token.
        type: str
      password:
        description: The user's password.
        type: str
      password_file:
        description: File on the target host with the user's password, where O(grafana.password) is not given.
        type: path
      ca_file:
        description: PEM file of the authority that issued Grafana's certificate. The system's own when not set.
        type: path
      folder_uid:
        description: Uid of the folder of dashboards and alert rules.
        type: str
        default: claude-code
      data_sources:
        description: Uids of the data sources, by C(prometheus) and C(loki).
        type: dict
        default: {}
      reads:
        description: What dashboards of hours and days read.
        type: str
        choices: [raw, recent]
        default: raw
      rules:
        description: Groups of alert rules that Grafana is to evaluate, as the lookup C(catalogue) gives them. Empty
          where there are to be none.
        type: list
        elements: dict
        default: []
  probe:
    description: Whether to send a probe and to try whether sends without a token are refused.
    type: bool
    default: true
  probe_timeout:
    description: Seconds until a probe must be found in the stores.
    type: float
    default: 60.0
  platform:
    description: Where the stack runs; some checks are for one platform only.
    type: str
    default: host
  cluster:
    description: What the API of the cluster says, where O(platform=kubernetes).
    type: dict
    suboptions:
      workloads:
        description: The Deployments and StatefulSets of the stack, as M(kubernetes.core.k8s_info) returns them.
        type: list
        elements: dict
        required: true
      pods:
        description: The pods of the namespace, as M(kubernetes.core.k8s_info) returns them.
        type: list
        elements: dict
        required: true
      images:
        description: The image that a container is to run, by the name of the container.
        type: dict
        default: {}
      sccs:
        description: The problems that M(observability.claude_code.scc_info) found. Not set where the cluster has no
          security context constraints.
        type: list
        elements: dict
  components:
    description: What of the stack runs on the target host. The rest is somebody else's.
    type: list
    elements: str
    choices: [collector, prometheus, loki]
    default: [collector, prometheus, loki]
  withheld:
    description: What of the events' texts is not to be stored.
    type: list
    elements: str
    choices: [prompts, responses, tool_details]
    default: [prompts, responses, tool_details]
  ports:
    description: The ports of the stack that are to be open to the target host alone, by what listens there. Empty
      where they are open on purpose.
    type: dict
    default: {}
  secret_files:
    description: Files with secrets, by what they are.
    type: dict
    default: {}
  alerts:
    description: The groups of alert rules that C(prometheus) and C(loki) are to have, as the lookup C(catalogue)
      gives them. Empty where there are to be none.
    type: dict
    default: {}
  settings:
    description: Limits that checks refer to by name. C(interval_s) is after how many seconds clients send counters.
    type: dict
    default: {}
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Check the stack on this host
  observability.claude_code.stack_check:
    checks: "{{ lookup('observability.claude_code.catalogue', 'checks') }}"
    catalogue: "{{ lookup('observability.claude_code.catalogue', 'sources') }}"
    prometheus: {url: http://127.0.0.1:9090}
    loki: {url: http://127.0.0.1:3100}
    collector:
      otlp_url: http://127.0.0.1:4318
      telemetry_url: http://127.0.0.1:8888
      health_url: http://127.0.0.1:13133
      token_file: /etc/claude-code-observability/otel_collector/ingest-tokens
    settings: {late_data: 24h, queue_percent: 80, reconcile_percent: 1, clock_s: 5, corrected_percent: 1}
  register: verification
"""

RETURN = r"""
results:
  description: What came of each check, in the order of O(checks).
  returned: always
  type: list
  elements: dict
  contains:
    id: {description: The check's id., type: str}
    title: {description: What it makes sure of., type: str}
    group: {description: What it belongs to., type: str}
    status: {description: V(passed) or V(failed) or V(skipped)., type: str}
    measured: {description: 'What was found, or why the check was skipped or could not be made.', type: str}
    expected: {description: What should be found., type: str}
    guards: {description: What it guards against., type: str}
    remedy: {description: What to do when it fails., type: str}
    spec: {description: The part of the specification that it comes from., type: str}
    took_s: {description: Seconds that it took., type: float}
    value: {description: What was found as numbers., type: raw}
passed_checks:
  description: How many checks passed.
  returned: always
  type: int
failed_checks:
  description: How many checks failed.
  returned: always
  type: int
skipped_checks:
  description: How many checks were skipped.
  returned: always
  type: int
"""

import collections
import re
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _stack_options as stack_options
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._checks import CheckError, parse, run_all
from ansible_collections.observability.claude_code.plugins.module_utils._front_door import FrontDoor
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import GrafanaError
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_check_options import (
    grafana_measures,
    grafana_spec,
)
from ansible_collections.observability.claude_code.plugins.module_utils._http import LONGEST_TIMEOUT
from ansible_collections.observability.claude_code.plugins.module_utils._measures import ServerMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._measures_alerts import AlertMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._measures_cluster import ClusterMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._measures_host import HostMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._measures_panels import PanelMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_options import token_from
from ansible_collections.observability.claude_code.plugins.module_utils._private_texts import TEXTS
from ansible_collections.observability.claude_code.plugins.module_utils._reconciliation import Reconciliation, settling
from ansible_collections.observability.claude_code.plugins.module_utils._servers import ServerError


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            stack_options.argument_spec(),
            checks=dict(type="list", elements="dict", required=True),
            collector=dict(
                type="dict",
                required=True,
                options=dict(
                    otlp_url=dict(type="str", required=True),
                    telemetry_url=dict(type="str", required=True),
                    health_url=dict(type="str", required=True),
                    token=dict(type="str", no_log=True),
                    token_file=dict(type="path", no_log=False),
                    ca_file=dict(type="path"),
                ),
            ),
            grafana=dict(type="dict", options=grafana_spec()),
            probe=dict(type="bool", default=True),
            probe_timeout=dict(type="float", default=60.0),
            platform=dict(type="str", default="host"),
            cluster=dict(
                type="dict",
                options=dict(
                    workloads=dict(type="list", elements="dict", required=True),
                    pods=dict(type="list", elements="dict", required=True),
                    images=dict(type="dict", default={}),
                    sccs=dict(type="list", elements="dict"),
                ),
            ),
            components=dict(
                type="list",
                elements="str",
                choices=["collector", "prometheus", "loki"],
                default=["collector", "prometheus", "loki"],
            ),
            withheld=dict(type="list", elements="str", choices=list(TEXTS), default=list(TEXTS)),
            ports=dict(type="dict", default={}),
            secret_files=dict(type="dict", default={}, no_log=False),
            alerts=dict(type="dict", default={}),
            settings=dict(type="dict", default={}),
        ),
        supports_check_mode=True,
    )
    params, collector = module.params, module.params["collector"]
    try:
        stack = stack_options.stack_of(params)
        dashboards = stack_options.dashboards_of(params, stack.catalogue)
        checks = parse(params["checks"])
        grafana = grafana_measures(params, stack.catalogue, dashboards)
        if not 0 <= params["probe_timeout"] <= LONGEST_TIMEOUT:
            raise ValueError(f"probe_timeout is {params['probe_timeout']}. Give 0 seconds or more, at most a day.")
        host = HostMeasures(ports_of(params["ports"]), params["secret_files"])
    except (CatalogueError, CheckError, GrafanaError, ServerError, ValueError) as error:
        module.fail_json(msg=str(error))
    servers = ServerMeasures(stack)
    door = FrontDoor(
        stack,
        collector["otlp_url"],
        lambda: collector["token"] or (token_from(collector["token_file"]) if collector["token_file"] else None),
        collector["ca_file"],
        params["probe_timeout"],
    )
    seen = params["cluster"] or {"workloads": [], "pods": [], "images": {}, "sccs": None}
    cluster = ClusterMeasures(seen["workloads"], seen["pods"], seen["images"], seen["sccs"])
    vocabulary = {}
    panels, alerts = PanelMeasures(stack, dashboards), AlertMeasures(stack, params["alerts"])
    reconciliation = Reconciliation(stack, settling(params["settings"]))
    for measures in (servers, door, host, cluster, reconciliation, panels, alerts, grafana):
        vocabulary.update(measures.vocabulary())
    facts = {
        "platform": params["platform"],
        "component": params["components"],
        "delivery": params["deliveries"],
        "primary": params["deliveries"][0],
        "redundant": len(params["deliveries"]) > 1,
        "withheld": params["withheld"],
        "alerts": bool(params["alerts"]),
        "authentication": bool(collector["token"] or collector["token_file"]),
        "loopback": bool(params["ports"]),
        "grafana": bool(params["grafana"]),
        "probe": params["probe"] and not module.check_mode,
        "data": servers.has_data,
        "telemetry": lambda: (params["probe"] and not module.check_mode) or servers.has_data(),
    }
    results = run_all(checks, vocabulary, facts, params["settings"])
    counts = collections.Counter(result.status for result in results)
    module.exit_json(
        changed=False,
        results=[result.as_dict() for result in results],
        **{f"{status}_checks": counts[status] for status in ("passed", "failed", "skipped")},
    )


def ports_of(ports: dict[str, t.Any]) -> dict[str, int]:
    """Ports as numbers; templates give them as texts."""
    wrong = [name for name, port in ports.items() if not re.fullmatch(r"[0-9]{1,5}", str(port))]
    if wrong:
        raise ValueError(f"ports: {wrong[0]} is {ports[wrong[0]]!r}, which is no port. Give a number such as 9090.")
    return {name: int(port) for name, port in ports.items()}


if __name__ == "__main__":
    main()
