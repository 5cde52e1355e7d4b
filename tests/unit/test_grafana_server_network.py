# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana over the network: who may ask, what it remembers, how it breaks down when a test says so."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.grafana_server import GrafanaServer

FOLDER = {"uid": "f", "title": "Folder"}


@pytest.fixture
def server() -> Iterator[GrafanaServer]:
    with GrafanaServer() as running:
        yield running


def fetch(server: GrafanaServer, path: str = "/api/org", timeout: float = 10, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {server.token}", **headers})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def post(server: GrafanaServer, path: str, body: Any) -> None:
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=10).close()


def test_a_login_is_as_good_as_a_token_and_can_be_locked(server: GrafanaServer) -> None:
    def login(password: str) -> int:
        value = base64.b64encode(f"admin:{password}".encode()).decode()
        return fetch(server, Authorization=f"Basic {value}")[0]

    assert login(server.password) == 200
    assert [login("wrong") for _attempt in range(5)] == [401] * 5
    assert login(server.password) == 401


def test_a_hidden_version_is_told_to_those_who_signed_in(server: GrafanaServer) -> None:
    server.state.hide_version = True
    assert json.loads(fetch(server, "/api/health")[1]) == {"database": "ok"}
    assert json.loads(fetch(server, "/api/frontend/settings")[1])["buildInfo"]["version"] == "11.6.0"


def test_requests_are_kept(server: GrafanaServer) -> None:
    fetch(server, "/api/search?limit=5")
    post(server, "/api/folders", FOLDER)
    assert server.requests == [("GET", "/api/search?limit=5", None), ("POST", "/api/folders", FOLDER)]
    assert server.writes == [("POST", "/api/folders", FOLDER)]


def test_the_next_requests_fail_as_told(server: GrafanaServer) -> None:
    server.fail_next(503, None, (429, {"message": "slowly"}), "nonsense")
    assert fetch(server)[0] == 503
    assert fetch(server)[0] == 200
    assert fetch(server) == (429, '{"message":"slowly"}')
    status, page = fetch(server)
    assert (status, page[:15]) == (200, "<!DOCTYPE html>")
    assert fetch(server)[0] == 200


def test_a_connection_is_cut_before_or_after_the_work_is_done(server: GrafanaServer) -> None:
    for fault, kept in (("hang up", []), ("lost", ["f"])):
        server.fail_next(fault)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            post(server, "/api/folders", FOLDER)
        assert [*server.state.folders] == kept


def test_a_slow_answer_comes_when_the_test_says_so(server: GrafanaServer) -> None:
    server.fail_next("slow")
    with pytest.raises(TimeoutError):
        fetch(server, timeout=0.2)
    server.fail_next("slow")
    answers: list[tuple[int, str]] = []
    asking = threading.Thread(target=lambda: answers.append(fetch(server)))
    asking.start()
    server.go_on.set()
    asking.join(timeout=10)
    assert [status for status, _body in answers] == [200]


@pytest.mark.parametrize(
    ("path", "upstream", "wanted"),
    [
        ("/api/v1/query?query=up", lambda *asked: (200, list(asked)), ["GET", "/api/v1/query", "query=up", ""]),
        ("/loki/api/v1/query?query=x", lambda *_asked: (400, "parse error"), "parse error"),
    ],
)
def test_a_proxy_passes_on_what_the_source_says(
    server: GrafanaServer, path: str, upstream: Callable[..., Any], wanted: Any
) -> None:
    server.state.add_source("s", "Source", "loki", "http://127.0.0.1:1").upstream = upstream
    status, text = fetch(server, f"/api/datasources/proxy/uid/s{path}")
    assert (status, json.loads(text) if status == 200 else text) == (upstream()[0], wanted)


def test_a_proxy_asks_the_real_server_where_there_is_one(server: GrafanaServer) -> None:
    with GrafanaServer(version="10.0.0") as behind:
        server.state.add_source("s", "Source", "prometheus", behind.url)
        status, text = fetch(server, "/api/datasources/proxy/uid/s/api/health")
    assert (status, json.loads(text)["version"]) == (200, "10.0.0")
    assert fetch(server, "/api/datasources/proxy/uid/s/api/health") == (502, "")
