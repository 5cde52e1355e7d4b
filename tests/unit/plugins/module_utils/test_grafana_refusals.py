# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of Grafana: what it says where it is refused, or where something else answers."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_api as api
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_refusals as refusals
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_transport as transport
from support.answering_server import AnsweringServer
from support.grafana_clients import ALICE, HEALTH, PAGE, PASSWORD, TOKEN, client, complaint, says


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What it would have waited, in seconds."""
    found: list[float] = []
    monkeypatch.setattr(transport.time, "sleep", found.append)
    monkeypatch.setattr(transport.random, "uniform", lambda low, _high: low)
    return found


@pytest.fixture
def server(waits) -> Iterator[AnsweringServer]:
    with AnsweringServer() as running:
        yield running


# --- refusals in words ---

DASHBOARD = ("POST", "/api/dashboards/db", {"dashboard": {"uid": "costs", "title": "Costs"}})
SOURCE = ("PUT", "/api/datasources/uid/loki", {"uid": "loki"})


@pytest.mark.parametrize(
    ("request_", "status", "said", "expected"),
    [
        (
            DASHBOARD,
            400,
            "Cannot save provisioned dashboard",
            ['save the dashboard "costs" (400)', "A file on Grafana's"],
        ),
        (DASHBOARD, 400, "folder not found", ["Create the folder first"]),
        (DASHBOARD, 400, "Dashboard title cannot be empty", ["cannot be empty. Correct what these words name"]),
        (
            DASHBOARD,
            412,
            "The dashboard has been changed by someone else",
            ["changed by someone else since it was read"],
        ),
        (
            DASHBOARD,
            412,
            "A dashboard with the same name in the folder already exists",
            ["Until Grafana 11.2 a title occurs once"],
        ),
        (DASHBOARD, 413, "Dashboard is too large", ["Make it smaller"]),
        (
            DASHBOARD,
            403,
            "Permissions needed: dashboards:write",
            ["dashboards:write. Give the token's service account"],
        ),
        (SOURCE, 403, "Cannot update read-only data source", ['change the data source "loki"', "editable: true"]),
        (SOURCE, 404, "Data source not found", ["It is not there, or not for this user"]),
        (SOURCE, 404, "Not found", ["does not know the request: check its version"]),
        (SOURCE, 409, "data source with the same name already exists", ["Choose another name"]),
        (SOURCE, 500, "Failed to update datasource", ["also answers so to some bad requests"]),
        (SOURCE, 500, "invalid API key", ["The token is unknown, expired or revoked"]),
        (SOURCE, 418, "", ["(418): it does not say why. Its log at this time says more."]),
        (("POST", "/api/datasources", {"name": "Loki"}), 409, "uid taken", ['save the data source "Loki" (409)']),
        (("DELETE", "/api/folders/f%201", None), 400, "folder contains alert rules", ['delete the folder "f 1"']),
        (("POST", "/api/folders", {"title": "F"}), 412, "the folder has been changed", ['save the folder "F"']),
        (
            ("PUT", "/api/v1/provisioning/folder/f/rule-groups/costs", {}),
            500,
            "cannot update with provided provenance 'api', needs 'file'",
            ['change the rule group "costs" (500)', "Something else provides it"],
        ),
        (("GET", "/api/org/users", None), 403, "no", ["read /api/org/users (403)"]),
    ],
)
def test_a_refusal_names_the_thing_and_the_next_step(server, request_, status, said, expected) -> None:
    method, path, body = request_
    server.answers, server.default = [says(status, {"message": said, "traceID": ""})], says(200, HEALTH)
    grafana = client(server.url)
    ask = {"GET": grafana.get, "POST": grafana.post, "PUT": grafana.put, "DELETE": grafana.delete}[method]
    text = complaint(lambda: ask(path, body) if body is not None else grafana._exchange(method, path, {}))
    assert text.startswith(f"Grafana at {server.url} refused to ")
    assert said in text
    assert [words for words in expected if words not in text] == []


def test_a_wrong_login_is_sent_once_and_explained(server, waits) -> None:
    server.default = says(401, {"message": "invalid username or password", "traceID": ""})
    text = complaint(lambda: client(server.url, **ALICE).get("/api/folders/a"))
    assert "five wrong ones within five minutes lock the login" in text
    assert "The token is unknown, expired or revoked" in complaint(lambda: client(server.url).get("/api/folders/a"))
    assert (len(server.received), waits) == (2, [])


def test_missing_rights_of_a_user_are_the_users(server) -> None:
    server.default = says(403, {"message": "Permissions needed: folders:write", "title": "Access denied"})
    assert "Give the user the permission" in complaint(lambda: client(server.url, **ALICE).get("/api/folders/a"))


def test_what_quotes_credentials_does_not_show_them(server) -> None:
    pair = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
    for status, quoting in itertools.product((200, 400), ("bad {}", '{{"message": "bad {}"}}')):
        server.default = says(status if quoting[0] == "b" else 400, quoting.format(TOKEN).encode())
        assert "bad ***" in complaint(lambda: client(server.url).get("/x"))
        server.default = says(400, quoting.format(f"{PASSWORD} {pair}").encode())
        assert "bad *** ***" in complaint(lambda: client(server.url, **ALICE).get("/x"))
    assert TOKEN not in repr(client(server.url).connection)
    assert PASSWORD not in repr(client(server.url, **ALICE).connection)


# --- something that is not Grafana ---


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
def test_a_page_is_named_by_its_title(server, status) -> None:
    server.default = says(status, PAGE)
    text = complaint(lambda: client(server.url).find("/api/folders/a"))
    assert f"What answers at {server.url}/api/folders/a ({status}) is not Grafana: 'Sign in - Gate'." in text


def test_an_empty_404_is_believed_from_grafana_only(server) -> None:
    server.answers = [says(404), says(200, HEALTH), says(404)]
    grafana = client(server.url)
    assert grafana.find("/api/v1/provisioning/alert-rules/a") is None
    assert grafana.find("/api/v1/provisioning/alert-rules/a") is None
    server.answers = [says(404), says(200, {"status": "success"})]
    text = complaint(lambda: client(server.url).find("/api/v1/provisioning/alert-rules/a"))
    assert '/api/health (200) is not Grafana: \'{"status": "success"}\'' in text


def test_an_address_without_its_path_does_not_make_everything_missing(server) -> None:
    nowhere = {"message": "Not found"}
    server.default = says(404, nowhere)
    for ask in (client(server.url).find, client(server.url).delete):
        assert "/api/health (404) is not Grafana" in complaint(lambda ask=ask: ask("/api/dashboards/uid/a"))
    server.answers = [says(404, nowhere), says(200, HEALTH)]
    grafana = client(server.url)
    assert grafana.find("/apis/dashboard.grafana.app/v1") is None
    assert grafana.delete("/api/dashboards/uid/a") is False


@pytest.mark.parametrize(
    ("target", "named", "step"),
    [
        ("/login", "{url}/login (302)", "a login page"),
        ("https://eve:secret@sso.test/start?state=abc", "https://sso.test/start (302)", "a login page"),
        ("/grafana/api/folders/a", "{url}/grafana/api/folders/a (302)", "the path of Grafana's root_url"),
    ],
)
def test_a_redirect_is_no_success(server, target, named, step) -> None:
    server.answers = [says(302, Location=target)]
    text = complaint(lambda: client(server.url).get("/api/folders/a"))
    assert named.format(url=server.url) in text
    assert step in text
    assert "secret" not in text
    assert len(server.received) == 1


def test_the_words_of_a_data_source_pass_through(server) -> None:
    server.default = says(400, b"parse error at line 1\n")
    text = complaint(lambda: client(server.url).get("/api/datasources/proxy/uid/loki/loki/api/v1/query", query="{"))
    assert 'refused to read the data source "loki" (400): parse error at line 1.' in text


def test_json_of_another_shape_is_named() -> None:
    assert api.fields({"a": 1, "b": 2}, "x", "a", "b") == {"a": 1, "b": 2}
    for answer in ([1], {"a": 1}, "Ok", None):
        text = complaint(lambda answer=answer: api.fields(answer, "http://g.test/api/org", "a", "b"))
        assert "The answer of http://g.test/api/org has not the shape" in text
        assert "b missing" in text


def test_a_title_is_looked_for_at_the_top_alone() -> None:
    assert refusals.plain(f"<html>{' ' * 1000}<title>Log in</title>") == "Log in"
    assert refusals.plain("x" * 10_000 + "<title>Late</title>") == "x" * 160


def test_nonsense_that_is_too_deep_and_a_redirect_to_nowhere_are_told(server) -> None:
    server.answers = [says(200, b"[" * 200_000), says(302, Location="http://[::1")]
    assert "is not Grafana" in complaint(lambda: client(server.url).get("/api/folders/a"))
    assert "it sends to what is no address (302)" in complaint(lambda: client(server.url).get("/api/folders/a"))
