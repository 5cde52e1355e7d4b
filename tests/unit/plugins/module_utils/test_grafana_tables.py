# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and lines of events: what the queries return becomes the panel's columns."""

from __future__ import annotations

from support.grafana_panels import panel, properties, steps

COLUMNS = [
    {"title": "Session ID", "label": "session_id", "links": "claude-code-session"},
    {"title": "Start", "first": "cost", "unit": "time"},
    {"title": "Cost", "total": "cost", "unit": "USD", "thresholds": {"green": None, "red": 5}},
    {"title": "Mean", "mean": "tool_duration", "unit": "s"},
]


def test_a_table_merges_its_queries_into_its_columns() -> None:
    found = panel(show="table", columns=COLUMNS)
    assert [one["format"] for one in found["targets"]] == ["table"] * 3
    assert list(steps(found)) == ["merge", "organize"]
    organized = steps(found)["organize"]
    names = {"session_id": "Session ID", "Value #A": "Start", "Value #B": "Cost", "Value #C": "Mean"}
    assert (organized["renameByName"], list(organized["indexByName"])) == (names, list(names))
    assert organized["excludeByName"] == {"Time": True}


def test_rows_without_a_label_are_merged_with_each_other_alone() -> None:
    merged = panel(show="table", columns=COLUMNS)["targets"]
    assert all(one["expr"].endswith(', "session_id", "-", "session_id", "")') for one in merged)
    (alone,) = panel(show="table", columns=[COLUMNS[0], COLUMNS[2]])["targets"]
    assert "label_replace" not in alone["expr"]


def test_a_table_with_one_value_has_no_number_in_its_name() -> None:
    found = panel(show="table", columns=[COLUMNS[0], COLUMNS[2]])
    assert steps(found) == {
        "organize": {
            "excludeByName": {"Time": True},
            "indexByName": {"session_id": 0, "Value": 1},
            "renameByName": {"session_id": "Session ID", "Value": "Cost"},
        }
    }


def test_columns_have_their_units_links_colours_and_blanks() -> None:
    found = panel(show="table", columns=COLUMNS)
    assert ["(1000 * (" in one["expr"] for one in found["targets"]] == [True, False, False]
    assert properties(found, "Start")["unit"] == "dateTimeAsIso"
    cost = properties(found, "Cost")
    assert (cost["unit"], cost["noValue"], cost["custom.cellOptions"]) == ("currencyUSD", "0", {"type": "color-text"})
    assert properties(found, "Mean")["noValue"] != "0"
    (link,) = properties(found, "Session ID")["links"]
    assert link["url"] == (
        "/d/claude-code-session?var-session_id=${__value.raw}&${__url_time_range}"
        "&${prometheus:queryparam}&${loki:queryparam}"
    )


def test_a_table_is_sorted_by_its_first_value_or_by_what_it_is_ranked_by() -> None:
    assert panel(show="table", columns=COLUMNS)["options"]["sortBy"] == [{"displayName": "Start", "desc": True}]
    ranked = panel(show="table", columns=COLUMNS, ranked="Cost")
    assert ranked["options"]["sortBy"] == [{"displayName": "Cost", "desc": True}]


def test_lines_show_their_attributes_and_nothing_else() -> None:
    found = panel(
        show="table",
        rows={"events": ["tool_result"], "limit": 50},
        columns=[
            {"title": "When", "field": "time"},
            {"title": "Tool", "field": "tool_name"},
            {"title": "Took", "field": "duration_ms", "unit": "ms"},
        ],
    )
    (target,) = found["targets"]
    assert (target["queryType"], target["maxLines"]) == ("range", 50)
    assert list(steps(found)) == ["extractFields", "filterFieldsByName", "convertFieldType", "organize"]
    assert steps(found)["filterFieldsByName"]["include"]["names"] == ["Time", "timestamp", "tool_name", "duration_ms"]
    assert steps(found)["convertFieldType"]["conversions"] == [
        {"targetField": "duration_ms", "destinationType": "number"}
    ]
    assert properties(found, "When")["unit"] == "dateTimeAsIso"


def test_groups_of_lines_get_a_column_for_each_query() -> None:
    found = panel(
        show="table",
        top=10,
        rows={"events": ["api_error"], "by": {"message": ["error"]}},
        columns=[
            {"title": "Message", "field": "message"},
            {"title": "Count", "field": "count"},
            {"title": "First Seen", "field": "first"},
        ],
    )
    count, first = (one["expr"] for one in found["targets"])
    assert count.startswith("label_replace(label_replace(sum by (message)")
    assert ', "message", "-", "message", ""), ' in count
    assert count.endswith(', "column", "Count", "", "")')
    assert first.endswith(', "column", "First Seen", "", "")')
    assert [one["queryType"] for one in found["targets"]] == ["instant"] * 2
    assert list(steps(found)) == ["labelsToFields", "merge", "sortBy", "limit", "organize"]
    assert steps(found)["labelsToFields"]["valueLabel"] == "column"
    assert list(steps(found)["organize"]["indexByName"]) == ["message", "Count", "First Seen"]
    assert properties(found, "First Seen")["unit"] == "dateTimeAsIso"
    assert properties(found, "Count")["noValue"] == "0"


def test_logs_are_lines_with_their_details() -> None:
    found = panel(show="logs", rows={"events": ["user_prompt"], "limit": 20})
    assert (found["type"], found["targets"][0]["maxLines"], found["options"]["enableLogDetails"]) == ("logs", 20, True)


def test_a_text_asks_nothing() -> None:
    found = panel(show="text", text="**Hello**")
    assert (found["type"], found["options"]["content"], "targets" in found) == ("text", "**Hello**", False)
