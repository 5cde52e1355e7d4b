# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Grafana gets for each way to show something."""

from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_dashboard import (
    all_json,
    dashboard_json,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_fields import thresholds, unit
from ansible_collections.observability.claude_code.plugins.module_utils._panels import build_dashboards
from support.grafana_panels import CATALOGUE, Json, defaults, panel, properties, rendered, sources, steps

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus}"}
LOKI = {"type": "loki", "uid": "${loki}"}
TOOLS = {"total": "tool_executions", "by": "tool_name", "unit": "calls"}
FAILED = {**TOOLS, "where": {"success": "false"}}


# --- the dashboard -------------------------------------------------------------------------------------------------


def test_a_dashboard_names_no_data_source_but_lets_one_choose() -> None:
    found = rendered({"show": "stat", "total": "cost"}, {"show": "logs", "rows": {"events": ["tool_result"]}})
    first, second = found["templating"]["list"][:2]
    assert [(one["name"], one["type"], one["query"]) for one in (first, second)] == [
        ("prometheus", "datasource", "prometheus"),
        ("loki", "datasource", "loki"),
    ]
    assert [one["datasource"] for one in found["panels"][1:]] == [PROMETHEUS, LOKI]
    assert [one["targets"][0]["datasource"] for one in found["panels"][1:]] == [PROMETHEUS, LOKI]


def test_a_dashboard_opens_with_the_data_sources_that_are_named() -> None:
    built = build_dashboards(sources({"show": "stat", "total": "cost"}), CATALOGUE)
    found = all_json(built, CATALOGUE, sources={"prometheus": "ours"})["d"]["templating"]["list"]
    assert [(one["name"], one["current"].get("value")) for one in found[:2]] == [("prometheus", "ours"), ("loki", None)]
    assert all_json(built, CATALOGUE)["d"]["templating"]["list"][0]["current"] == {}


def test_dashboards_of_days_may_read_rollups() -> None:
    built = build_dashboards(sources({"show": "lines", "total": "cost", "by": "model"}), CATALOGUE)
    raw, recent = (all_json(built, CATALOGUE, reads=reads)["d"]["panels"][1] for reads in ("raw", "recent"))
    assert "claude_code:cost:" not in str(raw["targets"])
    assert "claude_code:cost:" in str(recent["targets"])


def test_without_events_their_source_is_hidden() -> None:
    found = rendered({"show": "stat", "total": "cost"})["templating"]["list"]
    assert [one["name"] for one in found if not one["hide"]] == ["prometheus", "session_id", "model", "team", "rate"]
    assert [one["name"] for one in found if one["hide"]] == ["loki"]


def test_a_filter_offers_what_the_filters_before_it_leave() -> None:
    variables = {one["name"]: one for one in rendered({"show": "stat", "total": "cost"})["templating"]["list"]}
    series = '__name__=~"claude_code_session_count_total|claude_code_cost_usage_USD_total", copy=""'
    asked = {name: variables[name]["query"]["query"] for name in ("team", "session_id", "model")}
    assert asked == {
        "team": f'label_values({{{series}, team!=""}}, team)',
        "session_id": f'label_values({{{series}, session_id!="", team=~"$team"}}, session_id)',
        "model": 'label_values({__name__=~"claude_code_cost_usage_USD_total", copy="", model!="", '
        'session_id=~"$session_id", team=~"$team"}, model)',
    }
    one = variables["model"]
    assert (one["includeAll"], one["multi"], one["allValue"], one["current"]["value"]) == (True, True, ".*", ["$__all"])


def test_a_dashboard_of_months_looks_for_values_in_rollups() -> None:
    given = sources({"show": "stat", "total": "cost", "over": "7d"})
    given["dashboards"]["1-d.yml"].update(reads="long", variables=["model", "team"])
    found = dashboard_json(build_dashboards(given, CATALOGUE)["d"], CATALOGUE)
    model = next(one for one in found["templating"]["list"] if one["name"] == "model")
    names = '__name__=~"claude_code:cost:teams1d", copy=""'
    assert model["query"]["query"] == f'label_values({{{names}, model!="", team=~"$team"}}, model)'


def test_a_setting_is_a_field_with_its_default() -> None:
    setting = rendered({"show": "stat", "total": "cost"})["templating"]["list"][-1]
    assert (setting["type"], setting["name"], setting["label"], setting["query"]) == (
        "textbox",
        "rate",
        "Hour (USD)",
        "100",
    )


def test_links_lead_to_the_dashboards_that_are_there_with_time_and_filters() -> None:
    (link,) = rendered({"show": "stat", "total": "cost"})["links"]
    assert (link["url"], link["title"], link["keepTime"], link["includeVars"]) == ("/d/other", "Other", True, True)


def test_a_dashboard_alone_links_to_nothing() -> None:
    dashboard = build_dashboards(sources({"show": "stat", "total": "cost"}), CATALOGUE)["d"]
    assert dashboard_json(dashboard, CATALOGUE)["links"] == []


