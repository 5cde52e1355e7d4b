# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each of fifty machines has its row: who delivers, who does not and why, who is silent, who was never rolled out."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import read_sources
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import encode_json
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.modules import client_check, client_coverage
from support.checkout import CHECKOUT
from support.client_machine import MANAGED, TOKEN_FILE, ClientMachine, variables
from support.handmade import Client, now_ns, post
from support.modules import run_module
from support.stack import Stack, catalogue, until

RUN = f"fleet-{time.time_ns():x}"
HOUR_NS = 3600 * 10**9
MACHINES = 50
# In days: the silent machine's last session is ten hours old.
SILENT_DAYS = 0.25


def name(number: int | str) -> str:
    return f"{RUN}-{number}"


def checked(stack: Stack, root: Path, machine: str) -> dict[str, Any]:
    """What client_check says of a machine, to which one of three misfortunes may have come."""
    there = ClientMachine(root, variables(stack.otlp_url, machine), stack.token)
    if machine == name(1):
        there.put(TOKEN_FILE, "a-token-that-was-revoked\n")
    if machine == name(2):
        overriding = {"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}}
        there.put(MANAGED.replace("50-observability", "90-mine"), overriding)
    if machine == name(5):
        long_ago = time.time() - 30 * 86400
        os.utime(there.at(MANAGED), (long_ago, long_ago))
    expected = {"OTEL_EXPORTER_OTLP_ENDPOINT": stack.otlp_url}
    return run_module(client_check, **there.options(name=machine, expected=expected))


def session(stack: Stack, machine: str, at: int | None = None) -> None:
    """Something that a real client sent from there."""
    common = {"session.id": f"session-of-{machine}", "user.id": f"user-of-{machine}"}
    client = Client(common | ({"host.name": machine} if machine else {}), {"service.name": "claude-code"})
    client.resource["service.version"] = "2.1.330"
    body = client.metrics(client.point(0.5, at=at))
    assert post(stack, "metrics", encode_json(body)).status == 200


@pytest.fixture(scope="module")
def coverage(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Machine 1 has a revoked token, 2 other settings in force, 3 cannot be reached, 4 is silent, 5 was never seen."""
    clients = [
        {"machine": name(3), "user": "alex", "error": "ssh: connect to host laptop port 22: No route to host"}
        if number == 3
        else checked(stack, tmp_path_factory.mktemp("machine"), name(number))
        for number in range(1, MACHINES + 1)
    ]
    for number in range(6, MACHINES + 1):
        session(stack, name(number))
    session(stack, name(4), now_ns() - 10 * HOUR_NS)
    session(stack, name("stranger"))
    session(stack, "")
    last = Reading(catalogue(), "24h").total("cost", where={"host_name": name("stranger")})
    until(lambda: stack.promql(last), 60, "the last session is in Prometheus")
    return run_module(
        client_coverage,
        clients=clients,
        catalogue=read_sources(CHECKOUT / "files" / "catalogue"),
        prometheus={"url": f"http://127.0.0.1:{stack.ports['prometheus_port']}"},
        loki={"url": f"http://127.0.0.1:{stack.ports['loki_port']}"},
        days=2,
        silent_days=SILENT_DAYS,
    )


def row(coverage: Mapping[str, Any], number: int) -> dict[str, Any]:
    (found,) = (one for one in coverage["clients"] if one["machine"] == name(number))
    return found


def test_each_machine_has_its_row_in_order(coverage: Mapping[str, Any]) -> None:
    assert [one["machine"] for one in coverage["clients"]] == [name(number) for number in range(1, MACHINES + 1)]
    assert coverage["counts"] == {
        "covered": MACHINES - 5,
        "waiting": 0,
        "silent": 2,
        "not delivered": 2,
        "unreachable": 1,
    }
    assert not coverage["complete"]


def test_who_delivers_is_covered(coverage: Mapping[str, Any]) -> None:
    for number in range(6, MACHINES + 1):
        found = row(coverage, number)
        assert (found["state"], found["settings"], found["gaps"]) == ("covered", "in force", [])
        assert (found["probe_metrics"], found["probe_logs"]) == ("found", "found")
        assert found["client_version"] == "2.1.330"
        assert found["reporting_users"] == [f"user-of-{name(number)}"]
        assert 0 <= found["days_silent"] <= 0.1


@pytest.mark.parametrize(
    ("number", "state", "settings", "probe", "gap"),
    [
        (1, "not delivered", "in force", "refused", "The collector does not know this token"),
        (2, "not delivered", "overridden", "refused", "90-mine.json: OTEL_EXPORTER_OTLP_ENDPOINT was rolled out as"),
        (3, "unreachable", "unknown", "not sent", "No route to host"),
        (4, "silent", "in force", "found", "No session for 0.4 days"),
        (5, "silent", "in force", "found", "No session was ever seen"),
    ],
)
def test_who_does_not_is_named_with_the_reason(
    coverage: Mapping[str, Any], number: int, state: str, settings: str, probe: str, gap: str
) -> None:
    found = row(coverage, number)
    assert (found["state"], found["settings"]) == (state, settings)
    assert (found["probe_metrics"], found["probe_logs"]) == (probe, probe)
    assert any(gap in one for one in found["gaps"]), found["gaps"]
    assert name(number) in coverage["summary"]


def test_who_was_never_rolled_out_is_named(coverage: Mapping[str, Any]) -> None:
    (stranger,) = (one for one in coverage["unknown_machines"] if one["machine"].startswith(RUN))
    assert stranger["machine"] == name("stranger")
    assert stranger["reporting_users"] == [f"user-of-{name('stranger')}"]
    assert f"reporting: {name('stranger')}" in coverage["summary"] or name("stranger") in coverage["summary"]
    assert ["user-of-"] in [one["reporting_users"] for one in coverage["unnamed"]]


def test_probes_are_no_sessions(coverage: Mapping[str, Any]) -> None:
    """Machine 5 sent a probe, and was never seen all the same."""
    assert row(coverage, 5)["last_session"] is None
