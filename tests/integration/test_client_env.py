# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roll-out to machines of every kind: what is on them afterwards, what the stores have, and who is named."""

from __future__ import annotations

import json
import plistlib
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from pygments.lexers import PowerShellLexer
from pygments.token import Error
from support.machines import Machines, Rolled
from support.sdk_client import environment_of_settings, environment_of_shell, sent_with
from support.stack import Stack, until

DROP_IN = "etc/claude-code/managed-settings.d/50-observability.json"
TOKEN_FILE = "home/dev/.config/claude-code-observability/otel-token"
OTHERS = '{"model": "opus", "env": {"OTEL_METRICS_EXPORTER": "none"}}\n'
GENERATOR = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
# What no format may take amiss.
TEAM = 'R&D, "x" $y \\ <z>'
ENCODED_TEAM = "R%26D%2C%20%22x%22%20%24y%20%5C%20%3Cz%3E"
VARIABLES = {
    "managed": {"client_env_files": ["settings", "shell", "environment_d"], "client_env_team": TEAM},
    "personal": {
        "client_env_scope": "user",
        "client_env_files": ["settings", "environment_d"],
        "client_env_team": TEAM,
    },
    "overruled": {},
    "broken": {"client_env_scope": "user"},
    "away": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9},
}
MDM = {"laptops": {"client_env_team": TEAM, "client_env_mdm_identifier": "com.example"}, "nobody": {}}


