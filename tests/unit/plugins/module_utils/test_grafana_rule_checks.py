# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each mistake in an alert rule is told in words, before Grafana says "bad request data" to it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_checks import (
    group_problems,
    rule_problems,
)
from support.alert_rules import grafana_rule
from support.checkout import CHECKOUT
from support.grafana_replay import recorded


def problems(rule: dict[str, Any]) -> list[str]:
    return [*rule_problems(rule, "claude-code", "tools")]


def changed(place: int, **changes: Any) -> dict[str, Any]:
    """The rule with another query."""
    rule = grafana_rule()
    rule["data"][place] |= changes
    return rule


def reading(kind: str, **model: Any) -> dict[str, Any]:
    """The rule with another expression."""
    return changed(1, model={"refId": "B", "type": kind, **model})


CLASSIC = {"query": {"params": ["A"]}, "reducer": {"type": "last"}, "evaluator": {"type": "gt", "params": [3]}}


@pytest.mark.parametrize(
    "rule",
    [
        grafana_rule(),
        grafana_rule(uid=None, labels=None, annotations=None, noDataState=None, execErrState=None, **{"for": None}),
        grafana_rule(noDataState="KeepLast", keep_firing_for="1h30m", isPaused=True, missingSeriesEvalsToResolve=1),
        grafana_rule(annotations={"__dashboardUid__": "claude-code-metrics", "__panelId__": "12"}),
        grafana_rule(folderUID="claude-code", ruleGroup="tools", id=7, provenance="api"),
        grafana_rule(condition=None, record={"metric": "a:b", "from": "A"}),
        grafana_rule(notification_settings={"receiver": "on-call"}),
        reading("math", expression="$A > 5 && ${A} < 9"),
        reading("reduce", expression="A", reducer="last"),
        reading("reduce", expression="$A", reducer="last"),
        reading("classic_conditions", conditions=[CLASSIC]),
        reading("sql", expression="SELECT * FROM A"),
    ],
)
def test_a_rule_that_grafana_takes_and_can_evaluate_is_let_through(rule: dict[str, Any]) -> None:
    assert problems(rule) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            grafana_rule(condition="C"),
            'condition "C" names no query. The rule\'s queries are A and B. Set condition to one of them.',
        ),
        (grafana_rule(condition=None), "it has no condition. The rule's queries are A and B."),
        (grafana_rule(title="", uid=None), "title must be a text of 1 to 190 characters."),
        (grafana_rule(title="x" * 191, uid=None), "title must be a text of 1 to 190 characters."),
        (grafana_rule(uid="a/b"), "the uid 'a/b' is none: a uid has 1 to 40 letters, digits, - and _."),
        (grafana_rule(uid="u" * 41), f"the uid '{'u' * 41}' is none: a uid has 1 to 40 letters, digits, - and _."),
        (
            grafana_rule(folderUID="other"),
            "its folderUID is 'other', but it is pushed to 'claude-code'. Take folderUID out of the rule.",
        ),
        (
            grafana_rule(ruleGroup="other"),
            "its ruleGroup is 'other', but it is pushed to 'tools'. Take ruleGroup out of the rule.",
        ),
        (grafana_rule(keepFiringFor="5m"), "Grafana's API knows no keepFiringFor. Write it as keep_firing_for."),
        (
            grafana_rule(labels={"severity": 1}),
            'labels.severity is 1. Put it in quotes: only text is allowed, such as "1".',
        ),
        (grafana_rule(annotations=["x"]), "annotations must map names to texts."),
        (
            grafana_rule(annotations={"__panelId__": "1"}),
            "the annotations __dashboardUid__ and __panelId__ go together. Set both or none.",
        ),
        (
            grafana_rule(annotations={"__dashboardUid__": "a", "__panelId__": "one"}),
            "the annotation __panelId__ is 'one'. It is the number of a panel.",
        ),
        (
            grafana_rule(**{"for": 300}),
            "for: 300 is no duration: write it as text, such as 90s, 5m or 1h30m.",
        ),
        (
            grafana_rule(keep_firing_for="soon"),
            "keep_firing_for: 'soon' is no duration: write it as text, such as 90s, 5m or 1h30m.",
        ),
        (grafana_rule(noDataState="ok"), "noDataState 'ok' is unknown. Write OK."),
        (
            grafana_rule(execErrState="NoData"),
            "execErrState 'NoData' is unknown. Choose one of Error, Alerting, OK, KeepLast.",
        ),
        (grafana_rule(isPaused="yes"), "isPaused is 'yes'. Write true or false."),
        (
            grafana_rule(missingSeriesEvalsToResolve=0),
            "missingSeriesEvalsToResolve is 0. It counts evaluations, from 1 on.",
        ),
        (grafana_rule(notification_settings={}), "notification_settings need a receiver, the name of a contact point."),
        (grafana_rule(data=[]), "data holds no query. Give at least one."),
        (grafana_rule(data="A"), "data holds no query. Give at least one."),
        (grafana_rule(record={"metric": "a:b"}), "record needs a metric, and from, the query that gives its value."),
        (changed(0, datasourceUid=""), "query A has no datasourceUid."),
        (changed(0, model={}), "query A has no model. It holds the query itself."),
        (changed(0, relativeTimeRange=None), "query A reads from 0 to 0. Both count seconds into the past"),
        (changed(0, relativeTimeRange={"from": 0, "to": 600}), "query A reads from 0 to 600."),
        (changed(0, relativeTimeRange={"from": "10m", "to": 0}), "query A reads from '10m' to 0."),
        (reading("threshold", expression="Z"), "the expression B reads Z. The rule's queries are A and B."),
        (reading("math", expression="$A + ${C}"), "the expression B reads C. The rule's queries are A and B."),
        (
            reading("classic_conditions", conditions=[CLASSIC | {"query": {"params": ["Q"]}}]),
            "the expression B reads Q. The rule's queries are A and B.",
        ),
        (changed(0, relativeTimeRange="10m"), "query A has the relativeTimeRange '10m'. Write it as two numbers"),
        (changed(1, relativeTimeRange="10m"), "query B has the relativeTimeRange '10m'. Write it as two numbers"),
        (reading("classic_conditions", conditions=["x"]), "the expression B has conditions of no known form."),
        (reading("classic_conditions", conditions=5), "the expression B has conditions of no known form."),
        (
            reading("classic_conditions", conditions=[CLASSIC | {"query": {"params": 5}}]),
            "the expression B has conditions of no known form.",
        ),
    ],
)
def test_a_mistake_is_told_with_what_to_write_instead(rule: dict[str, Any], words: str) -> None:
    (found,) = problems(rule)
    assert found.startswith(f'Rule "{rule.get("title", "")[:80]}": {words}')


