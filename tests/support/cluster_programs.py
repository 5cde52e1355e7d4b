# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the test cluster, from Go modules, in the same cache as those that the roles build."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils._go_build import Cache, Recipe, build
from support.checkout import CHECKOUT

SOURCES = CHECKOUT / "tests" / "files" / "kubernetes"
HELM, KWOK = "helm.sh/helm/v3", "sigs.k8s.io/kwok"
# Without inlining and DWARF there is less to compile, and the tests do not need their speed.
COMPILER = "-l -dwarf=false"
# As roles/stack has it.
PROGRAMS = Path("~/.cache/claude-code-observability").expanduser()


@dataclass(frozen=True)
class Programs:
    """Files. ``kube`` is etcd, kube-apiserver, kube-controller-manager and kube-scheduler by its first argument."""

    kube: Path
    helm: Path
    kwok: Path
    kubectl: Path


def programs() -> Programs:
    """Built where they are missing, which takes minutes; who asks meanwhile waits for the same build."""
    built = build(recipe(), Cache(str(PROGRAMS))).programs
    return Programs(*(Path(built[name]) for name in ("kube", "helm", "kwok", "kubectl")))


def recipe() -> Recipe:
    """All come from one module, so what they have in common is compiled once."""
    files = {path.name: path.read_text() for path in sorted((SOURCES / "programs").iterdir())}
    kubernetes, helm = _version(files, "k8s.io/kubernetes"), _version(files, HELM)
    major, minor, _patch = kubernetes.split(".")
    # Their own releases are linked so. Charts refuse a server, and a Helm, whose version says nothing.
    names = {
        "k8s.io/component-base/version.gitVersion": f"v{kubernetes}",
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/component-base/version.gitTreeState": "clean",
        f"{HELM}/internal/version.version": f"v{helm}",
        f"{HELM}/pkg/chartutil.k8sVersionMajor": major,
        f"{HELM}/pkg/chartutil.k8sVersionMinor": minor,
        f"{HELM}/pkg/lint/rules.k8sVersionMajor": major,
        f"{HELM}/pkg/lint/rules.k8sVersionMinor": minor,
    }
    return Recipe(
        name="claude-code-tests-cluster",
        version=kubernetes,
        files=files,
        packages=[".", f"{HELM}/cmd/helm", f"{KWOK}/cmd/kwok", "k8s.io/kubernetes/cmd/kubectl"],
        programs=["kube", "helm", "kwok", "kubectl"],
        gcflags=COMPILER,
        ldflags=" ".join(["-s -w", *(f"-X {name}={value}" for name, value in names.items())]),
    )


def _version(files: dict[str, str], module: str) -> str:
    """Without its v."""
    found = re.search(rf"^\s*{re.escape(module)} v(\S+)", files["go.mod"], flags=re.MULTILINE)
    assert found, f"go.mod requires no {module}"
    return found[1]
