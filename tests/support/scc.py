# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of SecurityContextConstraints and verdicts in tests/files/scc.

A case overrides fields of an SCC that is right and ``says`` what it shows. ``namespaces`` are those it is judged in,
with their annotations, named without the prefix. ``wanted`` is a problem a field: its severity, or the namespaces that
are affected. ``planned``: all are manifests, which no cluster has. ``takes``: the annotations that the SCC reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "files" / "scc"
PREFIX = "openshift.io/sa.scc."
HEALTHY = {"uid-range": "1000650000/10000", "supplemental-groups": "1000650000/10000", "mcs": "s0:c26,c5"}
RIGHT = {
    "allowHostDirVolumePlugin": False,
    "allowHostIPC": False,
    "allowHostNetwork": False,
    "allowHostPID": False,
    "allowHostPorts": False,
    "allowPrivilegedContainer": False,
    "allowedCapabilities": [],
    "defaultAddCapabilities": [],
    "fsGroup": {"type": "RunAsAny"},
    "groups": [],
    "priority": None,
    "readOnlyRootFilesystem": False,
    "requiredDropCapabilities": [],
    "runAsUser": {"type": "RunAsAny"},
    "seLinuxContext": {"type": "RunAsAny"},
    "supplementalGroups": {"type": "RunAsAny"},
    "users": [],
    "volumes": ["configMap", "secret"],
}


def scc(name: str, *, uid: str | None = "a-uid", labels: Any = None, annotations: Any = None, **fields: Any) -> dict:
    """One as the API gives it, all right but for the ``fields``; without ``uid`` as in a manifest."""
    metadata = {"name": name, "uid": uid, "labels": labels, "annotations": annotations}
    return {
        "apiVersion": "security.openshift.io/v1",
        "kind": "SecurityContextConstraints",
        "metadata": {key: value for key, value in metadata.items() if value is not None},
        **RIGHT,
        **fields,
    }


def namespace(name: str, annotations: Any = HEALTHY, *, uid: str | None = "a-uid", **metadata: Any) -> dict:
    """One with these annotations, their names without the prefix."""
    named = (
        {PREFIX + key: value for key, value in annotations.items()} if isinstance(annotations, dict) else annotations
    )
    given = {"name": name, "uid": uid, "annotations": named, **metadata}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {key: one for key, one in given.items() if one}}


@dataclass(frozen=True)
class Case:
    file: str
    says: str
    scc: dict[str, Any]
    namespaces: dict[str, Any] = field(default_factory=lambda: {"good": HEALTHY})
    wanted: dict[str, Any] = field(default_factory=dict)
    planned: bool = False
    takes: list[str] | None = None

    def __str__(self) -> str:
        return f"{self.file}: {self.says}"

    @property
    def constraints(self) -> dict[str, Any]:
        return scc("case", uid=None if self.planned else "a-uid", **self.scc)

    @property
    def things(self) -> list[dict[str, Any]]:
        uid = None if self.planned else "a-uid"
        return [namespace(name, annotations, uid=uid) for name, annotations in self.namespaces.items()]


def cases() -> list[Case]:
    return [
        Case(path.stem, **case) for path in sorted(FOLDER.glob("*.yml")) for case in yaml.safe_load(path.read_text())
    ]
