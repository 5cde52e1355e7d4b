# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml promises where Grafana is somebody else's, cannot be had, or is asked for what cannot be."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.grafana_server import GrafanaServer
from support.grafana_site import CONTACTS, DASHBOARDS, GROUPS, HOME, LOKI_TOKEN, UIDS, Site, only_grafana, web_server
from support.refusals import refusals
from support.stack import free_ports


@pytest.fixture(scope="module")
def others() -> Iterator[dict[str, Any]]:
    with only_grafana() as variables:
        yield variables


def test_where_none_can_be_had_the_run_ends_well_and_says_so(others: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "archives").mkdir()
    with web_server(tmp_path / "archives") as url:
        bare = Site(tmp_path / "stack", free_ports(1)[0], {**others, "grafana_release_url": url})
        first = bare.provision().well()
        assert f"There is no Grafana: {url}/grafana-12.4.11.linux-" in first.words
        assert "nobody evaluates the alert rules" in first.words
        summary = first.words.rpartition("PLAY RECAP")[2]
        for way in ("stack_existing", "grafana_source path", "grafana_release_url"):
            assert way in summary
        assert LOKI_TOKEN not in first.text
        files = bare.etc / "files"
        check_files(files)
        stray = files / "dashboards" / "stray.json"
        stray.write_text("{}")
        assert bare.provision().well().changed == 1
        assert not stray.exists()


def check_files(files: Path) -> None:
    """All that a Grafana reads at its start is there, under the names by which one thing refers to the other."""
    assert {path.stem for path in (files / "dashboards").iterdir()} == DASHBOARDS
    (provider,) = yaml.safe_load((files / "provisioning/dashboards/claude-code.yaml").read_text())["providers"]
    assert (provider["folderUid"], provider["options"]["path"]) == (HOME, str(files / "dashboards"))
    sources = files / "provisioning" / "datasources" / "claude-code.yaml"
    assert stat.S_IMODE(sources.stat().st_mode) == 0o600
    prometheus, loki = yaml.safe_load(sources.read_text())["datasources"]
    assert {prometheus["uid"], loki["uid"]} == UIDS
    assert loki["secureJsonData"]["httpHeaderValue1"] == f"Bearer {LOKI_TOKEN}".replace("$", "$$")
    rules = yaml.safe_load((files / "provisioning" / "alerting" / "rules.yaml").read_text())
    assert {group["name"] for group in rules["groups"]} == GROUPS
    assert {group["folder"] for group in rules["groups"]} == {"Claude Code"}


def test_an_existing_one_is_filled_by_its_token_and_left_as_it_was(others: dict[str, Any], tmp_path: Path) -> None:
    existing = [*others["stack_existing"], "grafana"]
    with GrafanaServer("11.6.0") as server:
        server.state.add_folder("theirs", "Theirs")
        server.state.add_dashboard({"uid": "theirs-too", "title": "In our folder"}, HOME)
        given = {"stack_grafana_url": server.url, "stack_grafana_token": server.token, "stack_existing": existing}
        site = Site(tmp_path / "stack", free_ports(1)[0], {**others, **given})
        first = site.provision("-v").well()
        assert set(server.state.dashboards) == {*DASHBOARDS, "theirs-too"}
        assert {rule.group for rule in server.state.rules.values()} == GROUPS
        assert set(server.state.sources) == UIDS
        server.requests.clear()
        assert site.provision().well().changed == 0
        assert server.writes == []
        removed = site.play("remove.yml").well()
        assert set(server.state.dashboards) == {"theirs-too"}
        assert set(server.state.folders) == {"theirs", HOME}
        assert server.state.rules == {}
        assert server.state.sources == {}
        assert "is not empty (dashboard: 1), so it stays" in removed.words
        for text in site.printed:
            assert server.token not in text
            assert LOKI_TOKEN not in text
        assert first.changed > 0


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "open": ({"grafana_listen_address": "0.0.0.0"}, "which others can reach, without HTTPS"),
    "half-a-certificate": ({"grafana_tls_key": "/x.pem"}, "Give both or none"),
    "address": ({"stack_grafana_url": "grafana:3000"}, "must begin with http:// or https://"),
    "own-token": ({"stack_grafana_token": "t"}, "stack_existing does not name it"),
    "weak-password": ({"stack_grafana_password": "short"}, "at least 12 printable characters"),
    "no-login": ({"stack_existing": ["prometheus", "loki", "grafana"]}, "nothing to sign in with is given"),
    "elsewhere": (
        {"stack_existing": ["grafana"], "stack_grafana_token": "t", "stack_grafana_url": "https://grafana.example.com"},
        "is on another machine and would look for Prometheus",
    ),
    "one-uid": ({"grafana_loki_uid": "claude-code-prometheus"}, "must differ"),
    "old": ({"grafana_version": "9.5.0"}, "The dashboards need 10.4.0"),
    "settings": ({"grafana_extra_settings": {"smtp": "on"}}, "maps sections of grafana.ini to settings"),
    "nothing-to-notify": ({**CONTACTS, "stack_alerts_by": "servers"}, "Set stack_alerts_by: grafana"),
    "their-policies": (
        {**CONTACTS, "stack_existing": ["grafana"], "stack_grafana_token": "t"},
        "make contact points and routes on its pages",
    ),
    "no-receiver": (
        {**CONTACTS, "grafana_notification_policy": {"receiver": "Nobody"}},
        "It names Nobody; there are Team",
    ),
    "two-receivers": (
        {**CONTACTS, "grafana_contact_points": CONTACTS["grafana_contact_points"] * 2},
        "for each receiver a uid of its own",
    ),
}


@pytest.fixture(scope="module")
def refused(others: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What site.yml says to each of the settings, each on a host of its own."""
    site = Site(tmp_path_factory.mktemp("refused") / "stack", 1, others)
    played = site.provision(hosts={name: given for name, (given, _reason) in REFUSED.items()})
    assert not site.prefix.exists()
    return refusals(played.text)


@pytest.mark.parametrize("name", REFUSED)
def test_impossible_settings_are_refused_with_the_reason(refused: dict[str, str], name: str) -> None:
    assert REFUSED[name][1] in refused.get(name, "nothing was said")