def test_a_collapsed_row_holds_its_panels() -> None:
    (row,) = rendered({"show": "stat", "total": "cost"}, collapsed=True)["panels"]
    assert (row["collapsed"], [one["title"] for one in row["panels"]]) == (True, ["Panel 0"])


def test_numbers_of_panels_stay_the_same_when_others_come_before() -> None:
    alone = rendered({"show": "stat", "total": "cost", "id": "x"})["panels"][1]["id"]
    later = rendered({"show": "stat", "total": "cost"}, {"show": "stat", "total": "cost", "id": "x"})["panels"][2]["id"]
    assert alone == later


def test_two_panels_with_one_number_are_refused() -> None:
    # crc32 of both ends with the same six digits.
    first, second = "p-177", "p-1943"
    with pytest.raises(CatalogueError, match="Rename one of them"):
        rendered({"show": "stat", "total": "cost", "id": first}, {"show": "stat", "total": "cost", "id": second})


# --- what all panels have ------------------------------------------------------------------------------------------


def test_the_description_says_what_how_and_what_to_do() -> None:
    text = panel(show="stat", total="cost")["description"]
    assert text == (
        "About.\n\n**Computed as.** The sum of claude_code.cost.usage.\n\n"
        "One value for the whole range of the dashboard.\n\n**What to do.** Act."
    )


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("USD", "currencyUSD"),
        ("USD/h", "suffix:USD/h"),
        ("share", "percentunit"),
        ("s", "s"),
        ("ms", "ms"),
        ("By", "bytes"),
        ("time", "dateTimeAsIso"),
        ("sessions", "count:sessions"),
        ("", "short"),
    ],
)
def test_units(word: str, written: str) -> None:
    assert unit(word) == written


def test_the_first_threshold_has_no_lower_end() -> None:
    assert thresholds([("red", 0.5), ("green", 0.8)])["steps"] == [
        {"color": "red", "value": None},
        {"color": "green", "value": 0.8},
    ]


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ({"show": "stat", "total": "cost"}, "0"),
        ({"show": "stat", "mean": "tool_duration"}, "Nothing was reported in this range."),
        ({"show": "stat", "total": "cost", "empty": "No cost."}, "No cost."),
        ({"show": "bars", **TOOLS}, "Nothing was reported in this range."),
    ],
)
def test_no_data_is_a_zero_or_a_sentence(entry: Json, shown: str) -> None:
    assert defaults(**entry)["noValue"] == shown


# --- single numbers ------------------------------------------------------------------------------------------------


def test_a_stat_asks_once_for_the_range() -> None:
    found = panel(show="stat", total="cost", unit="USD", decimals=2)
    (target,) = found["targets"]
    assert (found["type"], target["instant"], target["range"], target["format"]) == ("stat", True, False, "time_series")
    assert target["expr"].endswith("[$__range])) or vector(0)")
    assert found["fieldConfig"]["defaults"]["decimals"] == 2


def test_a_moment_is_asked_for_in_milliseconds() -> None:
    found = panel(show="stat", last="cost", unit="time")
    assert found["targets"][0]["expr"].startswith("1000 * (")
    assert found["fieldConfig"]["defaults"]["unit"] == "dateTimeAsIso"


@pytest.mark.parametrize(
    ("entry", "highest"),
    [
        ({"unit": "share", "ratio": {"of": {"total": "commits"}, "to": {"total": "cost"}}}, 1),
        ({"unit": "hours", "total": "cost", "thresholds": {"green": None, "red": 40}}, 60),
        ({"unit": "hours", "total": "cost"}, None),
    ],
)
def test_the_scale_of_a_gauge(entry: Json, highest: float | None) -> None:
    found = defaults(show="gauge", **entry)
    assert (found["min"], found.get("max")) == (0, highest)


def test_whether_a_program_is_there_is_told_in_words() -> None:
    (mapping,) = defaults(show="stat", own="scraped", by="job")["mappings"]
    assert {value: one["text"] for value, one in mapping["options"].items()} == {"0": "down", "1": "up"}


# --- charts --------------------------------------------------------------------------------------------------------


def test_bars_are_stacked_and_summed_up_in_the_legend() -> None:
    found = panel(show="bars", each="5m", **TOOLS)
    (target,) = found["targets"]
    assert (target["range"], target["instant"], target["format"]) == (True, False, "time_series")
    assert (found["interval"], found["maxDataPoints"]) == ("5m", 100)
    custom = found["fieldConfig"]["defaults"]["custom"]
    assert (custom["drawStyle"], custom["stacking"]["mode"], custom["barAlignment"]) == ("bars", "normal", -1)
    assert (found["options"]["legend"]["calcs"], target["legendFormat"]) == (["sum"], "{{tool_name}}")


@pytest.mark.parametrize(
    "entry",
    [
        {"quantile": "tool_duration", "share": 0.9, "by": "tool_name"},
        {"distinct": "session_id", "in": "cost", "by": "model"},
        {"total": "cost", "over": "1h", "by": "model"},
        {"ratio": {"of": {"total": "cost"}, "to": {"total": "tokens"}}, "by": "model"},
    ],
)
def test_what_does_not_add_up_is_not_summed_up(entry: Json) -> None:
    assert panel(show="bars", **entry)["options"]["legend"]["calcs"] == ["mean", "max"]


