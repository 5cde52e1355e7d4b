# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scc_info asks of a cluster and makes of its answers; tests/integration/test_scc.py asks a real API server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.answering_server import Answer, AnsweringServer
from support.scc import namespace, scc
from support.scc_api import GROUP, NOT_FOUND, SERVED, TOKEN, VERSION, answer, ask, items, nowhere, status
from support.stack import free_ports

MALFORMED = scc("loki-minio", runAsUser={"type": "MustRunAs"}, priority=None)
RESTRICTED = scc("restricted", runAsUser={"type": "MustRunAsRange"}, priority=None, users=None)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere(monkeypatch, tmp_path)


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    with AnsweringServer() as running:
        yield running


# --- a cluster ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [False, True])
def test_all_constraints_are_judged_in_all_namespaces(server, check_mode: bool) -> None:
    namespaces = items(namespace("good"), namespace("bare", {}))
    result = ask(server, SERVED, items(MALFORMED, RESTRICTED), namespaces, check_mode=check_mode)
    assert result["sent"] == [GROUP, f"{GROUP}/securitycontextconstraints", "/api/v1/namespaces"]
    assert {request.headers["authorization"] for request in server.received} == {f"Bearer {TOKEN}"}
    assert (result["changed"], result["available"], result["valid"]) == (False, True, False)
    assert (result["checked"], result["namespaces_checked"]) == (2, 2)
    assert [(one["scc"], one["field"], one["scope"], one["namespaces"]) for one in result["problems"]] == [
        ("loki-minio", "runAsUser.uid", "cluster", []),
        ("restricted", "runAsUser", "namespaces", ["bare"]),
    ]
    assert [(one["name"], one["source"], one["valid"]) for one in result["sccs"]] == [
        ("loki-minio", "", False),
        ("restricted", "", False),
    ]
    assert "because of loki-minio (runAsUser.uid); no new pod is admitted in bare" in result["summary"]


def test_a_healthy_cluster_is_valid(server) -> None:
    result = ask(server, SERVED, items(RESTRICTED), items(namespace("good")))
    assert (result["valid"], result["problems"]) == (True, [])
    assert result["summary"] == "1 SecurityContextConstraints and 1 namespaces: nothing keeps pods from being admitted."


def test_named_namespaces_are_read_one_by_one(server) -> None:
    missing = status(404, 'namespaces "none" not found')
    result = ask(server, SERVED, items(RESTRICTED), answer(namespace("bare", {})), missing, namespaces=["bare", "none"])
    assert result["sent"][2:] == ["/api/v1/namespaces/bare", "/api/v1/namespaces/none"]
    assert (result["namespaces_checked"], result["problems"][0]["namespaces"]) == (1, ["bare"])
    without = ask(server, SERVED, items(RESTRICTED), namespaces=[])
    assert (len(without["sent"]), without["valid"]) == (2, True)


@pytest.mark.parametrize(
    "answers", [(NOT_FOUND, VERSION), (status(404, "the server could not find the requested resource"), VERSION)]
)
def test_plain_kubernetes_has_no_constraints(server, answers: tuple[Answer, ...]) -> None:
    result = ask(server, *answers)
    assert (result["available"], result["valid"], result["problems"], result["checked"]) == (False, True, [], 0)
    assert result["summary"] == "The cluster has no SecurityContextConstraints; only OpenShift has."
    assert result["sent"] == [GROUP, "/version"]


def test_a_group_without_the_resource_is_no_openshift_either(server) -> None:
    assert ask(server, answer({"resources": [{"name": "rangeallocations"}]}))["available"] is False


def test_a_cluster_without_any_is_valid(server) -> None:
    empty = answer({"kind": "AnyList", "items": None})
    assert ask(server, SERVED, empty, empty)["summary"].startswith("0 SecurityContextConstraints: nothing")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (
            [SERVED, status(403, 'securitycontextconstraints is forbidden: User "a" cannot list resource')],
            "does not let this user list securitycontextconstraints.security.openshift.io (403: "
            'securitycontextconstraints is forbidden: User "a" cannot list resource). Bind a '
            "ClusterRole to the user that allows to list securitycontextconstraints.security.openshift.io.",
        ),
        (
            [SERVED, items(), status(403, "no")],
            "allows to list namespaces. Or name the namespaces that matter in namespaces",
        ),
        ([status(403, "no")], "does not let this user read /apis/security.openshift.io/v1 (403: no)"),
        (
            [status(401, "Unauthorized")],
            "does not accept the credentials (401: Unauthorized). Give an api_key that has not expired",
        ),
        ([NOT_FOUND, NOT_FOUND], "is not the API of a healthy cluster: 'it states no version of Kubernetes'"),
        ([NOT_FOUND, answer({"version": "11.0"})], "'it states no version of Kubernetes'"),
        ([Answer(200, b"<html>Welcome</html>")], "(200) is not the API of a healthy cluster: '<html>Welcome</html>'"),
        ([Answer(200, b"[1, 2]")], "is not the API of a healthy cluster: '[1, 2]'"),
        ([Answer(302, b"", {"Location": "https://login.example.com/"})], "(302) is not the API of a healthy cluster"),
        (
            [status(500, "etcdserver: request timed out")],
            "(500) is not the API of a healthy cluster: 'etcdserver: request timed out'",
        ),
        ([SERVED, answer({"items": 5})], "'its items are no list'"),
        ([Answer(hang_up=True)] * 2, "cannot be reached"),
    ],
)
def test_an_answer_that_is_none_is_told_with_the_next_step(server, answers: list[Answer], words: str) -> None:
    result = ask(server, *answers)
    assert words in result["msg"]
    assert server.url in result["msg"]


