# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml and security context constraints that keep pods from being made: which it names, deletes and leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from support.scc import scc

if TYPE_CHECKING:
    from support.cluster import Cluster

GROUP, KIND = "security.openshift.io/v1", "SecurityContextConstraints"
NAMESPACE = "repaired"
OURS, THEIRS = "tests-loki-minio", "tests-somebody-elses"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
# As the chart of MinIO once made it.
MALFORMED = {"runAsUser": {"type": "MustRunAs"}}
REPAIR = ("-e", "scc_repair=delete")


@pytest.fixture
def blocked(openshift: Cluster) -> Iterator[Cluster]:
    """With a malformed SCC that our release of Loki left behind, and two workloads, of which one is Loki's."""
    release = {"meta.helm.sh/release-name": "loki", "meta.helm.sh/release-namespace": NAMESPACE}
    made_by = {"app.kubernetes.io/managed-by": "Helm"}
    with openshift.namespace(NAMESPACE), ExitStack() as gone:
        for name in (OURS, THEIRS):
            gone.callback(openshift.delete, GROUP, KIND, name)
        openshift.create(scc(OURS, uid=None, labels=made_by, annotations=release, **MALFORMED))
        openshift.apply(workload("loki", "loki"), workload("database", "postgresql"))
        yield openshift


def workload(name: str, program: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": program}
    # None are made: what others may not make cannot be told apart from what the constraints block.
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "x.invalid/x:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {"replicas": 0, "serviceName": name, "selector": {"matchLabels": labels}, "template": template},
    }


def site(cluster: Cluster, *arguments: str) -> str:
    """As far as it goes before the first component."""
    return cluster.playbook(
        "site.yml",
        *("--tags", "always", *arguments),
        stack_flavor="openshift",
        stack_namespace=NAMESPACE,
        stack_existing=["prometheus", "loki", "grafana"],
        stack_grafana_url="https://grafana.example.com",
        stack_grafana_token="a-token-for-somebody-elses-grafana",
        grafana_manage_data_sources=False,
    )


def refusal(cluster: Cluster, *arguments: str) -> str:
    with pytest.raises(pytest.fail.Exception) as failure:
        site(cluster, *arguments)
    return " ".join(str(failure.value).split())


def there(cluster: Cluster) -> set[str]:
    return {name for name in (OURS, THEIRS) if cluster.read(GROUP, KIND, name)}


def restarted(cluster: Cluster) -> set[str]:
    """The workloads whose pods were started anew."""
    found = {name: cluster.read("apps/v1", "StatefulSet", name, NAMESPACE) for name in ("loki", "database")}
    templates = {name: one["spec"]["template"]["metadata"] for name, one in found.items() if one}
    return {name for name, metadata in templates.items() if RESTARTED in (metadata.get("annotations") or {})}


def test_one_of_ours_is_named_and_on_request_deleted(blocked: Cluster) -> None:
    blocked.create(scc(THEIRS, uid=None))
    told = refusal(blocked)
    assert OURS in told
    assert THEIRS not in told
    assert "-e scc_repair=delete" in told
    assert there(blocked) == {OURS, THEIRS}

    site(blocked, *REPAIR)
    assert there(blocked) == {THEIRS}
    assert restarted(blocked) == {"loki"}


def test_one_of_somebody_else_is_deleted_only_by_its_name(blocked: Cluster) -> None:
    blocked.create(scc(THEIRS, uid=None, **MALFORMED))
    told = refusal(blocked, *REPAIR)
    assert THEIRS in told
    # It was not changed by half: the next run still knows that Loki waits.
    assert there(blocked) == {OURS, THEIRS}
    assert restarted(blocked) == set()

    site(blocked, *REPAIR, "-e", f'{{"scc_names": ["{THEIRS}"]}}')
    assert there(blocked) == set()
    assert restarted(blocked) == {"loki"}
