# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that send telemetry, through a real collector and into real stores."""

from __future__ import annotations

import math

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _otlp as otlp
from ansible_collections.observability.claude_code.plugins.module_utils._captures import moved, read
from ansible_collections.observability.claude_code.plugins.module_utils._front_door import PROBES
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.modules import telemetry_probe, telemetry_replay
from support.checkout import CHECKOUT
from support.modules import run_module
from support.stack import Stack, catalogue, until

SAMPLES = CHECKOUT / "files" / "samples"


def events(stack: Stack, result: dict) -> list:
    """The probe's events in Loki."""
    query = f'{{event_name="probe"}} | probe_id="{result["probe_id"]}"'
    return stack.rows(query, result["time"] - 60, result["time"] + 60)


@pytest.mark.parametrize("compression", otlp.COMPRESSIONS)
@pytest.mark.parametrize("protocol", otlp.PROTOCOLS)
def test_a_probe_reads_back_as_exactly_what_was_sent(stack: Stack, protocol: str, compression: str) -> None:
    points = [0.25, 1.5, 0.125]
    result = run_module(
        telemetry_probe,
        endpoint=stack.endpoint(protocol),
        token=stack.token,
        protocol=protocol,
        compression=compression,
        points=points,
    )
    assert result["accepted"], result.get("msg")
    query = Reading(PROBES, "1h").total("probe", where={"session_id": result["session_id"]})
    until(lambda: [value for _labels, value in stack.promql(query)] == [sum(points)], 60, query)
    until(lambda: len(events(stack, result)) == 1, 60, "the event is found in Loki")


@pytest.mark.parametrize("protocol", otlp.PROTOCOLS)
@pytest.mark.parametrize("token", [None, "not-a-token-of-this-stack"])
def test_a_send_without_the_right_token_is_refused(stack: Stack, protocol: str, token: str | None) -> None:
    result = run_module(
        telemetry_probe, endpoint=stack.endpoint(protocol), token=token, protocol=protocol, expect="refused"
    )
    assert not result["changed"], result
    assert {reply["cause"] for reply in result["replies"].values()} == {"unauthorized"}
    assert events(stack, result) == []


@pytest.mark.parametrize(
    ("sent_to", "spoken", "causes"),
    [
        ("grpc", "http/json", {"disconnected", "wrong_protocol"}),
        ("grpc", "http/protobuf", {"disconnected", "wrong_protocol"}),
        ("http/json", "grpc", {"wrong_protocol"}),
    ],
)
def test_the_wrong_port_for_a_protocol_is_told(stack: Stack, sent_to: str, spoken: str, causes: set[str]) -> None:
    result = run_module(telemetry_probe, endpoint=stack.endpoint(sent_to), token=stack.token, protocol=spoken)
    assert {reply["cause"] for reply in result["replies"].values()} <= causes
    assert "HTTP is usually 4318, gRPC 4317" in result["msg"]


@pytest.mark.parametrize("protocol", otlp.PROTOCOLS)
def test_what_is_no_otlp_is_refused_as_such(stack: Stack, protocol: str) -> None:
    with otlp.OtlpClient(stack.endpoint(protocol), token=stack.token, protocol=protocol) as client:
        reply = client.send("metrics", b"\xff\xfe{")
        assert (reply.accepted, reply.cause) == (False, "bad_request"), reply
        # And the next request over the same connection is taken.
        assert client.send("metrics", {"resourceMetrics": []}).accepted


def test_the_samples_arrive_as_what_the_module_says(stack: Stack) -> None:
    (user,) = moved(read(SAMPLES / "commit.jsonl"), user="user-1").values("user")
    query = Reading(catalogue(), "24h").total("cost", where={"user_id": user})

    def cost() -> float:
        return sum(value for _labels, value in stack.promql(query))

    before = cost()
    result = run_module(telemetry_replay, endpoint=stack.otlp_url, token=stack.token, paths=[str(SAMPLES)])
    assert result.get("refused") == [], result.get("msg")
    sent = result["totals"]["claude_code.cost.usage"]
    until(lambda: math.isclose(cost() - before, sent, rel_tol=1e-9), 60, lambda: f"{cost() - before} is {sent}")
