# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus, Loki and Grafana on a cluster: by Helm, onto a real API server, and away again.

The charts are stand-ins (tests/files/charts/stand_ins), or those that CHARTS_DIR names. No program starts in a pod.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.charts import CHARTS, role, rule_objects, values
from support.checkout import run
from support.stand_in_charts import charts

if TYPE_CHECKING:
    from support.cluster import Cluster

OURS = "app.kubernetes.io/managed-by=observability.claude_code"
TAGS = ("--tags", ",".join(CHARTS))
CLAIMS = {"prometheus-server", "storage-loki-0", "grafana"}
TOKEN = secrets.token_urlsafe(24)


@dataclass
class Site:
    """One namespace with the three, as a playbook makes them."""

    cluster: Cluster
    namespace: str
    settings: dict[str, Any]
    printed: list[str] = field(default_factory=list)

    def playbook(self, name: str, *arguments: str, **variables: Any) -> int:
        """How many tasks changed something."""
        text = self.cluster.playbook(name, *arguments, **{**self.settings, **variables})
        self.printed.append(text)
        return int(re.findall(r"changed=(\d+)", text)[-1])

    def read(self, version: str, kind: str, name: str) -> dict[str, Any]:
        found = self.cluster.read(version, kind, name, self.namespace)
        assert found, f"no {kind} {name} in {self.namespace}"
        return found

    def names(self, kind: str, selector: str = "") -> set[str]:
        objects = self.cluster.objects(selector, self.namespace)
        return {one["metadata"]["name"] for one in objects if one["kind"] == kind}

    def state(self) -> dict[str, str]:
        """Versions of all objects, by kind and name."""
        objects = self.cluster.objects("", self.namespace)
        return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in objects}

    def password(self) -> str:
        data = self.read("v1", "Secret", "grafana-admin")["data"]
        return base64.b64decode(data["admin-password"]).decode()


