# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ruler is asked, and what is made of its answers. tests/integration/test_ruler.py asks a real one."""

from __future__ import annotations

import builtins
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Web
from ansible_collections.observability.claude_code.plugins.modules import ruler_rule_group
from support.answering_server import Answer, AnsweringServer
from support.certificates import Authority
from support.modules import run_module
from support.stack import free_ports

RULE = {"alert": "ManyErrors", "expr": "sum(up) > 10", "for": "60m", "labels": {"severity": "warning"}}
GROUP = {"name": "errors", "interval": "60s", "rules": [RULE]}
# As a ruler gives it back.
STORED = {"name": "errors", "interval": "1m", "rules": [{**RULE, "for": "1h"}]}
NO_GROUP = Answer(404, b"group does not exist\n", {"Content-Type": "text/plain"})
TAKEN = Answer(202, b'{"status":"success","data":null,"errorType":"","error":""}')
PASSWORD, TOKEN = "the-password-of-a-test", "the-token-of-a-test"


def stored(group: Any = STORED) -> Answer:
    return Answer(200, yaml.safe_dump(group).encode(), {"Content-Type": "application/yaml"})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringServer]:
    monkeypatch.setattr(Web, "pause_s", 0.0)
    with AnsweringServer() as running:
        yield running


def push(server: AnsweringServer, *answers: Answer, group: Any = GROUP, **options: Any) -> dict[str, Any]:
    """What the module says while the server gives these answers; result["sent"] are methods and paths."""
    server.received.clear()
    server.answers[:] = answers
    given = {"url": server.url, "namespace": "claude-code", "group": group, **options}
    result = run_module(ruler_rule_group, **{name: value for name, value in given.items() if value is not None})
    return {**result, "sent": [(request.method, request.target) for request in server.received]}


@pytest.mark.parametrize(("kind", "path"), [("loki", "/loki/api/v1/rules"), ("mimir", "/prometheus/config/v1/rules")])
def test_a_group_goes_through_its_life(server, kind: str, path: str) -> None:
    read, write, delete = ("GET", f"{path}/claude-code/errors"), ("POST", f"{path}/claude-code"), "DELETE"
    foreseen = push(server, NO_GROUP, kind=kind, check_mode=True)
    assert (foreseen["changed"], foreseen["sent"]) == (True, [read])
    done = push(server, NO_GROUP, TAKEN, kind=kind)
    assert (done["changed"], done["sent"], done["differences"]) == (True, [read, write], ["errors"])
    assert done["diff"] == foreseen["diff"]
    assert (done["diff"]["before"], done["diff"]["before_header"]) == ("", "claude-code/errors")
    assert yaml.safe_load(server.received[1].body) == GROUP
    assert server.received[1].headers["content-type"] == "application/yaml"
    again = push(server, stored(), kind=kind)
    assert (again["changed"], again["sent"], again["differences"]) == (False, [read], [])
    drifted = {**STORED, "interval": "2m", "rules": [{**RULE, "for": "1h", "expr": "sum(up) > 11"}]}
    repaired = push(server, stored(drifted), TAKEN, kind=kind)
    assert repaired["differences"] == ["interval", "rules[ManyErrors].expr"]
    assert repaired["sent"] == [read, write]
    gone = push(server, stored(), TAKEN, kind=kind, group={"name": "errors"}, state="absent")
    assert (gone["changed"], gone["sent"]) == (True, [read, (delete, read[1])])
    assert gone["diff"]["after"] == ""
    assert push(server, NO_GROUP, kind=kind, state="absent")["sent"] == [read]


