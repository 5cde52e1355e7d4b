# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no client should send over gRPC is refused clearly, while the other clients' data stay whole.

All through this module other clients send good recordings over gRPC; its last tests look at those.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Iterator

import grpc
import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import SERVICES
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import encode_protobuf
from support.fleet import Fleet, losses, ordinary
from support.handmade import Client
from support.stack import COLLECTOR, HOST, Stack, until

RUN = f"bad-grpc-{time.time_ns():x}"
GOOD = f"{RUN}-good"
NUMBERS = itertools.count(1)
SIGNALS = ("metrics", "logs")
MIB = 2**20
COST = "claude_code_cost_usage_USD_total"


@pytest.fixture(scope="module")
def others(stack: Stack) -> Iterator[Fleet]:
    with Fleet(stack, ordinary(GOOD), clients=2, pace_s=0.2, protocol="grpc") as fleet:
        yield fleet


@pytest.fixture
def client(others: Fleet) -> Client:
    """A client of its own session, while others send."""
    assert others.clients
    return Client({"session.id": f"{RUN}-{next(NUMBERS)}", "department": RUN, "user.id": "somebody"})


@pytest.fixture
def channel(stack: Stack) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(stack.endpoint("grpc").removeprefix("http://")) as opened:
        yield opened


def export(
    channel: grpc.Channel,
    signal: str,
    content: bytes,
    token: str | None,
    compression: grpc.Compression = grpc.Compression.NoCompression,
) -> tuple[str, str]:
    """Name and text of the status that the collector answers these bytes with."""
    return call(channel, SERVICES[signal], content, token, compression)


def call(
    channel: grpc.Channel,
    method: str,
    content: bytes,
    token: str | None,
    compression: grpc.Compression = grpc.Compression.NoCompression,
) -> tuple[str, str]:
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    try:
        channel.unary_unary(method)(content, timeout=60, metadata=metadata, compression=compression)
    except grpc.RpcError as error:
        return error.code().name, error.details() or ""
    return "OK", ""


def request(client: Client, signal: str, text: str = "") -> bytes:
    body = (
        client.metrics(client.point(1.5, note=text))
        if signal == "metrics"
        else client.logs(client.event("tool_result", tool_name="Bash", success="true", duration_ms="5", note=text))
    )
    return encode_protobuf(signal, body)


def stored(stack: Stack, client: Client) -> tuple[float, int]:
    """What this client's points add up to, and how many events it has."""
    session = client.common["session.id"]
    query = f'sum(sum_over_time({COST}{{copy="", session_id="{session}"}}[1h]))'
    now = time.time()
    events = stack.rows(f'{{service_name=~".+"}} | session_id="{session}"', now - 600, now + 60)
    return sum(value for _labels, value in stack.promql(query, now + 60)), len(events)


def takes_good_requests(stack: Stack, channel: grpc.Channel, client: Client) -> None:
    """Over the connection on which the bad ones came."""
    for signal in SIGNALS:
        assert export(channel, signal, request(client, signal), stack.token) == ("OK", "")
    until(lambda: stored(stack, client) == (1.5, 1), 30, lambda: f"all is stored once (it is {stored(stack, client)})")


@pytest.mark.parametrize("token", [None, "wrong", "x" * 5000], ids=["no token", "a wrong token", "a long token"])
def test_who_has_no_token_is_refused(stack: Stack, channel: grpc.Channel, client: Client, token: str | None) -> None:
    for signal in SIGNALS:
        code, text = export(channel, signal, request(client, signal), token)
        assert code == "UNAUTHENTICATED"
        assert text
        assert stack.token not in text
    # What was taken would be stored before what is sent now.
    takes_good_requests(stack, channel, client)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe{", b"\x0a\xff\xff\xff\xff\xff\xff", b"not protobuf" * 1000], ids=["bytes", "cut off", "text"]
)
def test_what_is_no_otlp_is_refused_with_the_reason(
    stack: Stack, channel: grpc.Channel, client: Client, content: bytes
) -> None:
    for signal in SIGNALS:
        code, text = export(channel, signal, content, stack.token)
        assert code in ("INTERNAL", "INVALID_ARGUMENT")
        assert "unmarshalling request" in text
    takes_good_requests(stack, channel, client)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip], ids=["plain", "gzip"])
def test_a_request_that_is_too_large_is_refused(
    stack: Stack, channel: grpc.Channel, client: Client, compression: grpc.Compression
) -> None:
    for signal in SIGNALS:
        code, text = export(channel, signal, request(client, signal, "x" * 21 * MIB), stack.token, compression)
        assert code == "RESOURCE_EXHAUSTED"
        assert "larger than max" in text
    takes_good_requests(stack, channel, client)


def test_another_service_is_refused(stack: Stack, channel: grpc.Channel, client: Client) -> None:
    for method in ("/opentelemetry.proto.collector.logs.v1.LogsService/Delete", SERVICES["traces"], "/a/b"):
        assert call(channel, method, b"", stack.token)[0] == "UNIMPLEMENTED"
    takes_good_requests(stack, channel, client)


@pytest.mark.parametrize(
    "content",
    [
        b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 5000,
    ],
    ids=["HTTP/1.1", "TLS", "broken frames"],
)
def test_a_connection_that_speaks_something_else_is_closed(
    stack: Stack, channel: grpc.Channel, client: Client, content: bytes
) -> None:
    with socket.create_connection((HOST, stack.ports["otlp_grpc_port"]), timeout=30) as connection:
        connection.sendall(content)
        # A closed connection ends or is reset; one that stays open would run into the timeout.
        try:
            while connection.recv(4096):
                pass
        except ConnectionResetError:
            pass
    takes_good_requests(stack, channel, client)


def test_the_collector_has_survived_it_all(stack: Stack, others: Fleet) -> None:
    others.acknowledged(20)
    assert stack.log(COLLECTOR, 100_000).count("panic") == 0
    assert set(others.receipt.troubles) == set()


def test_the_other_clients_data_are_whole(others: Fleet) -> None:
    others.dismiss()
    assert losses(others, GOOD) == []
