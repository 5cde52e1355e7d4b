# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of an alert in Prometheus, in Loki's ruler and in Grafana."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_grafana as grafana
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_loki as loki
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_prometheus as prometheus
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import (
    LOKI,
    PROMETHEUS,
    Alert,
    Group,
    Proviso,
)
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError, load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Rows, load_dashboards
from support.checkout import CHECKOUT

FOLDER = CHECKOUT / "files" / "catalogue"
CATALOGUE = load_catalogue(FOLDER)
DASHBOARDS = load_dashboards(FOLDER, CATALOGUE)
COST = Alert(
    "HighCost",
    ex.Total("cost"),
    "above",
    (10,),
    "warning",
    "{value} in an {over}, {limit} are allowed",
    "More than {limit}\nin an {over}.",
    "Look at it.",
    over="1h",
    unit="USD",
    panel="claude-code-metrics/cost-by-model",
)
SUMMED = 'sum(sum_over_time(claude_code_cost_usage_USD_total{copy=""}[1h]))'
BY_MODEL = 'sum by (model) (sum_over_time(claude_code_cost_usage_USD_total{copy=""}[1h]))'
LINES = replace(COST, value=Rows(("api_error",), ({"error": {"not": ("", "x")}},)), by=("user_name",), unit="")


def asked(**changes: Any) -> str:
    return prometheus.condition(replace(COST, **changes), CATALOGUE)


def rule(alert: Alert = COST) -> dict[str, Any]:
    groups = [Group("g", "All.", "1m", PROMETHEUS, (alert,))]
    ((found,),) = (group["rules"] for group in prometheus.rule_groups(groups, CATALOGUE, DASHBOARDS))
    return found


def in_grafana(alert: Alert = COST, source: str = PROMETHEUS, interval: str = "1m", **sources: str) -> dict[str, Any]:
    (group,) = grafana.rule_groups(
        [Group("g", "All.", interval, source, (alert,))], CATALOGUE, DASHBOARDS, sources=sources
    )
    (found,) = group["rules"]
    return found


def test_an_alert_is_what_is_beyond_its_bound() -> None:
    assert asked() == f"{SUMMED} > 10"
    assert asked(bound="below", limits=(0.5,), by=("model",)) == f"{BY_MODEL} < 0.5"
    assert asked(bound="outside", limits=(1, 2)) == f"({SUMMED} < 1 or {SUMMED} > 2)"


def test_what_could_fall_apart_is_in_brackets() -> None:
    ratio = ex.Ratio(ex.Total("cost"), ex.Number(7))
    assert asked(value=ratio) == f"(({SUMMED}) / 7) > 10"
    either = ex.Distinct(("cost", "commits"), label="user_name")
    assert asked(value=either).startswith("count(")
    assert asked(value=ex.Unless(ex.Total("cost"), ex.Total("commits"))).startswith("(((sum(")


def test_a_proviso_is_compared_by_its_own_labels() -> None:
    same = Proviso(ex.Total("cost"), ">=", 5, ("model",))
    assert asked(by=("model",), provided=(same,)) == f"{BY_MODEL} > 10 and on (model) {BY_MODEL} >= 5"
    whole = Proviso(ex.Total("cost"), "<=", 0.5)
    assert asked(by=("model",), provided=(whole,)) == f"{BY_MODEL} > 10 and on () {SUMMED} <= 0.5"


def test_no_data_may_count_as_a_number() -> None:
    assert asked(missing=0, bound="below", limits=(1,)) == f"({SUMMED} or vector(0)) < 1"


def test_an_alert_may_be_for_some_days_of_the_week() -> None:
    assert asked(weekdays=(2, 5)) == f"{SUMMED} > 10 and on () day_of_week() >= 2 and on () day_of_week() <= 5"
    assert asked(weekdays=(0, 6)) == f"{SUMMED} > 10"


def test_a_rule_has_labels_sentences_and_the_panel() -> None:
    assert rule() == {
        "alert": "HighCost",
        "expr": f"{SUMMED} > 10",
        "labels": {"severity": "warning", "service": "claude-code"},
        "annotations": {
            "summary": '${{ printf "%.2f" $value }} in an hour, $10 are allowed',
            "description": "More than $10 in an hour.",
            "runbook": "Look at it.",
            "panel": "Cost by Model, /d/claude-code-metrics?viewPanel="
            + rule()["annotations"]["panel"].rpartition("=")[2],
        },
    }
    assert rule(replace(COST, wait="5m"))["for"] == "5m"
    assert "panel" not in rule(replace(COST, panel=""))["annotations"]


@pytest.mark.parametrize(
    ("unit", "limit", "said"),
    [
        ("USD", 0.5, '${{ printf "%.2f" $value }}, $0.50 are allowed'),
        ("USD", 1500, '${{ printf "%.2f" $value }}, $1,500 are allowed'),
        ("share", 0.15, "{{ humanizePercentage $value }}, 15% are allowed"),
        ("s", 30, "{{ humanizeDuration $value }}, 30 s are allowed"),
        ("calls", 1000000, '{{ printf "%.0f" $value }}, 1,000,000 are allowed'),
    ],
)
def test_numbers_are_written_with_their_unit(unit: str, limit: float, said: str) -> None:
    alert = replace(COST, unit=unit, limits=(limit,), summary="{value}, {limit} are allowed")
    assert rule(alert)["annotations"]["summary"] == said


