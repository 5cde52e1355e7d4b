# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the OTLP client sends, and that each way of failing is named and comes with a next step."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _captures as captures
from ansible_collections.observability.claude_code.plugins.module_utils import _otlp as otlp
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import MissingLibraryError
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_errors import NEXT_STEPS
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from support.certificates import Authority
from support.otlp_server import Answer, OtlpServer
from support.sending import LOGS, METRICS, TOKEN, failed, send


@pytest.fixture
def server() -> Iterator[OtlpServer]:
    with OtlpServer() as running:
        yield running


# --- what is sent ---


@pytest.mark.parametrize("compression", otlp.COMPRESSIONS)
def test_json_goes_out_as_it_was_recorded(server, compression) -> None:
    reply = send(server.url, compression=compression)
    assert reply.accepted
    assert reply.status == 200
    assert 0 < reply.latency_s < 5
    (received,) = server.received
    assert received.target == "/v1/metrics"
    assert received.content == METRICS
    assert received.headers["content-type"] == "application/json"
    assert received.headers["authorization"] == f"Bearer {TOKEN}"
    assert received.headers.get("content-encoding") == (None if compression == "none" else "gzip")


@pytest.mark.parametrize(
    ("signal", "body", "message"),
    [
        ("logs", LOGS, logs_service_pb2.ExportLogsServiceRequest),
        ("metrics", METRICS, metrics_service_pb2.ExportMetricsServiceRequest),
    ],
)
def test_protobuf_says_the_same_as_json(server, signal, body, message) -> None:
    server.default = Answer(body=b"", headers={"Content-Type": "application/x-protobuf"})
    assert send(server.url, body, signal, protocol="http/protobuf").accepted
    (received,) = server.received
    assert received.headers["content-type"] == "application/x-protobuf"
    decoded = json_format.MessageToDict(message.FromString(received.body))
    listing = captures.points if signal == "metrics" else captures.records
    assert list(listing(decoded)) == list(listing(body)) != []


def test_trace_ids_survive_protobuf() -> None:
    record = {"timeUnixNano": "1", "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708"}
    content = otlp.encode_protobuf("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})
    (sent,) = logs_service_pb2.ExportLogsServiceRequest.FromString(content).resource_logs[0].scope_logs[0].log_records
    assert (sent.trace_id.hex(), sent.span_id.hex()) == (record["traceId"], record["spanId"])


def test_bytes_are_sent_as_they_are(server) -> None:
    send(server.url, b"\xff not otlp")
    assert server.received[0].body == b"\xff not otlp"


def test_a_path_in_the_endpoint_comes_before_the_signal(server) -> None:
    send(f"{server.url}/otel/", LOGS, "logs")
    assert server.received[0].target == "/otel/v1/logs"


def test_requests_share_a_connection(server) -> None:
    with otlp.OtlpClient(server.url) as client:
        assert all(client.send("metrics", METRICS).accepted for _number in range(5))
    assert server.connections == 1
    assert "authorization" not in server.received[0].headers


def test_a_connection_that_the_server_gave_up_is_opened_again(server) -> None:
    server.answers = [Answer(close=True)]
    with otlp.OtlpClient(server.url) as client:
        assert [client.send("metrics", METRICS).accepted for _number in range(2)] == [True, True]
    assert (server.connections, len(server.received)) == (2, 2)


# --- what servers say ---


@pytest.mark.parametrize(
    ("status", "body", "cause", "words"),
    [
        (400, b'{"code":3,"message":"ReadUint64: invalid syntax"}', "bad_request", "ReadUint64: invalid syntax"),
        (400, b'{"message":"http: request body too large"}', "too_large", "max_request_body_size"),
        (401, b'{"message":"missing or empty authorization header"}', "unauthorized", "missing or empty authorization"),
        (403, b"", "forbidden", "answered 403 without a text"),
        (404, b"404 page not found", "not_found", "404 page not found"),
        (413, b"too big", "too_large", "too big"),
        (415, b"unsupported media type", "wrong_protocol", "unsupported media type"),
        (429, b"slow down", "overloaded", "slow down"),
        (500, b'{"message":"boom"}', "server_error", "boom"),
        (500, b"failed to marshal error message", "bad_request", "failed to marshal"),
        (503, b'{"message":"sending queue is full"}', "overloaded", "sending queue is full"),
        (302, b"", "redirected", "302"),
        (418, b"teapot", "unknown", "teapot"),
        (400, b"Client sent an HTTP request to an HTTPS server.\n", "tls_wanted", "https://"),
    ],
)
def test_a_refusal_is_named_and_quoted(server, status, body, cause, words) -> None:
    kind = "application/json" if body.startswith(b"{") else "text/plain"
    server.default = Answer(status, body, {"Content-Type": kind})
    reply = send(server.url)
    failed(reply, cause, words, f"({status})")
    assert reply.status == status


def test_the_text_of_a_protobuf_refusal_is_read(server) -> None:
    # google.rpc.Status: code 3, message "unexpected EOF"
    server.default = Answer(400, b"\x08\x03\x12\x0eunexpected EOF", {"Content-Type": "application/x-protobuf"})
    failed(send(server.url, protocol="http/protobuf"), "bad_request", "unexpected EOF")


@pytest.mark.parametrize("body", [b"", b"\x12", b"\x80", b"\x08\x03"])
def test_a_protobuf_refusal_without_a_text_is_still_one(server, body) -> None:
    server.default = Answer(400, body, {"Content-Type": "application/x-protobuf"})
    failed(send(server.url, protocol="http/protobuf"), "bad_request")


def test_retry_after_is_handed_on(server) -> None:
    server.answers = [Answer(503, b"", {"Retry-After": wait}) for wait in ("7", "soon", "\xb2")]
    assert send(server.url).retry_after == 7
    assert send(server.url).retry_after is None
    assert send(server.url).retry_after is None


def test_a_partly_rejected_request_is_not_accepted(server) -> None:
    server.answers = [Answer(body=b'{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"too old"}}')]
    reply = send(server.url)
    failed(reply, "partly_rejected", "dropped 2", "too old")
    assert reply.rejected == 2
    partial = metrics_service_pb2.ExportMetricsServiceResponse()
    partial.partial_success.rejected_data_points = 2
    partial.partial_success.error_message = "too old"
    server.answers = [Answer(body=partial.SerializeToString(), headers={"Content-Type": "application/x-protobuf"})]
    failed(send(server.url, protocol="http/protobuf"), "partly_rejected", "dropped 2", "too old")


def test_something_that_is_no_collector_is_not_believed(server) -> None:
    server.default = Answer(body=b"<html>Welcome</html>", headers={"Content-Type": "text/html"})
    failed(send(server.url), "not_otlp", "Welcome")
    failed(send(server.url, protocol="http/protobuf"), "not_otlp", "Welcome")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b'{"partialSuccess":[1]}',
        b'{"partialSuccess":{"rejectedLogRecords":null}}',
        b'{"partialSuccess":{"rejectedLogRecords":1e999}}',
        b"[" * 60_000,
    ],
)
def test_an_answer_of_another_shape_is_none_of_a_collector(server, body) -> None:
    server.answers = [Answer(body=body), Answer(400, body, {"Content-Type": "application/json"})]
    failed(send(server.url), "not_otlp", "The answer is no OTLP")
    failed(send(server.url), "bad_request")


