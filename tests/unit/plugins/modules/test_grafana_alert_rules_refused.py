# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a push of a rule group refuses or is refused, and how it says so."""

from __future__ import annotations

from typing import Any

import pytest
from support.alert_rules import with_query
from support.grafana_server import GrafanaServer
from support.pushed_rules import (  # noqa: F401
    ONE,
    RULES,
    THREE,
    TWO,
    every_version,
    grafana_with_a_folder,
    no_pauses,
    push,
    unchanged,
)
from support.stack import free_ports

# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "changes", "words"),
    [
        (
            "11.6.0",
            {"keep_firing_for": "5m"},
            'keep_firing_for of rule "HighToolErrorRate" needs Grafana 12.0, this is 11.6',
        ),
        ("11.6.0", {"missingSeriesEvalsToResolve": 3}, "missingSeriesEvalsToResolve of rule"),
        ("10.3.0", {"notification_settings": {"receiver": "on-call"}}, "needs Grafana 10.4, this is 10.3"),
        ("10.4.0", {"noDataState": "KeepLast"}, 'The state KeepLast of rule "HighToolErrorRate" needs Grafana 10.4.1'),
        ("11.3.0", {"record": {"metric": "a:b", "from": "A"}}, "needs Grafana 11.4, this is 11.3"),
        ("9.4.0", {"isPaused": True}, "needs Grafana 9.5, this is 9.4"),
    ],
    indirect=["server"],
)
def test_what_the_version_does_not_know_is_told(server, changes: dict[str, Any], words: str) -> None:
    result = push(server, {**ONE, **changes})
    assert words in result["msg"]
    assert result["sent"] == []


@pytest.mark.parametrize("server", ["9.4.0"], indirect=True)
def test_editable_rules_need_a_version_that_has_them(server) -> None:
    result = push(server, ONE, provenance="none")
    assert "A rule group with provenance none needs Grafana 9.5, this is 9.4" in result["msg"]


@pytest.mark.parametrize("server", ["11.4.0", "12.4.0"], indirect=True)
def test_what_the_version_knows_reads_back_the_same(server) -> None:
    rule = {
        **ONE,
        "isPaused": True,
        "notification_settings": {"receiver": "on-call", "group_wait": "60s"},
        "for": "60m",
    }
    if server.state.since(12):
        rule |= {"keep_firing_for": "90s", "missingSeriesEvalsToResolve": 3, "noDataState": "KeepLast"}
    assert push(server, rule)["unsettled"] == []
    assert unchanged(server, rule)


def test_a_field_that_grafana_drops_is_told(server) -> None:
    result = push(server, {**ONE, "a_field_of_the_year_2030": 1})
    assert result["unsettled"] == ["rules[HighToolErrorRate].a_field_of_the_year_2030"]


def test_mistakes_are_told_before_anything_is_sent(server) -> None:
    result = push(server, {**ONE, "condition": "C"}, {**TWO, "noDataState": "ok"})
    assert result["msg"] == (
        'The rule group "tools" would not work in Grafana. Rule "HighToolErrorRate": condition "C" names no query. '
        "The rule's queries are A and B. Set condition to one of them. "
        "Rule \"SlowToolExecution\": noDataState 'ok' is unknown. Write OK."
    )
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interval": "15s"}, "The interval is 15 s. Choose a multiple of 10 s"),
        ({"interval": "often"}, "'often' is no duration"),
        ({"group": "a/b"}, "none of them / or"),
        ({"folder_uid": "a b"}, "The folder uid 'a b' is none"),
    ],
)
def test_a_group_that_cannot_be_is_refused(server, options: dict[str, str], words: str) -> None:
    assert words in push(server, ONE, **options)["msg"]
    assert server.requests == []


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("url", "missing required arguments: url"),
        ("folder_uid", "missing required arguments: folder_uid"),
        ("group", "missing required arguments: group"),
        ("rules", "state is present but all of the following are missing: rules"),
        ("token", "one of the following is required: token, username"),
    ],
)
def test_a_missing_argument_is_named(server, missing: str, words: str) -> None:
    assert words in push(server, ONE, **{missing: None})["msg"]
    assert server.requests == []


def test_an_unknown_choice_is_named(server) -> None:
    assert "value of provenance must be one of: api, none" in push(server, ONE, provenance="file")["msg"]


def test_what_grafana_refuses_after_all_is_told_in_its_words(server) -> None:
    server.fail_next(None, None, None, (400, {"message": "invalid alert rule: it is too late today"}))
    assert (
        'refused to change the rule group "tools" (400): invalid alert rule: it is too late today.'
        in (push(server, ONE)["msg"])
    )


def test_an_answer_of_another_shape_is_named(server) -> None:
    server.fail_next(None, (200, {"rules": []}))
    assert f"The answer of {server.url}{RULES} is no list of rules" in push(server, ONE)["msg"]


# --- when things go wrong ---------------------------------------------------------------------------------------------


def test_a_wrong_token_is_sent_once(server) -> None:
    result = push(server, ONE, token="another-token-of-a-test")
    assert "(401)" in result["msg"]
    assert "give another one" in result["msg"]
    assert len(server.requests) == 1
    assert "another-token-of-a-test" not in result["printed"]


@pytest.mark.parametrize(("server", "role"), [("10.4.0", "Editor"), ("11.6.0", "Viewer")], indirect=["server"])
def test_a_missing_right_is_named(server, role: str) -> None:
    result = push(server, ONE, token=server.add_token("a-token-with-less", role))
    assert "Permissions needed: " in result["msg"]
    assert "Give the token's service account the permission named there" in result["msg"]


def test_a_server_that_is_down_is_named(server) -> None:
    (port,) = free_ports(1)
    result = push(server, ONE, url=f"http://127.0.0.1:{port}")
    assert f"Grafana at http://127.0.0.1:{port} does not answer" in result["msg"]


def test_a_server_that_is_slow_is_named(server) -> None:
    server.fail_next("slow")
    assert "gave no answer in 0.2 s" in push(server, ONE, timeout=0.2)["msg"]


def test_a_server_that_answers_nonsense_is_named(server) -> None:
    server.fail_next("nonsense")
    assert "is not Grafana" in push(server, ONE)["msg"]


@every_version
@pytest.mark.parametrize("fault", ["hang up", "lost", 503])
def test_a_connection_that_breaks_once_is_no_trouble(server, fault: Any) -> None:
    """At each request of each kind of push."""
    wanted: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
        ([ONE, TWO], {"interval": "2m"}),
        ([with_query(ONE, "vector(1)"), THREE], {"interval": "5m"}),
        ([], {"state": "absent"}),
    ]
    for rules, options in wanted:
        before = {**server.state.organisations[1].rules}
        intervals = {**server.state.organisations[1].intervals}
        for place in range(len(steps(server, rules, options))):
            server.state.organisations[1].rules = {**before}
            server.state.organisations[1].intervals = {**intervals}
            server.fail_next(*[None] * place, fault)
            result = push(server, *rules, **options)
            assert result.get("changed"), (result, place)
            server.faults.clear()
            assert unchanged(server, *rules, **options)


def steps(server: GrafanaServer, rules: list[dict[str, Any]], options: dict[str, Any]) -> list[Any]:
    """The requests of a push."""
    push(server, *rules, **options)
    return [*server.requests]


def test_no_secret_shows(server) -> None:
    result = push(server, ONE, token=None, username="admin", password=server.password)
    assert result["changed"]
    assert server.password not in result["printed"]