@pytest.fixture(scope="module")
def site(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    places = {f"{chart}_chart": path for chart, path in charts(tmp_path_factory.mktemp("charts")).items()}
    with cluster.namespace(f"helm-{secrets.token_hex(3)}", create=False) as namespace:
        found = Site(
            cluster,
            namespace,
            {
                "stack_namespace": namespace,
                "stack_existing": ["collector"],
                "stack_loki_bearer_token": TOKEN,
                "stack_helm_timeout": "5m",
                **places,
            },
        )
        foreseen = found.playbook("site.yml", "--check", "--diff", *TAGS)
        assert foreseen > 0
        assert not cluster.read("v1", "Namespace", namespace), "check mode made something"
        assert found.playbook("site.yml", *TAGS) > 0
        yield found


@pytest.mark.parametrize(
    ("kind", "name"), [("Deployment", "prometheus-server"), ("StatefulSet", "loki"), ("Deployment", "grafana")]
)
def test_each_becomes_ready_where_pods_are_restricted(site: Site, kind: str, name: str) -> None:
    labels = site.cluster.read("v1", "Namespace", site.namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    site.cluster.wait("apps/v1", kind, name, site.namespace)


@pytest.mark.parametrize("chart", CHARTS)
def test_the_chart_gets_the_values_of_the_role(site: Site, chart: str) -> None:
    command = (site.cluster.helm, "get", "values", chart, "-n", site.namespace, "-o", "json")
    stored = json.loads(run(*command, env=site.cluster.environment()))
    given = {name: value for name, value in site.settings.items() if name != f"{chart}_chart"}
    assert stored == values(chart, **given)


def test_rules_reach_prometheus_as_they_are(site: Site) -> None:
    pod = site.read("apps/v1", "Deployment", "prometheus-server")["spec"]["template"]["spec"]
    (volume,) = [one for one in pod["volumes"] if one["name"] == "rules"]
    wanted = {one["metadata"]["name"]: one["data"] for one in rule_objects(**site.settings)}
    mounted = [source["configMap"]["name"] for source in volume["projected"]["sources"]]
    assert {name: site.read("v1", "ConfigMap", name)["data"] for name in mounted} == wanted
    assert "{{ $labels" in json.dumps(wanted)


def test_what_sidecars_read_is_there(site: Site) -> None:
    grafana = role("grafana", **site.settings)
    for uid, dashboard in grafana["grafana_dashboards"].items():
        stored = site.read("v1", "ConfigMap", f"{uid}-dashboard")
        assert json.loads(stored["data"][f"{uid}.json"]) == dashboard
    sources = site.read("v1", "Secret", "claude-code-data-sources")["data"]["claude-code.yaml"]
    assert TOKEN in base64.b64decode(sources).decode()
    rules = site.read("v1", "ConfigMap", "claude-code-loki-rules")
    assert rules["metadata"]["labels"]["loki_rule"] == "1"
    assert yaml.safe_load(rules["data"]["claude-code.yaml"])["groups"]


def test_a_second_run_changes_nothing(site: Site) -> None:
    before = site.state()
    assert site.playbook("site.yml", *TAGS) == 0, site.printed[-1]
    assert site.state() == before


def test_a_changed_setting_is_foreseen(site: Site) -> None:
    before = site.state()
    assert site.playbook("site.yml", "--check", "--tags", "prometheus", prometheus_retention_days=30) == 1
    assert site.state() == before


def test_secrets_show_nowhere(site: Site) -> None:
    for text in site.printed:
        assert site.password() not in text
        assert TOKEN not in text


def test_a_release_of_somebody_else_is_not_replaced(site: Site, tmp_path: Path) -> None:
    chart = tmp_path / "other"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: other\nversion: 1.0.0\n")
    env = site.cluster.environment()
    with site.cluster.namespace() as namespace:
        run(site.cluster.helm, "install", "loki", chart, "-n", namespace, env=env)
        with pytest.raises(pytest.fail.Exception, match=r"that is\s+not\s+from\s+here"):
            site.playbook("site.yml", "--tags", "loki", stack_namespace=namespace)
        listed = json.loads(run(site.cluster.helm, "list", "-n", namespace, "-o", "json", env=env))
        assert [one["chart"] for one in listed] == ["other-1.0.0"]


def test_rules_reach_the_prometheus_of_an_operator_as_objects(site: Site) -> None:
    elsewhere = {
        "stack_existing": ["collector", "prometheus", "loki", "grafana"],
        "prometheus_rules_as": "prometheusrule",
        "prometheus_rules_labels": {"release": "kube-prometheus-stack"},
        "stack_alerts_by": "servers",
        "stack_grafana_token": "none",
    }
    with site.cluster.namespace() as namespace:
        wanted = {**elsewhere, "stack_namespace": namespace}
        site.cluster.apply(PROMETHEUS_RULES)
        try:
            earlier = more_rules("monitoring.coreos.com/v1", "PrometheusRule", namespace)
            site.cluster.served(PROMETHEUS_RULES)
            site.cluster.apply(earlier)
            assert site.playbook("site.yml", "--tags", "prometheus", **wanted) == 2
            version, kind = "monitoring.coreos.com/v1", "PrometheusRule"
            objects = {one["metadata"]["name"]: one for one in rule_objects(**wanted)}
            for name, one in objects.items():
                stored = site.cluster.read(version, kind, name, namespace)
                assert stored["spec"] == one["spec"]
                assert stored["metadata"]["labels"]["release"] == "kube-prometheus-stack"
            assert not site.cluster.read(version, kind, earlier["metadata"]["name"], namespace)
            assert site.playbook("remove.yml", **wanted) > 0
            assert [name for name in objects if site.cluster.read(version, kind, name, namespace)] == []
        finally:
            site.cluster.delete(
                "apiextensions.k8s.io/v1", "CustomResourceDefinition", PROMETHEUS_RULES["metadata"]["name"]
            )


def more_rules(version: str, kind: str, namespace: str) -> dict[str, Any]:
    """An object as an earlier run would have left, when rules were larger."""
    labels = role("prometheus")["prometheus_rules_own_labels"]
    metadata = {"name": "claude-code-rollups-99", "namespace": namespace, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


PROMETHEUS_RULES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "names": {"kind": "PrometheusRule", "plural": "prometheusrules", "singular": "prometheusrule"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def test_removed_data_and_what_others_made_stay_until_they_are_asked_for(site: Site) -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": site.namespace}}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "other", "namespace": site.namespace, "labels": {"app.kubernetes.io/instance": "loki"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    earlier = more_rules("v1", "ConfigMap", site.namespace)
    site.cluster.apply(other, claim, earlier)
    password = site.password()
    assert site.playbook("remove.yml") > 0
    assert site.names("PersistentVolumeClaim") == CLAIMS | {"other"}
    assert site.names("Secret", OURS) == {"grafana-admin"}
    assert site.names("Deployment") == site.names("StatefulSet") == set()
    assert site.names("ConfigMap", OURS) == site.names("NetworkPolicy", OURS) == set()

    assert site.playbook("site.yml", "--tags", "grafana") > 0, "it comes back to its data"
    assert site.password() == password
    assert site.names("PersistentVolumeClaim") == CLAIMS | {"other"}

    assert site.playbook("remove.yml", stack_remove_data=True) > 0
    assert site.names("PersistentVolumeClaim") == {"other"}
    assert site.cluster.objects(OURS, site.namespace) == []
    assert "other" in site.names("ConfigMap")
