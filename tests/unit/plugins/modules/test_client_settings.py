# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings come onto a machine whole or not at all, keep what others wrote, and go without a trace."""

from __future__ import annotations

import errno
import json
import os
import plistlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils import _client_files
from ansible_collections.observability.claude_code.plugins.modules import client_settings
from support.modules import run_module

TOKEN = "abcdefghijklmnop-0123456789"
ENDPOINT = "https://telemetry.example.com:4318"
VARIABLES = {
    "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT,
}
HELPER = "/etc/claude-code/otel-headers.sh"
DROP_IN = "/etc/claude-code/managed-settings.d/50-observability.json"
MANAGED_TEXT = json.dumps({"env": VARIABLES, "otelHeadersHelper": HELPER})
FILES = [
    {"path": DROP_IN, "content": MANAGED_TEXT},
    {"path": HELPER, "content": "#!/bin/sh\n", "mode": "0755"},
    {"path": "~dev/.config/otel-token", "content": TOKEN + "\n", "mode": "0600", "secret": True},
]
SETTINGS = "home/dev/.claude/settings.json"
MERGED = [{"path": "~dev/.claude/settings.json", "settings": {"env": VARIABLES, "otelHeadersHelper": HELPER}}]
OTHERS = (
    '{\n    "model": "opus",\n    "env": {"ANTHROPIC_API_KEY": "sk-of-somebody", "OTEL_METRICS_EXPORTER": "none"}\n}\n'
)


