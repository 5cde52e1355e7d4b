# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads and pods as the API of a cluster returns them."""

from __future__ import annotations

from typing import Any

IMAGE = "otel/opentelemetry-collector-contrib:0.158.0"
Json = dict[str, Any]


def workload(image: str = IMAGE, **status: Any) -> Json:
    """A Deployment of two pods, all of them ready unless ``status`` says otherwise."""
    return {
        "kind": "Deployment",
        "metadata": {"name": "otel-collector", "generation": 3},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "otel-collector"}},
            "template": {"spec": {"containers": [{"name": "collector", "image": image}]}},
        },
        "status": {"observedGeneration": 3, "readyReplicas": 2, "updatedReplicas": 2, **status},
    }


def pod(image: str = IMAGE, conditions: Any = (), app: str = "otel-collector", **container: Any) -> Json:
    status = {"name": "collector", "restartCount": 0, "state": {"running": {}}, **container}
    return {
        "metadata": {"name": "otel-collector-1", "labels": {"app": app, "pod-template-hash": "1"}},
        "spec": {"containers": [{"name": "collector", "image": image}]},
        "status": {"conditions": list(conditions), "containerStatuses": [status]},
    }
