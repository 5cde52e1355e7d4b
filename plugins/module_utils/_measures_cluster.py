# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements of what the API of a cluster says about the stack's workloads, their pods and the cluster's SCCs."""

from __future__ import annotations

import datetime
import time
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, SkipCheck

Json = t.Mapping[str, t.Any]

# A container that started again this often, and the last time this short ago, is in a loop.
LOOP_RESTARTS, LOOP_S = 2, 900.0


class ClusterMeasures:
    """``workloads``, ``pods``: as the API has them. ``images``: what a container is to run, by name.

    ``sccs``: the problems that scc_info found; None where the cluster has no such constraints.
    """

    def __init__(
        self,
        workloads: t.Sequence[Json],
        pods: t.Sequence[Json],
        images: t.Mapping[str, str],
        sccs: t.Sequence[Json] | None,
        now: float | None = None,
    ) -> None:
        self.all, self.pods, self.pinned, self.sccs = workloads, pods, images, sccs
        self.now = time.time() if now is None else now

    def vocabulary(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"workloads": self.workloads, "scc": self.scc}

    def workloads(self, what: str) -> dict[str, str]:
        """``unready``, ``images`` or ``restarting``: what is wrong, by the name of the workload or container."""
        words: dict[str, t.Callable[[], dict[str, str]]] = {
            "unready": self.unready,
            "images": self.images,
            "restarting": self.restarting,
        }
        if what not in words:
            raise MeasureError(f"workloads knows {', '.join(words)}, not {what!r}.")
        if not self.all:
            raise MeasureError("The namespace has no workload of the stack. Run the site playbook.")
        return words[what]()

    def unready(self) -> dict[str, str]:
        """The workloads that lack pods, and why as far as the API knows."""
        found = {}
        for workload in self.all:
            spec, status = workload.get("spec") or {}, workload.get("status") or {}
            wanted = spec.get("replicas", 1)
            current = status.get("observedGeneration", 0) >= (workload["metadata"].get("generation") or 0)
            ready = min(status.get("readyReplicas") or 0, status.get("updatedReplicas") or 0) if current else 0
            if ready < wanted:
                reasons = [*_failures(status), *(text for pod in self._pods_of(workload) for text in _waits(pod))]
                why = f": {'; '.join(dict.fromkeys(reasons))}" if reasons else ""
                found[_title(workload)] = f"{ready} of {wanted} pods are ready{why}"
        return found

    def images(self) -> dict[str, str]:
        """The containers whose image is not the one that is pinned, or has no version that stays the same."""
        found = {}
        for workload in self.all:
            wanted = {one["name"]: one["image"] for one in _containers(workload["spec"]["template"])}
            for name, image in wanted.items():
                pinned = self.pinned.get(name)
                if pinned and image != pinned:
                    found[f"{_title(workload)} {name}"] = f"{image} instead of {pinned}"
                elif not _has_version(image):
                    found[f"{_title(workload)} {name}"] = f"{image} may become another one"
            for pod in self._pods_of(workload):
                for one in _containers(pod):
                    if one["name"] in wanted and one["image"] != wanted[one["name"]]:
                        found[f"pod {pod['metadata']['name']} {one['name']}"] = f"still runs {one['image']}"
        return found

    def restarting(self) -> dict[str, str]:
        """The containers that end again and again, with how the last one did."""
        found = {}
        for pod in (pod for workload in self.all for pod in self._pods_of(workload)):
            status = pod.get("status") or {}
            for one in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
                last = (one.get("lastState") or {}).get("terminated") or {}
                waiting = (one.get("state") or {}).get("waiting") or {}
                restarts = one.get("restartCount") or 0
                lately = last.get("finishedAt") and self.now - _moment(last["finishedAt"]) < LOOP_S
                if waiting.get("reason") == "CrashLoopBackOff" or (restarts >= LOOP_RESTARTS and lately):
                    how = f", the last time {last.get('reason')} with exit code {last.get('exitCode')}" if last else ""
                    found[f"pod {pod['metadata']['name']} {one['name']}"] = f"restarts: {restarts}{how}"
        return found

    def scc(self, _all: str) -> dict[str, str]:
        """The faults of security context constraints that keep pods from being made."""
        if self.sccs is None:
            raise SkipCheck("This cluster has no security context constraints; only OpenShift has.")
        return {
            f"{problem['scc']} {problem['field']}": problem["message"]
            for problem in self.sccs
            if problem["severity"] == "error"
        }

    def _pods_of(self, workload: Json) -> list[Json]:
        """Those that its selector names and that are not on their way out."""
        wanted = ((workload["spec"].get("selector") or {}).get("matchLabels") or {}).items()
        return [
            pod
            for pod in self.pods
            if wanted
            and wanted <= (pod["metadata"].get("labels") or {}).items()
            and not pod["metadata"].get("deletionTimestamp")
        ]


def _title(workload: Json) -> str:
    return f"{workload.get('kind', 'workload')} {workload['metadata']['name']}"


def _containers(template: Json) -> list[Json]:
    spec = template["spec"]
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def _has_version(image: str) -> bool:
    if "@" in image:
        return True
    _name, colon, tag = image.rpartition("/")[2].partition(":")
    return bool(colon) and tag not in ("", "latest")


def _failures(status: Json) -> list[str]:
    """Why pods are not even made, such as the words of an admission that refused them."""
    return [
        one["message"]
        for one in status.get("conditions") or []
        if one.get("type") == "ReplicaFailure" and one.get("status") == "True"
    ]


def _waits(pod: Json) -> t.Iterator[str]:
    """Why a pod is not scheduled, or what its containers wait for."""
    status = pod.get("status") or {}
    for one in status.get("conditions") or []:
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            yield one.get("message") or one.get("reason") or "not scheduled"
    for one in status.get("containerStatuses") or []:
        waiting = (one.get("state") or {}).get("waiting") or {}
        if waiting:
            yield ": ".join(text for text in (waiting.get("reason"), waiting.get("message")) if text)


def _moment(text: str) -> float:
    """Seconds since 1970 of a time of the API, such as 2026-01-31T12:00:00Z."""
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