class Laptop:
    """A simulated machine with one account."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "home/dev").mkdir(parents=True)

    def run(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {"files": FILES, "variables": VARIABLES, "headers_helper": HELPER, "users": ["dev"], **options}
        if given.get("state") == "absent":
            given = {**options}
        usual = {"root": str(self.root), "homes": {"dev": "/home/dev"}, "record": "/var/lib/client/record.json"}
        return run_module(client_settings, check_mode=check_mode, **{**usual, **given})

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def read(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text()

    def mode(self, path: str) -> int:
        return (self.root / path.lstrip("/")).stat().st_mode & 0o7777

    def everything(self) -> dict[str, str | None]:
        """All files with their contents; None for a folder."""
        found = sorted(self.root.rglob("*"))
        return {str(one.relative_to(self.root)): one.read_text() if one.is_file() else None for one in found}


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "laptop")


def test_check_mode_foretells_exactly_what_a_run_does_and_a_second_run_does_nothing(laptop: Laptop) -> None:
    before = laptop.everything()
    foretold = laptop.run(check_mode=True, settings=MERGED)
    assert laptop.everything() == before
    done = laptop.run(settings=MERGED)
    assert (foretold["files"], foretold["diff"], foretold["changed"]) == (done["files"], done["diff"], True)
    assert set(done["files"].values()) == {"created"}
    assert laptop.read(DROP_IN) == MANAGED_TEXT
    modes = {path: laptop.mode(path) for path in (DROP_IN, HELPER, "home/dev/.config/otel-token", SETTINGS)}
    assert list(modes.values()) == [0o644, 0o755, 0o600, 0o600]
    again = laptop.run(settings=MERGED)
    assert (again["changed"], set(again["files"].values()), again["conflicts"]) == (False, {"unchanged"}, [])


def test_the_record_is_for_its_owner_alone(laptop: Laptop) -> None:
    laptop.run()
    assert laptop.mode("var/lib/client/record.json") == 0o600


@pytest.mark.parametrize("drift", ["content", "mode", "gone"])
def test_what_somebody_changed_is_mended(laptop: Laptop, drift: str) -> None:
    laptop.run()
    token = laptop.root / "home/dev/.config/otel-token"
    if drift == "content":
        token.write_text("another-token-of-somebody\n")
    elif drift == "mode":
        token.chmod(0o644)
    else:
        token.unlink()
    result = laptop.run()
    assert [path for path, action in result["files"].items() if action != "unchanged"] == ["~dev/.config/otel-token"]
    assert (token.read_text(), laptop.mode("home/dev/.config/otel-token")) == (TOKEN + "\n", 0o600)
    assert "another-token" not in result["printed"]


def test_settings_of_others_stay_and_do_not_show(laptop: Laptop) -> None:
    laptop.write(SETTINGS, OTHERS)
    result = laptop.run(files=[], settings=MERGED, token=TOKEN)
    after = json.loads(laptop.read(SETTINGS))
    assert after["model"] == "opus"
    assert after["env"] == {"ANTHROPIC_API_KEY": "sk-of-somebody", **VARIABLES}
    assert laptop.read(SETTINGS).startswith('{\n    "model"')
    assert "sk-of-somebody" not in result["printed"]
    assert result["diff"][0]["before"] == "env.OTEL_METRICS_EXPORTER: none\n"


@pytest.mark.parametrize("others", [None, OTHERS, '{"env":{}}', "{}"])
def test_absent_leaves_every_file_as_it_was_to_the_letter(laptop: Laptop, others: str | None) -> None:
    laptop.write(HELPER, "#!/bin/sh\n# somebody's own\n").chmod(0o700)
    if others is not None:
        laptop.write(SETTINGS, others).chmod(0o640)
    before = laptop.everything()
    laptop.run(settings=MERGED)
    foretold = laptop.run(state="absent", check_mode=True)
    result = laptop.run(state="absent")
    assert laptop.everything() == before
    assert laptop.mode(HELPER) == 0o700
    assert others is None or laptop.mode(SETTINGS) == 0o640
    assert (foretold["files"], foretold["changed"]) == (result["files"], True)
    assert laptop.run(state="absent")["changed"] is False


def test_absent_keeps_what_others_changed_meanwhile(laptop: Laptop) -> None:
    laptop.write(SETTINGS, OTHERS)
    laptop.run(files=[], settings=MERGED)
    now = json.loads(laptop.read(SETTINGS))
    now["env"]["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://mine:4318"
    laptop.write(SETTINGS, json.dumps({**now, "theme": "dark"}))
    result = laptop.run(state="absent")
    assert result["kept"] == ["~dev/.claude/settings.json: env.OTEL_EXPORTER_OTLP_ENDPOINT"]
    left = {"ANTHROPIC_API_KEY": "sk-of-somebody", "OTEL_METRICS_EXPORTER": "none"}
    assert json.loads(laptop.read(SETTINGS)) == {
        "model": "opus",
        "theme": "dark",
        "env": {**left, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://mine:4318"},
    }


def test_what_is_no_longer_wanted_is_put_back(laptop: Laptop) -> None:
    laptop.write(SETTINGS, OTHERS)
    laptop.run(settings=MERGED)
    fewer = {"CLAUDE_CODE_ENABLE_TELEMETRY": "1"}
    result = laptop.run(
        files=FILES[:1], settings=[{**MERGED[0], "settings": {"env": fewer}}], variables=fewer, headers_helper=""
    )
    assert result["files"][HELPER] == "removed"
    assert not (laptop.root / "home/dev/.config").exists() or not list((laptop.root / "home/dev/.config").iterdir())
    left = {"ANTHROPIC_API_KEY": "sk-of-somebody", "OTEL_METRICS_EXPORTER": "none", **fewer}
    assert json.loads(laptop.read(SETTINGS)) == {"model": "opus", "env": left}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_account_that_is_gone_holds_nobody_up(laptop: Laptop, state: str) -> None:
    files = [
        {"path": f"~{name}/.config/otel-token", "content": TOKEN, "secret": True} for name in ("dev", "ann-is-gone")
    ]
    merged = [{**MERGED[0], "path": f"~{name}/.claude/settings.json"} for name in ("dev", "ann-is-gone")]
    laptop.run(files=files, settings=merged, homes={"dev": "/home/dev", "ann-is-gone": "/home/ann"})
    record = json.loads(laptop.read("var/lib/client/record.json"))
    record["files"]["/srv/token"] = {"was": None, "owner": "ann-is-gone"}
    laptop.write("var/lib/client/record.json", json.dumps(record))
    wanted = {"files": files[:1], "settings": merged[:1]} if state == "present" else {"state": state}
    result = laptop.run(**wanted)
    assert not result.get("failed"), result
    paths = ("/srv/token", "~ann-is-gone/.config/otel-token", "~ann-is-gone/.claude/settings.json")
    assert sorted(result["kept"]) == sorted(f"{path}: there is no user ann-is-gone any more" for path in paths)
    assert laptop.run(**wanted)["kept"] == []
    assert laptop.run(state="absent")["kept"] == []
    assert not (laptop.root / "home/dev/.claude").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who alone can give a file away")
def test_whose_a_settings_file_is_does_not_change(laptop: Laptop) -> None:
    file = laptop.write(SETTINGS, OTHERS)
    os.chown(file, 65534, 1234)
    file.chmod(0o640)
    laptop.run(files=[], settings=MERGED)
    assert (file.stat().st_uid, file.stat().st_gid, laptop.mode(SETTINGS)) == (65534, 1234, 0o640)
    os.chown(file, 0, 0)
    laptop.run(state="absent")
    assert (file.stat().st_uid, file.stat().st_gid, laptop.mode(SETTINGS)) == (65534, 1234, 0o640)


def test_a_record_of_before_owners_were_kept_is_understood(laptop: Laptop) -> None:
    laptop.write(SETTINGS, OTHERS)
    laptop.run(files=[], settings=MERGED)
    record = json.loads(laptop.read("var/lib/client/record.json"))
    for entry in record["settings"].values():
        del entry["uid"], entry["gid"]
    laptop.write("var/lib/client/record.json", json.dumps(record))
    assert laptop.run(state="absent")["changed"]
    assert laptop.read(SETTINGS) == OTHERS


def test_half_a_pair_of_surrogates_stays_as_it_is(laptop: Laptop) -> None:
    file = laptop.write(SETTINGS, '{"prompt": "Z\u00fcrich \\ud800"}')
    result = laptop.run(files=[], settings=MERGED)
    assert not result.get("failed"), result
    assert '"Z\u00fcrich \\ud800"' in file.read_text()


def test_a_passphrase_shows_nowhere(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    name, phrase, logged = "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE", "correct horse battery", []
    monkeypatch.setattr(AnsibleModule, "log", lambda _self, *said, **_more: logged.append(said))
    laptop.write("etc/claude-code/managed-settings.d/60-x.json", json.dumps({"env": {name: "the phrase before"}}))
    laptop.write(DROP_IN, json.dumps({"env": {name: "the phrase before"}}, indent=2))
    laptop.write(SETTINGS, json.dumps({"env": {name: "the phrase before"}}))
    variables = {**VARIABLES, name: phrase}
    files = [{"path": DROP_IN, "content": json.dumps({"env": variables}, indent=2)}]
    for state in ("present", "absent"):
        result = laptop.run(
            state=state,
            files=files,
            settings=[{**MERGED[0], "settings": {"env": variables}}],
            variables=variables,
            _ansible_diff=True,
        )
        assert result["changed"], result
        assert name in result["printed"]
        assert phrase not in result["printed"] + str(logged)
        assert "the phrase before" not in result["printed"]


def test_a_link_stays_a_link(laptop: Laptop) -> None:
    target = laptop.write("home/dev/dotfiles/settings.json", OTHERS)
    link = laptop.root / SETTINGS
    link.parent.mkdir()
    link.symlink_to(target)
    laptop.run(files=[], settings=MERGED)
    assert link.is_symlink()
    assert json.loads(target.read_text())["env"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == ENDPOINT


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"env": oops}', "line 1, column 9"),
        (b'{"env": {}, // a comment\n}', "is no JSON"),
        (b"[]", "holds no settings"),
        (b'{"env": []}', "holds no settings"),
        (b"\xff\xfe{", "no text in UTF-8"),
        (b'{"a": 1e999}', "holds a number that JSON cannot hold"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number with too many digits"),
        (b"[" * 200_000, "is nested too deep"),
    ],
)
def test_a_file_that_cannot_be_understood_is_left_alone(laptop: Laptop, content: bytes, said: str) -> None:
    file = laptop.write(SETTINGS, content)
    before = sorted(laptop.root.rglob("*"))
    result = laptop.run(settings=MERGED)
    assert result["failed"]
    assert said in result["msg"]
    assert "Nothing was changed" in result["msg"]
    assert (file.read_bytes(), sorted(laptop.root.rglob("*"))) == (content, before)


@pytest.mark.parametrize(
    "damaged",
    [
        "{}",
        "[" * 200_000,
        '{"files": {"/a": 1}, "settings": {}, "folders": []}',
        '{"files": {"/a": {"was": {"text": "x"}, "owner": ""}}, "settings": {}, "folders": []}',
        '{"files": {}, "settings": {"/a": {}}, "folders": []}',
        '{"files": {}, "settings": {"/a": {"text": null, "mode": 420, "keys": {"env": 1}}}, "folders": []}',
        '{"files": [], "settings": {}, "folders": []}',
        '{"files": {}, "settings": {}, "folders": [1]}',
        '{"files": {}, "settings": {}, "folders": "/a"}',
    ],
)
def test_a_damaged_record_is_no_reason_to_write(laptop: Laptop, damaged: str) -> None:
    laptop.write("var/lib/client/record.json", damaged)
    result = laptop.run()
    assert "is damaged. Nothing was changed" in result["msg"]
    assert not (laptop.root / "etc").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "quota of the disk is used up"),
        (errno.EROFS, "mounted read-only"),
        (errno.EACCES, "set ansible_become: true, or client_env_scope: user"),
        (errno.EPERM, "may not do that"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
@pytest.mark.parametrize("failing", [1, 2, 4])
def test_a_write_that_fails_takes_those_before_it_back(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch, code: int, said: str, failing: int
) -> None:
    laptop.write(SETTINGS, OTHERS)
    before, count, sync = laptop.everything(), 0, os.fsync

    def fsync(handle: int) -> None:
        nonlocal count
        count += 1
        if count == failing:
            raise OSError(code, os.strerror(code))
        sync(handle)

    monkeypatch.setattr(_client_files.os, "fsync", fsync)
    result = laptop.run(settings=MERGED)
    assert result["failed"]
    assert said in result["msg"]
    assert "Nothing was changed" in result["msg"]
    assert laptop.everything() == before


def test_a_file_in_the_place_of_a_folder_is_told(laptop: Laptop) -> None:
    laptop.write("etc/claude-code", "a file")
    result = laptop.run()
    assert "A part of its path is a file. Nothing was changed. Move that file away" in result["msg"]
    assert not (laptop.root / "var").exists()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_METRICS_EXPORT_INTERVAL": "1"}, "did you mean OTEL_METRIC_EXPORT_INTERVAL?"),
        ({"ANTHROPIC_BASE_URL": "http://x"}, "reads no variable ANTHROPIC_BASE_URL"),
        ({"A B": "1"}, "A B cannot be the name"),
        ({"OTEL_METRICS_EXPORTER": "otlp\nX=1"}, "must be one line of text"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": 60000}, "must be one line of text"),
    ],
)
def test_variables_that_the_client_does_not_read_are_refused(
    laptop: Laptop, variables: dict[str, Any], said: str
) -> None:
    result = laptop.run(variables=variables)
    assert result["failed"]
    assert said in result["msg"]
    assert not (laptop.root / "etc").exists()


def test_what_is_no_setting_of_telemetry_is_refused(laptop: Laptop) -> None:
    result = laptop.run(settings=[{"path": "~dev/x.json", "settings": {"permissions": {}}}])
    assert "permissions is no setting of telemetry" in result["msg"]


OTHER = {"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://other:4318"}}
OWN_SIGNAL = {"env": {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://other:4318/v1/metrics"}}


@pytest.mark.parametrize("scope", ["managed", "user"])
@pytest.mark.parametrize(
    ("path", "content", "wins"),
    [
        ("etc/claude-code/managed-settings.d/60-x.json", OTHER, {"managed", "user"}),
        ("etc/claude-code/managed-settings.d/10-x.json", OTHER, {"user"}),
        ("etc/claude-code/managed-settings.json", OTHER, {"user"}),
        ("etc/claude-code/managed-settings.json", {"otelHeadersHelper": "/bin/x"}, {"user"}),
        ("etc/claude-code/managed-settings.json", OWN_SIGNAL, {"managed", "user"}),
        ("home/dev/.claude/settings.json", OWN_SIGNAL, {"user"}),
    ],
)
def test_settings_that_would_win_are_named_with_file_key_and_value(
    laptop: Laptop, scope: str, path: str, content: dict[str, Any], wins: set[str]
) -> None:
    laptop.write(path, json.dumps(content))
    given = {"files": FILES} if scope == "managed" else {"files": [], "settings": MERGED}
    result = laptop.run(**given)
    assert not result.get("failed"), result
    found = [(one["path"], one["name"]) for one in result["conflicts"]]
    name = next(iter(content["env"])) if "env" in content else "otelHeadersHelper"
    place = "~/.claude/settings.json" if path.startswith("home") else "/" + path
    expected = place.replace("~", "/home/dev")
    assert found == ([(expected, name)] if scope in wins else [])


def test_a_policy_of_an_mdm_wins_over_files_on_a_mac(laptop: Laptop) -> None:
    policy = plistlib.dumps({"env": {"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer of-the-mdm-itself"}})
    laptop.write("Library/Managed Preferences/com.anthropic.claudecode.plist", policy)
    wanted = {**VARIABLES, "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {TOKEN}"}
    path = "/Library/Application Support/ClaudeCode/managed-settings.d/50-observability.json"
    files = [{"path": path, "content": json.dumps({"env": wanted}), "mode": "0640"}]
    result = laptop.run(system="Darwin", files=files, variables=wanted, headers_helper="", token=TOKEN)
    (conflict,) = result["conflicts"]
    assert conflict["path"].endswith("com.anthropic.claudecode.plist")
    assert conflict["name"] == "OTEL_EXPORTER_OTLP_HEADERS"
    assert "of-the-mdm-itself" not in result["printed"]
    assert TOKEN not in result["printed"]


def test_with_on_conflict_fail_nothing_is_written(laptop: Laptop) -> None:
    laptop.write("etc/claude-code/managed-settings.d/60-x.json", json.dumps(OTHER))
    result = laptop.run(on_conflict="fail")
    assert result["failed"]
    assert (
        "/etc/claude-code/managed-settings.d/60-x.json sets OTEL_EXPORTER_OTLP_ENDPOINT to http://other"
        in result["msg"]
    )
    assert not (laptop.root / "var").exists()


def test_broken_files_of_others_are_told(laptop: Laptop) -> None:
    laptop.write("etc/claude-code/managed-settings.d/10-x.json", "{")
    result = laptop.run()
    assert result["changed"]
    assert "10-x.json: This is no JSON" in result["problems"][0]


def test_another_system_than_said_is_refused(tmp_path: Path) -> None:
    result = run_module(client_settings, record=str(tmp_path / "record"), system="Darwin")
    assert "This machine is Linux, and system is Darwin. Set client_env_system: Linux" in result["msg"]


def test_a_user_that_the_machine_does_not_have_is_told(tmp_path: Path) -> None:
    files = [{"path": "~nobody-of-this-name/x", "content": ""}]
    result = run_module(client_settings, record=str(tmp_path / "record"), files=files)
    assert "There is no user nobody-of-this-name on this machine" in result["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_root_follows_no_link_in_a_home_that_its_owner_could_not() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        home, treasure = place / "home", place / "treasure"
        home.mkdir()
        treasure.mkdir(mode=0o700)
        os.chown(home, 65534, 65534)
        (home / ".config").symlink_to(treasure)
        files = [{"path": str(home / ".config/otel-token"), "content": "x", "mode": "0600", "owner": "nobody"}]
        result = run_module(client_settings, record=str(place / "record"), files=files)
        assert result["failed"]
        assert not list(treasure.iterdir())