@pytest.mark.parametrize("empty", ["group does not exist", "no rule groups found", "group namespace does not exist"])
def test_a_group_that_is_not_there_is_known_by_what_rulers_say(server, empty: str) -> None:
    assert push(server, Answer(404, empty.encode()), TAKEN)["changed"]


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        ({"limit": 0}, {}),
        ({"interval": "0s"}, {"interval": None}),
        ({"rules": [{**RULE, "annotations": {}}]}, {}),
        ({"rules": [{**RULE, "annotations": None, "for": "3600s"}]}, {}),
        ({}, {"a_field_of_the_year_2030": 1}),
    ],
)
def test_what_says_nothing_is_no_difference(server, sent: dict[str, Any], back: dict[str, Any]) -> None:
    assert not push(server, stored({**STORED, **back}), group={**GROUP, **sent})["changed"]


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"interval": "2m"}, ["interval"]),
        ({"interval": None}, ["interval"]),
        ({"limit": 3}, ["limit"]),
        ({"rules": [{**RULE, "for": None}]}, ["rules[ManyErrors].for"]),
        ({"rules": [{**RULE, "labels": {"severity": "info"}}]}, ["rules[ManyErrors].labels.severity"]),
        ({"rules": [{**RULE, "annotations": {"a": "b"}}]}, ["rules[ManyErrors].annotations"]),
        ({"rules": [RULE, {**RULE, "alert": "More"}]}, ["rules[More]"]),
        ({"rules": [{**RULE, "alert": "More"}]}, ["rules[ManyErrors]", "rules[More]"]),
    ],
)
def test_what_differs_is_told(server, changes: dict[str, Any], paths: list[str]) -> None:
    result = push(server, stored(), TAKEN, group={**GROUP, **changes})
    assert result["differences"] == paths


def test_the_order_of_rules_counts(server) -> None:
    """They are evaluated one after the other."""
    two = [RULE, {**RULE, "alert": "More"}]
    result = push(server, stored({**STORED, "rules": two}), TAKEN, group={**GROUP, "rules": two[::-1]})
    assert result["differences"] == ["rules"]


def test_who_asks_is_told_to_the_server(server) -> None:
    push(server, stored(), tenant="platform", username="ruler", password=PASSWORD)
    assert server.received[0].headers["x-scope-orgid"] == "platform"
    assert server.received[0].headers["authorization"].startswith("Basic ")
    push(server, stored(), bearer_token=TOKEN)
    assert server.received[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "x-scope-orgid" not in server.received[0].headers


def test_names_are_quoted_in_paths(server) -> None:
    result = push(server, NO_GROUP, TAKEN, namespace="a b?", group={**GROUP, "name": "é#1"})
    assert [target for _method, target in result["sent"]] == [
        "/loki/api/v1/rules/a%20b%3F/%C3%A9%231",
        "/loki/api/v1/rules/a%20b%3F",
    ]


def test_client_certificates_are_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca_file))
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    monkeypatch.setattr(Web, "pause_s", 0.0)
    mine, my_key = authority.issue("client")
    files = {"ca_file": str(authority.ca_file), "client_cert": str(mine), "client_key": str(my_key)}
    with AnsweringServer(tls=context) as server:
        assert push(server, stored(), **files)["changed"] is False
        assert "does not answer" in push(server, stored(), ca_file=files["ca_file"])["msg"]
        without = push(server, stored(), **{**files, "client_cert": str(tmp_path / "none.pem")})
        assert (
            f"The certificates for Loki's ruler in {tmp_path / 'none.pem'} or {my_key} cannot be used" in without["msg"]
        )


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rules": []}, "It has no rules. Give at least one, or state: absent to remove the group."),
        ({"rules": "x"}, "It has no rules."),
        ({"interval": "often"}, "Its interval: 'often' is no duration: write it as text, such as 90s, 5m or 1h30m."),
        ({"interval": 60}, "Its interval: 60 is no duration"),
        ({"limit": "many"}, "Its limit is 'many'. It counts alerts or series, 0 for any number."),
        (
            {"query_offset": "1m"},
            "It has query_offset, which Loki's ruler would drop without a word. Take it out.",
        ),
        (
            {"rules": [{**RULE, "keep_firing_for": "5m"}]},
            'Rule "ManyErrors": it has keep_firing_for, which Loki\'s ruler would drop without a word. Take it out.',
        ),
        ({"rules": [{"expr": "vector(1)"}]}, "rules[0]: it needs either alert or record"),
        ({"rules": [{**RULE, "record": "a:b"}]}, 'Rule "ManyErrors": it needs either alert or record'),
        ({"rules": [{"alert": "A"}]}, 'Rule "A": it needs expr, the query.'),
        ({"rules": [{**RULE, "for": 5}]}, 'Rule "ManyErrors": its for: 5 is no duration'),
        (
            {"rules": [{"record": "a:b", "expr": "1", "for": "5m"}]},
            'Rule "a:b": a recording rule has no for. Take it out.',
        ),
        ({"rules": [{**RULE, "labels": {"a": True}}]}, "labels.a is True. Put it in quotes: only text is allowed"),
        ({"rules": [{**RULE, "annotations": ["a"]}]}, "annotations must map names to texts."),
        ({"name": "a/b"}, "The name of the group 'a/b' must have at least one character, none of them / or \\"),
        ({"name": ".."}, "and be no . or ..."),
        ({"name": None}, "The name of the group '' must have at least one character"),
    ],
)
def test_a_mistake_is_told_before_anything_is_sent(server, changes: dict[str, Any], words: str) -> None:
    result = push(server, group={**GROUP, **changes})
    assert words in result["msg"]
    assert result["sent"] == []


