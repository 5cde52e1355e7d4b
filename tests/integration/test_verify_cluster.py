# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify.yml on a real API server, with what OpenShift adds, through which it reaches real servers.

The objects of the collector are what site.yml makes; those of the others have the names and labels of their charts.
What listens on the ports of their pods is the stack that all tests share, and a stand-in for Grafana that site.yml has
filled.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import CoreV1Api
from support.checkout import run
from support.grafana_server import GrafanaServer
from support.scc import scc
from support.stack import HOST, TOUCHED, Stack, free_ports, until

if TYPE_CHECKING:
    from support.cluster import Cluster

NAMESPACE = "verified"
# The charts' workloads: kind, name and instance, the port of the Service and that of the pod.
WORKLOADS = [
    ("Deployment", "prometheus-server", "prometheus", 80, 9090),
    ("StatefulSet", "loki", "loki", 3100, 3100),
    ("Deployment", "grafana", "grafana", 80, 3000),
]
# All that ask the API of the cluster.
OF_THE_CLUSTER = {"workloads-ready", "images-pinned", "no-restart-loops", "scc-well-formed"}
# Some that ask servers through forwarded ports: each of them, and all together.
THROUGH_PORTS = {
    "programs-answer",
    "prometheus-takes-otlp",
    "probe-metrics",
    "probe-events",
    "no-token-refused",
    "rules-loaded",
    "grafana-version",
    "grafana-data-sources",
    "grafana-dashboards",
}
Results = dict[str, dict[str, Any]]


@dataclass
class Site:
    """What site.yml made, and how verify.yml is run on it."""

    cluster: Cluster
    folder: Path
    settings: dict[str, Any]

    def verify(self, **variables: Any) -> tuple[str, Results]:
        """What it printed, and the results by the checks' ids; it must end well."""
        skipped = {"verify_report_dir": str(self.folder), "verify_skip_checks": sorted(TOUCHED)}
        printed = self.cluster.playbook("verify.yml", **{**self.settings, **skipped, **variables})
        return printed, self.results()

    def results(self) -> Results:
        """Those of the last run."""
        results = json.loads((self.folder / "report.json").read_text())["results"]
        return {result["id"]: result for result in results}

    def report(self, instance: str, **container: Any) -> None:
        """Say of the only container of a pod what its kubelet would say."""
        (pod,) = self.cluster.pods(NAMESPACE, f"app.kubernetes.io/instance={instance}")
        status = {**pod["status"]["containerStatuses"][0], **container}
        ready = {"type": "Ready", "status": str(status["ready"])}
        CoreV1Api(self.cluster.client).patch_namespaced_pod_status(
            pod["metadata"]["name"], NAMESPACE, {"status": {"conditions": [ready], "containerStatuses": [status]}}
        )

    def ready_pods(self, kind: str, name: str) -> int:
        found = self.cluster.read("apps/v1", kind, name, NAMESPACE)
        assert found
        return int(found["status"].get("readyReplicas", 0))


