# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""port_forward with the real kubectl and a real API server, to a server of this machine in place of one in a pod."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.observability.claude_code.plugins.modules import port_forward
from support.answering_server import AnsweringServer
from support.modules import run_module
from support.stack import HOST, until

if TYPE_CHECKING:
    from support.cluster import Cluster

LABELS = {"app": "store"}
CONTAINER = {
    "name": "main",
    "image": "registry.invalid/none:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
POD = {
    "metadata": {"labels": LABELS},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [CONTAINER],
    },
}


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """With a Service `store`, whose port 80 is the port 3100 of a pod, and another one without pods."""
    with cluster.namespace() as name, AnsweringServer() as server:
        where = {"name": "store", "namespace": name}
        cluster.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": where,
                "spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": POD},
            }
        )
        for service, labels in (("store", LABELS), ("empty", {"app": "empty"})):
            spec = {"selector": labels, "ports": [{"port": 80, "targetPort": 3100}]}
            metadata = {**where, "name": service}
            cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        cluster.wait("apps/v1", "Deployment", "store", name)
        with cluster.forwards(name, {3100: server.port}):
            yield name


def forward(cluster: Cluster, **options: Any) -> dict[str, Any]:
    return run_module(port_forward, kubectl=str(cluster.kubectl), kubeconfig=str(cluster.kubeconfig), **options)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


@pytest.mark.parametrize(("target", "port"), [("service/store", 80), ("deployment/store", 3100)])
def test_what_listens_in_a_pod_is_reached_until_the_forwarding_ends(
    cluster: Cluster, namespace: str, target: str, port: int
) -> None:
    started = forward(cluster, target=target, namespace=namespace, ports=[port])
    try:
        own = started["ports"][str(port)]
        until(lambda: answers(own), 60, lambda: f"{target} answers: {started}\n{cluster.plane.log('kwok')}")
    finally:
        forward(cluster, state="absent", pid=started["pid"])
    until(lambda: not answers(own), 10, "nothing answers any more")


def test_a_service_without_pods_is_told(cluster: Cluster, namespace: str) -> None:
    refused = forward(cluster, target="service/empty", namespace=namespace, ports=[80], timeout=3)
    assert refused["failed"]
    assert "The forwarding to service/empty" in refused["msg"]
    assert "kubectl get pods" in refused["msg"]


def test_what_the_api_refuses_is_told_in_its_words(cluster: Cluster, namespace: str) -> None:
    options = {"target": "service/store", "namespace": namespace, "ports": [80]}
    refused = run_module(port_forward, kubectl=str(cluster.kubectl), kubeconfig=str(cluster.stranger), **options)
    assert 'User "stranger" cannot get resource "services"' in refused["msg"]