def test_mimir_keeps_more(server) -> None:
    group = {**GROUP, "query_offset": "60s", "rules": [{**RULE, "keep_firing_for": "90s"}]}
    back = {**STORED, "query_offset": "1m", "rules": [{**STORED["rules"][0], "keep_firing_for": "1m30s"}]}
    assert push(server, stored(back), kind="mimir", group=group)["changed"] is False
    assert push(server, stored(), TAKEN, kind="mimir", group=group)["differences"] == [
        "query_offset",
        "rules[ManyErrors].keep_firing_for",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": None}, "missing required arguments: url"),
        ({"namespace": None}, "missing required arguments: namespace"),
        ({"group": None}, "missing required arguments: group"),
        ({"kind": "cortex"}, "value of kind must be one of: loki, mimir"),
        ({"username": "ruler"}, "parameters are required together: username, password"),
        ({"client_key": "x.key"}, "missing parameter(s) required by 'client_key': client_cert"),
        ({"url": "localhost:3100"}, "The address of Loki's ruler, 'localhost:3100', is none."),
        ({"namespace": "a/b"}, "The namespace 'a/b' must have"),
    ],
)
def test_an_argument_that_cannot_be_is_named(server, options: dict[str, Any], words: str) -> None:
    result = push(server, **options)
    assert words in result["msg"]
    assert result["sent"] == []


# --- when things go wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401, b"Unauthorized"), "(401): Unauthorized. Give the username and password or the bearer_token"),
        (Answer(401, b"no org id"), "(401): no org id. It has tenants: say as tenant whose rules they are."),
        (
            Answer(403, b""),
            "(403): it does not say why. Give a user or token that may write rules, and the right tenant.",
        ),
        (Answer(404, b"404 page not found"), "It knows no /loki/api/v1/rules/claude-code/errors. Check kind and url"),
        (Answer(500, b"boom"), "(500): boom. Its own log says more."),
        (
            Answer(400, b"GetRuleGroup unsupported in rule local store"),
            "reads its rules from files and takes none over its API. Put them into its rules folder, or let it store",
        ),
    ],
)
def test_a_refusal_is_told_with_the_next_step(server, answer: Answer, words: str) -> None:
    result = push(server, answer, bearer_token=TOKEN)
    assert words in result["msg"]
    assert f"Loki's ruler at {server.url}" in result["msg"]
    assert len(result["sent"]) == 1
    assert TOKEN not in result["printed"]


