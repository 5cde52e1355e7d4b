# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on all SecurityContextConstraints of a cluster or of manifests, as scc_info returns it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._scc import ERROR, Fault, faults
from ansible_collections.observability.claude_code.plugins.module_utils._scc_blocks import (
    GROUPS,
    NOBODY,
    UID_RANGE,
    Namespaces,
    mapping,
)

CLUSTER, NAMESPACES = "cluster", "namespaces"
SHOWN = 5

Json = dict[str, t.Any]


@dataclass(frozen=True)
class Constraints:
    """One SCC as JSON, and where it was read from, ``""`` for the cluster."""

    content: t.Any
    source: str = ""

    @property
    def metadata(self) -> t.Mapping[str, t.Any]:
        return mapping(mapping(self.content).get("metadata"))

    @property
    def name(self) -> str:
        return _text(self.metadata, "name") or "(without a name)"

    @property
    def stored(self) -> bool:
        """Whether a cluster has it. Only then does it carry a uid."""
        return bool(self.metadata.get("uid"))

    def owner(self) -> Json:
        """Who made it, as far as labels and annotations tell; texts, empty where they do not."""
        annotations, labels = mapping(self.metadata.get("annotations")), mapping(self.metadata.get("labels"))
        # Older charts have labels of their own, and `helm template` writes no annotations.
        managed_by = _text(labels, "app.kubernetes.io/managed-by", "heritage")
        by_label = _text(labels, "release", "app.kubernetes.io/instance") if managed_by in ("Helm", "Tiller") else ""
        return {
            "managed_by": managed_by,
            "part_of": _text(labels, "app.kubernetes.io/part-of"),
            "chart": _text(labels, "helm.sh/chart", "chart"),
            "release": _text(annotations, "meta.helm.sh/release-name") or by_label,
            "release_namespace": _text(annotations, "meta.helm.sh/release-namespace"),
        }


def judge(constraints: t.Iterable[Constraints], namespaces: Namespaces) -> Json:
    """``sccs``, ``problems``, ``valid``, ``checked``, ``namespaces_checked`` and ``summary``; see scc_info's RETURN."""
    sccs = [_judged(one, namespaces) for one in constraints]
    problems = [problem for scc in sccs for problem in scc["problems"]]
    return {
        "sccs": sccs,
        "problems": problems,
        "valid": all(scc["valid"] for scc in sccs),
        "checked": len(sccs),
        "namespaces_checked": namespaces.count,
        "summary": _summary(len(sccs), namespaces.count, problems),
    }


def _judged(one: Constraints, namespaces: Namespaces) -> Json:
    found, owner = faults(one.content, one.stored), one.owner()
    problems = [
        _problem(one, owner, fault, namespaces)
        for fault in found
        if fault.source is None or namespaces.affected(fault.source).names
    ]
    return {
        "name": one.name,
        "source": one.source,
        "valid": not any(problem["severity"] == ERROR for problem in problems),
        "annotations": sorted({fault.source for fault in found if fault.source}),
        "owner": owner,
        "problems": problems,
    }


def _problem(one: Constraints, owner: Json, fault: Fault, namespaces: Namespaces) -> Json:
    message, remedy, affected = fault.message, _remedy(one, owner, fault), NOBODY
    if fault.source:
        affected = namespaces.affected(fault.source)
        message += f", which is of no use in {affected.words}."
        remedy = _remedy_of_namespaces(fault.source)
    elif fault.severity == ERROR:
        when = "While it is so" if one.stored else "Once it is applied"
        message += f" {when}, no new pod is admitted in any namespace."
    return {
        "scc": one.name,
        "field": fault.field,
        "severity": fault.severity,
        "scope": NAMESPACES if fault.source else CLUSTER,
        "namespaces": affected.names,
        "message": message,
        "remedy": remedy,
        "source": one.source,
        "owner": owner,
    }


def _remedy(one: Constraints, owner: Json, fault: Fault) -> str:
    name, release = one.name, owner["release"]
    if fault.severity == ERROR and _is_minio(one):
        first = "Set minio.securityContext.enabled=false in the values"
        if not one.stored:
            return f"{first} and render the chart again."
        return (
            f"{first} of the Helm release {release or 'it came with'} first, or an upgrade brings it back. Then delete "
            f"it (oc delete scc {name}), and restart Loki's workloads, whose pods were refused (oc rollout restart "
            f"statefulset,deployment -n {owner['release_namespace'] or 'NAMESPACE'} -l app.kubernetes.io/name=loki)."
        )
    if release:
        return f"{fault.remedy}, by the values of the Helm release {release}, or an upgrade brings it back."
    if one.stored:
        return f"{fault.remedy} (oc edit scc {name})."
    return f"{fault.remedy}."


def _remedy_of_namespaces(source: str) -> str:
    # OpenShift allocates all of them for a namespace without a range of users, and keeps a level that is there.
    taken = dict.fromkeys([UID_RANGE, GROUPS, source])
    return (
        f"Mend the namespaces, not the SCC: write back the value that {source} had, so that files keep their owners; "
        f"or take it off, and OpenShift allocates anew (oc annotate namespace NAME {' '.join(f'{a}-' for a in taken)})."
    )


def _is_minio(one: Constraints) -> bool:
    labels = mapping(one.metadata.get("labels"))
    chart = _text(labels, "helm.sh/chart", "chart")
    return chart.startswith("minio-") or _text(labels, "app") == "minio" or one.name.endswith("-minio")


def _summary(checked: int, namespaces: int, problems: t.Sequence[Json]) -> str:
    what = f"{checked} SecurityContextConstraints" + (f" and {namespaces} namespaces" if namespaces else "")
    errors = [problem for problem in problems if problem["severity"] == ERROR]
    blocking = dict.fromkeys(f"{one['scc']} ({one['field']})" for one in errors if one["scope"] == CLUSTER)
    affected = sorted({name for one in errors for name in one["namespaces"]})
    warnings = len(problems) - len(errors)
    admitted = "would be" if any(one["source"] for one in errors) else "is"
    found = []
    if blocking:
        found.append(f"no new pod {admitted} admitted in any namespace because of {_some(blocking)}")
    if affected:
        found.append(f"no new pod {admitted} admitted in {_some(affected)} because of their annotations")
    if warnings:
        found.append(f"{warnings} {'warning' if warnings == 1 else 'warnings'}")
    return f"{what}: {'; '.join(found) or 'nothing keeps pods from being admitted'}."


def _some(names: t.Collection[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(list(names)[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _text(values: t.Mapping[str, t.Any], *keys: str) -> str:
    """The first of these that is a text and not empty."""
    found = (values.get(key) for key in keys)
    return next((value for value in found if isinstance(value, str) and value), "")
