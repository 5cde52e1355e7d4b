# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules keep their promises on a live Grafana as they do on its stand-in."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.modules import (
    grafana_alert_rules,
    grafana_dashboard,
    grafana_datasource,
)
from support.alert_rules import grafana_rule
from support.grafana_push import push_everything
from support.modules import run_module

PANEL = {"id": 1, "type": "timeseries", "title": "Costs", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0}}
# The kinds of things that the modules keep, and what differs when somebody else has changed one.
SPOILT = {"dashboard": "description", "rules": "rules[Test one].data[A].model.expression", "source": "url"}


class Thing:
    """One of what the modules keep, as ``target`` shall have it: how it is asked for, spoilt by others, and removed."""

    def __init__(self, kind: str, target: Any) -> None:
        self.kind, self.target = kind, target
        self.uid = f"{target.prefix}thing"
        self.folder = {"folder_uid": f"{target.prefix}folder", "folder_title": f"Test {target.prefix}folder"}

    @property
    def module(self) -> ModuleType:
        return {"dashboard": grafana_dashboard, "rules": grafana_alert_rules, "source": grafana_datasource}[self.kind]

    @property
    def wanted(self) -> dict[str, Any]:
        if self.kind == "dashboard":
            model = {"uid": self.uid, "title": f"Test {self.uid}", "panels": [PANEL], "schemaVersion": 41}
            return {**self.folder, "definition": model}
        if self.kind == "rules":
            return {**self.folder, "group": "test", "rules": [self.rule("one", "90s"), self.rule("two", "24h")]}
        named = {"uid": self.uid, "name": f"Test {self.uid}", "type": "prometheus", "ds_url": "http://127.0.0.1:1"}
        return {**named, "json_data": {"timeInterval": "60s"}, "secure_json_data": {"basicAuthPassword": "example"}}

    def rule(self, name: str, wait: str) -> dict[str, Any]:
        _asks, compares = grafana_rule()["data"]
        number = {"refId": "A", "datasourceUid": "__expr__", "model": {"refId": "A", "type": "math", "expression": "0"}}
        data = [number, compares]  # which needs no data source
        return grafana_rule(f"Test {name}", uid=f"{self.target.prefix}{name}", data=data, **{"for": wait})

    @property
    def unwanted(self) -> dict[str, Any]:
        if self.kind == "rules":
            return {"folder_uid": self.folder["folder_uid"], "group": "test", "state": "absent"}
        return {"uid": self.uid, "state": "absent"}

    def run(self, options: dict[str, Any], **more: Any) -> dict[str, Any]:
        return run_module(self.module, **{**self.target.connection, **options, **more})

    def done(self, options: dict[str, Any], **more: Any) -> dict[str, Any]:
        result = self.run(options, **more)
        assert "msg" not in result, result["msg"]
        return result

    def spoil(self) -> None:
        """As somebody changes it otherwise."""
        api = self.target.api
        if self.kind == "dashboard":
            found = api.get(f"/api/dashboards/uid/{self.uid}")
            model = {**found["dashboard"], "description": "changed"}
            api.post("/api/dashboards/db", {"dashboard": model, "folderUid": found["meta"]["folderUid"]})
        elif self.kind == "rules":
            path = f"/api/v1/provisioning/alert-rules/{self.target.prefix}one"
            rule = api.get(path)
            rule["data"][0]["model"]["expression"] = "1"
            api.put(path, rule)
        else:
            path = f"/api/datasources/uid/{self.uid}"
            api.put(path, {**api.get(path), "url": "http://127.0.0.1:2"})


@pytest.fixture(params=SPOILT)
def thing(request: pytest.FixtureRequest, target: Any) -> Thing:
    return Thing(request.param, target)


def test_it_is_made_once_and_mended_and_removed_once(thing: Thing) -> None:
    foreseen = thing.done(thing.wanted, check_mode=True)
    made = thing.done(thing.wanted)
    assert (foreseen["changed"], made["changed"]) == (True, True)
    assert foreseen["differences"] == made["differences"]
    assert not made.get("unsettled")
    assert thing.done(thing.wanted)["changed"] is False
    thing.spoil()
    spoilt = thing.done(thing.wanted, check_mode=True)
    assert spoilt["changed"]
    assert SPOILT[thing.kind] in spoilt["differences"]
    assert thing.done(thing.wanted)["differences"] == spoilt["differences"]
    assert thing.done(thing.wanted)["changed"] is False
    assert thing.done(thing.unwanted, check_mode=True)["changed"] is True
    assert thing.done(thing.unwanted)["changed"] is True
    assert thing.done(thing.unwanted)["changed"] is False


def test_check_mode_makes_nothing(thing: Thing) -> None:
    thing.done(thing.wanted, check_mode=True)
    assert thing.done(thing.unwanted)["changed"] is False


def test_a_wrong_token_is_explained_and_not_shown(thing: Thing) -> None:
    result = thing.run(thing.wanted, token="glsa_00000000000000000000000000000000_00000000")
    assert result["failed"]
    assert "token" in result["msg"]
    assert "glsa_0000" not in result["printed"]


def test_a_rule_that_left_the_source_leaves_its_group_and_no_other(target: Any) -> None:
    thing = Thing("rules", target)
    other = {**thing.wanted, "group": "other", "rules": [thing.rule("three", "0s")]}
    thing.done(thing.wanted)
    thing.done(other)
    result = thing.done({**thing.wanted, "rules": [thing.rule("one", "90s")]})
    assert result["removed"] == [f"{target.prefix}two"]
    assert thing.done(other)["changed"] is False


def test_a_folder_within_a_folder(target: Any) -> None:
    if target.api.version < (11, 0, 0):
        pytest.skip("folders nest from Grafana 11.0 on")
    outer = Thing("dashboard", target)
    outer.done(outer.wanted)
    inner = {**outer.wanted, "folder_uid": f"{target.prefix}inner", "parent_folder_uid": outer.folder["folder_uid"]}
    assert outer.done(inner)["differences"] == ["folderUid", "folder"]
    assert outer.done(inner)["changed"] is False


def test_everything_that_is_rendered_is_pushed_once(target: Any) -> None:
    first, second = (list(push_everything(target.connection, target.prefix)) for _time in range(2))
    assert [result["msg"] for result in (*first, *second) if result.get("failed")] == []
    assert {result["changed"] for result in first} == {True}
    assert [result.get("unsettled") for result in first if result.get("unsettled")] == []
    assert [(result["changed"], result["differences"]) for result in second] == [(False, [])] * len(second)
