# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana differs between versions where Grafana does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.grafana_server import GrafanaServer
from support.grafana_server_http import ENDPOINTS
from support.grafana_server_state import Rule

RULES, GROUP = "/api/v1/provisioning/alert-rules", "/api/v1/provisioning/folder/f/rule-groups/g"
POLICIES = "/api/v1/provisioning/policies"
FOLDER = {"uid": "f", "title": "Folder"}
QUERY = {
    "refId": "A",
    "datasourceUid": "prometheus",
    "relativeTimeRange": {"from": 600, "to": 0},
    "model": {"expr": "vector(1)"},
}
RULE = {
    "uid": "r",
    "title": "Rule",
    "condition": "A",
    "data": [QUERY],
    "noDataState": "OK",
    "execErrState": "Error",
    "folderUID": "f",
    "ruleGroup": "g",
}
SOURCE = {"uid": "s", "name": "Source", "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:1"}
Sent = tuple[str, str, Any] | tuple[str, str, Any, dict[str, str]]


def ask(server: GrafanaServer, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """The status of the answer, and what is in it."""
    text = "" if body is None else json.dumps(body)
    every = {"authorization": f"Bearer {server.token}", **(headers or {})}
    answer = server.answer(method, path, every, text)
    assert answer is not None
    assert answer.status != 599, answer.body
    return answer.status, json.loads(answer.sent) if answer.sent else None


def last(version: str, *requests: Sent) -> tuple[int, Any]:
    """What a fresh server says to the last one."""
    server = GrafanaServer(version=version)
    answers = [ask(server, *request) for request in [("POST", "/api/folders", FOLDER), *requests]]
    return answers[-1]


def dashboard(uid: str, title: str = "Title", **more: Any) -> Sent:
    return "POST", "/api/dashboards/db", {"dashboard": {"uid": uid, "title": title}, "folderUid": "f", **more}


def group(*rules: dict[str, Any], headers: dict[str, str] | None = None) -> Sent:
    return "PUT", GROUP, {"interval": 60, "rules": list(rules)}, headers or {}


NO_PROVENANCE = {"x-disable-provenance": "true"}
MADE = ("POST", RULES, RULE)
# What differs: the requests, and what is true of the last answer until one version and from another on.
DIFFERENCES: dict[str, tuple[list[Sent], tuple[str, Any], tuple[str, Any]]] = {
    "a folder within a folder": (
        [("POST", "/api/folders", {"uid": "c", "title": "Child", "parentUid": "f"}), ("GET", "/api/folders/c", None)],
        ("10.4.0", lambda _status, body: "parentUid" not in body),
        ("11.0.0", lambda _status, body: body["parentUid"] == "f" and body["parents"][0]["uid"] == "f"),
    ),
    "folders of one title": (
        [("POST", "/api/folders", {"uid": "c", "title": "folder"})],
        ("11.2.9", 409),
        ("11.3.0", 200),
    ),
    "dashboards of one title": ([dashboard("a"), dashboard("b")], ("11.2.9", 412), ("11.3.0", 200)),
    "a stale version": ([dashboard("a"), dashboard("a")], ("12.4.0", 412), ("13.0.0", 409)),
    "a folder that is no dashboard": ([("GET", "/api/dashboards/uid/f", None)], ("11.6.0", 200), ("12.0.0", 404)),
    "the folder's uid in the answer": (
        [dashboard("a")],
        ("10.4.0", lambda _status, body: "folderUid" not in body),
        ("11.0.0", lambda _status, body: body["folderUid"] == "f"),
    ),
    "a resource instead of a model": (
        [
            (
                "POST",
                "/api/dashboards/db",
                {
                    "dashboard": {
                        "apiVersion": "dashboard.grafana.app/v1",
                        "kind": "Dashboard",
                        "metadata": {"name": "a"},
                        "spec": {"title": "Title"},
                    }
                },
            )
        ],
        ("12.4.0", 400),
        ("13.0.0", 200),
    ),
    "a search within a folder": (
        [dashboard("a"), ("GET", "/api/search?folderUIDs=other&type=dash-db", None)],
        ("9.5.0", lambda _status, body: len(body) == 1),
        ("10.0.0", lambda _status, body: body == []),
    ),
    "a data source's health": (
        [("POST", "/api/datasources", SOURCE), ("GET", "/api/datasources/uid/s/health", None)],
        ("9.5.0", 404),
        ("10.0.0", lambda status, body: (status, body["status"]) == (200, "OK")),
    ),
    "a data source by its number": (
        [("POST", "/api/datasources", SOURCE), ("GET", "/api/datasources/1", None)],
        ("12.4.0", 200),
        ("13.0.0", 404),
    ),
    "a rule that is missing": (
        [("GET", RULES + "/none", None)],
        ("9.5.0", 500),
        ("10.0.0", lambda status, body: (status, body) == (404, None)),
    ),
    "the same rule again": (
        [MADE, MADE],
        ("9.5.0", 500),
        ("10.0.0", lambda status, body: status == 400 and "conflicting alert rule found" in body["message"]),
    ),
    "rules of one title": ([MADE, ("POST", RULES, {**RULE, "uid": "q"})], ("11.6.0", 400), ("12.0.0", 201)),
    "rules in a missing folder": (
        [("POST", RULES, {**RULE, "folderUID": "none"})],
        ("9.5.0", 201),
        (
            "10.0.0",
            lambda status, body: (status, body["message"]) == (400, "invalid alert rule: folder does not exist"),
        ),
    ),
    "a condition that no query has": ([("POST", RULES, {**RULE, "condition": "Z"})], ("10.4.0", 201), ("11.0.0", 400)),
    "a state that is kept": ([("POST", RULES, {**RULE, "noDataState": "KeepLast"})], ("10.4.0", 400), ("10.4.1", 201)),
    "a rule that keeps firing": (
        [("POST", RULES, {**RULE, "keep_firing_for": "300s"})],
        ("11.6.0", lambda _status, body: "keep_firing_for" not in body),
        ("12.0.0", lambda _status, body: body["keep_firing_for"] == "5m"),
    ),
    "a paused rule": (
        [("POST", RULES, {**RULE, "isPaused": True})],
        ("9.4.0", lambda _status, body: "isPaused" not in body),
        ("9.5.0", lambda _status, body: body["isPaused"] is True),
    ),
    "provenance in the list": (
        [MADE, ("GET", RULES, None)],
        ("9.5.0", lambda _status, body: "provenance" not in body[0]),
        ("10.0.0", lambda _status, body: body[0]["provenance"] == "api"),
    ),
    "new rules with uids in a group": (
        [group(RULE), ("GET", GROUP, None)],
        ("11.5.1", 404),
        ("11.5.2", lambda _status, body: [rule["uid"] for rule in body["rules"]] == ["r"]),
    ),
    "a rule without its uid again": (
        [group({**RULE, "uid": ""}), group({**RULE, "uid": ""})],
        ("9.5.0", 500),
        ("10.0.0", 200),
    ),
    "the order in a group": (
        [
            MADE,
            ("POST", RULES, {**RULE, "uid": "q", "title": "Q"}),
            group({**RULE, "uid": "q", "title": "Q"}, RULE),
            ("GET", GROUP, None),
        ],
        ("9.5.0", lambda _status, body: [rule["uid"] for rule in body["rules"]] == ["r", "q"]),
        ("10.0.0", lambda _status, body: [rule["uid"] for rule in body["rules"]] == ["q", "r"]),
    ),
    "a group without provenance": (
        [MADE, group(RULE, headers=NO_PROVENANCE), ("GET", RULES + "/r", None)],
        ("9.4.0", lambda _status, body: body["provenance"] == "api"),
        ("9.5.0", lambda _status, body: "provenance" not in body),
    ),
    "policies without provenance": (
        [("PUT", POLICIES, {"receiver": "grafana-default-email"}, NO_PROVENANCE), ("GET", POLICIES, None)],
        ("9.4.0", lambda _status, body: body["provenance"] == "api"),
        ("9.5.0", lambda _status, body: "provenance" not in body),
    ),
    "a group deleted": ([MADE, ("DELETE", GROUP, None)], ("10.4.0", 404), ("11.0.0", 204)),
    "a rule deleted with the header": (
        [MADE, ("DELETE", RULES + "/r", None, NO_PROVENANCE)],
        ("11.6.0", 500),
        ("12.0.0", lambda status, body: (status, body["messageId"]) == (409, "alerting.provenanceMismatch")),
    ),
    "provenances mixed": (
        [MADE, ("POST", RULES, {**RULE, "uid": "q", "title": "Q"}, NO_PROVENANCE)],
        ("12.3.0", 201),
        ("12.4.0", 400),
    ),
    "a contact point in use": (
        [
            (
                "POST",
                "/api/v1/provisioning/contact-points",
                {"uid": "p", "name": "Point", "type": "email", "settings": {"addresses": "a@example.com"}},
            ),
            ("PUT", POLICIES, {"receiver": "Point"}),
            ("DELETE", "/api/v1/provisioning/contact-points/p", None),
        ],
        ("10.4.0", 500),
        ("11.0.0", 409),
    ),
}


@pytest.mark.parametrize("what", DIFFERENCES)
@pytest.mark.parametrize("side", ["until", "from"])
def test_versions_differ(what: str, side: str) -> None:
    requests, until, since = DIFFERENCES[what]
    version, wanted = until if side == "until" else since
    status, body = last(version, *requests)
    assert wanted(status, body) if callable(wanted) else status == wanted, (status, body)


@pytest.mark.parametrize(("version", "status"), [("10.4.0", 403), ("11.0.0", 201)])
def test_editors_may_write_rules_from_11_on(version: str, status: int) -> None:
    server = GrafanaServer(version=version)
    ask(server, "POST", "/api/folders", FOLDER)
    editor = {"authorization": f"Bearer {server.add_token('of-an-editor', 'Editor')}"}
    assert ask(server, "POST", RULES, RULE, editor)[0] == status


def test_a_group_that_is_refused_stays_as_it_was() -> None:
    server = GrafanaServer()
    for request in (("POST", "/api/folders", FOLDER), MADE, ("POST", RULES, {**RULE, "uid": "q", "title": "Q"})):
        ask(server, *request)
    before = [(rule.uid, rule.title) for rule in server.state.rules.values()]
    # r gets the title of q, which a rule of another group has.
    server.state.rules["q"].group = "other"
    status, _body = ask(server, "PUT", GROUP, {"interval": 60, "rules": [{**RULE, "uid": "n"}, {**RULE, "title": "Q"}]})
    assert status == 400
    assert [(rule.uid, rule.title) for rule in server.state.rules.values()] == before


@pytest.mark.parametrize(
    ("provenance", "headers", "status"),
    [
        ("file", {}, 500),
        ("file", NO_PROVENANCE, 500),
        ("converted_prometheus", {}, 500),
        ("converted_prometheus", NO_PROVENANCE, 200),
        ("api", NO_PROVENANCE, 200),
        ("", {}, 200),
    ],
)
def test_a_group_is_set_free_from_the_api_but_not_from_files(provenance: str, headers: Any, status: int) -> None:
    server = GrafanaServer()
    ask(server, "POST", "/api/folders", FOLDER)
    rule = Rule("r", 1, "f", "g", {"title": "Rule", "for": "0s", "data": []}, provenance)
    server.state.rules["r"] = rule
    assert ask(server, "PUT", GROUP, {"interval": 60}, headers)[0] == status
    if status == 200:
        assert rule.provenance == ("" if headers else "api")
    else:
        assert ask(server, "DELETE", GROUP, None, headers)[0] == status


def test_every_endpoint_wants_a_credential_but_health() -> None:
    assert [one.pattern.pattern for one in ENDPOINTS if not one.needs] == ["/api/health/?"]
