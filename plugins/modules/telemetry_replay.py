#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: telemetry_replay
short_description: Play recorded sessions of Claude Code into a collector
version_added: 0.1.0
description:
  - Sends recordings of Claude Code's telemetry to a collector as if they had been made in the last hours, spread over
    the window in the shape of a working day.
  - Each copy of a recording gets fresh session, prompt, request, tool use and agent ids and belongs to one of the
    given number of users. What happens within a recording keeps its order and its distances.
  - The collector must take every request. Where it has no room for the moment, the module waits, up to O(patience)
    seconds a request.
extends_documentation_fragment:
  - observability.claude_code.otlp
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details: The recordings are read and placed, and what would be sent is returned.
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
    details: Each replay is new telemetry.
options:
  paths:
    description:
      - Recordings on the target host. Of a folder, all C(*.jsonl) and C(*.jsonl.gz) are taken.
      - Each line is a JSON object with C(path) (such as C(/v1/metrics)), C(received) (unix seconds) and C(body) (OTLP
        JSON).
    type: list
    elements: path
    required: true
  hours:
    description:
      - Length of the window before O(end).
      - A little less than a day by default, so that all of it can still be seen in a chart of the last 24 hours an
        hour later.
    type: float
    default: 23.0
  end:
    description: Unix time in seconds at which the window ends. Now when not set.
    type: float
  repeats:
    description: How often each recording is played.
    type: int
    default: 1
  users:
    description: How many people the recordings are shared out to. The first one does most, as in any team.
    type: int
    default: 1
  seed:
    description:
      - The same seed with the same O(end) gives the same telemetry, which the stores then count once.
      - When not set, O(end) is the seed.
    type: str
  stretch:
    description: Factor by which pauses within a recording are made longer. Durations that the client measured stay.
    type: float
    default: 1.0
  signals:
    description: What to send of the recordings. V(traces) needs a collector that takes them.
    type: list
    elements: str
    choices: [metrics, logs, traces]
    default: [metrics, logs]
  workers:
    description: How many connections to send over at once.
    type: int
    default: 2
  patience:
    description: Seconds to wait for a collector that has no room, for each request.
    type: float
    default: 60.0
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Fill the last day with the sample sessions
  observability.claude_code.telemetry_replay:
    paths: ["{{ playbook_dir }}/../files/samples"]
    endpoint: http://127.0.0.1:4318
    token_file: /etc/claude-code-observability/tokens
    repeats: 3
    users: 8
  register: replay

- name: Say what the sessions cost
  ansible.builtin.debug:
    msg: "{{ replay.sessions }} sessions, {{ replay.totals['claude_code.cost.usage'] }} USD"
"""

RETURN = r"""
recordings:
  description: How many recordings were played, repeats counted.
  returned: always
  type: int
requests:
  description: How many requests these have.
  returned: always
  type: int
points:
  description: How many points of metrics.
  returned: always
  type: int
records:
  description: How many events.
  returned: always
  type: int
sessions:
  description: How many different sessions.
  returned: always
  type: int
users:
  description: How many different users.
  returned: always
  type: int
totals:
  description: What each of the client's counters adds up to over everything played.
  returned: always
  type: dict
  sample: {claude_code.cost.usage: 1.25, claude_code.session.count: 120}
events:
  description: How many events of each kind.
  returned: always
  type: dict
  sample: {api_request: 300, tool_result: 150}
first:
  description: Unix time in seconds of the earliest moment in the telemetry.
  returned: always
  type: float
last:
  description: Unix time in seconds of the latest moment in the telemetry.
  returned: always
  type: float
accepted:
  description: How many requests the collector took.
  returned: when something was sent
  type: int
retries:
  description: How often a request was sent again because the collector had no room.
  returned: when something was sent
  type: int
seconds:
  description: How long the sending took.
  returned: when something was sent
  type: float
refused:
  description: What the collector did not take. The module stops after twenty.
  returned: when something was sent
  type: list
  elements: dict
  contains:
    recording:
      description: Name of the recording.
      type: str
    request:
      description: Which of its requests, counted from 1.
      type: int
    signal:
      description: Its signal.
      type: str
    reply:
      description: Cause, status, the collector's own words and the next step.
      type: str
"""

import math
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _otlp_options as otlp_options
from ansible_collections.observability.claude_code.plugins.module_utils._captures import CaptureError, read_all
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpError
from ansible_collections.observability.claude_code.plugins.module_utils._replay import Player, contents, spread

LEAST = {"repeats": 1, "users": 1, "workers": 1, "stretch": 1, "hours": 0, "patience": 0}
# What 64 bits of nanoseconds hold; stores count in them.
LATEST_S = (2**63 - 1) // 10**9


def problem(params: dict[str, t.Any], end: float) -> str:
    """What is wrong with the numbers among the options; empty where nothing is."""
    for name, least in LEAST.items():
        # This way round not-a-number is found as well.
        if not least <= params[name] < math.inf:
            return f"{name} is {params[name]}; it must be at least {least}, and finite."
    if not 0 < end <= LATEST_S:
        return f"end is {end}; it must be a time in unix seconds, up to {LATEST_S}."
    if params["hours"] * 3600 > end:
        return f"hours is {params['hours']}; so long before end there was no unix time yet. Choose fewer hours."
    return ""


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            otlp_options.argument_spec(),
            paths=dict(type="list", elements="path", required=True),
            hours=dict(type="float", default=23.0),
            end=dict(type="float"),
            repeats=dict(type="int", default=1),
            users=dict(type="int", default=1),
            seed=dict(type="str", no_log=False),
            stretch=dict(type="float", default=1.0),
            signals=dict(
                type="list", elements="str", choices=["metrics", "logs", "traces"], default=["metrics", "logs"]
            ),
            workers=dict(type="int", default=2),
            patience=dict(type="float", default=60.0),
        ),
        mutually_exclusive=otlp_options.MUTUALLY_EXCLUSIVE,
        required_by=otlp_options.REQUIRED_BY,
        supports_check_mode=True,
    )
    params = module.params
    end = params["end"] or time.time()
    wrong = problem(params, end)
    if wrong:
        module.fail_json(msg=wrong)
    make_client = otlp_options.client_maker(module)
    try:
        captures = spread(
            read_all(params["paths"]),
            end=end,
            hours=params["hours"],
            repeats=params["repeats"],
            users=params["users"],
            seed=params["seed"] or end,
            stretch=params["stretch"],
            utc_offset_s=time.localtime(end).tm_gmtoff,
        )
        result = contents(captures, params["signals"])
        if module.check_mode:
            module.exit_json(changed=True, **result)
        player = Player(
            make_client, workers=params["workers"], signals=params["signals"], patience_s=params["patience"]
        )
        played = player.play(captures)
    except (CaptureError, OtlpError) as error:
        module.fail_json(msg=str(error))
    refused = [
        dict(recording=name, request=number, signal=signal, reply=str(reply))
        for name, number, signal, reply in played.refused
    ]
    result.update(
        changed=played.requests > 0,
        accepted=played.requests,
        retries=played.retries,
        seconds=played.seconds,
        refused=refused,
    )
    if refused:
        first = refused[0]
        module.fail_json(
            msg=f"{params['endpoint']} did not take {len(refused)} of the requests, {played.requests} were taken. "
            f"First, the {first['signal']} request {first['request']} of {first['recording']}: {first['reply']}",
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