def workload(kind: str, name: str, instance: str, port: int, target: int) -> list[dict[str, Any]]:
    """A workload and its Service."""
    labels = {"app.kubernetes.io/name": instance, "app.kubernetes.io/instance": instance}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "main", "image": f"registry.invalid/{instance}:1", "securityContext": context}
    safe = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    template = {"metadata": {"labels": labels}, "spec": {"securityContext": safe, "containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    ports = [{"port": port, "targetPort": target}]
    return [
        {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": labels, "ports": ports}},
    ]


@pytest.fixture(scope="module")
def grafana() -> Iterator[GrafanaServer]:
    with GrafanaServer(token="", password=secrets.token_urlsafe(16), port=free_ports(1)[0]) as server:
        yield server


@pytest.fixture(scope="module")
def site(
    openshift: Cluster, stack: Stack, grafana: GrafanaServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("verified")
    settings = {
        "stack_flavor": "openshift",
        "stack_namespace": NAMESPACE,
        "stack_alerts_by": "servers",
        # The stack that all tests share is on a host.
        "stack_alerts_off": ["MalformedSCC"],
        "otel_collector_tokens": {"tests": stack.token},
        "verify_kubectl": "kubectl",
    }
    filled = {"grafana_fill": "api", "stack_grafana_url": grafana.url, "stack_grafana_password": grafana.password}
    listening = {4318: "otlp_http", 8888: "telemetry", 13133: "health", 9090: "prometheus", 3100: "loki"}
    ends = {port: stack.ports[f"{name}_port"] for port, name in listening.items()} | {3000: grafana.port}
    with openshift.namespace(NAMESPACE, create=False):
        openshift.playbook("site.yml", "--tags", "otel_collector", **settings)
        openshift.playbook("site.yml", "--tags", "grafana", **settings, **filled, stack_existing=["grafana"])
        for kind, name, *further in WORKLOADS:
            openshift.apply(*workload(kind, name, *further))
            openshift.wait("apps/v1", kind, name, NAMESPACE)
        openshift.apply(administrator(grafana.password))
        with openshift.forwards(NAMESPACE, ends):
            yield Site(openshift, folder, settings)


def administrator(password: str) -> dict[str, Any]:
    """The Secret that site.yml makes for a Grafana of ours."""
    metadata = {"name": "grafana-admin", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"admin-password": password}}


def named(results: Results, status: str) -> set[str]:
    return {name for name, result in results.items() if result["status"] == status}


@pytest.fixture(scope="module")
def well(site: Site) -> tuple[str, Results]:
    return site.verify()


def test_all_checks_pass_on_what_the_site_playbook_made(well: tuple[str, Results]) -> None:
    printed, results = well
    assert named(results, "failed") == set(), printed
    passed = named(results, "passed")
    assert passed >= OF_THE_CLUSTER | THROUGH_PORTS


def test_nothing_is_changed_and_nothing_keeps_forwarding(site: Site, well: tuple[str, Results]) -> None:
    printed, _results = well
    assert "changed=0" in printed
    until(lambda: not forwarding(site.cluster), 30, "all forwarding has ended")


def forwarding(cluster: Cluster) -> list[str]:
    """The commands that still forward ports of this cluster."""
    listed = run("ps", "-ww", "-eo", "args")
    return [line for line in listed.splitlines() if "port-forward" in line and str(cluster.kubeconfig) in line]


def test_servers_that_have_addresses_of_their_own_need_no_forwarding(
    site: Site, stack: Stack, grafana: GrafanaServer
) -> None:
    own = {
        name: f"http://{HOST}:{stack.ports[f'{name}_port']}" for name in ("prometheus", "loki", "telemetry", "health")
    }
    urls = {f"{'verify' if name in ('telemetry', 'health') else 'stack'}_{name}_url": url for name, url in own.items()}
    _printed, results = site.verify(
        verify_reach="urls",
        verify_kubectl="kubectl-that-is-absent",
        stack_otlp_url=stack.otlp_url,
        stack_grafana_url=grafana.url,
        **urls,
    )
    assert named(results, "failed") == set()
    assert named(results, "passed") >= THROUGH_PORTS


# --- what is wrong is told, and all else is checked the same ---

ANOTHER_IMAGE = "registry.invalid/collector:0.1"
MALFORMED = "tests-verified-minio"


@pytest.fixture(scope="module")
def ill(site: Site, well: tuple[str, Results]) -> Iterator[tuple[str, Results]]:
    """Another image for the collector; Prometheus killed again and again; Loki waits for its image; a malformed SCC."""
    name = "otel-collector"
    container = {"name": name, "image": ANOTHER_IMAGE}
    site.cluster.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"template": {"spec": {"containers": [container]}}},
        }
    )
    site.cluster.wait("apps/v1", "Deployment", name, NAMESPACE)
    killed = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": datetime.now(UTC).isoformat()}
    site.report("prometheus", restartCount=7, lastState={"terminated": killed})
    site.report("loki", ready=False, state={"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})
    until(lambda: not site.ready_pods("StatefulSet", "loki"), 60, "the cluster has seen that Loki is not ready")
    malformed = site.cluster.create(scc(MALFORMED, uid=None, runAsUser={"type": "MustRunAs"}))
    try:
        with pytest.raises(pytest.fail.Exception) as failure:
            site.verify()
        yield str(failure.value), site.results()
    finally:
        site.cluster.delete(malformed["apiVersion"], malformed["kind"], MALFORMED)


def test_each_fault_fails_its_own_check_and_no_other(
    site: Site, well: tuple[str, Results], ill: tuple[str, Results]
) -> None:
    printed, results = ill
    assert named(results, "failed") == OF_THE_CLUSTER
    assert f"{len(OF_THE_CLUSTER)} of " in printed
    before = well[1]
    assert {name for name in results if results[name]["status"] != before[name]["status"]} == named(results, "failed")


@pytest.mark.parametrize(
    ("check", "found", "remedy"),
    [
        ("workloads-ready", "StatefulSet loki: 0 of 1 pods are ready: ImagePullBackOff: no such image", "Mend that"),
        ("images-pinned", f"Deployment otel-collector otel-collector: {ANOTHER_IMAGE} instead of ", "site playbook"),
        ("no-restart-loops", "restarts: 7, the last time OOMKilled with exit code 137", "kubectl logs --previous"),
        ("scc-well-formed", MALFORMED, "oc delete scc NAME"),
    ],
)
def test_a_fault_is_told_with_what_to_do(ill: tuple[str, Results], check: str, found: str, remedy: str) -> None:
    printed, results = ill
    assert found in results[check]["measured"]
    assert remedy in results[check]["remedy"]
    assert check in printed


def test_without_kubectl_the_cluster_is_checked_all_the_same(site: Site, ill: tuple[str, Results]) -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        site.verify(verify_kubectl="kubectl-that-is-absent", verify_probe=False)
    printed, results = " ".join(str(failure.value).split()), site.results()
    assert "The program kubectl-that-is-absent is not on this machine" in printed
    assert named(results, "failed") | named(results, "skipped") >= THROUGH_PORTS
    assert {name for name in OF_THE_CLUSTER if results[name]["status"] == "failed"} == OF_THE_CLUSTER
