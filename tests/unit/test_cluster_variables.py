# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one setting of a cluster means for several roles."""

from __future__ import annotations

from typing import Any

import pytest
from support.collector_manifests import CollectorManifests
from support.role_variables import RoleVariables

OWN_PROMETHEUS = {
    "to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}],
    "ports": [{"port": 9090, "protocol": "TCP"}],
}
OF_MIMIR = {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "metrics"}}}]}
MIMIR = {"stack_prometheus_otlp_url": "http://mimir.metrics.svc:8080/otlp"}
ASKED = {"stack_existing": ["prometheus"], "stack_prometheus_url": "https://ask.example.com/prometheus"}


def rules(inventory: dict[str, Any]) -> dict[str, str]:
    variables = RoleVariables("stack", **inventory)
    groups = variables.expression(
        "lookup('observability.claude_code.catalogue', 'prometheus_alerts', **stack_alert_options)"
    )
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


@pytest.mark.parametrize(
    ("inventory", "allowed"),
    [
        (MIMIR, [OF_MIMIR]),
        ({**ASKED, **MIMIR}, [OF_MIMIR]),
        ({**MIMIR, "stack_delivery": ["otlp", "remote_write"]}, [OF_MIMIR, OWN_PROMETHEUS]),
        ({**MIMIR, "stack_delivery": ["remote_write"]}, [OWN_PROMETHEUS]),
        ({**MIMIR, "stack_delivery": ["scrape"]}, []),
        ({"stack_delivery": ["otlp", "remote_write"]}, [OWN_PROMETHEUS]),
        (ASKED, [{"ports": [{"port": 443, "protocol": "TCP"}]}]),
    ],
    ids=["otlp", "existing", "both", "remote_write", "scrape", "one for both", "asked where it takes"],
)
def test_the_collector_may_send_where_its_metrics_go(inventory: dict[str, Any], allowed: list[dict[str, Any]]) -> None:
    _names, *stores, _loki = CollectorManifests(**inventory).one("NetworkPolicy")["spec"]["egress"]
    assert stores == allowed


@pytest.mark.parametrize(
    ("inventory", "wanted"),
    [
        ({}, False),
        # Who sets it for one stack and leaves it there.
        ({"stack_flavor": "openshift"}, False),
        ({"stack_platform": "kubernetes"}, False),
        ({"stack_platform": "kubernetes", "stack_flavor": "openshift"}, True),
    ],
    ids=["host", "flavor of a host", "kubernetes", "openshift"],
)
def test_alerts_about_openshift_are_for_openshift_alone(inventory: dict[str, Any], wanted: bool) -> None:
    assert ("MalformedSCC" in rules(inventory)) is wanted


@pytest.mark.parametrize(
    ("inventory", "namespace"),
    [({}, "observed"), ({"stack_alert_thresholds": {"namespace": "another"}}, "another")],
    ids=["the stack's", "one that is named"],
)
def test_alerts_look_at_the_namespace_of_the_stack(inventory: dict[str, Any], namespace: str) -> None:
    openshift = {"stack_platform": "kubernetes", "stack_flavor": "openshift", "stack_namespace": "observed"}
    assert f'namespace="{namespace}"' in rules({**openshift, **inventory})["MalformedSCC"]
