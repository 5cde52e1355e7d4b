# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stack takes on this machine, as ratios that were measured in one run. `make bench` prints them.

The clients run on the same machine and take their share of it, on both sides of each ratio.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._captures import read
from support.burst import Burst, Outcome, Template, drained, templates
from support.stack import COLLECTOR, HOST, LOKI, PROMETHEUS, Stack, free_ports, until

RECORDING = Path(__file__).parents[1] / "truth" / "captures" / "plain.jsonl.gz"
PROGRAMS = {COLLECTOR: "otel_collector", PROMETHEUS: "prometheus", LOKI: "loki"}
# Seconds of sending for each figure, and of the burst of ten times what the stores take.
SENDING_S = float(os.environ.get("BENCH_SENDING_S", "10"))
BURST_S = float(os.environ.get("BENCH_BURST_S", "60"))
# A working client sends events every 5 s and metrics every 60 s.
EVENTS_OF_A_CLIENT_S, METRICS_OF_A_CLIENT_S = 5, 60

RECEIVE_ONLY = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "{address}", max_request_body_size: 20971520}}}}}}}}
exporters: {{debug: {{verbosity: basic}}}}
service:
  telemetry: {{logs: {{level: error}}, metrics: {{level: none}}}}
  pipelines:
    metrics: {{receivers: [otlp], exporters: [debug]}}
    logs: {{receivers: [otlp], exporters: [debug]}}
"""


@dataclass
class Kinds:
    """The mixes of requests that are measured: only metrics, only events, and as a working client sends them."""

    metrics: list[Template]
    events: list[Template]

    @property
    def working(self) -> list[Template]:
        return [*self.events * (METRICS_OF_A_CLIENT_S // EVENTS_OF_A_CLIENT_S), *self.metrics]


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    found = templates(read(RECORDING), f"bench-{time.time_ns():x}")
    return Kinds(
        [template for template in found if template.signal == "metrics"],
        [template for template in found if template.signal == "logs"],
    )


@pytest.fixture(scope="module")
def receive_only(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the same program that receives and throws away."""
    folder = tmp_path_factory.mktemp("receive-only")
    (port,) = free_ports(1)
    configuration = folder / "config.yaml"
    configuration.write_text(RECEIVE_ONLY.format(address=f"{HOST}:{port}"))
    with (folder / "log").open("w") as log:
        program = [stack.prefix / "bin" / "otelcol", "--config", configuration]
        process = subprocess.Popen(program, stdout=log, stderr=log)
        try:
            until(lambda: answers(port), 30, lambda: (folder / "log").read_text()[-2000:])
            yield port
        finally:
            process.terminate()
            process.wait(30)


def answers(port: int) -> bool:
    request = urllib.request.Request(
        f"http://{HOST}:{port}/v1/logs", b"{}", headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


def sending(port: int, token: str, mix: list[Template], seconds: float) -> Outcome:
    end = time.monotonic() + seconds
    outcome = Burst(port, token, mix).send(lambda _done: time.monotonic() > end)
    assert set(outcome.answers) == {200}
    return outcome


def end_to_end(stack: Stack, mix: list[Template], seconds: float = SENDING_S) -> tuple[Outcome, float]:
    """How a burst was taken, and the requests a second until the last of them was in its store."""
    began = time.monotonic()
    outcome = sending(stack.ports["otlp_http_port"], stack.token, mix, seconds)
    drained(stack, 1800)
    return outcome, outcome.requests / (time.monotonic() - began)


def cpu_seconds(stack: Stack) -> dict[str, float]:
    used = {}
    for program in PROGRAMS:
        fields = Path(f"/proc/{stack.pid(program)}/stat").read_text().rpartition(")")[2].split()
        used[program] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def stored_bytes(stack: Stack) -> dict[str, int]:
    """What lies in the stores' folders. Loki's log and Prometheus' log and head are there until they are compacted."""
    return {
        name: sum(file.stat().st_size for file in (stack.prefix / "data" / name).rglob("*") if file.is_file())
        for name in ("prometheus", "loki")
    }


def test_speed_against_receiving_only(stack: Stack, receive_only: int, kinds: Kinds) -> None:
    print(f"\n\nRequests a second, {os.cpu_count()} cores, clients on the same machine\n")
    print(f"{'':18}{'receive only':>14}{'acknowledged':>14}{'end to end':>12}{'share of receiving only':>26}")
    for name, mix in (("metrics", kinds.metrics), ("events", kinds.events), ("working clients", kinds.working)):
        alone = sending(receive_only, "", mix, SENDING_S)
        taken, stored = end_to_end(stack, mix)
        print(f"{name:18}{alone.rate:14.0f}{taken.rate:14.0f}{stored:12.0f}{stored / alone.rate:26.1%}")
    clients = stored / (1 / EVENTS_OF_A_CLIENT_S + 1 / METRICS_OF_A_CLIENT_S)
    print(f"\n{stored:.0f} requests a second of working clients are {clients:.0f} clients active at the same time.")


def test_cost_of_a_million_events(stack: Stack, kinds: Kinds) -> None:
    cpu, disk = cpu_seconds(stack), stored_bytes(stack)
    outcome, _rate = end_to_end(stack, kinds.working)
    entries = {"logs": 0, "metrics": 0}
    for number, count in outcome.sent.items():
        entries[kinds.working[number].signal] += count * kinds.working[number].entries
    events, points = entries["logs"], entries["metrics"]
    print(f"\n\nA million events (with the {points / events * 1e6:.0f} points that working clients send beside them)\n")
    for program, used in cpu_seconds(stack).items():
        print(f"{program:28}{(used - cpu[program]) / events * 1e6:8.0f} s of CPU")
    for name, size in stored_bytes(stack).items():
        print(f"{name:28}{(size - disk[name]) / events * 1e6 / 2**20:8.0f} MiB on disk before compaction")


def test_burst_of_ten_times_what_the_stores_take(stack: Stack, kinds: Kinds) -> None:
    _outcome, speed = end_to_end(stack, kinds.working, 5)
    port = stack.ports["otlp_http_port"]
    began = time.monotonic()
    # All share this machine's cores. With the stores stopped the collector has to keep everything.
    with stack.paused(PROMETHEUS, LOKI):
        outcome = Burst(port, stack.token, kinds.working).send(lambda done: done >= 10 * speed * BURST_S)
        waiting = stack.queued()
    drained(stack, 3600)
    assert set(outcome.answers) == {200}
    done = time.monotonic() - began
    print(
        f"\n\nBurst: {outcome.requests} requests, what the stores take in {10 * BURST_S:.0f} s, while they are stopped."
    )
    print(
        f"Acknowledged in {outcome.seconds:.0f} s: {outcome.rate / speed:.1f} times the stores' {speed:.0f} a second."
    )
    print(f"{waiting / 2**20:.1f} MiB waited at the burst's end; after {done:.0f} s all were stored.")
