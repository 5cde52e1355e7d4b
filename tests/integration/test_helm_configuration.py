# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What charts make of the values is a configuration that Prometheus and Loki take.

Where CHARTS_DIR names the charts, Helm makes it; otherwise it is put together here as they do it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.charts import CASES, NAMES, chart_folder, role, rule_objects, values
from support.checkout import run
from support.stack import Stack

CASE = pytest.mark.parametrize("case", CASES, ids=NAMES)
FILES = "/etc/config"
# What the chart calls otherwise than Loki does, and what it passes on under the same name.
S3 = {"accessKeyId": "access_key_id", "secretAccessKey": "secret_access_key", "s3ForcePathStyle": "s3forcepathstyle"}
SAME = ("auth_enabled", "server", "limits_config", "ingester", "compactor", "analytics")


def rendered(chart: str, case: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """The objects that the real chart makes."""
    from support.cluster_programs import programs

    (folder / "values.json").write_text(json.dumps(values(chart, **case)))
    helm, place = programs().helm, chart_folder(chart)
    text = run(helm, "template", chart, place, "-n", "monitoring", "-f", folder / "values.json")
    return [one for one in yaml.safe_load_all(text) if one]


def data(objects: list[dict[str, Any]], name: str) -> dict[str, str]:
    (found,) = [one for one in objects if one["kind"] == "ConfigMap" and one["metadata"]["name"] == name]
    return found["data"]


def prometheus_files(case: dict[str, Any], folder: Path) -> dict[str, str]:
    if "CHARTS_DIR" in os.environ:
        return data(rendered("prometheus", case, folder), "prometheus-server")
    given = values("prometheus", **case)
    server = given["server"]
    configuration = {
        "global": server["global"],
        "storage": {"tsdb": server["tsdb"]},
        "otlp": server["otlp"],
        "alerting": {"alertmanagers": server["alertmanagers"]},
        "rule_files": given["serverFiles"]["prometheus.yml"]["rule_files"],
        "scrape_configs": yaml.safe_load(given["extraScrapeConfigs"]),
    }
    return {"prometheus.yml": yaml.safe_dump(configuration)}


def loki_configuration(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    if "CHARTS_DIR" in os.environ:
        return yaml.safe_load(data(rendered("loki", case, folder), "loki")["config.yaml"])
    given = values("loki", **case)["loki"]
    storage = {"filesystem": {"chunks_directory": "/var/loki/chunks"}}
    if given["storage"]["type"] == "s3":
        store = {S3.get(name, name): value for name, value in given["storage"]["s3"].items()}
        storage = {"s3": {**store, "bucketnames": given["storage"]["bucketNames"]["chunks"]}}
    return {
        **{name: given[name] for name in SAME},
        "common": {"path_prefix": "/var/loki", "storage": storage, **given["commonConfig"]},
        "schema_config": given["schemaConfig"],
        "ruler": given["rulerConfig"],
    }


@CASE
def test_prometheus_takes_its_configuration_and_all_rules(stack: Stack, case: dict[str, Any], tmp_path: Path) -> None:
    found = prometheus_files(case, tmp_path)
    configuration = yaml.safe_load(found.pop("prometheus.yml"))
    for job in configuration["scrape_configs"]:
        # A Prometheus that was built from Go modules does not look names up.
        for where in job.pop("dns_sd_configs", []):
            job["static_configs"] = [{"targets": [f"{name}:{where['port']}" for name in where["names"]]}]
    variables = role("prometheus", **case)
    mount, rules = variables["prometheus_rules_mount"], tmp_path / "mounted"
    rules.mkdir()
    for one in rule_objects(**case):
        for name, content in one["data"].items():
            (rules / name).write_text(content)
    text = yaml.safe_dump(configuration).replace(FILES, str(tmp_path)).replace(mount, str(rules))
    for name, content in {**found, "prometheus.yml": text}.items():
        (tmp_path / name).write_text(content)
    printed = run(stack.prefix / "bin" / "promtool", "check", "config", tmp_path / "prometheus.yml")
    for groups in variables["prometheus_rule_objects"].values():
        assert f"SUCCESS: {sum(len(group['rules']) for group in groups)} rules found" in printed


@CASE
def test_loki_takes_its_configuration(stack: Stack, case: dict[str, Any], tmp_path: Path) -> None:
    configuration = loki_configuration(case, tmp_path)
    (tmp_path / "loki.yaml").write_text(yaml.safe_dump(configuration))
    program = stack.prefix / "bin" / "loki"
    run(program, "-verify-config", "-config.expand-env=true", f"-config.file={tmp_path}/loki.yaml")
    limits = values("loki", **case)["loki"]["limits_config"]
    assert {name: configuration["limits_config"][name] for name in limits} == limits


@CASE
def test_containers_of_the_real_charts_are_bounded_and_restricted(case: dict[str, Any], tmp_path: Path) -> None:
    for chart in ("prometheus", "loki", "grafana"):
        chart_folder(chart)
        for one in rendered(chart, case, tmp_path):
            pod = one.get("spec", {}).get("template", {}).get("spec") if one["kind"] != "Job" else None
            for container in (pod or {}).get("containers", []):
                what = f"{one['kind']} {one['metadata']['name']}, {container['name']}"
                assert container["resources"]["limits"]["memory"], what
                assert container["securityContext"]["allowPrivilegeEscalation"] is False, what
                assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, what
                assert not container["image"].endswith(":latest"), what
                assert ":" in container["image"], what
