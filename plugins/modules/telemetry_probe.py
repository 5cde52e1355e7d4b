#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: telemetry_probe
short_description: Send a marked metric and log record to a collector
version_added: 0.1.0
description:
  - Sends telemetry the way Claude Code does, one metrics and one logs request, and reports whether the collector took
    them, its own words if it did not, and what to do then.
  - What is sent carries a mark, the attribute C(probe.id), by which it can be looked for in the stores, and counts in
    no panel. The metric is C(claude_code.probe.sends), a monotonic sum of deltas; the event is C(probe);
    C(session.id) is C(probe-) and the mark.
  - It can also make sure that something is refused, for example a send without a token.
extends_documentation_fragment:
  - observability.claude_code.otlp
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: partial
    details: Nothing is sent, so nothing is known about the collector; RV(sent) is V(false).
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
    details: Each probe is new telemetry.
options:
  signals:
    description: What to send.
    type: list
    elements: str
    choices: [metrics, logs]
    default: [metrics, logs]
  points:
    description:
      - The deltas that the metric is sent with, all of one series, a second apart, the last one with the time of
        sending.
      - With several, a check can make sure that they are read back as exactly their sum.
    type: list
    elements: float
    default: [1.0]
  probe_id:
    description: The mark. A new random one when not set.
    type: str
  expect:
    description:
      - What the collector shall do. The module fails if it does something else.
      - V(refused) means that it answered and said no because of the token, the certificate, the size or the content.
        A collector that cannot be reached or is overloaded has refused nothing, so the module fails then, too.
    type: str
    choices: [accepted, refused]
    default: accepted
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Send a probe through the front door
  observability.claude_code.telemetry_probe:
    endpoint: http://127.0.0.1:4318
    token_file: /etc/claude-code-observability/tokens
    points: [0.25, 0.5]
  register: probe

- name: Make sure that nobody sends without a token
  observability.claude_code.telemetry_probe:
    endpoint: https://collector.example.com:4318
    ca_file: /etc/ssl/certs/company.pem
    expect: refused
"""

RETURN = r"""
sent:
  description: Whether anything was sent; V(false) in check mode.
  returned: always
  type: bool
accepted:
  description: Whether the collector took everything.
  returned: when something was sent
  type: bool
status:
  description:
    - The HTTP status or the name of the gRPC status. With several signals that of an unexpected reply, otherwise of
      the last one.
  returned: when the collector answered
  type: raw
  sample: 200
error:
  description: The collector's or the network's own words about the same reply. Empty when there were none.
  returned: when something was sent
  type: str
  sample: provided authorization does not match expected scheme or token
latency_s:
  description: Seconds until the slowest answer.
  returned: when something was sent
  type: float
  sample: 0.004
replies:
  description: The reply to each signal.
  returned: when something was sent
  type: dict
  contains:
    accepted:
      description: Whether it was taken.
      type: bool
    status:
      description: The HTTP status or the name of the gRPC status; null without an answer.
      type: raw
    cause:
      description:
        - Why it was not taken, in one word such as V(unauthorized), V(refused), V(dns), V(timeout), V(tls_untrusted).
      type: str
    error:
      description: The collector's or the network's own words.
      type: str
    next_step:
      description: What to do about it.
      type: str
    latency_s:
      description: Seconds until the answer.
      type: float
diagnosis:
  description: What happened, in a sentence or two, with the next step.
  returned: always
  type: str
probe_id:
  description: The mark.
  returned: always
  type: str
  sample: 6b8d1f0c2a47
session_id:
  description: The session that the probe claims to be.
  returned: always
  type: str
  sample: probe-6b8d1f0c2a47
metric:
  description: Name of the metric.
  returned: always
  type: str
  sample: claude_code.probe.sends
event:
  description: Name of the event.
  returned: always
  type: str
  sample: probe
sum:
  description: What the metric adds up to.
  returned: always
  type: float
  sample: 0.75
time:
  description: Unix time in seconds of the log record and of the last point.
  returned: always
  type: float
  sample: 1795338647.273
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _otlp_options as otlp_options
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpError
from ansible_collections.observability.claude_code.plugins.module_utils._probe import (
    EVENT,
    METRIC,
    SIGNALS,
    Probe,
    send,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            otlp_options.argument_spec(),
            signals=dict(type="list", elements="str", choices=list(SIGNALS), default=list(SIGNALS)),
            points=dict(type="list", elements="float", default=[1.0]),
            probe_id=dict(type="str"),
            expect=dict(type="str", choices=["accepted", "refused"], default="accepted"),
        ),
        mutually_exclusive=otlp_options.MUTUALLY_EXCLUSIVE,
        required_by=otlp_options.REQUIRED_BY,
        supports_check_mode=True,
    )
    params = module.params
    if not params["signals"]:
        module.fail_json(msg="signals is empty; leave it out to send both.")
    make_client = otlp_options.client_maker(module)
    try:
        probe = Probe.now(params["probe_id"], params["points"])
    except OtlpError as error:
        module.fail_json(msg=str(error))
    result = dict(
        probe_id=probe.id,
        session_id=probe.session_id,
        metric=METRIC,
        event=EVENT,
        sum=probe.sum,
        time=probe.time_ns / 1e9,
    )
    if module.check_mode:
        module.exit_json(
            changed=params["expect"] == "accepted", sent=False, diagnosis="Check mode: nothing was sent.", **result
        )
    try:
        with make_client() as client:
            outcome = send(client, probe, params["signals"], params["expect"])
    except OtlpError as error:
        module.fail_json(msg=str(error), sent=False, **result)
    result.update(outcome.report(params["endpoint"]), changed=outcome.changed, sent=True)
    if not outcome.as_expected:
        module.fail_json(msg=result["diagnosis"], **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
