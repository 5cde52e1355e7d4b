# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which value is in force is what client 2.1.330 was seen to do with the same files."""

from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._client_checks_values import expected
from ansible_collections.observability.claude_code.plugins.module_utils._client_document import KNOWN
from ansible_collections.observability.claude_code.plugins.module_utils._client_sources import Source
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import (
    Settings,
    headers_of,
    masked,
    resolve,
    secrets_in,
)

# What counts more stands later. "state" is what the client itself keeps in ~/.claude.json.
SCOPES = ("environment", "state", "user", "project", "local", "managed")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
METRICS_ENDPOINT = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
PASSPHRASE = "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE"


def settings(helper: str = "", **places: dict[str, str]) -> Settings:
    """Places by their scope; the script for headers is that of ``helper``."""
    found = [Source(scope, f"/{scope}", places[scope]) for scope in SCOPES if scope in places]
    if helper:
        found.append(Source(helper, f"/{helper}", {}, f"/{helper}.sh"))
    return resolve(sorted(found, key=lambda source: SCOPES.index(source.scope)))


@pytest.mark.parametrize("number", range(1, len(SCOPES)))
def test_each_place_wins_over_all_before_it(number: int) -> None:
    places = {scope: {ATTRIBUTES: f"team={scope}"} for scope in SCOPES[: number + 1]}
    found = settings(**places)
    assert found[ATTRIBUTES] == f"team={SCOPES[number]}"
    assert found.place(ATTRIBUTES) == f"/{SCOPES[number]}"
    assert [claim.source.scope for claim in found.variables[ATTRIBUTES].overridden] == list(SCOPES[:number])


def test_of_managed_files_the_last_one_wins() -> None:
    files = [Source("managed", path, {ATTRIBUTES: f"team={path}"}) for path in ("10.json", "20.json")]
    assert resolve(files)[ATTRIBUTES] == "team=20.json"


def test_an_empty_value_takes_a_lower_one_away() -> None:
    assert settings(environment={ATTRIBUTES: "team=a"}, managed={ATTRIBUTES: ""})[ATTRIBUTES] == ""


@pytest.mark.parametrize("scope", ["project", "local"])
@pytest.mark.parametrize(
    "name", ["CLAUDE_CODE_ENABLE_TELEMETRY", "OTEL_METRICS_EXPORTER", ENDPOINT, HEADERS, "OTEL_EXPORTER_OTLP_PROTOCOL"]
)
def test_a_project_does_not_say_whether_and_where_telemetry_goes(scope: str, name: str) -> None:
    found = settings(user={name: "theirs"}, **{scope: {name: "ours"}})
    assert found[name] == "theirs"
    assert [claim.ignored for claim in found.variables[name].ignored] == ["settings of a project may not set it"]


def test_a_project_may_switch_off_what_only_the_user_switched_on() -> None:
    quiet = {"OTEL_LOGS_EXPORTER": "none", "OTEL_LOG_USER_PROMPTS": "0"}
    loud = {"OTEL_LOGS_EXPORTER": "otlp", "OTEL_LOG_USER_PROMPTS": "1"}
    for name, value in quiet.items():
        assert settings(user=loud, project=quiet)[name] == value
        assert settings(managed=loud, project=quiet)[name] == loud[name]
        assert settings(environment=loud, project=quiet)[name] == loud[name]
        assert settings(user=quiet, project=loud)[name] == value


@pytest.mark.parametrize("scope", ["environment", "user"])
def test_what_is_managed_for_all_signals_is_not_changed_for_one(scope: str) -> None:
    elsewhere = {METRICS_ENDPOINT: "http://elsewhere"}
    found = settings(managed={ENDPOINT: "http://managed"}, **{scope: elsewhere})
    assert found[METRICS_ENDPOINT] == ""
    assert "managed settings have OTEL_EXPORTER_OTLP_ENDPOINT" in found.variables[METRICS_ENDPOINT].ignored[0].ignored
    assert settings(user={ENDPOINT: "http://user"}, environment=elsewhere)[METRICS_ENDPOINT] == "http://elsewhere"


@pytest.mark.parametrize("managed", [{HEADERS: "a=b"}, {"OTEL_EXPORTER_OTLP_CLIENT_KEY": "/key"}])
def test_who_gives_a_secret_says_where_it_goes(managed: dict[str, str]) -> None:
    found = settings(managed=managed, user={ENDPOINT: "http://elsewhere", METRICS_ENDPOINT: "http://elsewhere"})
    assert (found[ENDPOINT], found[METRICS_ENDPOINT]) == ("", "")


def test_a_managed_script_for_headers_does_so_too() -> None:
    assert settings("managed", user={ENDPOINT: "http://elsewhere"})[ENDPOINT] == ""
    assert settings("managed", managed={ENDPOINT: "http://managed"})[ENDPOINT] == "http://managed"
    assert settings("user", user={ENDPOINT: "http://user"})[ENDPOINT] == "http://user"


def test_headers_without_an_address_leave_the_other_signals_alone() -> None:
    managed = {"OTEL_EXPORTER_OTLP_LOGS_HEADERS": "a=b"}
    found = settings(managed=managed, user={ENDPOINT: "http://user", METRICS_ENDPOINT: "http://metrics"})
    assert (found[ENDPOINT], found[METRICS_ENDPOINT]) == ("http://user", "http://metrics")


def test_headers_are_taken_as_they_stand() -> None:
    text = "Authorization=Bearer to%3Dk=en,x-a= b , nothing"
    assert headers_of(text) == {"Authorization": "Bearer to%3Dk=en", "x-a": "b"}


def test_no_secret_is_shown() -> None:
    assert masked(HEADERS, "Authorization=Bearer abc,x-a=1") == "Authorization=***,x-a=***"
    assert masked("HTTPS_PROXY", "http://alex:pass@proxy:3128") == "http://***@proxy:3128"
    assert masked(ENDPOINT, "https://collector.example.com:4318") == "https://collector.example.com:4318"
    assert secrets_in({HEADERS: "Authorization=Bearer a-long-token,x-a=1"}) == {"Bearer a-long-token", "a-long-token"}
    assert masked(PASSPHRASE, "correct horse battery") == "***"
    assert masked(PASSPHRASE, "") == ""
    assert secrets_in({PASSPHRASE: "correct horse battery"}) == {"correct horse battery"}
    assert "a-long-token" in secrets_in({HEADERS: "Authorization=Bearer\ta-long-token"})


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_what_can_be_rolled_out_is_found_in_force(name: str) -> None:
    assert list(expected(settings(managed={name: "1"}), {name: "1"})) == []


def test_a_passphrase_that_is_not_in_force_is_told_without_it() -> None:
    (finding,) = expected(settings(managed={PASSPHRASE: "of-the-machine"}), {PASSPHRASE: "of-the-roll-out"})
    assert finding.what == f"{PASSPHRASE} was rolled out as another value, but in force is ***."