def test_a_quoted_token_is_blotted_out(server) -> None:
    server.default = Answer(401, f"Bearer {TOKEN} is unknown".encode(), {"Content-Type": "text/plain"})
    failed(send(server.url), "unauthorized", "Bearer *** is unknown")


# --- when there is no answer ---


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def url_of(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def answer(listening: socket.socket, *contents: bytes | None) -> None:
    """One connection after the other; None is a reset instead of an answer."""

    def serve() -> None:
        for content in contents:
            connection, _address = listening.accept()
            with connection:
                connection.recv(1 << 16)
                if content is None:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    continue
                connection.sendall(content)
                connection.shutdown(socket.SHUT_WR)
                # To the end: what is left unread makes a reset of the close, which can overtake the answer.
                while connection.recv(1 << 16):
                    pass

    threading.Thread(target=serve, daemon=True).start()


def test_a_closed_port(listener) -> None:
    url = url_of(listener)
    listener.close()
    reply = send(url)
    failed(reply, "refused", "Nothing listens at")
    assert reply.status is None


def test_an_unknown_name(monkeypatch) -> None:
    def unknown(*_args: object, **_options: object) -> t.NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failed(send("http://collector.invalid:4318"), "dns", "Check the host name in http://collector.invalid:4318")


def test_silence(listener) -> None:
    failed(send(url_of(listener), timeout=0.1), "timeout", "raise timeout")


def test_a_connection_that_is_cut(listener) -> None:
    answer(listener, b"", b"")
    failed(send(url_of(listener)), "disconnected", "4317")


def test_a_tls_port_that_hangs_up_on_plain_http_before_it_said_so(listener) -> None:
    answer(listener, None, b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
    failed(send(url_of(listener)), "tls_wanted", "write https://")


def test_a_grpc_port_addressed_as_http(listener) -> None:
    # The first frame of HTTP/2: settings.
    answer(listener, b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00")
    failed(send(url_of(listener)), "wrong_protocol", "gRPC 4317")


# --- TLS ---


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def tls_server(authority: Authority, *names: str, days: int = 30, ask: bool = False) -> OtlpServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(*names, days=days))
    if ask:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.ca_file)
    return OtlpServer(context)


def test_a_trusted_certificate(authority) -> None:
    with tls_server(authority, "127.0.0.1") as server:
        assert send(server.url, ca_file=str(authority.ca_file)).accepted


@pytest.mark.parametrize(
    ("names", "days", "trusted", "cause"),
    [
        (("127.0.0.1",), 30, False, "tls_untrusted"),
        (("elsewhere.test",), 30, True, "tls_name"),
        (("127.0.0.1",), -1, True, "tls_expired"),
    ],
)
def test_a_certificate_that_cannot_be_trusted(authority, names, days, trusted, cause) -> None:
    with tls_server(authority, *names, days=days) as server:
        failed(send(server.url, ca_file=str(authority.ca_file) if trusted else None), cause)
    assert server.received == []


def test_a_client_certificate(authority) -> None:
    certificate, key = map(str, authority.issue("client.test"))
    ca_file = str(authority.ca_file)
    with tls_server(authority, "127.0.0.1", ask=True) as server:
        assert send(server.url, ca_file=ca_file, client_cert=certificate, client_key=key).accepted
        failed(send(server.url, ca_file=ca_file), "tls_client", "give client_cert")


def test_tls_towards_a_plain_port(server) -> None:
    failed(send(server.url.replace("http:", "https:")), "tls_missing", "write http://")


def test_certificates_that_cannot_be_read(tmp_path) -> None:
    with pytest.raises(otlp.OtlpError, match=r"certificates in .*none\.pem cannot be used: No such file"):
        otlp.OtlpClient("https://127.0.0.1:1", ca_file=str(tmp_path / "none.pem"))
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(otlp.OtlpError, match=r"certificates in .*bad\.pem cannot be used"):
        otlp.OtlpClient("https://127.0.0.1:1", ca_file=str(tmp_path / "bad.pem"), protocol="grpc")


# --- proxies ---


def test_a_proxy_is_used_but_never_towards_this_machine(server, monkeypatch) -> None:
    with OtlpServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//name:p%40ss@"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert send(server.url).accepted
        assert proxy.received == []
        assert send("http://collector.invalid:4318").accepted
        (received,) = proxy.received
        assert received.target == "http://collector.invalid:4318/v1/metrics"
        assert received.headers["host"] == "collector.invalid:4318"
        assert received.headers["proxy-authorization"] == "Basic bmFtZTpwQHNz"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost", "a.localhost"])
def test_these_are_this_machine(host) -> None:
    assert otlp.is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "example.com", "localhost.example.com"])
