# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role stack makes of a cluster before any component is there."""

from __future__ import annotations

from typing import Any

import pytest
from support.role_refusals import refusals
from support.role_variables import RoleVariables

ABSENT = {"stack_namespace_found": {"resources": []}, "stack_routes_found": {"api_found": False}}
GOING = {"metadata": {"name": "monitoring", "deletionTimestamp": "2026-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("inventory", "reason"),
    [
        ({}, None),
        ({"stack_image_registry": "registry.example.com:5000/mirror"}, None),
        ({"stack_image_registry": "https://registry.example.com"}, "without https://"),
        ({"stack_image_registry": "registry.example.com/"}, "without a slash at the end"),
        ({"stack_namespace": "Monitoring"}, "small letters"),
        ({"stack_namespace": "kube-system"}, "not kube-*"),
        ({"stack_namespace": "default"}, "not default"),
        ({"stack_namespace": "defaults"}, None),
        ({"stack_flavor": "openshift"}, "has no Routes"),
        ({"stack_flavor": "openshift", "stack_routes_found": {"api_found": True}}, None),
        ({"stack_namespace_found": {"resources": [GOING]}}, "is being deleted"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_refused_with_the_reason(
    inventory: dict[str, Any], reason: str | None
) -> None:
    found = refusals("stack", "preflight_kubernetes.yml", **{**ABSENT, **inventory})
    assert len(found) == (reason is not None), found
    assert reason is None or reason in found[0]


@pytest.mark.parametrize(
    ("labels", "ours"),
    [
        ({"app.kubernetes.io/managed-by": "observability.claude_code"}, True),
        ({"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/created-by": "observability.claude_code"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_namespace_is_ours_by_its_label_alone(labels: dict[str, str] | None, ours: bool) -> None:
    metadata = {"name": "monitoring"} if labels is None else {"name": "monitoring", "labels": labels}
    found = {"resources": [{"metadata": metadata}]}
    assert RoleVariables("stack", stack_namespace_found=found)["stack_namespace_ours"] is ours


@pytest.mark.parametrize("kubeconfig", ["", "/etc/kubeconfig"])
@pytest.mark.parametrize("context", ["", "company"])
def test_only_what_is_given_says_how_the_cluster_is_reached(kubeconfig: str, context: str) -> None:
    """An empty text would be taken for a file and for the name of a context."""
    variables = RoleVariables("stack", stack_kubeconfig=kubeconfig, stack_kube_context=context)
    given = {"kubeconfig": kubeconfig, "context": context}
    assert variables["stack_kubernetes_connection"] == {name: value for name, value in given.items() if value}


@pytest.mark.parametrize(
    ("inventory", "prometheus", "loki"),
    [
        ({"stack_platform": "host"}, "http://127.0.0.1:9090", "http://127.0.0.1:3100"),
        ({}, "http://prometheus-server.monitoring.svc", "http://loki.monitoring.svc:3100"),
        (
            {"stack_scale": "distributed"},
            "http://prometheus-server.monitoring.svc",
            "http://loki-gateway.monitoring.svc",
        ),
        (
            {"stack_loki_url": "https://loki.example.com"},
            "http://prometheus-server.monitoring.svc",
            "https://loki.example.com",
        ),
    ],
    ids=["host", "single", "distributed", "elsewhere"],
)
def test_servers_are_where_the_platform_has_them(inventory: dict[str, Any], prometheus: str, loki: str) -> None:
    variables = RoleVariables("stack", **{"stack_platform": "kubernetes", **inventory})
    assert (variables["stack_prometheus_url"], variables["stack_loki_url"]) == (prometheus, loki)