@pytest.fixture(scope="module")
def machines(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Machines:
    found = Machines(tmp_path_factory.mktemp("machines"), stack, VARIABLES, MDM)
    found.make()
    found.write("personal", "home/dev/.claude/settings.json", OTHERS)
    found.write("broken", "home/dev/.claude/settings.json", '{"env": oops}')
    other = {"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}}
    found.write("overruled", "etc/claude-code/managed-settings.d/60-others.json", json.dumps(other))
    return found


@pytest.fixture(scope="module")
def before(machines: Machines) -> dict[str, dict[str, str]]:
    return {machine: machines.everything(machine) for machine in VARIABLES}


@pytest.fixture(scope="module")
def rolled(machines: Machines, before: dict[str, Any]) -> Rolled:
    return machines.roll_out("--diff", "-v")


@pytest.fixture(scope="module")
def rows(machines: Machines, rolled: Rolled) -> dict[str, dict[str, Any]]:
    table = json.loads((machines.report / "clients.json").read_text())
    return {row["machine"]: row for row in table["clients"]}


def test_broken_machines_are_named_with_what_to_do_and_stop_no_other(machines: Machines, rolled: Rolled) -> None:
    assert rolled.code != 0
    text = " ".join(rolled.text.split())
    assert "3 of 5 machines: " in text, rolled.text
    said = {name: text[text.rindex(f"{name}: ") :] for name in ("away", "broken")}
    assert said["away"].startswith("away: not reached")
    assert "settings.json is no JSON: Expecting value at line 1, column 9. Nothing was changed" in said["broken"]
    assert "60-others.json" in text
    assert (machines.home("broken") / ".claude/settings.json").read_text() == '{"env": oops}'
    assert (machines.root("managed") / DROP_IN).is_file()


def test_the_table_says_of_each_machine_whether_its_probe_is_in_the_stores(rows: dict[str, dict[str, Any]]) -> None:
    found = {name: (row["state"], row["probe_metrics"], row["probe_logs"]) for name, row in rows.items()}
    assert found["managed"] == found["personal"] == ("waiting", "found", "found")
    assert found["overruled"][0] == "not delivered"
    assert found["broken"][0] == found["away"][0] == "unreachable"


def test_the_table_can_be_read(machines: Machines, rolled: Rolled) -> None:
    text = (machines.report / "clients.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.split(" | ")[0] for line in lines[1:]} == {f"| {name}" for name in VARIABLES}
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_the_token_is_in_files_of_its_owner_alone_and_in_no_output(machines: Machines, rolled: Rolled) -> None:
    token = machines.stack.token
    assert token not in rolled.text
    files = [one for one in machines.folder.rglob("*") if one.is_file() and one.name != "inventory.json"]
    holding = [one for one in files if token in one.read_text()]
    assert {str(one.relative_to(machines.folder)) for one in holding} == {
        f"{name}/{TOKEN_FILE}" for name in ("managed", "personal", "overruled")
    }
    assert {one.stat().st_mode & 0o777 for one in holding} == {0o600}


@pytest.fixture(scope="module")
def wanted(stack: Stack) -> dict[str, str]:
    """The variables, whatever file they are in."""
    return {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": stack.otlp_url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {stack.token}",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        "OTEL_METRIC_EXPORT_INTERVAL": "60000",
        "OTEL_LOGS_EXPORT_INTERVAL": "5000",
        "OTEL_LOG_USER_PROMPTS": "0",
        "OTEL_LOG_ASSISTANT_RESPONSES": "0",
        "OTEL_LOG_TOOL_DETAILS": "0",
        "OTEL_METRICS_INCLUDE_SESSION_ID": "true",
        "OTEL_METRICS_INCLUDE_ACCOUNT_UUID": "true",
        "OTEL_METRICS_INCLUDE_VERSION": "false",
        "OTEL_METRICS_INCLUDE_REPOSITORY": "false",
        "OTEL_RESOURCE_ATTRIBUTES": f"team={ENCODED_TEAM},host.name=managed",
    }


def test_settings_and_shell_mean_the_same(machines: Machines, rolled: Rolled, wanted: dict[str, str]) -> None:
    root, home = machines.root("managed"), machines.home("managed")
    settings = json.loads((root / DROP_IN).read_text())
    assert environment_of_settings(settings, home, root) == wanted
    shell_file = root / "etc/profile.d/claude-code-otel-env.sh"
    assert environment_of_shell(shell_file, home) == wanted
    assert environment_of_shell(shell_file, home, "bash") == wanted
    personal = json.loads((machines.home("personal") / ".claude/settings.json").read_text())
    found = environment_of_settings(personal, machines.home("personal"), machines.root("personal"))
    assert found == {**wanted, "OTEL_RESOURCE_ATTRIBUTES": f"team={ENCODED_TEAM},host.name=personal"}


def test_systemd_reads_the_same(machines: Machines, rolled: Rolled, wanted: dict[str, str]) -> None:
    if not Path(GENERATOR).exists():
        pytest.skip("systemd is not installed")
    home = machines.home("personal")
    printed = subprocess.run(
        [GENERATOR], env={"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}, check=True, capture_output=True
    ).stdout.decode()
    found = environment_of_shell_text(printed)
    # systemd runs no script; the settings name one.
    without = {name: value for name, value in wanted.items() if name != "OTEL_EXPORTER_OTLP_HEADERS"}
    assert found == {**without, "OTEL_RESOURCE_ATTRIBUTES": f"team={ENCODED_TEAM},host.name=personal"}


def environment_of_shell_text(printed: str) -> dict[str, str]:
    """The variables that a generator printed, which quotes as a shell does."""
    pairs = (line.partition("=") for line in printed.splitlines())
    ours = ("OTEL_", "CLAUDE_")
    return {name: value.strip("\"'").replace("\\", "") for name, _equals, value in pairs if name.startswith(ours)}


def test_an_sdk_with_these_variables_delivers_what_was_meant(machines: Machines, rolled: Rolled, stack: Stack) -> None:
    root, home = machines.root("managed"), machines.home("managed")
    variables = environment_of_settings(json.loads((root / DROP_IN).read_text()), home, root)
    session = f"sdk-{time.time_ns():x}"
    told = sent_with(variables, session)
    assert {one["url"] for one in told["requests"]} == {f"{stack.otlp_url}/v1/{kind}" for kind in ("metrics", "logs")}
    for one in told["requests"]:
        assert one["status"] == 200
        assert one["headers"]["authorization"] == f"Bearer {stack.token}"
        assert one["headers"]["content-type"] == "application/x-protobuf"
    assert (told["delta"], told["interval_ms"]) == (True, 60000)
    assert (told["attributes"]["team"], told["attributes"]["host.name"]) == (TEAM, "managed")
    query = f'sum by (team, host_name) (sum_over_time(claude_code_commit_count_total{{session_id="{session}"}}[1h]))'
    until(lambda: stack.promql(query, time.time() + 60) == [({"team": TEAM, "host_name": "managed"}, 3.0)], 60, query)
    rows = f'{{event_name="user_prompt"}} | session_id="{session}"'
    until(lambda: stack.rows(rows, time.time() - 600, time.time() + 60), 60, rows)


@pytest.fixture(scope="module")
def mdm(machines: Machines, rolled: Rolled) -> Path:
    return machines.folder / "mdm" / "laptops"


@pytest.fixture
def policy(wanted: dict[str, str]) -> dict[str, str]:
    """The variables of a policy for many machines: no token, and no machine's name."""
    gone = ("OTEL_EXPORTER_OTLP_HEADERS",)
    kept = {name: value for name, value in wanted.items() if name not in gone}
    return {**kept, "OTEL_RESOURCE_ATTRIBUTES": f"team={ENCODED_TEAM}", "OTEL_RESOURCE_INCLUDE_HOST": "true"}


def test_the_configuration_profile_is_a_property_list_of_the_same_settings(mdm: Path, policy: dict[str, str]) -> None:
    profile = plistlib.loads((mdm / "claude-code.mobileconfig").read_bytes())
    (payload,) = profile["PayloadContent"]
    assert (profile["PayloadType"], payload["PayloadType"]) == ("Configuration", "com.anthropic.claudecode")
    assert payload["env"] == policy
    assert payload["otelHeadersHelper"] == "/etc/claude-code/otel-headers.sh"
    identities = [(one["PayloadIdentifier"], one["PayloadUUID"], one["PayloadVersion"]) for one in (profile, payload)]
    assert len({uuid for _name, uuid, _version in identities}) == 2
    assert all(re.fullmatch(r"[0-9A-F-]{36}", uuid) for _name, uuid, _version in identities)


def test_the_registry_file_holds_the_same_settings(mdm: Path, policy: dict[str, str]) -> None:
    registry = read_registry((mdm / "claude-code.reg").read_bytes())
    settings = json.loads(registry[r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\ClaudeCode"]["Settings"])
    assert settings["env"] == policy
    assert settings["otelHeadersHelper"].endswith(r'-File "C:\Program Files\ClaudeCode\otel-headers.ps1"')


def test_attributes_that_nobody_gave_are_not_said(mdm: Path, policy: dict[str, str]) -> None:
    registry = read_registry((mdm.parent / "nobody" / "claude-code.reg").read_bytes())
    settings = json.loads(registry[r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\ClaudeCode"]["Settings"])
    assert settings["env"] == {name: value for name, value in policy.items() if name != "OTEL_RESOURCE_ATTRIBUTES"}


def read_registry(content: bytes) -> dict[str, dict[str, str]]:
    """Keys and their texts of a registry file, as regedit reads it."""
    lines = content.decode("ascii").split("\r\n")
    assert lines[0] == "Windows Registry Editor Version 5.00"
    assert "\n" not in "".join(lines)
    found: dict[str, dict[str, str]] = {}
    key = ""
    for line in lines[1:]:
        if line.startswith("["):
            key = line.strip("[]")
        elif line and not line.startswith(";"):
            value = re.fullmatch(r'"((?:[^"\\]|\\.)*)"="((?:[^"\\]|\\.)*)"', line)
            assert value, line
            name, text = (re.sub(r"\\(.)", r"\1", part) for part in value.groups())
            found.setdefault(key, {})[name] = text
    return found


def test_the_powershell_script_is_one_and_has_the_same_settings(mdm: Path, policy: dict[str, str]) -> None:
    text = (mdm / "Install-ClaudeCodeTelemetry.ps1").read_bytes().decode("ascii")
    assert text.count("\r\n") == text.count("\n")
    text = text.replace("\r\n", "\n")
    tokens = list(PowerShellLexer().get_tokens(text))
    assert [value for kind, value in tokens if kind in Error] == []
    here_strings = re.findall(r"@'\n(.*?)\n'@", text, re.DOTALL)
    assert json.loads(here_strings[0])["env"] == policy
    script = re.sub(r"@'\n.*?\n'@|'[^'\n]*'|^\s*#.*$", "''", text, flags=re.DOTALL | re.MULTILINE)
    for opening, closing in ("()", "{}", "[]"):
        assert script.count(opening) == script.count(closing), opening


@pytest.mark.parametrize("shell", ["sh", "bash --posix"])
def test_scripts_for_macs_need_nothing_that_is_not_posix(mdm: Path, shell: str) -> None:
    subprocess.run([*shell.split(), "-n", str(mdm / "install-token.sh")], check=True)


def test_a_second_run_foretells_no_change(machines: Machines, rolled: Rolled) -> None:
    again = machines.roll_out("--check", "--diff", "--limit", "managed,personal,claude_code_stack,localhost")
    assert (again.changed("managed"), again.changed("personal")) == (0, 0), again.text


def test_without_the_collectors_host_a_run_takes_no_token_away(machines: Machines, rolled: Rolled) -> None:
    limited = machines.roll_out("--limit", "managed,localhost")
    assert limited.code != 0
    assert "add claude_code_stack to the limit" in " ".join(limited.text.split())
    assert "1 of 1 machines: managed" in " ".join(limited.text.split())
    assert (machines.root("managed") / TOKEN_FILE).is_file()


def test_absent_leaves_every_machine_as_it_was(
    machines: Machines, rolled: Rolled, before: dict[str, dict[str, str]]
) -> None:
    """The last test."""
    machines.roll_out("--limit", "claude_code_clients,!away", client_env_state="absent")
    assert {machine: machines.everything(machine) for machine in VARIABLES} == before