def test_queries_must_be_told_apart() -> None:
    assert 'Rule "HighToolErrorRate": the refId A occurs twice. Give each query its own.' in problems(
        changed(1, refId="A")
    )
    assert 'Rule "HighToolErrorRate": data[1] has no refId. Give each query one, such as A.' in problems(
        changed(1, refId="")
    )


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(grafana_rule(condition="C", noDataState="ok", labels={"a": 1}))
    assert len(found) == 3


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (("", "tools", 60), "The folder uid '' is none"),
        (("a b", "tools", 60), "The folder uid 'a b' is none"),
        (("a", "", 60), "The name of the group '' must have 1 to 190 characters"),
        (("a", "g" * 191, 60), "must have 1 to 190 characters"),
        (("a", "cost/hour", 60), "none of them / or \\."),
        (("a", "tools", 15), "The interval is 15 s. Choose a multiple of 10 s"),
        (("a", "tools", 0), "The interval is 0 s. Choose a multiple of 10 s"),
    ],
)
def test_a_group_that_cannot_be_is_told(group: tuple[str, str, int], words: str) -> None:
    (found,) = group_problems(*group)
    assert words in found


def test_a_group_that_can_be_is_let_through() -> None:
    assert [*group_problems("claude-code", "Costs & tools", 10)] == []


def test_whatever_a_real_grafana_refused_is_found_before() -> None:
    """By what it said where it said more, and all that it called bad request data."""
    # These depend on other rules, on who asks or on what was stored; they are looked at when that is known.
    later = ("conflicting alert rule", "provenance", "Permissions needed", "Unauthorized")
    # Both states are always sent.
    preset = ("rule.create-no-nodata-state", "rule.create-no-exec-err-state")
    found = 0
    for exchange in recorded(CHECKOUT / "tests" / "files" / "grafana" / "exchanges.jsonl"):
        rule, said = exchange.request, str(exchange.response)
        if "/provisioning/alert-rules" not in exchange.path or exchange.status not in (400, 500):
            continue
        if not isinstance(rule, dict) or any(words in said for words in later) or exchange.case in preset:
            continue
        place = (rule.get("folderUID") or "f", rule.get("ruleGroup") or "g")
        assert [*rule_problems(rule, *place), *group_problems(*place, 60)], exchange.case
        found += 1
    assert found > 20
