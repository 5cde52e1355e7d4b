# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers in words: what a person must do to compute the same."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError, load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Column, Edge, Panel, Rows, Series
from ansible_collections.observability.claude_code.plugins.module_utils._words import (
    in_words,
    panel_in_words,
    rows_in_words,
    second_way,
    span_in_words,
)
from support.checkout import CHECKOUT

CATALOGUE = load_catalogue(CHECKOUT / "files" / "catalogue")
FAILED = {"total": "tool_executions", "where": {"success": "false"}}


@pytest.mark.parametrize(
    ("entry", "by", "words"),
    [
        ({"total": "cost"}, (), "The sum of claude_code.cost.usage."),
        ({"total": "cost"}, ("model",), "The sum of claude_code.cost.usage, for each model."),
        (
            {"ratio": {"of": FAILED, "to": {"total": "tool_executions"}}},
            ("tool_name",),
            "The sum of claude_code.tool.executions where success is false, divided by the sum of "
            "claude_code.tool.executions, for each tool_name.",
        ),
        (
            {"total": "tokens", "where": {"type": ["input", "cacheRead"], "model": "m"}},
            (),
            "The sum of claude_code.token.usage where type is input or cacheRead and model is m.",
        ),
        ({"total": "tool_duration"}, (), "The number of observations of claude_code.tool.duration."),
        ({"mean": "tool_duration"}, (), "The mean of claude_code.tool.duration."),
        ({"observed": "tool_duration"}, (), "The sum of all observations of claude_code.tool.duration."),
        ({"quantile": "tool_duration", "share": 0.95}, (), "The 95 % quantile of claude_code.tool.duration."),
        ({"quantile": "tool_duration"}, (), "The median of claude_code.tool.duration."),
        (
            {"distinct": "session_id", "in": ["session_starts", "cost"]},
            (),
            "The number of different values of session_id for which claude_code.session.count or "
            "claude_code.cost.usage counted anything.",
        ),
        (
            {"share_of": {"total": "cost"}},
            ("user_name",),
            "The share of all in the sum of claude_code.cost.usage, for each user_name.",
        ),
        (
            {"unless": {"of": {"last": "cost"}, "counted": {"total": "cost", "over": "24h"}}},
            ("user_name",),
            "The time of the last point of claude_code.cost.usage, only where (the sum of claude_code.cost.usage in "
            "the last 24 hours) is missing or 0, for each user_name.",
        ),
        ({"first": "cost"}, (), "The time of the first point of claude_code.cost.usage."),
        (
            {"last": ["cost", "commits"]},
            (),
            "The time of the last point of claude_code.cost.usage or claude_code.commit.count.",
        ),
        (
            {"sum": [{"total": "cost"}, {"total": "cost", "times": -1, "ago": "1d"}]},
            (),
            "The sum of claude_code.cost.usage minus (the sum of claude_code.cost.usage a day earlier).",
        ),
        (
            {"sum": [{"total": "subagents"}, {"total": "cost", "times": -1}]},
            (),
            "The sum of claude_code.subagent.completions minus the sum of claude_code.cost.usage.",
        ),
        ({"total": "cost", "times": 1000}, (), "The sum of claude_code.cost.usage times 1,000."),
        (
            {"total": "cost", "times": {"setting": "hourly_rate"}, "over": "24h"},
            (),
            "(the sum of claude_code.cost.usage times the setting hourly_rate) in the last 24 hours.",
        ),
        (
            {"highest": {"total": "subagents"}, "among": "session_id"},
            (),
            "The highest value of the sum of claude_code.subagent.completions of any session_id.",
        ),
        (
            {"total": "subagent_failures", "read": {"agent_type": "subagent_type"}},
            ("agent_type",),
            "The sum of claude_code.subagent.failures with subagent_type taken as agent_type, for each agent_type.",
        ),
        (
            {"total": "cost", "over": "1h", "ago": "7d"},
            (),
            "The sum of claude_code.cost.usage in the hour that ended 7 days earlier.",
        ),
        ({"own": "cpu"}, (), "The growth of process_cpu_seconds_total."),
        (
            {"own": "cpu", "per_second": True},
            ("job",),
            "The growth of process_cpu_seconds_total in a second, for each job.",
        ),
        (
            {"own": "memory", "where": {"job": {"not": "loki"}}},
            (),
            "The value of process_resident_memory_bytes where job is not loki at the end.",
        ),
        ({"own": "memory", "peak": True}, (), "The highest value of process_resident_memory_bytes."),
        (
            {"ratio": {"of": {"total": "cost"}, "to": {"days": "range"}}},
            (),
            "The sum of claude_code.cost.usage, divided by the number of days in the range.",
        ),
    ],
)
def test_an_expression_is_told_with_what_counts(entry: dict, by: tuple[str, ...], words: str) -> None:
    assert in_words(ex.parse(entry, CATALOGUE, "here"), CATALOGUE, by) == words


