# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules are read as they are written, changed as is wanted, and refused with the place and the remedy."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import Alert, Choice, Group
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    CatalogueError,
    load_catalogue,
)
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Rows
from ansible_collections.observability.claude_code.plugins.module_utils._private_texts import TEXTS, private_fields
from ansible_collections.observability.claude_code.plugins.module_utils._rules import build_rules
from support.checkout import CHECKOUT

CATALOGUE = load_catalogue(CHECKOUT / "files" / "catalogue")
THRESHOLDS = {
    "limit": {"value": 10, "unit": "USD", "about": "How much."},
    "window": {"value": "1h", "about": "How long."},
    "place": {"value": "here", "about": "Where."},
    "part": {"value": 0.5, "unit": "share", "about": "Which part."},
    "budget": {"setting": "monthly_budget"},
}
SETTINGS = {"monthly_budget": {"title": "Budget", "value": 1000, "unit": "USD", "about": "A month."}}
COST = {
    "alert": "Cost",
    "when": {"total": "cost"},
    "over": "1h",
    "above": {"threshold": "limit"},
    "severity": "warning",
    "summary": "{value} of {limit}",
    "means": "More than {limit} in an {over}.",
    "do": "Look.",
}
EVENTS = {**COST, "alert": "Events", "when": {"rows": {"events": ["api_error"]}}, "above": 3}


def groups(*entries: dict[str, Any], choice: Choice | None = None, **group: Any) -> tuple[Group, ...]:
    content = {"group": "g", "about": "All.", "interval": "1m", "rules": list(entries), **group}
    sources = {"rules": {"1.yml": content}, "thresholds": THRESHOLDS, "settings": SETTINGS}
    return build_rules(sources, CATALOGUE, choice)


def one(changes: dict[str, Any] | None = None, **chosen: Any) -> Alert:
    (group,) = groups({**COST, **(changes or {})}, choice=Choice(**chosen))
    (alert,) = group.alerts
    return alert


def test_a_rule_has_what_is_written_with_the_values_of_its_thresholds() -> None:
    alert = one({"for": "5m", "by": "model", "over": {"threshold": "window"}, "unit": "USD"})
    assert (alert.name, alert.value, alert.over, alert.by) == ("Cost", ex.Total("cost"), "1h", ("model",))
    assert (alert.bound, alert.limits, alert.wait) == ("above", (10,), "5m")
    assert set(alert.thresholds) == {"limit", "window"}