def test_the_summary_tells_alerts_apart_by_their_labels() -> None:
    alert = replace(COST, by=("model",), summary="{model}: {value}")
    assert rule(alert)["annotations"]["summary"] == '{{ $labels.model }}: ${{ printf "%.2f" $value }}'


def test_a_panel_that_is_not_there_is_refused() -> None:
    with pytest.raises(CatalogueError, match="names the dashboard 'x'"):
        rule(replace(COST, panel="x/cost-by-model"))
    with pytest.raises(CatalogueError, match="claude-code-metrics has no panel 'x'"):
        rule(replace(COST, panel="claude-code-metrics/x"))


def test_loki_counts_lines_and_asks_for_each_text_by_itself() -> None:
    assert loki.condition(LINES, CATALOGUE) == (
        'sum by (user_name) (count_over_time({service_name=~".+", event_name=~"api_error"} '
        '| error!="" and error!="x" [1h])) > 10'
    )


def test_what_one_server_does_not_have_is_not_asked_of_it() -> None:
    with pytest.raises(CatalogueError, match="HighCost is about log lines, which Prometheus does not have"):
        prometheus.condition(LINES, CATALOGUE)
    with pytest.raises(CatalogueError, match="HighCost is about metrics, which Loki does not have"):
        loki.condition(COST, CATALOGUE)
    both = [Group("m", "", "1m", PROMETHEUS, (COST,)), Group("l", "", "1m", LOKI, (LINES,))]
    assert [group["name"] for group in prometheus.rule_groups(both, CATALOGUE, DASHBOARDS)] == ["m"]
    assert [group["name"] for group in loki.rule_groups(both, CATALOGUE, DASHBOARDS)] == ["l"]
    assert [group["name"] for group in grafana.rule_groups(both, CATALOGUE, DASHBOARDS)] == ["m", "l"]


def test_grafana_compares_the_value_itself() -> None:
    found = in_grafana(replace(COST, provided=(Proviso(ex.Total("commits"), ">=", 2),), wait="1h"))
    query, value, comparison = (one["model"] for one in found["data"])
    assert query["expr"].startswith(f"{SUMMED} and on () sum(")
    assert query["instant"] is True
    assert (value["type"], value["expression"]) == ("reduce", "A")
    assert (comparison["type"], comparison["expression"]) == ("threshold", "B")
    assert comparison["conditions"] == [{"evaluator": {"type": "gt", "params": [10]}}]
    assert (found["condition"], found["uid"], found["for"]) == ("C", "claude-code-high-cost", "1h")
    assert found["annotations"]["summary"] == '${{ printf "%.2f" $values.B.Value }} in an hour, $10 are allowed'
    assert found["annotations"]["__dashboardUid__"] == "claude-code-metrics"


@pytest.mark.parametrize(
    ("bound", "limits", "evaluator"),
    [("below", (1,), "lt"), ("outside", (1, 2), "outside_range")],
)
def test_grafana_knows_every_bound(bound: str, limits: tuple[float, ...], evaluator: str) -> None:
    alert = replace(COST, bound=bound, limits=limits, summary="x", means="x")
    condition = in_grafana(alert)["data"][2]["model"]["conditions"]
    assert condition == [{"evaluator": {"type": evaluator, "params": list(limits)}}]


def test_grafana_asks_the_data_source_that_is_named() -> None:
    assert {one["datasourceUid"] for one in in_grafana()["data"]} == {"prometheus", "__expr__"}
    named = in_grafana(prometheus="p1")["data"][0]
    assert (named["datasourceUid"], named["model"]["datasource"]) == ("p1", {"type": "prometheus", "uid": "p1"})
    lines = in_grafana(LINES, LOKI, loki="l1")["data"][0]
    assert (lines["datasourceUid"], lines["queryType"], lines["model"]["queryType"]) == ("l1", "instant", "instant")


def test_grafana_has_a_range_of_time_as_long_as_the_window() -> None:
    assert in_grafana()["data"][0]["relativeTimeRange"] == {"from": 3600, "to": 0}
    assert in_grafana(replace(COST, over="5m"))["data"][0]["relativeTimeRange"] == {"from": 600, "to": 0}


def test_grafana_evaluates_in_steps_of_ten_seconds() -> None:
    with pytest.raises(CatalogueError, match="evaluated every 15s; Grafana evaluates in steps of 10 s"):
        in_grafana(interval="15s")


@pytest.mark.parametrize(
    ("name", "uid"),
    [
        ("APIErrorSpike", "claude-code-api-error-spike"),
        ("MalformedSCC", "claude-code-malformed-scc"),
        ("Cost", "claude-code-cost"),
    ],
)
def test_a_uid_is_made_of_the_name(name: str, uid: str) -> None:
    assert grafana.uid_of(name) == uid


def test_a_name_that_is_too_long_for_a_uid_is_refused() -> None:
    with pytest.raises(CatalogueError, match="has more than 40 characters"):
        grafana.uid_of("AnAlertWithANameThatNobodyCanRemember")