def test_a_node_without_words_is_refused_with_its_name() -> None:
    @dataclass(frozen=True)
    class Strange(ex.Expression):
        pass

    with pytest.raises(CatalogueError, match=r"Strange has no words\. Add them to _words\.py\."):
        in_words(Strange(), CATALOGUE)


def test_the_second_way_names_events_and_their_attributes() -> None:
    metrics = CATALOGUE.metrics
    assert second_way(metrics["cost"]) == "The sum of cost_usd over the api_request events."
    assert "input_tokens for type input" in second_way(metrics["tokens"])
    assert second_way(metrics["tool_executions"]) == "The number of the tool_result events."
    assert second_way(metrics["tool_duration"]) == (
        "The distribution of duration_ms times 0.001 over the tool_result events."
    )
    assert "where tool_name is Agent or Task and success is false" in second_way(metrics["subagent_failures"])
    assert second_way(metrics["commits"]) == ""


def test_rows_say_which_events_and_how_they_are_grouped() -> None:
    rows = Rows(("tool_result", "api_error"), ({"success": "false"}, {"event_name": "api_error"}))
    assert rows_in_words(rows) == (
        "The tool_result and api_error events in Loki where success is false, or where event_name is api_error."
    )
    nested = Rows(("subagent_completed",), ({"parent_agent_id": {"not": ""}},))
    assert rows_in_words(nested) == "The subagent_completed events in Loki where parent_agent_id is not empty."
    grouped = Rows(("api_error",), by=("message", ("error", "error_type")))
    assert rows_in_words(grouped) == (
        "The api_error events in Loki, grouped by message: the attribute error, or error_type where that is empty."
    )


def test_each_number_of_a_panel_has_its_name() -> None:
    cost, commits = (ex.parse({"total": name}, CATALOGUE, "here") for name in ("cost", "commits"))
    two = Panel("p", "P", "lines", "a", "b", series=(Series("Cost", cost), Series("Commits", commits)), by=("team",))
    assert [name for name, _words in panel_in_words(two, CATALOGUE)] == ["Cost", "Commits"]
    assert all(words.endswith("for each team.") for _name, words in panel_in_words(two, CATALOGUE))
    flow = Panel("f", "F", "flow", "a", "b", edges=(Edge("Prompts", "", commits, target_label="tool_name"),))
    assert panel_in_words(flow, CATALOGUE)[0][0] == "Prompts → each tool_name"


def test_the_time_that_numbers_are_of_is_told() -> None:
    assert span_in_words(Panel("p", "P", "bars", "a", "b", each="1h", top=5)) == (
        "One value for each interval of the chart; the shortest interval is an hour. "
        "Only the 5 highest of the range are shown."
    )
    assert span_in_words(Panel("p", "P", "stat", "a", "b")) == "One value for the whole range of the dashboard."
    assert span_in_words(Panel("p", "P", "text", "a", "b")) == ""
    today = ex.parse({"total": "cost", "over": "24h"}, CATALOGUE, "here")
    assert span_in_words(Panel("p", "P", "stat", "a", "b", series=(Series("", today),))) == (
        "Where no time is named it is the whole range of the dashboard."
    )
    columns = (Column("Model", label="model"), Column("Today", today), Column("Cost", today))
    table = Panel("p", "P", "table", "a", "b", columns=columns, top=5, ranked="Cost")
    assert span_in_words(table).endswith(" Only the 5 rows with the highest Cost are shown.")
