# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the catalogue renders for Grafana, and pushing it with the modules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._alerts import Choice
from ansible_collections.observability.claude_code.plugins.module_utils._panels import load_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._rules import load_rules
from ansible_collections.observability.claude_code.plugins.module_utils._rules_grafana import rule_groups
from ansible_collections.observability.claude_code.plugins.modules import (
    grafana_alert_rules,
    grafana_dashboard,
    grafana_datasource,
)
from support.checkout import CHECKOUT
from support.modules import run_module
from support.stack import catalogue

CATALOGUE = CHECKOUT / "files" / "catalogue"
SOURCES = {
    "prometheus": {"type": "prometheus", "json_data": {"httpMethod": "POST", "timeInterval": "60s"}},
    "loki": {
        "type": "loki",
        "json_data": {"httpHeaderName1": "X-Scope-OrgID"},
        "secure_json_data": {"httpHeaderValue1": "a-tenant-of-a-test"},
    },
}


def rendered_dashboards() -> list[Path]:
    return sorted((CHECKOUT / "files" / "dashboards").glob("*.json"))


@cache
def rendered_groups(prefix: str) -> list[dict[str, Any]]:
    """All groups of alert rules, also those that only one platform has; they ask the data sources of ``prefix``."""
    metrics = catalogue()
    groups = load_rules(CATALOGUE, metrics, Choice(platform="openshift"))
    sources = {kind: f"{prefix}{kind}" for kind in SOURCES}
    return rule_groups(groups, metrics, load_dashboards(CATALOGUE, metrics), sources=sources)


def push_everything(connection: dict[str, Any], prefix: str, **options: Any) -> Iterator[dict[str, Any]]:
    """What the modules say, one after another.

    ``prefix`` begins every uid and is the folder's too, so that on a Grafana that people use nothing else is hit.
    """
    place = {**connection, "folder_uid": f"{prefix}all", "folder_title": f"Test {prefix}all", **options}
    for kind, source in SOURCES.items():
        named = {"uid": f"{prefix}{kind}", "name": f"{prefix}{kind}", "ds_url": "http://127.0.0.1:1"}
        yield run_module(grafana_datasource, **connection, **source, **named, **options)
    for file in rendered_dashboards():
        model = json.loads(file.read_text(encoding="utf-8"))
        yield run_module(grafana_dashboard, **place, definition={**model, "uid": _own(model["uid"], prefix)})
    for group in rendered_groups(prefix):
        rules = [{**rule, "uid": _own(rule["uid"], prefix)} for rule in group["rules"]]
        interval = str(group["interval_s"])
        yield run_module(grafana_alert_rules, **place, group=group["name"], interval=interval, rules=rules)


def _own(uid: str, prefix: str) -> str:
    return uid.replace("claude-code-", prefix, 1)
