# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where SecurityContextConstraints and namespaces come from: the API of a cluster, or manifests."""

from __future__ import annotations

import typing as t
import urllib.parse

from ansible_collections.observability.claude_code.plugins.module_utils._cluster_reading import Cluster, ForbiddenError
from ansible_collections.observability.claude_code.plugins.module_utils._manifests import Manifest
from ansible_collections.observability.claude_code.plugins.module_utils._scc_blocks import Namespaces
from ansible_collections.observability.claude_code.plugins.module_utils._scc_report import Constraints

GROUP_VERSION, PLURAL, KIND = "security.openshift.io/v1", "securitycontextconstraints", "SecurityContextConstraints"

Found = tuple[list[Constraints], Namespaces]


def of_cluster(cluster: Cluster, names: t.Collection[str] | None) -> Found | None:
    """All constraints, and the namespaces with these names or all; None where the cluster has no such constraints."""
    if not cluster.serves(GROUP_VERSION, PLURAL):
        return None
    items = cluster.items(f"/apis/{GROUP_VERSION}/{PLURAL}", f"{PLURAL}.security.openshift.io")
    return [Constraints(item) for item in items], Namespaces.of(_namespaces(cluster, names))


def of_manifests(manifests: t.Iterable[Manifest], names: t.Collection[str] | None) -> Found:
    """Those among the objects; of the namespaces those with these names or all."""
    manifests = list(manifests)
    constraints = [
        Constraints(one.content, one.source)
        for one in manifests
        # v1 alone was their group once, and some charts still write it.
        if one.kind == KIND and (one.api_version == "v1" or one.api_version.startswith("security.openshift.io/"))
    ]
    things = [one.content for one in manifests if one.kind == "Namespace" and one.api_version == "v1"]
    return constraints, Namespaces.of(things, names)


def _namespaces(cluster: Cluster, names: t.Collection[str] | None) -> list[t.Any]:
    if names is not None:
        paths = [f"/api/v1/namespaces/{urllib.parse.quote(name, safe='')}" for name in dict.fromkeys(names)]
        found = [cluster.find(path, "get namespaces") for path in paths]
        return [one for one in found if one is not None]
    try:
        return cluster.items("/api/v1/namespaces", "namespaces")
    except ForbiddenError as error:
        raise ForbiddenError(
            f"{error} Or name the namespaces that matter in namespaces; each is then read alone."
        ) from None
