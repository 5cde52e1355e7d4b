# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, SkipCheck
from ansible_collections.observability.claude_code.plugins.module_utils._measures_cluster import ClusterMeasures
from support.cluster_objects import IMAGE, Json, pod, workload

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


def measured(what: str, workloads: list[Json], pods: list[Json], images: Json | None = None) -> dict[str, str]:
    return ClusterMeasures(workloads, pods, images or {}, None, NOW).workloads(what)


@pytest.mark.parametrize("what", ["unready", "images", "restarting"])
def test_a_stack_that_is_well_has_nothing_wrong(what: str) -> None:
    assert measured(what, [workload()], [pod()], {"collector": IMAGE}) == {}


@pytest.mark.parametrize("what", ["unready", "images", "restarting"])
def test_no_workload_at_all_is_not_well(what: str) -> None:
    with pytest.raises(MeasureError, match="no workload of the stack"):
        measured(what, [], [pod()])


REFUSED = {"type": "ReplicaFailure", "status": "True", "message": "pods are forbidden: unable to validate"}
NO_ROOM = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}


@pytest.mark.parametrize(
    ("status", "pods", "said"),
    [
        ({"readyReplicas": 1}, [], "1 of 2 pods are ready"),
        ({"readyReplicas": None, "updatedReplicas": None}, [], "0 of 2 pods are ready"),
        ({"observedGeneration": 2}, [], "0 of 2 pods are ready"),
        ({"updatedReplicas": 1}, [], "1 of 2 pods are ready"),
        (
            {"readyReplicas": 0, "conditions": [REFUSED]},
            [],
            "0 of 2 pods are ready: pods are forbidden: unable to validate",
        ),
        ({"readyReplicas": 1}, [pod(conditions=[NO_ROOM])], "1 of 2 pods are ready: 0/3 nodes are available"),
        (
            {"readyReplicas": 1},
            [pod(state={"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})],
            "1 of 2 pods are ready: ImagePullBackOff: no such image",
        ),
        ({"readyReplicas": 1}, [pod(conditions=[NO_ROOM], app="another")], "1 of 2 pods are ready"),
    ],
    ids=str,
)
def test_a_workload_that_lacks_pods_is_named_with_the_reason(status: Json, pods: list[Json], said: str) -> None:
    assert measured("unready", [workload(**status)], pods) == {"Deployment otel-collector": said}


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("collector:0.9", f"collector:0.9 instead of {IMAGE}"),
        ("registry.example.com:5000/collector", f"registry.example.com:5000/collector instead of {IMAGE}"),
    ],
)
def test_an_image_that_is_not_the_pinned_one_is_named(image: str, said: str) -> None:
    found = measured("images", [workload(image)], [], {"collector": IMAGE})
    assert found == {"Deployment otel-collector collector": said}


@pytest.mark.parametrize(
    "image", ["collector", "collector:latest", "registry.example.com:5000/collector", "registry.example.com:5000/c:"]
)
def test_an_image_without_a_version_is_named(image: str) -> None:
    assert measured("images", [workload(image)], []) == {
        "Deployment otel-collector collector": f"{image} may become another one"
    }


@pytest.mark.parametrize(
    "image", ["registry.example.com:5000/collector:1", "collector@sha256:0123", "c:latest@sha256:01"]
)
def test_an_image_with_a_version_or_digest_is_well(image: str) -> None:
    assert measured("images", [workload(image)], [pod(image)]) == {}


def test_a_pod_of_an_older_image_is_named_unless_it_is_on_its_way_out() -> None:
    old = pod("collector:0.9")
    assert measured("images", [workload()], [old]) == {"pod otel-collector-1 collector": "still runs collector:0.9"}
    old["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z"
    assert measured("images", [workload()], [old]) == {}


KILLED = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2027-01-15T07:50:00Z"}}
LONG_AGO = {"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": "2027-01-15T05:00:00Z"}}


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"restartCount": 5, "lastState": KILLED}, "restarts: 5, the last time OOMKilled with exit code 137"),
        ({"restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}, "restarts: 1"),
        ({"restartCount": 1, "lastState": KILLED}, None),
        ({"restartCount": 9, "lastState": LONG_AGO}, None),
    ],
)
def test_a_container_in_a_loop_is_named_and_one_that_recovered_is_not(container: Json, said: str | None) -> None:
    found = measured("restarting", [workload()], [pod(**container)])
    assert found == ({"pod otel-collector-1 collector": said} if said else {})


def test_faults_of_sccs_are_named_and_warnings_are_not() -> None:
    fault = {"scc": "minio", "field": "runAsUser.uid", "severity": "error", "message": "MustRunAs needs a uid."}
    warning = {**fault, "severity": "warning", "field": "fsGroup"}
    assert ClusterMeasures([], [], {}, [fault, warning], NOW).scc("all") == {
        "minio runAsUser.uid": "MustRunAs needs a uid."
    }


def test_a_cluster_without_sccs_is_skipped() -> None:
    with pytest.raises(SkipCheck, match="only OpenShift has"):
        ClusterMeasures([], [], {}, None, NOW).scc("all")
