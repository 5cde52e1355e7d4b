# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scc_info against a real API server, which stores a malformed SCC as OpenShift's does."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ansible_collections.observability.claude_code.plugins.modules import scc_info
from support.checkout import run
from support.modules import run_module
from support.scc import HEALTHY, namespace, scc

if TYPE_CHECKING:
    from support.cluster import Cluster

MODULE = "observability.claude_code.scc_info"


def task(cluster: Cluster, **options: Any) -> dict[str, Any]:
    """The result of the module in a task of its own."""
    interpreter = ["-e", f"ansible_python_interpreter={sys.executable}"]
    command = ["ansible", "localhost", "-c", "local", "-m", MODULE, "-a", json.dumps(options), *interpreter]
    printed = run(*command, env=cluster.environment(ANSIBLE_CALLBACK_RESULT_FORMAT="json"))
    return json.loads(printed[printed.index("{") :])


def test_plain_kubernetes_has_no_constraints(cluster: Cluster) -> None:
    result = run_module(scc_info, kubeconfig=str(cluster.kubeconfig))
    assert (result["available"], result["valid"]) == (False, True)
    assert result["summary"] == "The cluster has no SecurityContextConstraints; only OpenShift has."


def test_a_malformed_one_that_the_api_took_is_found(openshift: Cluster) -> None:
    labels = {"app": "minio", "chart": "minio-4.1.0", "release": "loki", "heritage": "Helm"}
    malformed = scc("tests-minio", uid=None, labels=labels, runAsUser={"type": "MustRunAs"}, priority=None)
    taking = scc("tests-restricted", uid=None, runAsUser={"type": "MustRunAsRange"}, priority=None)
    healthy, broken = "tests-scc-healthy", "tests-scc-broken"
    with ExitStack() as gone:
        for one in (malformed, taking):
            gone.callback(openshift.delete, one["apiVersion"], one["kind"], one["metadata"]["name"])
            assert openshift.create(one)["priority"] is None
        for name in (healthy, broken):
            gone.callback(openshift.delete, "v1", "Namespace", name)
            openshift.apply(namespace(name, uid=None))
        # Only afterwards: the cluster writes what is right when a namespace is made.
        openshift.apply(namespace(broken, {**HEALTHY, "uid-range": "from 1000"}, uid=None))
        result = task(openshift, kubeconfig=str(openshift.kubeconfig), namespaces=[healthy, broken])
        everywhere = run_module(scc_info, kubeconfig=str(openshift.kubeconfig))
    assert (result["changed"], result["available"], result["valid"]) == (False, True, False)
    assert [(one["scc"], one["field"], one["namespaces"]) for one in result["problems"]] == [
        ("tests-minio", "runAsUser.uid", []),
        ("tests-restricted", "runAsUser", [broken]),
    ]
    assert (result["namespaces_checked"], result["problems"][0]["owner"]["release"]) == (2, "loki")
    # These were made before the test cluster had anything of OpenShift.
    affected = everywhere["problems"][1]["namespaces"]
    assert {"default", "kube-system", broken} <= set(affected)
    assert healthy not in affected


def test_who_may_not_list_them_is_told_what_to_grant(openshift: Cluster) -> None:
    result = run_module(scc_info, kubeconfig=str(openshift.stranger))
    assert "does not let this user list securitycontextconstraints.security.openshift.io (403: " in result["msg"]
    assert 'cannot list resource "securitycontextconstraints" in API group "security.openshift.io"' in result["msg"]