@pytest.mark.parametrize(("state", "verb", "before"), [("present", "save", NO_GROUP), ("absent", "delete", stored())])
def test_a_write_that_is_refused_is_told(server, state: str, verb: str, before: Answer) -> None:
    refused = Answer(400, b"could not parse expression")
    result = push(server, before, refused, state=state, username="ruler", password=PASSWORD)
    assert f'refused to {verb} the rule group "errors" (400): could not parse expression.' in result["msg"]
    assert PASSWORD not in result["printed"]


def test_a_group_that_went_meanwhile_is_gone(server) -> None:
    assert push(server, stored(), NO_GROUP, state="absent")["changed"]


def test_a_server_that_is_down_is_named(server) -> None:
    (port,) = free_ports(1)
    result = push(server, url=f"http://127.0.0.1:{port}")
    assert f"Loki's ruler at http://127.0.0.1:{port} does not answer" in result["msg"]


def test_a_server_that_is_slow_is_named(server) -> None:
    patience = threading.Event()
    try:
        result = push(server, Answer(after=patience), timeout=0.2)
    finally:
        patience.set()
    assert f"Loki's ruler at {server.url} gave no answer in 0.2 s." in result["msg"]


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Welcome</body></html>",
        b"[1, 2",
        b'{"status": "success"}',
        b"",
        b"9" * 5000,
        b"[" * 600,
        b"rules: 2026-99-99",
        b"rules: [{alert: a, labels: {since: 2026-99-99}}]",
        b"rules: " + b"[" * 5000 + b"]" * 5000,
    ],
    ids=lambda body: body[:8],
)
def test_a_server_that_answers_nonsense_is_named(server, body: bytes) -> None:
    result = push(server, Answer(200, body))
    assert "is not Loki's ruler" in result["msg"]
    assert "Check the url, its path, and the proxies on the way." in result["msg"]


@pytest.mark.parametrize(
    "body",
    [
        b"rules: 5",
        b"rules: [{alert: a, labels: {since: 2026-01-01}}]",
        b"rules:\n- &a [*a]",
        b"name: errors\nrules: []\n1: 2",
    ],
)
def test_an_answer_with_something_else_inside_is_named(server, body: bytes) -> None:
    result = push(server, Answer(200, body), check_mode=True)
    assert f"Loki's ruler at {server.url} answered something else than its API does (" in result["msg"]
    assert "Look whether another program listens there." in result["msg"]


@pytest.mark.parametrize("trouble", [Answer(503, b"starting"), Answer(429, b"too many"), Answer(hang_up=True)])
def test_what_may_pass_is_tried_again(server, trouble: Answer) -> None:
    assert push(server, trouble, NO_GROUP, trouble, TAKEN)["changed"]


def test_a_host_without_a_yaml_library_is_told_what_it_lacks(server, monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *details: Any, **more: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return load(name, *details, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    result = push(server, stored())
    assert "Failed to import the required Python library (PyYAML)" in result["msg"]
    assert "A ruler gives its rules as YAML." in result["msg"]
    assert push(server, NO_GROUP, TAKEN)["changed"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_redirect_is_no_success(server, state: str) -> None:
    redirect = Answer(302, b"", {"Location": "/login"})
    result = push(server, NO_GROUP if state == "present" else stored(), redirect, state=state, bearer_token=TOKEN)
    assert f"it sends to {server.url}/login (302)" in result["msg"]
    assert len(result["sent"]) == 2
    assert TOKEN not in result["printed"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "http://[::1"}, "'http://[::1', is none"),
        ({"url": "http://host/ä"}, "is none"),
        ({"timeout": -1}, "timeout is -1.0. Give more than 0 seconds"),
        ({"timeout": "nan"}, "timeout is nan"),
        ({"bearer_token": f"{TOKEN}\n"}, "The bearer_token for Loki's ruler holds characters"),
    ],
)
def test_options_that_cannot_be_right_are_told(server, options: dict[str, Any], words: str) -> None:
    result = push(server, **options)
    assert words in result["msg"]
    assert TOKEN not in result["msg"]
