# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml promises about a Grafana of ours, from its installation to its removal."""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.grafana_program import publish
from support.grafana_site import (
    CONTACTS,
    DASHBOARDS,
    GROUPS,
    HOME,
    LOKI_TOKEN,
    Played,
    Site,
    only_grafana,
    web_server,
)
from support.stack import free_ports
from support.supervisor import end, lend

VERSION, NEXT = "12.4.11", "12.4.12"
GIVEN = "given-by-a-test-1234"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archives")
    publish(folder, VERSION)
    return folder


@pytest.fixture(scope="module")
def site(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Installed from the archive. The tests follow each other: some change its inventory."""
    with only_grafana() as variables, web_server(archives) as url:
        variables |= {"grafana_release_url": url, "grafana_version": VERSION}
        found = Site(tmp_path_factory.mktemp("own") / "stack", free_ports(1)[0], variables)
        lend(found.prefix)
        try:
            found.provision("--diff", "-v").well()
            yield found
        finally:
            end(found.prefix)


def rules_of(site: Site) -> dict[str, set[str]]:
    """Uids of the rules in the folder, by group."""
    groups: dict[str, set[str]] = {}
    for rule in site.ask("/api/v1/provisioning/alert-rules"):
        assert rule["folderUID"] == HOME
        groups.setdefault(rule["ruleGroup"], set()).add(rule["uid"])
    return groups


def test_all_that_was_rendered_is_in_it(site: Site) -> None:
    assert site.ask("/api/health")["version"] == VERSION
    for uid in DASHBOARDS:
        found = site.ask(f"/api/dashboards/uid/{uid}")
        assert found["meta"]["folderUid"] == HOME
        chosen = {one["name"]: one["current"] for one in found["dashboard"]["templating"]["list"][:2]}
        assert chosen["prometheus"]["value"] == "claude-code-prometheus"
        assert chosen["loki"]["value"] == "claude-code-loki"
    rules = rules_of(site)
    assert set(rules) == GROUPS
    assert all(uid.startswith("claude-code-") for uids in rules.values() for uid in uids)
    loki = site.ask("/api/datasources/uid/claude-code-loki")
    assert loki["url"] == site.variables["stack_loki_url"]
    assert (loki["jsonData"]["httpHeaderName1"], loki["jsonData"]["httpHeaderName2"]) == (
        "Authorization",
        "X-Scope-OrgID",
    )
    assert loki["secureJsonFields"] == {"httpHeaderValue1": True, "httpHeaderValue2": True}
    assert not (site.etc / "files").exists()


def test_it_is_closed_and_calls_nobody(site: Site) -> None:
    configuration = (site.etc / "grafana.ini").read_text()
    assert "http_addr = 127.0.0.1\n" in configuration
    for section, line in (
        ("auth.anonymous", "enabled = false"),
        ("users", "allow_sign_up = false"),
        ("analytics", "reporting_enabled = false"),
        ("analytics", "check_for_updates = false"),
        ("plugins", "preinstall_disabled = true"),
    ):
        assert re.search(rf"\[{re.escape(section)}\]\n(?:[^\[]*\n)?{re.escape(line)}\n", configuration), section


def test_checks_tell_what_was_changed_on_its_pages_and_the_next_run_sets_that_back_and_changes_nothing_else(
    site: Site, tmp_path: Path
) -> None:
    dashboard = site.ask("/api/dashboards/uid/claude-code-trends")["dashboard"]
    site.ask("/api/dashboards/db", "POST", {"dashboard": {**dashboard, "title": "Mine"}, "folderUid": HOME})
    rule = site.ask("/api/v1/provisioning/alert-rules")[0]
    site.ask(f"/api/v1/provisioning/alert-rules/{rule['uid']}", "PUT", {**rule, "for": "7h"})
    source = site.ask("/api/datasources/uid/claude-code-loki")
    site.ask("/api/datasources/uid/claude-code-loki", "PUT", {**source, "url": "http://elsewhere:3100"})
    found = site.verify(tmp_path)
    failed = {name: one["measured"] for name, one in found.items() if one["status"] == "failed"}
    # What nobody touched is as the checks expect it, to the last field.
    assert failed == {
        "grafana-dashboards": "claude-code-trends: title",
        "grafana-rules": f"{rule['ruleGroup']}: rules[{rule['title']}].for",
    }
    assert {one["status"] for name, one in found.items() if name not in failed} == {"passed"}
    pid, before = site.pid, len(site.requests())
    again = site.provision().well()
    assert again.changed == 3, again.text
    asked = site.requests()[before:]
    assert len(asked) > len(DASHBOARDS) + len(GROUPS)
    assert sorted(one for one in asked if one[0] != "GET") == [
        ["POST", "/api/dashboards/db"],
        ["PUT", "/api/datasources/uid/claude-code-loki"],
        ["PUT", f"/api/v1/provisioning/folder/{HOME}/rule-groups/{rule['ruleGroup']}"],
    ]
    assert site.pid == pid
    assert site.ask("/api/dashboards/uid/claude-code-trends")["dashboard"]["title"] == "Claude Code Trends"
    assert site.ask(f"/api/v1/provisioning/alert-rules/{rule['uid']}")["for"] == rule["for"]
    assert site.ask("/api/datasources/uid/claude-code-loki")["url"] == site.variables["stack_loki_url"]


def test_where_all_is_as_it_should_be_check_mode_reports_no_change_and_writes_nothing(site: Site) -> None:
    before = len(site.requests())
    checked = site.provision("--check", "--diff").well()
    assert checked.changed == 0, checked.text
    assert "+++" not in checked.text
    assert [one for one in site.requests()[before:] if one[0] != "GET"] == []


def test_secrets_are_private_and_show_nowhere(site: Site) -> None:
    secrets = {site.password, (site.etc / "secret-key").read_text().strip(), LOKI_TOKEN}
    assert all(len(one) >= 12 for one in secrets)
    for name in ("admin-password", "secret-key", "grafana.ini"):
        assert stat.S_IMODE((site.etc / name).stat().st_mode) == 0o600
    processes = subprocess.run(["ps", "axeww"], check=True, capture_output=True, text=True).stdout
    configuration = (site.etc / "grafana.ini").read_text()
    for secret in secrets:
        for text in (*site.printed, processes, configuration):
            assert secret not in text


@pytest.fixture(scope="module")
def changed(site: Site, archives: Path) -> tuple[int, Played]:
    """Another version, password and contact points, in one run; the process id before, and what was printed."""
    pid = site.pid
    publish(archives, NEXT)
    site.variables.update(grafana_version=NEXT, stack_grafana_password=GIVEN, **CONTACTS)
    return pid, site.provision("-v").well()


def test_another_version_takes_the_place_of_the_one_before(site: Site, changed: tuple[int, Played]) -> None:
    assert site.ask("/api/health")["version"] == NEXT
    assert site.pid != changed[0]
    (folder,) = (site.prefix / "lib").glob("claude-code-grafana-*")
    assert NEXT in folder.name


def test_another_password_is_in_force_at_once(site: Site, changed: tuple[int, Played]) -> None:
    assert site.password == GIVEN
    assert site.ask("/api/org")["id"] == 1
    assert GIVEN not in changed[1].text


def test_contact_points_are_in_a_private_file_in_which_nothing_is_replaced(
    site: Site, changed: tuple[int, Played]
) -> None:
    file = site.etc / "provisioning" / "alerting" / "claude-code.yaml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = yaml.safe_load(file.read_text().replace("$$", "$"))
    assert "$$" in file.read_text()
    assert found["contactPoints"] == [{"orgId": 1, **CONTACTS["grafana_contact_points"][0]}]
    assert found["policies"] == [{"orgId": 1, **CONTACTS["grafana_notification_policy"]}]
    assert "http://x/" not in changed[1].text


def test_what_is_taken_off_the_lists_is_taken_back(site: Site, changed: tuple[int, Played]) -> None:
    pid = site.pid
    for name in CONTACTS:
        del site.variables[name]
    site.variables["stack_alerts_by"] = "servers"
    site.provision().well()
    file = site.etc / "provisioning" / "alerting" / "claude-code.yaml"
    assert yaml.safe_load(file.read_text()) == {
        "apiVersion": 1,
        "deleteContactPoints": [{"orgId": 1, "uid": "team"}],
        "resetPolicies": [1],
    }
    assert site.pid != pid
    assert rules_of(site) == {}


def test_an_archive_that_cannot_be_had_does_not_leave_the_running_one_behind(site: Site) -> None:
    pid = site.pid
    failed = site.provision(grafana_version="12.4.99")
    assert failed.code != 0
    assert "could not be downloaded" in failed.words or "HTTP Error 404" in failed.words
    assert site.pid == pid


def test_removal_leaves_the_database_and_its_secrets_until_it_is_told_otherwise(site: Site) -> None:
    site.play("remove.yml").well()
    assert not (site.prefix / "lib").exists()
    assert {path.name for path in site.etc.iterdir()} == {"admin-password", "secret-key"}
    assert (site.prefix / "data" / "grafana" / "password-in-database").read_text() == GIVEN
