# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No setting of a person stops the module, and no secret in one leaves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.modules import client_check
from support.client_machine import HOME, ClientMachine, variables
from support.modules import run_module

TOKEN = "a-token-of-this-test"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
PASSPHRASE = "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE"
SETTINGS = f"{HOME}/.claude/settings.json"


@pytest.fixture
def client(tmp_path: Path) -> ClientMachine:
    """Its telemetry would go where nobody listens."""
    return ClientMachine(tmp_path, variables("http://127.0.0.1:9"), TOKEN)


def check(client: ClientMachine, **options: Any) -> dict[str, Any]:
    return run_module(client_check, **client.options(timeout=1.0, **options))


def test_a_token_with_a_line_break_shows_nowhere(client: ClientMachine) -> None:
    client.put("/etc/claude-code/otel-headers.sh", None)
    client.put(
        "/etc/claude-code/otel-headers.sh",
        f"#!/bin/sh\nprintf '%s' '{{\"Authorization\": \"Bearer {TOKEN}\\n{TOKEN}\\n\"}}'\n",
        0o755,
    )
    result = check(client)
    assert "probe-unsendable" in [finding["id"] for finding in result["findings"]]
    assert TOKEN not in result["printed"]


def test_what_is_expected_and_given_shows_nowhere(client: ClientMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[object] = []
    monkeypatch.setattr(AnsibleModule, "log", lambda _self, *said, **_more: logged.append(said))
    expected = {HEADERS: "Authorization=Bearer of-the-roll-out", PASSPHRASE: "short"}
    given = {
        HEADERS: "Authorization=Bearer of-the-environment",
        "HTTPS_PROXY": "http://alex:of-the-proxy@proxy:1",
        "AWS_SECRET_ACCESS_KEY": "of-another-program",
        "OTEL_METRIC_EXPORTER": "otlp",
    }
    result = check(client, expected=expected, environment=given, probe=False)
    assert result["settings"], result
    everything = result["printed"] + str(logged)
    secrets = ("of-the-roll-out", "short", "of-the-environment", "of-the-proxy", "of-another-program")
    assert [secret for secret in secrets if secret in everything] == []
    assert "unknown-variable" in [finding["id"] for finding in result["findings"]]


@pytest.mark.parametrize(
    "text",
    [
        {"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1:4318"}},
        {"env": {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://[::1:4318"}},
        {"env": {"HTTPS_PROXY": "http://[::1:4318"}},
        {"env": {"HTTPS_PROXY": "http://a..b:1", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example.com"}},
        {"env": {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a..b:4317"}},
        {"env": {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": "https://.localhost"}},
        {"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://\ud800:4318"}},
        {"env": {"OTEL_METRIC_EXPORT_INTERVAL": "9" * 5000}},
        {"env": {"NODE_EXTRA_CA_CERTS": "/a\0b"}},
        {"env": {"NODE_EXTRA_CA_CERTS": "/a\ud800"}},
        {"env": {"CLAUDE_CODE_CLIENT_CERT": "/a\ud800", "CLAUDE_CODE_CLIENT_KEY": "/a\0b"}},
        {"otelHeadersHelper": "/a\0b"},
        {"otelHeadersHelper": "a\ud800"},
        '{"env": {"OTEL_METRIC_EXPORT_INTERVAL": %s}}' % ("9" * 5000),
        "[" * 200_000,
    ],
)
def test_no_settings_of_a_person_stop_it(client: ClientMachine, text: Any) -> None:
    client.put("/etc/claude-code/managed-settings.d/50-observability.json", None)
    more = variables("http://127.0.0.1:9")
    if isinstance(text, dict):
        text = {**text, "env": {**more, **text.get("env", {})}}
    client.put(SETTINGS, text)
    result = check(client)
    assert not result["healthy"]
    assert "Traceback" not in result["printed"]
