# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels from YAML, and the queries that are made of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _queries
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, build_dashboards
from support.stack import catalogue

CATALOGUE = catalogue()
COST = "claude_code_cost_usage_USD_total"
VARIABLES = {
    "model": {"title": "Model", "label": "model", "among": ["cost"], "about": "x", "up_to": "["},
    "team": {"title": "Team", "label": "team", "among": ["cost"], "about": "x"},
}


def dashboard(*panels: dict[str, Any], variables: tuple[str, ...] = ()) -> Dashboard:
    sources = {
        "dashboards": {"1.yml": {"uid": "d", "title": "D", "about": "x", "variables": list(variables)}},
        "panels": {
            "d": {"1.yml": {"row": "R", "panels": [described(number, one) for number, one in enumerate(panels)]}}
        },
        "variables": VARIABLES,
        "settings": {},
    }
    return build_dashboards(sources, CATALOGUE)["d"]


def described(number: int, panel: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"p{number}", "title": "P", "show": "stat", "about": "x", "act": "x", **panel}


def asked(panel: dict[str, Any], *variables: str) -> list[str]:
    found = dashboard(panel, variables=variables)
    return [query.text for query in _queries.queries(found.panels()[0], _queries.in_grafana(found, CATALOGUE))]


def test_a_number_that_is_counted_is_zero_without_data_and_a_share_is_not() -> None:
    assert asked({"total": "cost"}) == [f'sum(sum_over_time({COST}{{copy=""}}[$__range])) or vector(0)']
    (share,) = asked({"ratio": {"of": {"total": "cost"}, "to": {"total": "session_starts"}}})
    assert not share.endswith("or vector(0)")


def test_a_chart_asks_for_its_intervals_and_ranks_its_series_by_the_whole_range() -> None:
    by_model = f'sum by (model) (sum_over_time({COST}{{copy=""}}'
    assert asked({"show": "bars", "total": "cost", "by": "model"}) == [f"{by_model}[$__interval]))"]
    assert asked({"show": "bars", "total": "cost", "by": "model", "top": 3}) == [
        f"{by_model}[$__interval])) and on (model) topk(3, {by_model}[$__range] @ end())))"
    ]


def test_the_rows_of_a_table_are_those_of_the_column_it_is_ranked_by() -> None:
    columns = [
        {"title": "Team", "label": "team"},
        {"title": "Sessions", "total": "session_starts"},
        {"title": "Cost", "total": "cost"},
    ]
    sessions, cost = asked({"show": "table", "columns": columns, "top": 5, "ranked": "Cost"})
    best = f'topk(5, sum by (team) (sum_over_time({COST}{{copy=""}}[$__range])))'
    assert cost == best
    assert sessions.endswith(f" and on (team) {best}")


def test_a_model_is_found_in_all_sizes_of_context() -> None:
    (text,) = asked({"total": "cost"}, "model", "team")
    pattern = re.search(r'model=~"([^"]*)"', text).group(1).replace("\\\\", "\\")  # type: ignore[union-attr]
    assert 'team=~"$team"' in text
    for chosen, found in (("opus", True), ("(haiku|opus)", True), (".*", True), ("haiku", False)):
        for label in ("opus", "opus[1m]"):
            assert bool(re.fullmatch(pattern.replace("$model", chosen), label)) is found
    assert re.fullmatch(pattern.replace("$model", ".*"), "")


def test_lines_are_selected_by_event_and_filtered_by_what_they_have() -> None:
    rows = {"events": ["tool_result"], "where": {"success": "false"}}
    columns = [{"title": "Time", "field": "time"}]
    assert asked({"show": "table", "rows": rows, "columns": columns}, "model", "team") == [
        '{service_name=~".+", event_name=~"tool_result", success!="true"} | success="false" | team=~"$team"'
    ]


@pytest.mark.parametrize(
    ("panel", "complaint"),
    [
        ({"show": "sparkles"}, "has show: 'sparkles'. Use one of: bars,"),
        ({"size": "huge"}, "has size: 'huge'. Use one of: eighth,"),
        ({"titel": "x"}, "has unknown keys: titel. Known are: about,"),
        ({"title": ""}, "lacks title"),
        ({"total": "money"}, "The catalogue has no metric 'money'"),
        ({"total": "cost", "over": "a day"}, "has over: 'a day'. Write a duration such as 30m, 24h or 7d"),
        ({"show": "table", "ranked": "Cost", "columns": []}, "is ranked by 'Cost', which is no column with a value"),
    ],
)
def test_what_cannot_be_shown_is_refused(panel: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CatalogueError, match=re.escape(complaint)):
        dashboard(panel)


def test_two_panels_cannot_have_one_id() -> None:
    with pytest.raises(CatalogueError, match="panels/d: the id same is used twice"):
        dashboard({"id": "same"}, {"id": "same"})
