# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent without a library is what the library would send, and proxies are chosen as the client chooses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _otlp_protobuf
from ansible_collections.observability.claude_code.plugins.module_utils._client_checks_secrets import certificates
from ansible_collections.observability.claude_code.plugins.module_utils._client_checks_values import meaning, transports
from ansible_collections.observability.claude_code.plugins.module_utils._client_exports import (
    attributes,
    exports,
    proxy_name,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import Account, Machine
from ansible_collections.observability.claude_code.plugins.module_utils._client_probe import Sender, Sent
from ansible_collections.observability.claude_code.plugins.module_utils._client_sources import Source
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import Settings, resolve
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import (
    OtlpError,
    decode_partial,
    encode_protobuf,
    messages,
)
from ansible_collections.observability.claude_code.plugins.module_utils._probe import SIGNALS, Probe
from cryptography.hazmat.primitives import serialization
from support.certificates import Authority

ATTRIBUTES = (("host.name", "laptop-1"), ("team", "Zürich"))


def given(**values: str) -> Settings:
    return resolve([Source("environment", "test", values)])


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_probe_has_the_library_s_bytes(signal: str) -> None:
    body = Probe("mark", (0.25, 1e9), 1_795_338_647_273_000_000, ATTRIBUTES).body(signal)
    request = messages(signal, "http/protobuf")[0]
    written = _otlp_protobuf.encode(signal, body)
    assert request.FromString(written) == request.FromString(encode_protobuf(signal, body))
    assert "laptop-1" in str(request.FromString(written))


def test_a_probe_is_sent_with_whatever_its_attributes_hold() -> None:
    body = Probe("mark", (0.25,), 1_795_338_647_273_000_000, (("team", "a\ud800"),)).body("metrics")
    request = messages("metrics", "http/protobuf")[0]
    assert '"a?"' in str(request.FromString(_otlp_protobuf.encode("metrics", body)))


def test_what_no_probe_has_is_refused() -> None:
    with pytest.raises(OtlpError, match="no gauge in Metric"):
        _otlp_protobuf.encode("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {}}]}]}]})


@pytest.mark.parametrize("signal", ["metrics", "logs", "traces"])
def test_an_answer_is_read_as_the_library_writes_it(signal: str) -> None:
    response = messages(signal, "http/protobuf")[1]()
    assert decode_partial(signal, response.SerializeToString()) == (0, "")
    field = {"metrics": "rejected_data_points", "logs": "rejected_log_records", "traces": "rejected_spans"}[signal]
    setattr(response.partial_success, field, 300)
    response.partial_success.error_message = "too old"
    assert decode_partial(signal, response.SerializeToString()) == (300, "too old")


@pytest.mark.parametrize("content", [b"<html>", b"\x0a\xff\x01", b"\x00", b"\x08\x01", b"\x0a"])
def test_what_is_no_answer_is_told(content: bytes) -> None:
    with pytest.raises(ValueError, match="no OTLP response"):
        decode_partial("metrics", content)


def test_without_any_settings_nothing_is_sent_and_defaults_hold() -> None:
    for export in exports(given()):
        assert export.silence == "CLAUDE_CODE_ENABLE_TELEMETRY is not set"
        assert (export.protocol, export.url) == ("http/protobuf", f"http://localhost:4318/v1/{export.signal}")


def test_a_signal_may_have_its_own_address_and_headers() -> None:
    metrics, logs = exports(
        given(
            CLAUDE_CODE_ENABLE_TELEMETRY="yes",
            OTEL_METRICS_EXPORTER="console, otlp",
            OTEL_LOGS_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT="https://c.example.com/x/",
            OTEL_EXPORTER_OTLP_LOGS_ENDPOINT="https://l.example.com/logs",
            OTEL_EXPORTER_OTLP_HEADERS="a=1,b=2",
            OTEL_EXPORTER_OTLP_LOGS_HEADERS="b=3",
        )
    )
    assert (metrics.sent, logs.sent) == (True, True)
    assert (metrics.url, metrics.headers) == ("https://c.example.com/x/v1/metrics", {"a": "1", "b": "2"})
    assert (logs.url, logs.headers) == ("https://l.example.com/logs", {"a": "1", "b": "3"})


@pytest.mark.parametrize(
    ("host", "exceptions", "chosen"),
    [
        ("collector.example.com", "", True),
        ("collector.example.com", "collector.example.com", False),
        ("collector.example.com", "other, COLLECTOR.example.com", False),
        ("collector.example.com", ".example.com", False),
        ("collector.example.com", "*.example.com", False),
        ("collector.example.com", "example.com", True),
        ("collector.example.com", "collector.example.com:4318", False),
        ("collector.example.com", "collector.example.com:443", True),
        ("collector.example.com", "*", False),
        ("127.0.0.1", "", False),
        ("localhost", "", False),
    ],
)
def test_a_proxy_is_taken_unless_it_is_not_for_the_host(host: str, exceptions: str, chosen: bool) -> None:
    settings = given(HTTPS_PROXY="http://proxy:3128", NO_PROXY=exceptions)
    assert proxy_name(settings, host, 4318) == ("HTTPS_PROXY" if chosen else "")


def test_the_proxy_for_https_is_taken_first() -> None:
    both = given(http_proxy="http://one:1", HTTPS_PROXY="http://two:2")
    assert proxy_name(both, "c.example.com", None) == "HTTPS_PROXY"
    assert proxy_name(given(http_proxy="http://one:1"), "c.example.com", None) == "http_proxy"


def test_a_machine_that_names_itself_is_not_unnamed() -> None:
    assert [one.id for one in meaning(given())] == ["machine-unnamed"]
    assert [one.id for one in meaning(given(OTEL_RESOURCE_INCLUDE_HOST="true"))] == []


@pytest.mark.parametrize(
    ("text", "found", "faults"),
    [
        ("team=a,host.name=b", {"team": "a", "host.name": "b"}, 0),
        ("team=a%20b%2Cc", {"team": "a b,c"}, 0),
        ("", {}, 0),
        ("team", {}, 1),
        ("team=a b", {"team": "a b"}, 1),
        ("t!m=a", {"t!m": "a"}, 1),
    ],
)
def test_resource_attributes_are_read_as_the_client_reads_them(text: str, found: dict[str, str], faults: int) -> None:
    assert attributes(text)[0] == found
    assert len(attributes(text)[1]) == faults


@pytest.mark.parametrize("endpoint", ["http://[::1:4318", "http://c.example.com:99999", "http://[x]:1", "http://:4318"])
def test_an_address_that_is_none_is_told(endpoint: str) -> None:
    settings = given(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
    found = exports(settings)
    assert {export.endpoint for export in found} == {"http://localhost:4318"}
    assert {one.id for one in transports(settings, found)} == {"endpoint-invalid"}


@pytest.mark.parametrize("text", ["0", "1.5", "9" * 5000])
def test_an_interval_that_is_none_is_told(text: str) -> None:
    (finding,) = (one for one in meaning(given(OTEL_METRIC_EXPORT_INTERVAL=text)) if one.id == "interval")
    assert finding.what == f"OTEL_METRIC_EXPORT_INTERVAL is {text[:40]}; it is a number of milliseconds."


def send(headers: dict[str, str] | None = None, **values: str) -> Sent:
    """What comes of the metrics of a client with these variables, and headers of a script."""
    on = {"CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_METRICS_EXPORTER": "otlp"}
    settings = given(**on, **{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", **values})
    sender = Sender(Machine(Account.of(None)), settings, headers or {}, 1.0)
    return sender.send(exports(settings)[0], Probe.now(None, (1.0,)))


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer of-one\nBearer of-two"}, {"Authorization": "Bearer of-one-日"}, {"A\nB": "of-one"}],
)
def test_a_header_that_cannot_be_sent_is_told_without_it(headers: dict[str, str]) -> None:
    said = send(headers).report()
    assert said["cause"] == "unsendable"
    assert "a header or the address holds a line break" in said["error"]
    assert "of-one" not in str(said)


@pytest.mark.parametrize("endpoint", ["http://a..b:4317", "https://.localhost"])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_name_that_nobody_can_be_asked_for_is_told(endpoint: str, protocol: str) -> None:
    reply = send(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_PROTOCOL=protocol).reply
    assert reply
    assert (reply.cause, "is no name that a name server could know" in reply.error) == ("dns", True)


@pytest.mark.parametrize("proxy", ["http://[::1:4318", "http://proxy:x", "a..b:3128"])
def test_a_proxy_that_is_none_is_told(proxy: str) -> None:
    reply = send(OTEL_EXPORTER_OTLP_ENDPOINT="http://c.example.com", HTTPS_PROXY=proxy).reply
    assert reply
    assert reply.cause == "proxy"


@pytest.mark.parametrize("path", ["/a\0b", "/a\ud800"])
def test_a_certificate_that_no_path_leads_to_is_told(path: str) -> None:
    reply = send(OTEL_EXPORTER_OTLP_ENDPOINT="https://127.0.0.1:9", NODE_EXTRA_CA_CERTS=path).reply
    assert reply
    assert reply.cause == "certificates"


@pytest.mark.parametrize(
    ("phrase", "faults"), [("correct horse", []), ("wrong", ["client-certificate"]), ("", ["client-certificate"])]
)
def test_an_encrypted_key_is_opened_with_its_passphrase(tmp_path: Path, phrase: str, faults: list[str]) -> None:
    certificate, key = Authority(tmp_path).issue("alex")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    protection = serialization.BestAvailableEncryption(b"correct horse")
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:9",
        "CLAUDE_CODE_CLIENT_CERT": str(certificate),
        "CLAUDE_CODE_CLIENT_KEY": str(key),
        "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE": phrase,
    }
    found = certificates(Machine(Account.of(None)), given(**settings), exports(given(**settings))[:1])
    assert [one.id for one in found] == faults
    reply = send(**settings).reply
    assert reply
    assert (reply.cause == "certificates") == bool(faults)
