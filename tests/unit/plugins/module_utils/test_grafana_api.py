# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of Grafana: what it asks and takes for an answer, versions, and organisations."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_api as api
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_transport as transport
from support.answering_server import AnsweringServer
from support.grafana_clients import ALICE, HEALTH, TOKEN, client, complaint, says


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


# --- requests and answers ---


def test_a_request_carries_the_token_and_json(server) -> None:
    server.answers = [says(200, {"uid": "new"})]
    assert client(server.url + "/").post("/api/folders", {"uid": "new"}) == {"uid": "new"}
    (asked,) = server.received
    assert (asked.method, asked.target, asked.content) == ("POST", "/api/folders", {"uid": "new"})
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["content-type"] == "application/json"
    assert "x-grafana-org-id" not in asked.headers


def test_parameters_are_written_as_grafana_reads_them(server) -> None:
    grafana = client(server.url + "/grafana")
    grafana.get("/api/search", query="a b&c", limit=5, deep=True, parentUid=None, tag=["x", "y"])
    grafana.get("/api/folders/" + api.segment("a/ü"))
    assert [asked.target for asked in server.received] == [
        "/grafana/api/search?query=a+b%26c&limit=5&deep=true&tag=x&tag=y",
        "/grafana/api/folders/a%2F%C3%BC",
    ]


def test_a_user_signs_in_with_every_request(server) -> None:
    client(server.url, **{**ALICE, "password": "päss:wörd"}).get("/api/search")
    pair = base64.b64decode(server.received[0].headers["authorization"].removeprefix("Basic ")).decode()
    assert pair == "alice:päss:wörd"


def test_own_headers_go_with_a_write(server) -> None:
    grafana = client(server.url)
    grafana.put("/api/v1/provisioning/alert-rules/a", {}, {"X-Disable-Provenance": "true"})
    grafana.delete("/api/v1/provisioning/alert-rules/a", headers={"X-Disable-Provenance": "true"})
    assert [asked.headers["x-disable-provenance"] for asked in server.received] == ["true", "true"]


@pytest.mark.parametrize("body", [None, b"null", {"message": "Data source not found"}])
def test_what_is_not_there_is_none_and_not_deleted(server, body) -> None:
    grafana = client(server.url)
    server.answers = [says(200, HEALTH), says(404, body), says(404, body), says(404, body)]
    assert grafana.version == (11, 6, 3)
    assert grafana.find("/api/datasources/uid/x") is None
    assert grafana.delete("/api/datasources/uid/x") is False
    with pytest.raises(api.Refused) as caught:
        grafana.get("/api/datasources/uid/x")
    assert caught.value.status == 404


@pytest.mark.parametrize("body", [None, {"message": "deleted"}])
def test_what_was_there_is_deleted(server, body) -> None:
    server.answers = [says(200 if body else 204, body)]
    assert client(server.url).delete("/api/folders/x", forceDeleteRules=True) is True
    assert server.received[0].target == "/api/folders/x?forceDeleteRules=true"


def test_an_answer_without_a_body_is_none_to_a_write_and_nonsense_to_a_question(server) -> None:
    server.default = says(200)
    assert client(server.url).put("/api/v1/provisioning/policies", {}) is None
    assert "is not Grafana: ''" in complaint(lambda: client(server.url).get("/api/folders"))


# --- version ---


@pytest.mark.parametrize(
    ("stated", "version"),
    [
        ("9.5.2", (9, 5, 2)),
        ("12.2.0-pre", (12, 2, 0)),
        ("13.0.1+security-01", (13, 0, 1)),
        ("12.0.0-86429", (12, 0, 0)),
        ("14.0", (14, 0, 0)),
    ],
)
def test_the_version_is_its_three_numbers_read_once(server, stated, version) -> None:
    server.default = says(200, {"database": "ok", "version": stated})
    grafana = client(server.url)
    assert grafana.version == grafana.version == version
    assert [asked.target for asked in server.received] == ["/api/health"]


def test_a_hidden_version_is_read_where_one_is_signed_in(server) -> None:
    server.answers = [says(200, {"database": "ok"}), says(200, {"buildInfo": {"version": "13.0.1"}})]
    assert client(server.url).version == (13, 0, 1)
    assert server.received[1].target == "/api/frontend/settings"
    server.answers = [says(200, {"database": "ok"}), says(200, {"buildInfo": {"version": ""}})]
    assert "does not tell its version ('')" in complaint(lambda: client(server.url).version)


def test_what_is_too_old_is_told_plainly(server) -> None:
    server.default = says(200, HEALTH)
    grafana = client(server.url)
    grafana.needs("Folders in folders", 11, 0)
    grafana.needs("That", 11, 6, 3)
    assert "A grouped rule needs Grafana 12.0, this is 11.6" in complaint(
        lambda: grafana.needs("A grouped rule", 12, 0)
    )
    assert "needs Grafana 11.6.4, this is 11.6.3" in complaint(lambda: grafana.needs("That", 11, 6, 4))
    assert len(server.received) == 1


# --- organisations ---


def test_a_user_names_the_organisation_and_it_is_checked_once(server) -> None:
    server.default = says(200, {"id": 7, "name": "Seven"})
    grafana = client(server.url, org_id=7, **ALICE)
    grafana.get("/api/folders/a")
    grafana.get("/api/folders/b")
    assert [asked.target for asked in server.received] == ["/api/org", "/api/folders/a", "/api/folders/b"]
    assert {asked.headers["x-grafana-org-id"] for asked in server.received} == {"7"}


def test_a_token_of_another_organisation_writes_nothing(server) -> None:
    server.default = says(200, {"id": 1, "name": "Main Org."})
    grafana = client(server.url, org_id=7)
    for _time in range(2):
        text = complaint(lambda: grafana.post("/api/folders", {"uid": "a"}))
        assert "The token belongs to organisation 1 ('Main Org.')" in text
        assert "not to 7" in text
    assert {asked.method for asked in server.received} == {"GET"}
    client(server.url, org_id=1).post("/api/folders", {"uid": "a"})
    assert server.received[-1].method == "POST"


def test_an_organisation_that_is_missing_is_not_taken_for_a_missing_dashboard(server) -> None:
    server.default = says(404, {"message": "Organization not found", "traceID": ""})
    grafana = client(server.url, org_id=7, **ALICE)
    assert "has no organisation 7, or the user 'alice' is not in it" in complaint(
        lambda: grafana.find("/api/folders/a")
    )
