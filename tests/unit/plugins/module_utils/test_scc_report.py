# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of malformed constraints: whose they are, what to do, and the sentence on top."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._scc_blocks import Namespaces
from ansible_collections.observability.claude_code.plugins.module_utils._scc_report import Constraints, judge
from support.scc import namespace, scc

NO_UID = {"runAsUser": {"type": "MustRunAs"}}
NO_RANGE = {"runAsUser": {"type": "MustRunAsRange"}}
BY_HELM = {"meta.helm.sh/release-name": "loki", "meta.helm.sh/release-namespace": "monitoring"}
OF_MINIO = {"app": "minio", "chart": "minio-4.1.0", "release": "loki", "heritage": "Helm"}


def judged(*sccs: Any, namespaces: Any = ()) -> dict[str, Any]:
    return judge([Constraints(one) for one in sccs], Namespaces.of(namespaces))


def problem(*sccs: Any, namespaces: Any = ()) -> dict[str, Any]:
    (found,) = judged(*sccs, namespaces=namespaces)["problems"]
    return found


def test_what_minios_chart_left_behind_is_taken_away_in_the_right_order() -> None:
    found = problem(scc("loki-minio", labels=OF_MINIO, annotations=BY_HELM, **NO_UID))
    assert found["message"] == (
        "runAsUser.type is MustRunAs, which requires a uid, and there is none. "
        "While it is so, no new pod is admitted in any namespace."
    )
    steps = [
        "minio.securityContext.enabled=false in the values of the Helm release loki first",
        "oc delete scc loki-minio",
        "oc rollout restart statefulset,deployment -n monitoring -l app.kubernetes.io/name=loki",
    ]
    places = [found["remedy"].index(step) for step in steps]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("loki-minio", None),
        ("x", {"helm.sh/chart": "minio-5.4.0"}),
        ("x", {"app": "minio"}),
        ("x", {"chart": "minio-4.1.0"}),
    ],
)
def test_minios_constraints_are_known_by_any_of_their_marks(name: str, labels: Any) -> None:
    assert "minio.securityContext.enabled=false" in problem(scc(name, labels=labels, **NO_UID))["remedy"]
    assert "render the chart again" in problem(scc(name, labels=labels, uid=None, **NO_UID))["remedy"]


def test_what_a_chart_made_is_corrected_where_it_comes_from() -> None:
    found = problem(scc("other", annotations=BY_HELM, **NO_UID))
    assert found["remedy"] == (
        "Set runAsUser.uid to the user's number, or runAsUser.type to MustRunAsRange or RunAsAny, "
        "by the values of the Helm release loki, or an upgrade brings it back."
    )


def test_what_nobody_owns_is_corrected_by_hand() -> None:
    assert problem(scc("own", **NO_UID))["remedy"].endswith(" or RunAsAny (oc edit scc own).")
    assert problem(scc("own", uid=None, **NO_UID))["remedy"].endswith(" or RunAsAny.")


@pytest.mark.parametrize(
    ("labels", "annotations", "owner"),
    [
        (None, None, {}),
        (OF_MINIO, None, {"managed_by": "Helm", "chart": "minio-4.1.0", "release": "loki"}),
        (
            OF_MINIO,
            BY_HELM,
            {"managed_by": "Helm", "chart": "minio-4.1.0", "release": "loki", "release_namespace": "monitoring"},
        ),
        (
            {
                "app.kubernetes.io/managed-by": "Helm",
                "app.kubernetes.io/instance": "loki",
                "helm.sh/chart": "loki-20.0.0",
            },
            None,
            {"managed_by": "Helm", "chart": "loki-20.0.0", "release": "loki"},
        ),
        ({"app.kubernetes.io/instance": "argo", "release": "argo"}, None, {}),
        (
            {"app.kubernetes.io/part-of": "claude-code-observability", "app.kubernetes.io/managed-by": "x"},
            None,
            {"part_of": "claude-code-observability", "managed_by": "x"},
        ),
        ({"release": 5, "heritage": "Helm"}, {"meta.helm.sh/release-name": None}, {"managed_by": "Helm"}),
    ],
)
def test_who_made_it_is_told_as_far_as_it_says(labels: Any, annotations: Any, owner: dict[str, str]) -> None:
    nobody = dict.fromkeys(["managed_by", "part_of", "chart", "release", "release_namespace"], "")
    found = problem(scc("any", labels=labels, annotations=annotations, **NO_UID))
    assert found["owner"] == {**nobody, **owner}


def test_a_fault_of_namespaces_is_mended_in_them() -> None:
    broken = namespace("b", {"uid-range": "x", "mcs": "s0"})
    found = problem(scc("restricted", annotations=BY_HELM, **NO_RANGE), namespaces=[broken, namespace("a", {})])
    assert found["namespaces"] == ["a", "b"]
    assert found["message"] == (
        "It takes the range of users from the annotation openshift.io/sa.scc.uid-range of the pod's namespace, which "
        "is of no use in a (lacks it), b ('x' is no block like 1000650000/10000 or 1000650000-1000659999)."
    )
    assert found["remedy"].startswith("Mend the namespaces, not the SCC")
    assert "openshift.io/sa.scc.uid-range- openshift.io/sa.scc.supplemental-groups-" in found["remedy"]
    assert "oc delete" not in found["remedy"]


def test_many_namespaces_are_all_listed_and_few_are_spelt_out() -> None:
    names = [f"n{number:04}" for number in range(2000)]
    result = judged(scc("restricted", **NO_RANGE), namespaces=[namespace(name, {}) for name in names])
    (found,) = result["problems"]
    assert found["namespaces"] == names
    assert found["message"].endswith("n0004 (lacks it), 1995 more.")
    assert result["summary"].endswith(
        "no new pod is admitted in n0000, n0001, n0002, n0003, n0004 and 1995 more because of their annotations."
    )


@pytest.mark.parametrize(
    ("sccs", "summary"),
    [
        ([], "0 SecurityContextConstraints and 1 namespaces: nothing keeps pods from being admitted."),
        (
            [scc("good"), scc("a", **NO_UID), scc("b", fsGroup={"type": "MustRunAs", "ranges": [{}]})],
            "3 SecurityContextConstraints and 1 namespaces: no new pod is admitted in any namespace because of "
            "a (runAsUser.uid); 1 warning.",
        ),
        (
            [scc("a", **NO_UID), scc("restricted", **NO_RANGE)],
            "2 SecurityContextConstraints and 1 namespaces: no new pod is admitted in any namespace because of "
            "a (runAsUser.uid); no new pod is admitted in bare because of their annotations.",
        ),
    ],
)
def test_the_summary_says_what_it_comes_to(sccs: list[Any], summary: str) -> None:
    assert judged(*sccs, namespaces=[namespace("bare", {})])["summary"] == summary


def test_what_is_no_object_is_told_as_such() -> None:
    found = problem(["restricted"])
    assert (found["scc"], found["field"]) == ("(without a name)", "")
    assert found["message"].startswith("It is a list, not an object.")
