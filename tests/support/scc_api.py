# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks scc_info of an API that answers what a test tells it to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.observability.claude_code.plugins.modules import scc_info
from support.answering_server import Answer, AnsweringServer
from support.modules import run_module

TOKEN = "the-token-of-a-test"
AUTH = ("KUBECONFIG", "CONTEXT", "HOST", "API_KEY", "SSL_CA_CERT", "VERIFY_SSL")
GROUP = "/apis/security.openshift.io/v1"
NOT_FOUND = Answer(404, b"404 page not found\n", {"Content-Type": "text/plain"})
VERSION = Answer(body=json.dumps({"major": "1", "minor": "33", "gitVersion": "v1.33.2"}).encode())


def answer(content: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode())


def status(code: int, message: str) -> Answer:
    return answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}, code)


def items(*things: Any) -> Answer:
    """A list as the API gives it: its items have no kind."""
    bare = [{key: value for key, value in one.items() if key not in ("kind", "apiVersion")} for one in things]
    return answer({"kind": "AnyList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": bare})


SERVED = answer(
    {"kind": "APIResourceList", "resources": [{"name": "rangeallocations"}, {"name": "securitycontextconstraints"}]}
)


def nowhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """This machine has no cluster of its own."""
    for name in ("KUBERNETES_SERVICE_HOST", "KUBECONFIG", *(f"K8S_AUTH_{one}" for one in AUTH)):
        monkeypatch.delenv(name, raising=False)
    for module in ("kubernetes.config", "kubernetes.config.kube_config"):
        monkeypatch.setattr(f"{module}.KUBE_CONFIG_DEFAULT_LOCATION", str(folder / "none"))


def ask(server: AnsweringServer, *answers: Answer, **options: Any) -> dict[str, Any]:
    """What the module says while the API gives these answers; result["sent"] are the paths that it asked for."""
    server.received.clear()
    server.answers[:] = answers
    given = {"host": server.url, "api_key": TOKEN, **options}
    result = run_module(scc_info, **{name: value for name, value in given.items() if value is not None})
    assert {request.method for request in server.received} <= {"GET"}
    assert TOKEN not in result["printed"]
    return {**result, "sent": [request.target for request in server.received]}


def kubeconfig(path: Path, server: str, **cluster: Any) -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "other",
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in ("this", "other")],
        "users": [{"name": "this", "user": {"token": TOKEN}}, {"name": "other", "user": {}}],
        "clusters": [
            {"name": "this", "cluster": {"server": server, **cluster}},
            {"name": "other", "cluster": {"server": "http://127.0.0.1:1"}},
        ],
    }
    path.write_text(yaml.safe_dump(content))
    return path
