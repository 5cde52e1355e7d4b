# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the files of a client's machine is read as the client, a shell or systemd reads it."""

from __future__ import annotations

import json
import os
import plistlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._client_checks_secrets import token_file
from ansible_collections.observability.claude_code.plugins.module_utils._client_headers import (
    ScriptError,
    headers_from,
    parsed,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import (
    Account,
    Machine,
    UnknownUserError,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_shell import assignments
from ansible_collections.observability.claude_code.plugins.module_utils._client_sources import (
    PREFERENCES,
    Source,
    sources,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import resolve
from support.client_machine import ClientMachine
from support.stack import until

ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
# Nobody's, so that modes count even where tests run as root.
SOMEBODY = Account("alex", 54321, 54321, (54321,), "/homes/alex")


@pytest.fixture
def client(tmp_path: Path) -> ClientMachine:
    found = ClientMachine(tmp_path, {}, "token")
    found.put("/etc/claude-code/managed-settings.d/50-observability.json", None)
    return found


def read(client: ClientMachine, system: str = "Linux", project: str | None = None, **environment: str) -> list[Source]:
    return sources(Machine(SOMEBODY, str(client.root), system), environment, project)


def team(name: str) -> dict[str, dict[str, str]]:
    return {"env": {ATTRIBUTES: f"team={name}"}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("export A=1", {"A": "1"}),
        ("A=1; export A # said twice", {"A": "1"}),
        ("export A='x y' B=\"z\"", {"A": "x y", "B": "z"}),
        ("# A=1\n  A=2", {"A": "2"}),
        ("A=b#c", {"A": "b#c"}),
        ("export A=1\nunset A", {}),
        ("if true; then export A=1; fi", {"A": "1"}),
        ('[ -n "$B" ] && export A=1', {"A": "1"}),
        ("A=one\\\ntwo", {"A": "onetwo"}),
        ("A=$HOME/x", {"A": "/homes/alex/x"}),
        ("A=$(hostname)", {"A": "$(hostname)"}),
        ("A=1 command --option B=2", {"A": "1"}),
        ("echo 'an open quotation\nexport A=1", {"A": "1"}),
        (". /etc/more.sh", {"FROM": "there"}),
        ("[ -r /etc/more.sh ] && . /etc/more.sh", {"FROM": "there"}),
    ],
)
def test_a_shell_s_assignments_are_understood(text: str, found: dict[str, str]) -> None:
    more = {"/etc/more.sh": "export FROM=there"}
    values: dict[str, str | None] = dict(assignments(text, "/homes/alex", more.get))
    assert {name: value for name, value in values.items() if value is not None} == found


def test_files_that_source_each_other_come_to_an_end() -> None:
    assert dict(assignments(". /a\nA=1", "/", {"/a": ". /a"}.get)) == {"A": "1"}


def test_all_places_are_read_those_that_count_more_later(client: ClientMachine) -> None:
    client.put("/etc/environment", f"{ATTRIBUTES}=team=environment\n")
    client.put("/etc/environment.d/90-a.conf", f'{ATTRIBUTES}="team=environment.d"\n')
    client.put("/homes/alex/.config/environment.d/a.conf", f"{ATTRIBUTES}=team=own\n")
    client.put("/etc/profile.d/a.sh", f"export {ATTRIBUTES}=team=profile.d\n")
    client.put("/homes/alex/.zshrc", f"export {ATTRIBUTES}=team=zsh\n")
    client.put("/homes/alex/.claude.json", team("state"))
    client.put("/homes/alex/.claude/settings.json", team("user"))
    client.put("/src/web/.claude/settings.json", team("project"))
    client.put("/src/web/.claude/settings.local.json", team("local"))
    client.put("/etc/claude-code/managed-settings.json", team("managed"))
    client.put("/etc/claude-code/managed-settings.d/20-b.json", team("twenty"))
    client.put("/etc/claude-code/managed-settings.d/10-a.json", team("ten"))
    client.put("/etc/claude-code/managed-settings.d/.30-hidden.json", team("hidden"))
    client.put("/etc/claude-code/managed-settings.d/30.json.bak", team("backup"))
    found = read(client, project="/src/web", **{ATTRIBUTES: "team=given"})
    said = [source.values[ATTRIBUTES].partition("=")[2] for source in found]
    outside = ["environment", "environment.d", "own", "profile.d", "zsh", "given"]
    assert said == [*outside, "state", "user", "project", "local", "managed", "ten", "twenty"]
    assert found[6].path == "/homes/alex/.claude.json"


def test_numbers_and_switches_become_texts(client: ClientMachine) -> None:
    client.put("/homes/alex/.claude/settings.json", '\ufeff{"env": {"A": 1, "B": true, "C": "text"}}')
    (found,) = read(client)
    assert (found.values, found.findings) == ({"A": "1", "B": "true", "C": "text"}, [])


def test_the_configuration_may_be_elsewhere(client: ClientMachine) -> None:
    client.put("/homes/alex/.claude/settings.json", team("usual"))
    client.put("/srv/alex/settings.json", team("elsewhere"))
    assert resolve(read(client, CLAUDE_CONFIG_DIR="/srv/alex"))[ATTRIBUTES] == "team=elsewhere"


def test_a_mac_has_places_of_its_own(client: ClientMachine) -> None:
    client.put("/etc/claude-code/managed-settings.json", team("linux"))
    client.put("/Library/Application Support/ClaudeCode/managed-settings.json", team("mac"))
    assert resolve(read(client, "Darwin"))[ATTRIBUTES] == "team=mac"
    client.put(PREFERENCES, plistlib.dumps(team("mdm")))
    assert resolve(read(client, "Darwin"))[ATTRIBUTES] == "team=mdm"
    client.put(PREFERENCES, "no property list")
    assert [finding.id for source in read(client, "Darwin") for finding in source.findings] == ["invalid-plist"]


@pytest.mark.parametrize("path", ["/etc/claude-code/managed-settings.json", "/etc/profile.d/a.sh"])
def test_what_the_person_may_not_read_is_told(client: ClientMachine, path: str) -> None:
    client.put(path, "{}", 0o600)
    (found,) = read(client)
    (finding,) = found.findings
    assert (finding.id, finding.where) == ("unreadable-file", path)
    assert "alex cannot read it: alex may not read it" in finding.what
    assert "0644" in finding.next_step


def test_a_folder_in_place_of_a_file_is_told(client: ClientMachine) -> None:
    client.at("/homes/alex/.claude/settings.json").mkdir(parents=True)
    assert [finding.id for finding in read(client)[0].findings] == ["unreadable-file"]


def test_a_token_of_somebody_else_is_told(client: ClientMachine) -> None:
    path = "/homes/alex/.config/claude-code-observability/otel-token"
    found = {finding.id for finding in token_file(Machine(SOMEBODY, str(client.root), "Linux"), path)}
    assert found == {"token-file-unreadable"}


def test_an_account_that_is_not_there_is_told() -> None:
    with pytest.raises(UnknownUserError, match="There is no user 'nobody-of-this-name'"):
        Account.of("nobody-of-this-name")
    assert Account.of("nobody-of-this-name", "/home/x").home == "/home/x"


@pytest.mark.parametrize("path", ["/a\0b", "/a\ud800"])
def test_a_path_that_no_file_can_have_leads_to_none(client: ClientMachine, path: str) -> None:
    machine = Machine(SOMEBODY, str(client.root), "Linux")
    assert (machine.status(path), machine.exists(path), machine.names(path)) == (None, False, [])
    with pytest.raises(OSError, match="no file can have such a name"):
        machine.read(path)


@pytest.mark.parametrize("content", ['{"a": %s}' % ("9" * 5000), "[" * 200_000])
def test_json_that_python_cannot_take_is_told(client: ClientMachine, content: str) -> None:
    client.put("/homes/alex/.claude/settings.json", content)
    assert [finding.id for finding in read(client)[0].findings] == ["invalid-json"]


def test_a_wrong_value_is_told_without_it(client: ClientMachine) -> None:
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": {"Authorization": "Bearer of-alex"}}
    client.put("/homes/alex/.claude/settings.json", {"env": headers, "otelHeadersHelper": ["of-alex"]})
    found = [finding.what for finding in read(client)[0].findings]
    assert found == [
        "otelHeadersHelper is a list, where the path of a script is wanted.",
        "OTEL_EXPORTER_OTLP_HEADERS is an object, where a text is wanted.",
    ]


def test_what_the_client_keeps_may_be_large_and_settings_may_not(client: ClientMachine) -> None:
    large = {**team("a"), "history": "x" * (5 * 1024 * 1024)}
    client.put("/homes/alex/.claude.json", large)
    client.put("/homes/alex/.claude/settings.json", large)
    state, user = read(client)
    assert (state.values, state.findings) == ({ATTRIBUTES: "team=a"}, [])
    assert [(finding.id, finding.severity) for finding in user.findings] == [("too-large", "warning")]
    assert "it is larger than 4 MiB" in user.findings[0].what


def test_many_keys_take_no_time(client: ClientMachine) -> None:
    keys = {f"key-{number}": 1 for number in range(40_000)}
    client.put("/homes/alex/.claude/settings.json", json.dumps(keys)[:-1] + ', "key-7": 2}')
    began = time.process_time()
    assert [finding.what for finding in read(client)[0].findings] == [
        "key-7 stands in it more than once, and the last one counts."
    ]
    assert time.process_time() - began < 3


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which alone may become somebody else")
def test_as_root_a_script_runs_as_the_person(public: Path) -> None:
    script = public / "script"
    script.write_text('#!/bin/sh\nprintf \'{"uid": "%s", "groups": "%s"}\' "$(id -u)" "$(id -G)"\n')
    script.chmod(0o755)
    assert headers_from(Machine(SOMEBODY), str(script)) == {"uid": "54321", "groups": "54321"}


def test_a_script_that_takes_too_long_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    with pytest.raises(ScriptError, match="no answer in"):
        headers_from(Machine(Account.of(None)), str(script), timeout=0.2)


def test_what_a_script_started_ends_with_it(tmp_path: Path) -> None:
    script, number = tmp_path / "script", tmp_path / "number"
    script.write_text(f"#!/bin/sh\nsleep 60 &\necho $! >{number}\nwait\n")
    script.chmod(0o755)
    with pytest.raises(ScriptError, match="no answer in"):
        headers_from(Machine(Account.of(None)), str(script), timeout=1.0)
    state = Path(f"/proc/{number.read_text().strip()}/stat")

    def ended() -> bool:
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"

    until(ended, 5, "the script's child has ended")


def test_a_token_is_known_as_it_is_sent() -> None:
    assert parsed(b'{"Authorization": "Bearer of-alex\\n"}') == {"Authorization": "Bearer of-alex"}


@pytest.mark.parametrize("printed", [b"", b"[" * 200_000, b"[1]", b'{"a": %s}' % (b"9" * 5000)])
def test_what_is_no_headers_is_told(printed: bytes) -> None:
    with pytest.raises(ScriptError, match="printed"):
        parsed(printed)


@pytest.mark.parametrize("script", ["a\0b", "/a\0b"])
def test_a_script_that_cannot_be_started_is_told(script: str) -> None:
    with pytest.raises(ScriptError, match="null byte"):
        headers_from(Machine(Account.of(None)), script)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who alone can give a home away")
@pytest.mark.parametrize("name", [None, "nobody-of-this-name"])
@pytest.mark.parametrize("simulated", [True, False])
def test_whoever_owns_a_home_is_the_person(public: Path, name: str | None, simulated: bool) -> None:
    home = public / "homes/alex"
    home.mkdir(parents=True)
    os.chown(home, 54321, 54322)
    home_given, root = ("/homes/alex", str(public)) if simulated else (str(home), "")
    found = Account.of(name, home_given, root)
    assert found == Account(name or "54321", 54321, 54322, (54322,), home_given)
    script = public / "script"
    script.write_text('#!/bin/sh\nprintf \'{"uid": "%s", "gid": "%s"}\' "$(id -u)" "$(id -g)"\n')
    script.chmod(0o755)
    assert headers_from(Machine(found), str(script)) == {"uid": "54321", "gid": "54322"}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who alone can give a home away")
def test_no_script_of_somebody_s_home_runs_as_root(public: Path) -> None:
    os.chown(public, 54321, 54321)
    with pytest.raises(ScriptError, match="belongs to the account 54321"):
        headers_from(Machine(Account.of("root", str(public))), "echo {}")