def test_these_are_not_this_machine(host) -> None:
    assert not otlp.is_loopback(host)


# --- how it is set up ---


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"endpoint": "127.0.0.1:4318"}, "is no address"),
        ({"endpoint": "http://"}, "is no address"),
        ({"endpoint": "http://host:port"}, "is no address"),
        ({"endpoint": "http://[::1"}, "is no address"),
        ({"endpoint": "http://a..b"}, "is no address"),
        ({"endpoint": "http://host/\u00e4"}, "no request can carry; write it as /%C3%A4"),
        ({"endpoint": "http://host/a b"}, "no request can carry; write it as /a%20b"),
        ({"endpoint": "http://host:4318/v1/metrics"}, "names a signal"),
        ({"endpoint": "http://user:secret@host:4318"}, "holds credentials"),
        ({"protocol": "carrier pigeon"}, "protocol 'carrier pigeon' is unknown"),
        ({"compression": "zip"}, "compression 'zip' is unknown"),
        ({"token": "two\nlines"}, "token is empty or holds characters"),
        ({"token": " "}, "token is empty or holds characters"),
    ],
)
def test_a_wrong_setting_is_refused_at_once(options, complaint) -> None:
    with pytest.raises(otlp.OtlpError, match=complaint) as caught:
        otlp.OtlpClient(**{"endpoint": "http://127.0.0.1:1", **options})
    assert "secret" not in str(caught.value)


def test_what_is_no_otlp_cannot_become_protobuf(server) -> None:
    with pytest.raises(otlp.OtlpError, match="not valid OTLP JSON"):
        send(server.url, {"resourceMetrics": "none"}, protocol="http/protobuf")
    with pytest.raises(otlp.OtlpError, match="signal 'profiles' is unknown"):
        send(server.url, signal="profiles")
    assert server.received == []


@pytest.mark.parametrize(
    ("module", "protocol", "package"),
    [
        ("opentelemetry.proto.collector.logs.v1", "http/protobuf", "opentelemetry-proto"),
        ("grpc", "grpc", "grpcio"),
    ],
)
def test_a_missing_library_is_named(monkeypatch, module, protocol, package) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    otlp.messages.cache_clear()
    with pytest.raises(MissingLibraryError, match=f"needs the Python package {package}") as caught:
        otlp.OtlpClient("http://127.0.0.1:1", protocol=protocol)
    assert caught.value.package == package
    assert otlp.OtlpClient("http://127.0.0.1:1").protocol == "http/json"


def test_every_next_step_can_be_told() -> None:
    for cause, step in NEXT_STEPS.items():
        assert step.format(endpoint="e", protocol="p", signal="s").endswith("."), cause
