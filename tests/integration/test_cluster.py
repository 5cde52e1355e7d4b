# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test cluster is what other tests take it for."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import ApiException, AuthorizationV1Api
from kubernetes.config import new_client_from_config
from support.stack import until

if TYPE_CHECKING:
    from support.cluster import Cluster

POD_CONTEXT = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTEXT = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
CONTAINER = {"name": "main", "image": "registry.invalid/none:1", "securityContext": CONTEXT}
RESTRICTED = {"securityContext": POD_CONTEXT, "containers": [CONTAINER]}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def pod(name: str = "one", **changes: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {**deepcopy(RESTRICTED), **changes}}


def workload(kind: str, name: str, namespace: str, replicas: int, **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": deepcopy(RESTRICTED)},
            **spec,
        },
    }


def refusal(cluster: Cluster, namespace: str, wanted: dict[str, Any]) -> str:
    with pytest.raises(ApiException) as caught:
        cluster.apply({**wanted, "metadata": {**wanted["metadata"], "namespace": namespace}})
    assert caught.value.status == 403
    return str(json.loads(caught.value.body)["message"])


def unscheduled(cluster: Cluster, name: str, namespace: str) -> str:
    """Why the pod has no node; empty while the scheduler has not said it."""
    conditions = cluster.read("v1", "Pod", name, namespace)["status"].get("conditions") or []
    return next(
        (one["message"] for one in conditions if one["type"] == "PodScheduled" and one["status"] == "False"), ""
    )


def test_a_deployment_becomes_available_on_nodes_of_all_zones(cluster: Cluster) -> None:
    spread = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    with cluster.namespace() as namespace:
        wanted = workload("Deployment", "web", namespace, replicas=3)
        wanted["spec"]["template"]["spec"]["topologySpreadConstraints"] = [spread]
        cluster.apply(wanted)
        found = cluster.wait("apps/v1", "Deployment", "web", namespace)
        assert ("Available", "True") in {(one["type"], one["status"]) for one in found["status"]["conditions"]}
        pods = cluster.pods(namespace)
        assert {one["spec"]["nodeName"] for one in pods} == {"node-a", "node-b", "node-c"}


def test_pods_wait_for_their_claims_and_these_get_volumes_of_the_default_class(cluster: Cluster) -> None:
    with cluster.namespace() as namespace:
        claims = [{"metadata": {"name": "data"}, "spec": CLAIM}]
        cluster.apply(workload("StatefulSet", "store", namespace, 2, serviceName="store", volumeClaimTemplates=claims))
        cluster.wait("apps/v1", "StatefulSet", "store", namespace)
        bound = cluster.wait("v1", "PersistentVolumeClaim", "data-store-1", namespace)
        assert bound["spec"]["storageClassName"] == "standard"
        volume = cluster.read("v1", "PersistentVolume", bound["spec"]["volumeName"])
        assert volume["spec"]["claimRef"]["namespace"] == namespace

        unknown = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "other", "namespace": namespace},
        }
        cluster.apply({**unknown, "spec": {**CLAIM, "storageClassName": "no-such-class"}})
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "other"}}]
        cluster.apply({**pod("waiting", volumes=volumes), "metadata": {"name": "waiting", "namespace": namespace}})
        told = until(lambda: unscheduled(cluster, "waiting", namespace), 30, "the scheduler says why it waits")
        assert "unbound" in told
    name = bound["spec"]["volumeName"]
    until(lambda: cluster.read("v1", "PersistentVolume", name) is None, 60, f"the volume {name} is gone with its claim")


def test_a_namespace_at_the_restricted_level_refuses_a_pod_that_may_be_root(cluster: Cluster) -> None:
    with cluster.namespace() as namespace:
        cluster.apply({**pod(), "metadata": {"name": "one", "namespace": namespace}})
        told = refusal(cluster, namespace, pod("two", securityContext={}))
        assert 'violates PodSecurity "restricted:latest"' in told
        assert "runAsNonRoot != true" in told


def test_somebody_without_rights_is_known_and_refused(cluster: Cluster) -> None:
    with new_client_from_config(str(cluster.stranger)) as client:
        api = AuthorizationV1Api(client)
        asked = {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "default"}}}
        assert api.create_self_subject_access_review(asked).status.allowed is False


def test_openshift_has_a_kind_for_constraints_that_returns_null_where_nothing_was_set(openshift: Cluster) -> None:
    name = "malformed"
    constraint = {
        "apiVersion": "security.openshift.io/v1",
        "kind": "SecurityContextConstraints",
        "metadata": {"name": name},
        "priority": None,
        # No uid: nothing on OpenShift refuses this either, and no pod is admitted any more.
        "runAsUser": {"type": "MustRunAs"},
    }
    try:
        openshift.create(constraint)
        stored = openshift.read("security.openshift.io/v1", "SecurityContextConstraints", name)
    finally:
        openshift.delete("security.openshift.io/v1", "SecurityContextConstraints", name)
    assert stored["priority"] is None
    assert stored["runAsUser"] == {"type": "MustRunAs"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"securityContext": {**POD_CONTEXT, "runAsUser": 10001}}, "pod's runAsUser is outside"),
        ({"securityContext": {**POD_CONTEXT, "fsGroup": 0}}, "pod's fsGroup is outside"),
        ({"containers": [{**CONTAINER, "securityContext": {**CONTEXT, "runAsUser": 65534}}]}, "container's runAsUser"),
        ({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, 'violates PodSecurity "restricted:latest"'),
    ],
    ids=["user", "group", "user-of-container", "host"],
)
def test_openshift_refuses_what_restricted_v2_does_not_allow(
    openshift: Cluster, changes: dict[str, Any], told: str
) -> None:
    with openshift.namespace(restricted=False) as namespace:
        openshift.apply({**pod(), "metadata": {"name": "one", "namespace": namespace}})
        assert told in refusal(openshift, namespace, pod("two", **changes))
