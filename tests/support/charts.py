# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that the roles give to Helm charts, and what is known of the charts.

The charts themselves are not part of the project. tests/files/charts records the names that they know; where CHARTS_DIR
names a folder with charts (one folder each, dependencies included or cut off), tests look at those as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.checkout import CHECKOUT
from support.role_variables import RoleVariables

CHARTS = ("prometheus", "loki", "grafana")
STORAGE = {"loki_s3_buckets": {"chunks": "events", "ruler": "rules"}, "loki_s3_url": "http://s3.example.com:9000"}
# Together they reach every line of the templates of values.
CASES: tuple[dict[str, Any], ...] = (
    {},
    {"stack_flavor": "openshift", "stack_delivery": ["scrape", "remote_write"], "grafana_host": "grafana.example.com"},
    {"stack_scale": "distributed", "stack_flavor": "openshift", **STORAGE},
    {
        "stack_scale": "distributed",
        **STORAGE,
        "stack_image_registry": "registry.example.com/mirror",
        "stack_image_pull_secrets": ["mirror-login"],
        "stack_storage_class": "fast",
        "stack_alerts_by": "grafana",
        "prometheus_alertmanagers": ["https://alertmanager.example.com/path"],
        "prometheus_external_url": "https://prometheus.example.com",
        "prometheus_retention_gib": 40,
        "loki_alertmanagers": ["http://alertmanager.example.com:9093"],
        "grafana_host": "grafana.example.com",
        "grafana_ingress_class": "nginx",
        "grafana_ingress_tls_secret": "grafana-tls",
        "grafana_fill": "api",
    },
)
NAMES = ("single", "openshift", "distributed-openshift", "distributed-everything")


def role(name: str, **inventory: Any) -> RoleVariables:
    """The variables of a role on a cluster."""
    return RoleVariables(name, stack_platform="kubernetes", grafana_authorities_read={"results": []}, **inventory)


def values(chart: str, **inventory: Any) -> dict[str, Any]:
    """What the role of that name gives to its chart."""
    return _values(chart, json.dumps(inventory))


@cache
def _values(chart: str, inventory: str) -> dict[str, Any]:
    return role(chart, **json.loads(inventory))[f"{chart}_helm_values"]


def rule_objects(**inventory: Any) -> list[dict[str, Any]]:
    """The objects with rules that the role prometheus puts on a cluster."""
    found = []
    for name, groups in role("prometheus", **inventory)["prometheus_rule_objects"].items():
        own = role("prometheus", **inventory, item={"key": name, "value": groups})
        found.append(yaml.safe_load(own.file("rules.yaml.j2")))
    return found


def paths(values: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names that lead to each value that is not a mapping, or an empty one."""
    if isinstance(values, dict) and values:
        for name, value in values.items():
            yield from paths(value, (*above, name))
    else:
        yield above


def recorded(chart: str) -> dict[str, Any]:
    return yaml.safe_load((CHECKOUT / "tests" / "files" / "charts" / f"{chart}.yml").read_text())


def unknown(values: dict[str, Any], record: dict[str, Any]) -> list[str]:
    """Paths that the chart is not known to read."""
    known = {*record["keys"], *record["read_by_templates"]}
    passed_on = tuple(f"{path}/" for path in record["passed_on"])
    names = {"/".join(path) for path in paths(values)}
    return sorted(name for name in names if name not in known and not f"{name}/".startswith(passed_on))


def chart_folder(chart: str) -> Path:
    """The chart itself; the test says that it was not run where there is none."""
    folder = os.environ.get("CHARTS_DIR")
    if not folder:
        pytest.skip("not run: CHARTS_DIR names no folder with Helm charts")
    found = Path(folder) / chart
    version = yaml.safe_load((found / "Chart.yaml").read_text())["version"]
    assert version == recorded(chart)["version"], f"CHARTS_DIR has {chart} {version}"
    return found
