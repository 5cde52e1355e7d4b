# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule group is pushed to a stand-in for Grafana that keeps it, in each of the versions that differ."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule import derived_uid
from ansible_collections.observability.claude_code.plugins.modules import grafana_alert_rules
from support.alert_rules import with_query
from support.grafana_server import GrafanaServer
from support.modules import run_module
from support.pushed_rules import (  # noqa: F401
    FOLDER,
    GROUP,
    ONE,
    PATH,
    RULES,
    THREE,
    TWO,
    ask,
    every_version,
    grafana_with_a_folder,
    made_in_grafana,
    no_pauses,
    provenances,
    push,
    titles,
    unchanged,
)

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
