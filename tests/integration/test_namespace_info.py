# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module namespace_info sees everything that would be lost with a namespace, on a real API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.observability.claude_code.plugins.modules import namespace_info
from support.modules import run_module
from support.stack import until

if TYPE_CHECKING:
    from pathlib import Path

    from support.cluster import Cluster

CUSTOM = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "secrets.tests.example.com"},
    "spec": {
        "group": "tests.example.com",
        "scope": "Namespaced",
        # Called as a kind of the API itself.
        "names": {"kind": "Secret", "plural": "secrets", "singular": "secret"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }
        ],
    },
}


def info(cluster: Cluster, name: str, kubeconfig: Path | None = None) -> dict[str, Any]:
    return run_module(namespace_info, name=name, kubeconfig=str(kubeconfig or cluster.kubeconfig))


def test_a_new_namespace_and_none_at_all_are_empty(cluster: Cluster) -> None:
    with cluster.namespace() as name:
        assert (info(cluster, name)["objects"], info(cluster, name)["unread"]) == ([], [])
    assert info(cluster, "there-is-none")["objects"] == []


def test_everything_is_listed_that_goes_by_itself_alone(cluster: Cluster) -> None:
    pod = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "a",
                "image": "registry.invalid/none:1",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    }
    with cluster.namespace() as name:
        cluster.apply(CUSTOM)
        until(lambda: _is_served(cluster), 60, "the custom kind is served")
        try:
            labels = {"app.kubernetes.io/managed-by": "somebody"}
            where = {"name": "a", "namespace": name}
            cluster.apply(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**where, "labels": labels}},
                {"apiVersion": "tests.example.com/v1alpha1", "kind": "Secret", "metadata": where},
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "metadata": where,
                    "spec": {
                        "selector": {"matchLabels": {"app": "a"}},
                        "template": {"metadata": {"labels": {"app": "a"}}, "spec": pod},
                    },
                },
            )
            cluster.wait("apps/v1", "Deployment", "a", name)
            found = info(cluster, name)["objects"]
        finally:
            cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", CUSTOM["metadata"]["name"])
    assert sorted(found, key=lambda one: one["api_version"]) == [
        {"api_version": "apps/v1", "kind": "Deployment", "name": "a", "managed_by": ""},
        {"api_version": "tests.example.com/v1alpha1", "kind": "Secret", "name": "a", "managed_by": ""},
        {"api_version": "v1", "kind": "ConfigMap", "name": "a", "managed_by": "somebody"},
    ]


def _is_served(cluster: Cluster) -> bool:
    try:
        return cluster.read("tests.example.com/v1alpha1", "Secret", "none", "default") is None
    except Exception:
        return False


def test_what_the_user_may_not_see_is_told(cluster: Cluster) -> None:
    with cluster.namespace() as name:
        result = info(cluster, name, cluster.stranger)
    assert result["objects"] == []
    assert {"ConfigMap (v1)", "Deployment (apps/v1)"} <= set(result["unread"])


@pytest.mark.parametrize("context", ["there-is-none"])
def test_a_cluster_that_cannot_be_asked_is_told(cluster: Cluster, context: str) -> None:
    result = run_module(namespace_info, name="default", kubeconfig=str(cluster.kubeconfig), context=context)
    assert result["failed"]
    assert f"has no context '{context}'. It has tests." in result["msg"]
