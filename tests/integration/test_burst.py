# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten times what the stores take is absorbed: nobody is refused, the queue drains, nothing is lost."""

from __future__ import annotations

import time
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils._captures import read
from support.burst import Burst, drained, templates
from support.stack import LOKI, PROMETHEUS, Stack, until

RECORDING = Path(__file__).parents[1] / "truth" / "captures" / "plain.jsonl.gz"
# How many requests the speed of the stores is measured with, and how long they are overrun tenfold.
MEASURED = 1000
BURST_S = 4


def test_ten_times_what_the_stores_take_is_absorbed(stack: Stack) -> None:
    department = f"burst-{time.time_ns():x}"
    found = templates(read(RECORDING), department)
    burst = Burst(stack.ports["otlp_http_port"], stack.token, found)

    began = time.monotonic()
    measured = burst.send(lambda done: done >= MEASURED)
    drained(stack, 120)
    speed = measured.requests / (time.monotonic() - began)

    # All share this machine's cores. With the stores stopped the collector has to keep everything.
    with stack.paused(PROMETHEUS, LOKI):
        overrun = burst.send(lambda done: done >= 10 * speed * BURST_S)
        assert stack.queued() > 0
    drained(stack, 600)

    assert set(measured.answers + overrun.answers) == {200}
    sent = measured.sent + overrun.sent
    logs = sum(count for template, count in sent.items() if found[template].signal == "logs")
    metrics = sum(count for template, count in sent.items() if found[template].signal == "metrics")

    def stored() -> dict[str, float]:
        counter = f'sum(sum_over_time({{}}{{{{copy="", department="{department}"}}}}[25h]))'
        names = ("claude_code_session_count_total", "claude_code_api_requests_total")
        values = {name: sum(value for _labels, value in stack.promql(counter.format(name))) for name in names}
        rows = (
            f'sum(count_over_time({{service_name=~".+", event_name="user_prompt"}} | department="{department}" [25h]))'
        )
        return values | {"events": sum(value for _labels, value in stack.logql(rows))}

    expected = {"claude_code_session_count_total": metrics, "claude_code_api_requests_total": logs, "events": logs}
    until(lambda: stored() == expected, 60, lambda: f"{expected} is stored (it is {stored()})")
