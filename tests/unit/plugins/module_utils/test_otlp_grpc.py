# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the OTLP client sends over gRPC, and how it names each way of failing there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _captures as captures
from ansible_collections.observability.claude_code.plugins.module_utils import _otlp as otlp
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from support.certificates import Authority
from support.otlp_server import OtlpServer
from support.sending import METRICS, TOKEN, failed, send


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def url_of(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


class GrpcServer:
    """Answers each export with the next of outcomes: None is success, otherwise a status and its text."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None) -> None:
        self.outcomes: list[tuple[grpc.StatusCode, str] | None] = []
        self.answer = b""
        self.received: list[tuple[str, bytes, dict[str, str]]] = []
        outer = self

        class Handler(grpc.GenericRpcHandler):
            def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
                def export(content: bytes, context: grpc.ServicerContext) -> bytes:
                    outer.received.append((details.method, content, dict(context.invocation_metadata())))
                    outcome = outer.outcomes.pop(0) if outer.outcomes else None
                    if outcome:
                        context.abort(*outcome)
                    return outer.answer

                return grpc.unary_unary_rpc_method_handler(export)

        self.server = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
        if credentials:
            self.url = f"https://127.0.0.1:{self.server.add_secure_port('127.0.0.1:0', credentials)}"
        else:
            self.url = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"


@pytest.fixture
def grpc_server() -> Iterator[GrpcServer]:
    running = GrpcServer()
    running.server.start()
    yield running
    running.server.stop(0).wait()


@pytest.mark.parametrize("compression", otlp.COMPRESSIONS)
def test_grpc_delivers_the_request_with_its_token(grpc_server, monkeypatch, compression) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    reply = send(grpc_server.url, protocol="grpc", compression=compression)
    assert (reply.accepted, reply.status) == (True, "OK"), reply
    ((method, content, metadata),) = grpc_server.received
    assert method == "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    decoded = json_format.MessageToDict(metrics_service_pb2.ExportMetricsServiceRequest.FromString(content))
    assert list(captures.points(decoded)) == list(captures.points(METRICS))
    assert metadata["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "no authorization", "unauthorized"),
        (grpc.StatusCode.PERMISSION_DENIED, "not you", "forbidden"),
        (grpc.StatusCode.INVALID_ARGUMENT, "bad value", "bad_request"),
        (grpc.StatusCode.INTERNAL, "grpc: error unmarshalling request: unexpected EOF", "bad_request"),
        (grpc.StatusCode.INTERNAL, "boom", "server_error"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "queue is full", "overloaded"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "received message larger than max (5 vs. 4)", "too_large"),
        (grpc.StatusCode.UNIMPLEMENTED, "unknown service", "not_found"),
        (grpc.StatusCode.UNAVAILABLE, "memory limit", "overloaded"),
        (grpc.StatusCode.ABORTED, "never heard of", "unknown"),
    ],
)
def test_a_grpc_refusal_is_named_and_quoted(grpc_server, code, text, cause) -> None:
    grpc_server.outcomes = [(code, text)]
    reply = send(grpc_server.url, protocol="grpc")
    failed(reply, cause, text)
    assert reply.status == code.name


def test_an_answer_that_is_no_otlp_is_not_believed(grpc_server) -> None:
    grpc_server.answer = b"\x12"
    failed(send(grpc_server.url, protocol="grpc"), "not_otlp", "The answer is no OTLP")


def test_no_answer(listener) -> None:
    failed(send(url_of(listener), protocol="grpc", timeout=0.2), "timeout")
    # The receiving end is HTTP/1: gRPC notices.
    with OtlpServer() as server:
        failed(send(server.url, protocol="grpc", timeout=3), "wrong_protocol", "gRPC 4317")
    url = url_of(listener)
    listener.close()
    failed(send(url, protocol="grpc"), "refused", "Nothing listens at")


def test_grpc_over_tls(authority) -> None:
    certificate, key = authority.issue("127.0.0.1")
    client_certificate, client_key = map(str, authority.issue("client.test"))
    ca_file = str(authority.ca_file)
    running = GrpcServer(
        grpc.ssl_server_credentials(
            [(key.read_bytes(), certificate.read_bytes())], authority.ca_file.read_bytes(), require_client_auth=True
        )
    )
    running.server.start()
    try:
        credentials = {"client_cert": client_certificate, "client_key": client_key}
        assert send(running.url, protocol="grpc", ca_file=ca_file, **credentials).accepted
        failed(send(running.url, protocol="grpc", **credentials), "tls_untrusted")
        # How much gRPC tells of it depends on the server's library: that of the collector lets tls_client be known.
        failed(send(running.url, protocol="grpc", ca_file=ca_file), "disconnected", "or a client certificate")
        by_name = running.url.replace("127.0.0.1", "localhost")
        failed(send(by_name, protocol="grpc", ca_file=ca_file, **credentials), "tls_name")
        plain = running.url.replace("https:", "http:")
        failed(send(plain, protocol="grpc"), "disconnected", "wants https://")
    finally:
        running.server.stop(0).wait()
    assert len(running.received) == 1