def test_the_right_to_get_a_namespace_is_named(server) -> None:
    result = ask(server, SERVED, items(), status(403, "no"), namespaces=["a"])
    assert "does not let this user get namespaces (403: no)" in result["msg"]


def test_a_connection_that_breaks_is_made_again(server) -> None:
    assert ask(server, Answer(hang_up=True), NOT_FOUND, VERSION)["available"] is False


def test_an_api_that_is_down_is_named(server) -> None:
    (port,) = free_ports(1)
    result = ask(server, host=f"http://127.0.0.1:{port}")
    assert f"The API at http://127.0.0.1:{port} cannot be reached" in result["msg"]
    assert "Connection refused" in result["msg"]
    assert "Check host, kubeconfig and context" in result["msg"]


def test_an_api_that_is_slow_is_named(server) -> None:
    patience = threading.Event()
    try:
        result = ask(server, *[Answer(after=patience)] * 2, timeout=0.2)
    finally:
        patience.set()
    assert f"The API at {server.url} gave no answer in 0.2 s." in result["msg"]


@pytest.mark.parametrize("host", ["api.example.com:6443", "ftp://api.example.com", "https://", "https://[::1"])
def test_an_address_that_is_none_is_refused(server, host: str) -> None:
    assert f"The address {host!r} is none." in ask(server, host=host)["msg"]


def test_a_time_that_is_none_is_refused(server) -> None:
    assert ask(server, timeout=0)["msg"] == "timeout is 0 seconds; give more than 0."


# --- manifests ------------------------------------------------------------------------------------------------------

PLANNED = scc("loki-minio", uid=None, runAsUser={"type": "MustRunAs", "uid": None})


def test_manifests_are_judged_without_a_cluster(server, tmp_path: Path) -> None:
    (tmp_path / "chart").mkdir()
    file = tmp_path / "chart" / "rendered.yaml"
    broken = namespace("broken", {"uid-range": "x"}, uid=None)
    planned = namespace("planned", {}, uid=None)
    documents = [{"kind": "Secret", "apiVersion": "v1"}, PLANNED, {"kind": "List", "items": [broken, planned]}]
    file.write_text(yaml.safe_dump_all(documents))
    result = ask(
        server, src=[str(tmp_path / "chart")], definition=scc("range", uid=None, runAsUser={"type": "MustRunAsRange"})
    )
    assert result["sent"] == []
    assert (result["available"], result["checked"], result["namespaces_checked"]) == (True, 2, 2)
    assert [(one["scc"], one["field"], one["source"], one["namespaces"]) for one in result["problems"]] == [
        ("loki-minio", "runAsUser.uid", f"{file}, document 2", []),
        ("range", "runAsUser", "definition", ["broken"]),
    ]
    assert result["problems"][0]["message"].endswith("Once it is applied, no new pod is admitted in any namespace.")
    assert "no new pod would be admitted in any namespace because of loki-minio" in result["summary"]
    without = ask(server, src=[str(tmp_path / "chart")], namespaces=["planned"])
    assert (without["namespaces_checked"], len(without["problems"])) == (1, 1)


@pytest.mark.parametrize(
    ("api_version", "checked"),
    [("security.openshift.io/v1", 1), ("v1", 1), ("example.com/v1", 0), ("", 0)],
)
def test_only_openshifts_constraints_are_meant(server, api_version: str, checked: int) -> None:
    result = ask(server, definition=json.dumps({**PLANNED, "apiVersion": api_version}))
    assert result["checked"] == checked


def test_manifests_without_constraints_are_valid(server) -> None:
    result = ask(server, definition=[{"kind": "Pod", "apiVersion": "v1"}])
    assert (result["valid"], result["summary"]) == (
        True,
        "0 SecurityContextConstraints: nothing keeps pods from being admitted.",
    )


def test_what_is_no_manifest_fails(server) -> None:
    assert "definition holds 'chart.yaml'" in ask(server, definition="chart.yaml")["msg"]
    assert "The manifest /none.yaml cannot be read" in ask(server, src=["/none.yaml"])["msg"]