def test_a_threshold_may_be_another_number_or_duration_or_that_of_a_setting() -> None:
    assert one(thresholds={"limit": 2.5}).limits == (2.5,)
    assert one({"over": {"threshold": "window"}}, thresholds={"window": "30m"}).over == "30m"
    assert one({"above": {"threshold": "budget"}}).limits == (1000,)
    assert one({"above": {"threshold": "budget"}}, thresholds={"budget": 7}).limits == (7,)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"limt": 3}, "There is no threshold limt. There are: budget, limit, part, place, window."),
        ({"limit": "many"}, "The threshold limit is 'many'. Write a number."),
        ({"limit": True}, "The threshold limit is True. Write a number."),
        ({"window": 60}, "The threshold window is 60. Write a duration such as 30m, 24h or 7d."),
        ({"window": "1h30m"}, "Write a duration"),
        ({"part": 15}, "The threshold part is 15, a share. Write 0.15 for 15 %."),
        ({"place": 'x"} or vector(1)'}, "Write a text of letters, digits and any of"),
    ],
)
def test_a_threshold_of_another_kind_or_name_is_refused(chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(CatalogueError, match="threshold") as refused:
        one(thresholds=chosen)
    assert words in str(refused.value)


def test_a_group_without_a_rule_that_is_wanted_is_not_there() -> None:
    both = ({**COST, "program": "loki"}, {**COST, "alert": "Other"})
    assert [alert.name for group in groups(*both) for alert in group.alerts] == ["Cost", "Other"]
    ours = Choice(programs=("collector", "prometheus"))
    assert [alert.name for group in groups(*both, choice=ours) for alert in group.alerts] == ["Other"]
    assert groups(*both, choice=Choice(programs=(), off=("Other",))) == ()


def test_an_alert_that_is_switched_off_must_be_one() -> None:
    with pytest.raises(CatalogueError, match=r"There is no alert Costs to switch off\. There are: Cost\."):
        groups(COST, choice=Choice(off=("Costs",)))


def test_rules_of_a_platform_are_there_on_that_alone() -> None:
    assert groups(COST, platform="openshift") == ()
    (group,) = groups(COST, platform="openshift", choice=Choice(platform="openshift"))
    assert group.platform == "openshift"


def test_rules_over_log_lines_are_for_loki() -> None:
    (group,) = groups(EVENTS)
    assert group.source == "loki"
    assert groups(COST)[0].source == "prometheus"
    with pytest.raises(CatalogueError, match="rules over metrics and over log lines"):
        groups(COST, EVENTS)


@pytest.mark.parametrize("withheld", [("prompts",), ("prompts", "tool_details"), tuple(TEXTS)])
def test_stored_texts_are_those_that_are_not_to_be_stored(withheld: tuple[str, ...]) -> None:
    entry = {**EVENTS, "when": {"stored_texts": "withheld"}}
    (group,) = groups(entry, choice=Choice(withheld=withheld))
    (alert,) = group.alerts
    assert isinstance(alert.value, Rows)
    assert [list(where) for where in alert.value.where] == [[name] for name in private_fields(withheld)]


def test_where_every_text_may_be_stored_nobody_looks_for_them() -> None:
    assert groups({**EVENTS, "when": {"stored_texts": "withheld"}}, choice=Choice(withheld=())) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"means": ""}, "rules/1.yml: alert 'Cost' lacks means."),
        ({"abov": 3}, "alert 'Cost' has unknown keys: abov"),
        ({"severity": "high"}, "has the severity 'high'. Use one of: info, warning, critical."),
        ({"below": 3}, "must have exactly one of: above, below, outside."),
        ({"above": "many"}, "above is 'many'. Write a number, or {threshold: NAME} of one."),
        ({"above": {"threshold": "window"}}, "above is '1h'. Write a number"),
        ({"above": {"threshold": "x"}}, "there is no threshold 'x'. Use one of: budget, limit, part, place, window."),
        ({"over": "an hour"}, "over is 'an hour'. Write a duration such as 5m, 1h or 7d."),
        ({"for": "5"}, "for is '5'. Write a duration"),
        ({"over": None}, "over is None. Write a duration"),
        ({"by": ["tool_name"]}, "'cost' has no label 'tool_name'. Take it out of by."),
        ({"when": {"total": "costs"}}, "no metric 'costs'"),
        ({"program": "grafana"}, "is about the program 'grafana'. Use one of: collector, prometheus, loki."),
        ({"summary": "{vale}"}, "summary has {vale}, which stands for nothing. Use one of: limit, over, value."),
        ({"means": "{value} is too much of it."}, "means has {value}, which stands for nothing."),
        ({"missing": 0, "by": ["model"]}, "missing is for a single number of metrics."),
        ({"weekdays": {"from": 5, "to": 2}}, "weekdays go from 5 to 2. Use 0 (Sunday) to 6, in their order."),
        ({"provided": [{"total": "cost"}]}, "provided must have exactly one of: at_least, at_most."),
        ({"provided": [{"total": "cost", "at_least": "x"}]}, "provided, at_least is 'x'. Write a number"),
        ({"provided": [{"total": "cost", "at_least": 1, "by": "tool_name"}]}, "has no label 'tool_name'"),
    ],
    ids=str,
)
def test_a_rule_that_is_written_wrongly_is_refused_with_the_place(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        groups({**COST, **changes})
    assert words in str(refused.value)


def test_both_bounds_of_outside_are_needed() -> None:
    entry = {key: value for key, value in COST.items() if key != "above"}
    with pytest.raises(CatalogueError, match="outside wants the least and the most"):
        groups({**entry, "outside": [1]})
    (group,) = groups({**entry, "outside": [1, 2], "summary": "{least} {most}", "means": "Beyond {least}."})
    assert group.alerts[0].limits == (1, 2)


def test_what_is_counted_needs_a_time_and_what_is_a_state_does_not() -> None:
    entry = {key: value for key, value in COST.items() if key != "over"} | {"means": "Much."}
    with pytest.raises(CatalogueError, match="'Cost' lacks over"):
        groups(entry)
    assert groups({**entry, "when": {"own": "scraped"}})[0].alerts[0].over == ""


def test_log_lines_know_no_conditions_of_metrics() -> None:
    with pytest.raises(CatalogueError, match="log lines know neither provided nor weekdays nor outside"):
        groups({**EVENTS, "weekdays": {"from": 1, "to": 5}})


def test_two_alerts_of_one_name_are_refused() -> None:
    with pytest.raises(CatalogueError, match="the alert Cost is written twice"):
        groups(COST, copy.deepcopy(COST))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"value": 1}, "thresholds.yml: limit needs value and about, or setting."),
        ({"setting": "x"}, "limit has the value of 'x', which settings.yml lacks."),
        ({"value": 1, "about": "x", "units": "s"}, "limit has unknown keys: units"),
    ],
)
def test_a_threshold_that_is_written_wrongly_is_refused(entry: dict[str, Any], words: str) -> None:
    content = {"group": "g", "about": "All.", "interval": "1m", "rules": [COST]}
    with pytest.raises(CatalogueError) as refused:
        build_rules({"rules": {"1.yml": content}, "thresholds": {"limit": entry}, "settings": SETTINGS}, CATALOGUE)
    assert words in str(refused.value)
