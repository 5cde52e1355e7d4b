# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telemetry over TLS: what is taken, and how a client learns why its telemetry is not.

A collector of its own, as a site sets one up for clients on the network, in front of the stores that all tests share.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._front_door import PROBES
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import PROTOCOLS
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.modules import telemetry_probe
from support.certificates import Authority
from support.modules import run_module
from support.stack import COLLECTOR, HOST, PORTS, Stack, free_ports, until
from support.supervisor import end

POINTS = [0.25, 1.5]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody has heard of."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def front(stack: Stack, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A collector with a certificate for its address."""
    certificate, key = authority.issue(HOST)
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    ports |= {name: stack.ports[name] for name in ("prometheus_port", "loki_port")}
    variables = {
        "stack_existing": ["prometheus", "loki"],
        "otel_collector_tls_certificate": str(certificate),
        "otel_collector_tls_key": str(key),
    }
    found = Stack(tmp_path_factory.mktemp("tls"), ports, secrets.token_urlsafe(24), variables)
    try:
        found.install("--tags", "otel_collector")
        found.ready(COLLECTOR)
        yield found
    finally:
        end(found.prefix)


def probe(stack: Stack, protocol: str, scheme: str = "https", **options: Any) -> dict[str, Any]:
    endpoint = stack.endpoint(protocol).replace("http://", f"{scheme}://")
    options = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    return run_module(
        telemetry_probe, endpoint=endpoint, token=stack.token, protocol=protocol, points=POINTS, **options
    )


def refused(result: dict[str, Any], cause: str, next_step: str) -> None:
    assert result["failed"], result
    assert {reply["cause"] for reply in result["replies"].values()} == {cause}, result["msg"]
    assert next_step in result["msg"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_trusts_the_authority_delivers(stack: Stack, front: Stack, authority: Authority, protocol: str) -> None:
    result = probe(front, protocol, ca_file=authority.ca_file)
    assert result["accepted"], result.get("msg")
    query = Reading(PROBES, "1h").total("probe", where={"session_id": result["session_id"]})
    until(lambda: [value for _labels, value in stack.promql(query, time.time() + 60)] == [sum(POINTS)], 60, query)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("trusted", ["another authority", "the system's authorities"])
def test_who_does_not_trust_the_authority_sends_nothing(
    front: Stack, stranger: Authority, protocol: str, trusted: str
) -> None:
    ca_file = stranger.ca_file if trusted == "another authority" else None
    result = probe(front, protocol, ca_file=ca_file)
    refused(result, "tls_untrusted", "Give the certificate authority of the collector as ca_file")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_name_that_the_certificate_does_not_hold_is_told(front: Stack, authority: Authority, protocol: str) -> None:
    endpoint = front.endpoint(protocol).replace(f"http://{HOST}", "https://localhost")
    result = run_module(
        telemetry_probe, endpoint=endpoint, token=front.token, protocol=protocol, ca_file=str(authority.ca_file)
    )
    refused(result, "tls_name", "Use a name in https://localhost")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_speaks_no_tls_is_told_to(front: Stack, protocol: str) -> None:
    result = probe(front, protocol, "http")
    assert result["failed"], result
    assert not any(reply["accepted"] for reply in result["replies"].values())
    # Over gRPC the collector only hangs up.
    assert ("whether it wants https://" if protocol == "grpc" else "write https://") in result["msg"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_speaks_tls_to_a_port_without_is_told(stack: Stack, authority: Authority, protocol: str) -> None:
    refused(probe(stack, protocol, ca_file=authority.ca_file), "tls_missing", "write http://")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_token_is_asked_for_over_tls_as_well(front: Stack, authority: Authority, protocol: str) -> None:
    endpoint = front.endpoint(protocol).replace("http://", "https://")
    options = {"ca_file": str(authority.ca_file), "protocol": protocol, "token": "another-token-of-nobody"}
    result = run_module(telemetry_probe, endpoint=endpoint, expect="refused", **options)
    assert {reply["cause"] for reply in result["replies"].values()} == {"unauthorized"}, result


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_with_a_client_authority_only_its_clients_deliver(
    front: Stack, authority: Authority, stranger: Authority, client_authority: Authority, protocol: str
) -> None:
    """The last test: it asks the collector's clients for certificates."""
    certificate, key = client_authority.issue("a client")
    result = probe(front, protocol, ca_file=authority.ca_file, client_cert=certificate, client_key=key)
    assert result["accepted"], result.get("msg")
    foreign, foreign_key = stranger.issue("a client")
    for shown in ({}, {"client_cert": foreign, "client_key": foreign_key}):
        result = probe(front, protocol, ca_file=authority.ca_file, **shown)
        refused(result, "tls_client", "give client_cert and client_key")


@pytest.fixture(scope="module")
def client_authority(front: Stack, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority for clients, which the collector asks for from now on."""
    made = Authority(tmp_path_factory.mktemp("clients"))
    front.playbook("site.yml", "--tags", "otel_collector", otel_collector_tls_client_ca=str(made.ca_file))
    front.ready(COLLECTOR)
    return made