def test_a_series_without_the_label_says_so() -> None:
    assert properties(panel(show="lines", **TOOLS), "Value") == {"displayName": "no tool_name"}


def test_a_single_series_needs_no_legend() -> None:
    assert panel(show="lines", total="cost")["options"]["legend"]["showLegend"] is False


def test_errors_are_red() -> None:
    assert defaults(show="bars", **FAILED)["color"] == {"mode": "shades", "fixedColor": "red"}
    assert defaults(show="area", total="api_errors")["color"] == {"mode": "fixed", "fixedColor": "red"}
    assert defaults(show="bars", **TOOLS)["color"] == {"mode": "palette-classic"}


def test_lines_added_are_green_and_removed_ones_red() -> None:
    by_label = panel(show="bars", total="lines_of_code", by="type")
    by_name = panel(
        show="bars",
        series=[
            {"name": name, "total": "lines_of_code", "where": {"type": name.lower()}} for name in ("Added", "Removed")
        ],
    )
    for found, names in ((by_label, ("added", "removed")), (by_name, ("Added", "Removed"))):
        colours = [properties(found, name)["color"]["fixedColor"] for name in names]
        assert colours == ["green", "red"]


def test_a_panel_colours_its_series() -> None:
    found = panel(show="lines", series=[{"name": "Now", "total": "cost"}], colours={"Now": "purple"})
    assert properties(found, "Now")["color"] == {"mode": "fixed", "fixedColor": "purple"}


def test_a_heatmap_has_a_row_for_each_series_as_it_is() -> None:
    found = panel(show="heatmap", mean="tool_duration", by="tool_name", unit="s")
    assert (found["type"], found["options"]["calculate"]) == ("heatmap", False)
    assert (found["targets"][0]["legendFormat"], found["options"]["cellValues"]) == ("{{tool_name}}", {"unit": "s"})


def test_states_show_when_something_was_counted() -> None:
    found = panel(show="states", **TOOLS)
    assert found["type"] == "state-timeline"
    assert [one["color"] for one in found["fieldConfig"]["defaults"]["thresholds"]["steps"]] == ["transparent", "blue"]


# --- shares and bars of the range ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("show", "kind"), [("pie", "piechart"), ("bar gauge", "bargauge")])
def test_series_of_a_range_come_in_order(show: str, kind: str) -> None:
    found = panel(show=show, top=5, **TOOLS)
    (target,) = found["targets"]
    assert (found["type"], target["instant"], target["format"]) == (kind, True, "time_series")
    assert target["expr"].startswith("sort_desc(topk(5, sum by (tool_name)")


def test_a_bar_chart_reads_a_sorted_table() -> None:
    found = panel(show="bar chart", **TOOLS)
    assert found["targets"][0]["format"] == "table"
    assert steps(found)["organize"]["renameByName"] == {"Value": "Panel 0"}
    assert steps(found)["sortBy"]["sort"] == [{"field": "Panel 0", "desc": True}]


def test_bars_of_several_series_stand_beside_each_other() -> None:
    series = [{"name": name, "total": name} for name in ("commits", "pull_requests")]
    found = panel(show="bar chart", by="team", series=series)
    assert list(steps(found)) == ["merge", "organize", "sortBy"]
    assert steps(found)["organize"]["renameByName"] == {"Value #A": "commits", "Value #B": "pull_requests"}


def test_more_labels_become_the_parts_of_stacked_bars() -> None:
    two = panel(show="bar chart", total="tool_decisions", by=["tool_name", "decision"])
    assert steps(two)["groupingToMatrix"]["columnField"] == "decision"
    three = panel(show="bar chart", total="tool_decisions", by=["tool_name", "decision", "source"])
    assert steps(three)["groupingToMatrix"]["columnField"] == "column"
    assert three["targets"][0]["expr"].endswith(', "column", " · ", "decision", "source")')
    assert three["options"]["stacking"] == "normal"


def test_numbers_beside_each_other_are_bars_with_their_names() -> None:
    series = [{"name": "Today", "total": "cost"}, {"name": "Yesterday", "total": "cost", "ago": "1d"}]
    found = panel(show="bar chart", series=series)
    assert [one["legendFormat"] for one in found["targets"]] == ["Today", "Yesterday"]
    assert list(steps(found)) == ["reduce", "organize"]


def test_a_flow_gives_the_graph_its_field_names() -> None:
    found = panel(show="flow", edges=[{"from": "prompt", "to": {"label": "tool_name"}, "total": "tool_executions"}])
    (target,) = found["targets"]
    assert (found["type"], target["refId"], target["format"]) == ("nodeGraph", "edges", "table")
    assert steps(found)["organize"]["renameByName"] == {"Value": "mainstat"}
    assert found["options"]["edges"] == {"mainStatUnit": "count:times"}
