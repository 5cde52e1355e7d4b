# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people and programs have put into a namespace: of every kind that the API has, custom ones too."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.observability.claude_code.plugins.module_utils._cluster_reading import Cluster, ClusterError

# Each namespace has these from the cluster itself; the last three roles and two accounts on OpenShift.
BY_ITSELF = {
    "ConfigMap": {"kube-root-ca.crt", "openshift-service-ca.crt"},
    "ServiceAccount": {"default", "builder", "deployer"},
    "RoleBinding": {"system:deployers", "system:image-builders", "system:image-pullers"},
}
# They follow something else, or are only views of it.
FOLLOWERS = {"Event", "Endpoints", "PodMetrics", "PackageManifest"}
ACCOUNT = "kubernetes.io/service-account.name"
COPIED = "olm.copiedFrom"
MANAGED_BY = "app.kubernetes.io/managed-by"


@dataclass
class Contents:
    """``objects`` are {api_version, kind, name, managed_by}; ``unread`` the kinds that could not be listed."""

    objects: list[dict[str, t.Any]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Resource:
    """A kind of things in namespaces, such as apps/v1, deployments, Deployment."""

    api_version: str
    plural: str
    kind: str

    @property
    def everywhere(self) -> tuple[str, str]:
        """The same in all versions: group and kind."""
        return self.api_version.rpartition("/")[0], self.kind

    def path(self, namespace: str) -> str:
        root = "apis" if "/" in self.api_version else "api"
        return f"/{root}/{self.api_version}/namespaces/{namespace}/{self.plural}"


def contents(cluster: Cluster, namespace: str) -> Contents:
    """Raises ClusterError where the API does not even say which kinds it has."""
    found, known = Contents(), set()
    for version in ["v1", *_group_versions(cluster)]:
        try:
            resources = _resources(cluster, version)
        except ClusterError:
            found.unread.append(version)
            continue
        for resource in resources:
            if resource.everywhere in known:
                continue
            known.add(resource.everywhere)
            try:
                items = cluster.items(resource.path(namespace), resource.plural)
            except ClusterError:
                found.unread.append(f"{resource.kind} ({version})")
                continue
            found.objects += [_told(resource, item) for item in items if _is_somebodys(resource.kind, item)]
    return found


def _group_versions(cluster: Cluster) -> list[str]:
    """Of each group, the one that the API prefers first."""
    found = []
    for group in (cluster.find("/apis", "read /apis") or {}).get("groups") or []:
        others = [one["groupVersion"] for one in group["versions"]]
        found += dict.fromkeys([group["preferredVersion"]["groupVersion"], *others])
    return found


def _resources(cluster: Cluster, version: str) -> list[Resource]:
    path = f"/apis/{version}" if "/" in version else f"/api/{version}"
    listed = (cluster.find(path, f"read {path}") or {}).get("resources") or []
    return [
        Resource(version, one["name"], one["kind"])
        for one in listed
        if one.get("namespaced")
        and "/" not in one["name"]
        and "list" in one.get("verbs", [])
        and one["kind"] not in FOLLOWERS
    ]


def _is_somebodys(kind: str, item: t.Mapping[str, t.Any]) -> bool:
    """Neither the cluster's own nor what goes together with its owner."""
    metadata = item["metadata"]
    if metadata.get("ownerReferences") or metadata["name"] in BY_ITSELF.get(kind, ()):
        return False
    account = (metadata.get("annotations") or {}).get(ACCOUNT)
    return account not in BY_ITSELF["ServiceAccount"] and COPIED not in (metadata.get("labels") or {})


def _told(resource: Resource, item: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    metadata = item["metadata"]
    return {
        "api_version": resource.api_version,
        "kind": resource.kind,
        "name": metadata["name"],
        "managed_by": (metadata.get("labels") or {}).get(MANAGED_BY, ""),
    }
