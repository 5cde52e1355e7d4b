# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule group is pushed to a stand-in for Grafana that keeps it, in each of the versions that differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule import derived_uid
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Transport
from ansible_collections.observability.claude_code.plugins.modules import grafana_alert_rules
from support.alert_rules import grafana_rule, with_query
from support.grafana_server import GrafanaServer
from support.modules import run_module
from support.stack import free_ports

VERSIONS = ("9.5.0", "10.4.0", "11.4.0", "11.6.0", "12.4.0", "13.1.0")
FOLDER, GROUP = "claude-code", "tools"
PATH = f"/api/v1/provisioning/folder/{FOLDER}/rule-groups/{GROUP}"
RULES = "/api/v1/provisioning/alert-rules"
ONE, TWO, THREE = (grafana_rule(title) for title in ("HighToolErrorRate", "SlowToolExecution", "SubagentFailureSpike"))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transport, "pause_s", 0.0)


@pytest.fixture(params=["11.6.0"])
def server(request: pytest.FixtureRequest) -> Iterator[GrafanaServer]:
    with GrafanaServer(version=request.param) as running:
        ask(running, "POST", "/api/folders", {"uid": FOLDER, "title": "Claude Code"})
        running.requests.clear()
        yield running


every_version = pytest.mark.parametrize("server", VERSIONS, indirect=True)


def ask(server: GrafanaServer, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """What the stand-in answers to somebody else."""
    answer = server.answer(
        method,
        path,
        {"authorization": f"Bearer {server.token}", "content-type": "application/json", **headers},
        "" if body is None else json.dumps(body),
    )
    assert answer is not None
    assert answer.status < 300, answer
    return answer.body


def push(server: GrafanaServer, *rules: dict[str, Any], **options: Any) -> dict[str, Any]:
    """What the module says; result["sent"] are the requests that write, as methods and paths."""
    server.requests.clear()
    given = {"url": server.url, "token": server.token, "folder_uid": FOLDER, "group": GROUP, "rules": [*rules]}
    result = run_module(grafana_alert_rules, **{name: value for name, value in {**given, **options}.items() if value})
    return {**result, "sent": [(method, path) for method, path, _body in server.writes]}


def unchanged(server: GrafanaServer, *rules: dict[str, Any], **options: Any) -> bool:
    """Whether the same again changes nothing and writes nothing."""
    result = push(server, *rules, **options)
    assert "msg" not in result, result["msg"]
    return (result["changed"], result["sent"], result["differences"]) == (False, [], [])


def titles(server: GrafanaServer, group: str = GROUP) -> set[str]:
    return {rule["title"] for rule in ask(server, "GET", RULES) if rule["ruleGroup"] == group}


def provenances(server: GrafanaServer) -> dict[str, str]:
    return {
        rule["title"]: ask(server, "GET", f"{RULES}/{rule['uid']}").get("provenance", "")
        for rule in ask(server, "GET", RULES)
    }


def made_in_grafana(server: GrafanaServer, title: str, group: str = GROUP) -> None:
    """As somebody makes a rule on Grafana's pages."""
    rule = {**grafana_rule(title), "folderUID": FOLDER, "ruleGroup": group}
    ask(server, "POST", RULES, rule, **{"x-disable-provenance": "true"})


# --- what it is for ---------------------------------------------------------------------------------------------------


@every_version
@pytest.mark.parametrize("interval", ["1m", "120"])
@pytest.mark.parametrize("provenance", ["api", "none"])
def test_a_group_is_made_and_the_same_again_writes_nothing(server, interval: str, provenance: str) -> None:
    wanted = {"interval": interval, "provenance": provenance}
    foreseen = push(server, ONE, TWO, **wanted, check_mode=True)
    assert foreseen["sent"] == []
    done = push(server, ONE, TWO, **wanted)
    assert done["changed"]
    for key in ("changed", "uids", "created", "updated", "removed", "differences", "diff"):
        assert foreseen[key] == done[key], key
    assert done["created"] == done["uids"] == [ONE["uid"], TWO["uid"]]
    assert {"interval", "rules[HighToolErrorRate]", "rules[SlowToolExecution]"} == {*done["differences"]}
    assert unchanged(server, ONE, TWO, **wanted)
    assert unchanged(server, TWO, ONE, **wanted)
    assert ask(server, "GET", PATH)["interval"] == (60 if interval == "1m" else 120)
    assert {*provenances(server).values()} == {"" if provenance == "none" else "api"}


@pytest.mark.parametrize(
    ("server", "interval", "sent"),
    [
        ("11.5.1", "1m", [("POST", RULES), ("POST", RULES)]),
        ("11.5.1", "2m", [("POST", RULES), ("POST", RULES), ("PUT", PATH)]),
        ("11.5.2", "1m", [("PUT", PATH)]),
        ("11.5.2", "2m", [("PUT", PATH)]),
    ],
    indirect=["server"],
)
def test_a_new_group_takes_the_fewest_writes_that_the_version_allows(server, interval: str, sent: list) -> None:
    assert push(server, ONE, TWO, interval=interval)["sent"] == sent
    # Whatever changes in what is there is one write.
    assert push(server, with_query(ONE, "vector(1)"), TWO, interval="5m")["sent"] == [("PUT", PATH)]
    assert push(server, ONE, interval="5m")["sent"] == [("PUT", PATH)]
    assert titles(server) == {"HighToolErrorRate"}


@every_version
def test_drift_is_repaired(server) -> None:
    push(server, ONE, TWO, interval="2m")
    ask(server, "PUT", PATH, {"interval": 300})
    ask(server, "DELETE", f"{RULES}/{TWO['uid']}")
    ask(
        server,
        "PUT",
        f"{RULES}/{ONE['uid']}",
        {**with_query(ONE, "vector(0)"), "folderUID": FOLDER, "ruleGroup": GROUP},
    )
    ask(server, "POST", RULES, {**THREE, "folderUID": FOLDER, "ruleGroup": GROUP})
    foreseen = push(server, ONE, TWO, interval="2m", check_mode=True)
    assert foreseen["changed"]
    assert foreseen["sent"] == []
    done = push(server, ONE, TWO, interval="2m")
    assert (done["created"], done["updated"], done["removed"]) == ([TWO["uid"]], [ONE["uid"]], [THREE["uid"]])
    assert done["differences"] == foreseen["differences"]
    assert sorted(done["differences"]) == [
        "interval",
        "rules[HighToolErrorRate].data[A].model.expr",
        "rules[SlowToolExecution]",
        "rules[SubagentFailureSpike]",
    ]
    assert titles(server) == {"HighToolErrorRate", "SlowToolExecution"}
    assert unchanged(server, ONE, TWO, interval="2m")


@every_version
def test_a_group_is_removed_and_then_is_not_there(server) -> None:
    push(server, ONE, TWO)
    made_in_grafana(server, "Mine", "other")
    foreseen = push(server, state="absent", check_mode=True)
    assert (foreseen["changed"], foreseen["sent"]) == (True, [])
    done = push(server, state="absent")
    assert done["removed"] == [ONE["uid"], TWO["uid"]]
    assert len(done["sent"]) == (1 if server.state.since(11) else 2)
    assert titles(server) == set()
    assert titles(server, "other") == {"Mine"}
    assert unchanged(server, state="absent")
    assert ask(server, "GET", f"/api/folders/{FOLDER}")["uid"] == FOLDER


@every_version
def test_no_rules_mean_no_group(server) -> None:
    push(server, ONE)
    assert run_empty(server)["removed"] == [ONE["uid"]]
    assert titles(server) == set()
    assert not run_empty(server)["changed"]


def run_empty(server: GrafanaServer) -> dict[str, Any]:
    return run_module(grafana_alert_rules, url=server.url, token=server.token, folder_uid=FOLDER, group=GROUP, rules=[])


@every_version
def test_titles_and_uids_may_change_places(server) -> None:
    push(server, ONE, TWO)
    swapped = [{**ONE, "title": TWO["title"]}, {**TWO, "title": ONE["title"]}]
    if server.state.since(12):
        assert push(server, *swapped)["updated"] == [ONE["uid"], TWO["uid"]]
        assert unchanged(server, *swapped)
    # The title of a rule that leaves goes to one that comes.
    heir = {**THREE, "title": swapped[0]["title"]}
    done = push(server, swapped[1], heir)
    assert "msg" not in done, done["msg"]
    assert unchanged(server, swapped[1], heir)


@every_version
def test_a_whole_group_may_get_other_uids(server) -> None:
    push(server, ONE, TWO, interval="2m")
    others = [{**rule, "uid": f"new-{rule['uid']}"} for rule in (ONE, TWO)]
    done = push(server, *others, interval="2m")
    assert (len(done["created"]), len(done["removed"])) == (2, 2)
    assert unchanged(server, *others, interval="2m")


def test_the_diff_shows_each_rule_that_differs_before_and_after(server) -> None:
    push(server, ONE, TWO)
    changed = {**with_query(ONE, "vector(1)"), "for": "11m"}
    interval, rule, gone = push(server, changed, interval="2m")["diff"]
    assert (interval["before"], interval["after"]) == ("1m\n", "2m\n")
    assert rule["before_header"] == rule["after_header"] == "rule HighToolErrorRate (hightoolerrorrate)"
    before, after = json.loads(rule["before"]), json.loads(rule["after"])
    assert (before["for"], after["for"]) == ("10m", "11m")
    assert (before["data"][0]["model"]["expr"], after["data"][0]["model"]["expr"]) == ("sum(up)", "vector(1)")
    assert gone["after"] == ""
    assert json.loads(gone["before"])["title"] == "SlowToolExecution"


# --- the folder -------------------------------------------------------------------------------------------------------


@every_version
def test_a_folder_that_is_missing_is_made_when_it_has_a_title(server) -> None:
    options = {"folder_uid": "new", "folder_title": "New"}
    result = push(server, ONE, folder_uid="new")
    assert f'Grafana at {server.url} has no folder "new". Give a title for it' in result["msg"]
    foreseen = push(server, ONE, **options, check_mode=True)
    done = push(server, ONE, **options)
    assert done["sent"][0] == ("POST", "/api/folders")
    assert done["differences"] == foreseen["differences"] == ["folder", "interval", "rules[HighToolErrorRate]"]
    assert foreseen["diff"] == done["diff"]
    assert foreseen["sent"] == []
    assert unchanged(server, ONE, **options)


def test_a_folder_gets_the_title_that_is_given(server) -> None:
    push(server, ONE)
    done = push(server, ONE, folder_title="Claude")
    assert done["differences"] == ["folder.title"]
    assert unchanged(server, ONE, folder_title="Claude")


def test_nothing_is_removed_from_a_folder_that_is_not_there(server) -> None:
    assert unchanged(server, folder_uid="new", folder_title="New", state="absent")


# --- uids -------------------------------------------------------------------------------------------------------------


@every_version
def test_a_rule_without_a_uid_gets_a_stable_one(server) -> None:
    rule = {**ONE, "uid": None}
    assert push(server, rule)["uids"] == [derived_uid(FOLDER, GROUP, ONE["title"])]
    assert unchanged(server, rule)


def test_a_rule_with_a_made_uid_is_recognised_when_it_leaves(server) -> None:
    rules = [{**ONE, "uid": None}, TWO]
    push(server, *rules, provenance="none")
    assert push(server, TWO, provenance="none")["removed"] == [derived_uid(FOLDER, GROUP, ONE["title"])]


@every_version
def test_a_rule_of_another_group_is_not_pulled_in(server) -> None:
    push(server, ONE, group="other")
    result = push(server, {**ONE, "title": "Another"})
    assert 'belongs to rule "HighToolErrorRate" in the group "other" of folder claude-code' in result["msg"]
    assert 'would be moved to "tools". Give yours another uid, or remove that one first.' in result["msg"]
    assert result["sent"] == []
    assert titles(server, "other") == {"HighToolErrorRate"}


@every_version
def test_a_title_is_taken_once_in_a_folder_until_titles_may_repeat(server) -> None:
    push(server, ONE, group="other")
    result = push(server, {**ONE, "uid": "mine"})
    if server.state.since(12):
        assert result["changed"]
        assert unchanged(server, {**ONE, "uid": "mine"})
    else:
        assert 'The title "HighToolErrorRate" is taken by a rule of the group "other".' in result["msg"]
        assert result["sent"] == []


def test_rules_that_cannot_be_told_apart_are_refused(server) -> None:
    assert "share a uid" in push(server, ONE, {**TWO, "uid": ONE["uid"]})["msg"]
    assert "or a title where no uid is given" in push(server, {**ONE, "uid": None}, {**ONE, "uid": None})["msg"]
    assert 'The title "HighToolErrorRate" is taken' in push(server, ONE, {**ONE, "uid": "two"})["msg"]


# --- whose rules they are ---------------------------------------------------------------------------------------------


@every_version
def test_rules_that_were_made_in_grafana_are_not_swallowed(server) -> None:
    made_in_grafana(server, "Mine")
    for state in ("present", "absent"):
        result = push(server, ONE, state=state)
        assert "holds rules that were not made from here: Mine." in result["msg"]
        assert "say with unmanaged_rules whether to keep or remove them" in result["msg"]
        assert result["sent"] == []
    assert titles(server) == {"Mine"}


@every_version
def test_rules_that_were_made_in_grafana_are_removed_when_asked(server) -> None:
    made_in_grafana(server, "Mine")
    assert push(server, ONE, unmanaged_rules="remove")["removed"] == ["mine"]
    assert titles(server) == {"HighToolErrorRate"}


@every_version
def test_rules_that_were_made_in_grafana_are_kept_when_asked(server) -> None:
    made_in_grafana(server, "Mine")
    options = {"unmanaged_rules": "keep", "provenance": "none", "interval": "2m"}
    push(server, ONE, TWO, **options)
    assert unchanged(server, ONE, TWO, **options)
    # Nothing tells what was pushed so, and has left, from what was made in Grafana.
    push(server, TWO, THREE, **options)
    assert titles(server) == {"HighToolErrorRate", "SlowToolExecution", "SubagentFailureSpike", "Mine"}
    assert {*provenances(server).values()} == {""}


# Later ones let nobody make such a rule in a provisioned group.
@pytest.mark.parametrize("server", ["9.5.0", "10.4.0", "11.6.0", "12.3.0"], indirect=True)
def test_removing_a_group_may_leave_what_was_made_in_grafana(server) -> None:
    push(server, ONE)
    made_in_grafana(server, "Mine")
    assert push(server, state="absent", unmanaged_rules="keep")["removed"] == [ONE["uid"]]
    assert titles(server) == {"Mine"}
    assert unchanged(server, state="absent", unmanaged_rules="keep")


def test_provisioned_rules_and_kept_ones_do_not_go_together(server) -> None:
    made_in_grafana(server, "Mine")
    result = push(server, ONE, unmanaged_rules="keep")
    assert "which would lock them as well. Set provenance to none, or move them." in result["msg"]
    assert result["sent"] == []


@every_version
def test_provenance_changes_both_ways(server) -> None:
    push(server, ONE, TWO)
    for provenance, stored in (("none", ""), ("api", "api")):
        done = push(server, ONE, TWO, provenance=provenance)
        assert done["differences"] == ["rules[HighToolErrorRate].provenance", "rules[SlowToolExecution].provenance"]
        assert done["sent"] == [("PUT", PATH)]
        assert provenances(server) == {"HighToolErrorRate": stored, "SlowToolExecution": stored}
        assert unchanged(server, ONE, TWO, provenance=provenance)


@every_version
@pytest.mark.parametrize(
    ("provenance", "words"),
    [
        ("file", "a file on Grafana's host provides it, and only that file can change or remove it (deleteRules)"),
        ("converted_prometheus", "it was imported as a rule of Prometheus"),
    ],
)
def test_rules_of_somebody_else_are_refused(server, provenance: str, words: str) -> None:
    push(server, ONE)
    server.state.organisations[1].rules[ONE["uid"]].provenance = provenance
    for state in ("present", "absent"):
        result = push(server, with_query(ONE, "vector(1)"), state=state)
        assert (
            f'Rule "HighToolErrorRate" (hightoolerrorrate) of the group "tools" has provenance "{provenance}"'
            in (result["msg"])
        )
        assert words in result["msg"]
        assert result["sent"] == []


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
