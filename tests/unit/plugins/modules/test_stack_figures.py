# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels of a dashboard show, read from a stand-in for Prometheus and Loki."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _catalogue as catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._panels import read_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Web
from ansible_collections.observability.claude_code.plugins.modules import stack_figures
from support.checkout import CHECKOUT
from support.modules import run_module
from support.scripted_stack import ScriptedStack

FOLDER = CHECKOUT / "files" / "catalogue"
SOURCES = {**catalogue.read_sources(FOLDER), "dashboards": read_dashboards(FOLDER)}
RATE = {"of": {"total": "tool_executions", "where": {"success": "false"}}, "to": {"total": "tool_executions"}}
TOLD = {"title": "A title", "about": "What it is.", "act": "What to do."}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedStack]:
    monkeypatch.setattr(Web, "pause_s", 0.0)
    with ScriptedStack() as running:
        running.promql, running.logql = {}, {}
        yield running


def figures(stack: ScriptedStack, **options: Any) -> dict[str, Any]:
    return run_module(stack_figures, **stack.options(catalogue=SOURCES, **options))


def figure(stack: ScriptedStack, range_: str = "24h", **panel: Any) -> dict[str, Any]:
    """What is read for one panel, on a dashboard of its own."""
    dashboards = {
        "dashboards": {"1.yml": {"uid": "one", "title": "One", "about": "A dashboard."}},
        "panels": {"one": {"1.yml": {"row": "A row", "panels": [{"id": "p", **TOLD, **panel}]}}},
        "variables": {},
        "settings": {},
    }
    sources = {**SOURCES, "dashboards": dashboards}
    result = run_module(stack_figures, **stack.options(catalogue=sources, dashboard="one", range=range_))
    assert "figures" in result, result
    (found,) = result["figures"]["rows"][0]["panels"]
    return found


def asked(stack: ScriptedStack) -> dict[str, str]:
    """The parameters of the last request."""
    parameters = urllib.parse.parse_qs(stack.requests[-1][1].partition("?")[2])
    return {name: values[0] for name, values in parameters.items()}


def test_every_panel_of_the_main_dashboard_is_read(stack) -> None:
    result = figures(stack)
    assert result["unread"] == []
    assert not result["changed"]
    wanted = SOURCES["dashboards"]["panels"]["claude-code-metrics"]
    rows = [content for _name, content in sorted(wanted.items())]
    assert [row["title"] for row in result["figures"]["rows"]] == [row["row"] for row in rows]
    read = [[panel["id"] for panel in row["panels"]] for row in result["figures"]["rows"]]
    assert read == [[panel["id"] for panel in row["panels"]] for row in rows]
    for panel in (panel for row in result["figures"]["rows"] for panel in row["panels"]):
        assert {"values", "series", "rows", "edges"} & set(panel) or panel["show"] == "text", panel["id"]
        assert panel["about"]
        assert panel["act"]


def test_no_variable_of_grafana_is_left_in_a_query(stack) -> None:
    figures(stack)
    asked_for = [urllib.parse.unquote_plus(path) for _method, path, _headers in stack.requests]
    assert len(asked_for) > 50
    names = [*SOURCES["dashboards"]["variables"], *SOURCES["dashboards"]["settings"], "__"]
    assert [path for path in asked_for if any(f"${name}" in path for name in names)] == []


def test_a_number_and_a_share(stack) -> None:
    stack.promql = {'success="false"': 3.0, "claude_code_tool_executions_total": 12.0}
    assert figure(stack, show="stat", ratio=RATE)["values"] == [{"group": "", "name": "", "value": 3.0}]
    stack.promql = {"claude_code_tool_executions_total": float("nan")}
    assert figure(stack, show="gauge", ratio=RATE)["values"] == []


def test_bars_fill_the_range_and_count_zero_where_nothing_was(stack) -> None:
    stack.promql = {"sum by (model)": [({"model": "small"}, 1.0), ({"model": "large"}, 5.0), ({}, 0.0)]}
    found = figure(stack, show="bars", total="cost", by="model")
    assert [one["name"] for one in found["series"]] == ["large", "small"]
    points = found["series"][0]["points"]
    assert len(points) == 48
    assert points[-1] == [pytest.approx(found["end"]), 5.0]
    assert points[0] == [pytest.approx(found["start"] + 1800), 0.0]
    assert sum(value for _at, value in points) == 5.0
    assert found["end"] - found["start"] == 86400
    assert "[1800s]" in asked(stack)["query"]
    assert asked(stack)["step"] == "1800"
    assert float(asked(stack)["end"]) - float(asked(stack)["start"]) == pytest.approx(86400 - 1800, abs=0.01)
    assert (found["additive"], found["stacked"], found["wrong"]) == (True, True, False)


def test_lines_of_a_ratio_have_gaps_instead_of_zeros(stack) -> None:
    stack.promql = {"claude_code_tool_executions_total": 0.5}
    found = figure(stack, show="lines", ratio=RATE, unit="share")
    assert [value for _at, value in found["series"][0]["points"]] == [0.5]
    assert (found["additive"], found["wrong"]) == (False, True)


@pytest.mark.parametrize(
    ("range_", "panel", "step", "count"),
    [
        ("24h", {"show": "bars"}, 1800, 48),
        ("24h", {"show": "heatmap"}, 3600, 24),
        ("7d", {"show": "bars"}, 14400, 42),
        ("1h", {"show": "bars"}, 120, 30),
        ("1h", {"show": "bars", "each": "1h"}, 3600, 1),
        ("49h", {"show": "bars"}, 3675, 48),
        ("10m", {"show": "bars", "each": "1h"}, 600, 1),
    ],
)
def test_steps_are_those_that_people_know_and_fill_the_range(stack, range_, panel, step, count) -> None:
    stack.promql = {"sum": 1.0}
    found = figure(stack, range_=range_, total="cost", **panel)
    assert found["step"] == step
    assert len(found["series"][0]["points"]) == count
    assert found["end"] - found["start"] == step * count


def test_groups_come_largest_first_with_their_parts(stack) -> None:
    decisions = [("Read", "accept", "config", 2.0), ("Bash", "reject", "hook", 1.0), ("Bash", "accept", "", 4.0)]
    stack.promql = {
        "sum by": [({"tool_name": tool, "decision": what, "source": who}, n) for tool, what, who, n in decisions]
    }
    found = figure(stack, show="bar chart", total="tool_decisions", by=["tool_name", "decision", "source"])
    assert found["values"] == [
        {"group": "Bash", "name": "accept · no source", "value": 4.0},
        {"group": "Bash", "name": "reject · hook", "value": 1.0},
        {"group": "Read", "name": "accept · config", "value": 2.0},
    ]


def test_named_series_keep_their_order(stack) -> None:
    stack.promql = {'type="input"': 1.0, 'type="output"': 7.0}
    series = [
        {"name": name, "total": "tokens", "where": {"type": kind}}
        for name, kind in (("In", "input"), ("Out", "output"))
    ]
    found = figure(stack, show="pie", series=series)
    assert [(one["group"], one["value"]) for one in found["values"]] == [("In", 1.0), ("Out", 7.0)]


def test_a_table_joins_its_columns_by_labels(stack) -> None:
    stack.promql = {
        "> 0": [({"model": "a"}, 0.1)],
        "claude_code_cost": [({"model": "a"}, 1.0), ({"model": "b"}, 2.0), ({}, 0.5)],
        "claude_code_token": [({"model": "a"}, 10.0)],
    }
    columns = [
        {"title": "Model", "label": "model"},
        {"title": "Cost", "total": "cost", "unit": "USD", "thresholds": {"green": None, "red": 2}},
        {"title": "Tokens", "total": "tokens", "unit": "tokens"},
        {"title": "Rate", "ratio": {"of": {"total": "cost"}, "to": {"total": "tool_executions"}}, "unit": "USD"},
    ]
    found = figure(stack, show="table", columns=columns)
    assert found["rows"] == [["b", 2.0, 0.0, None], ["a", 1.0, 10.0, 0.1], ["no model", 0.5, 0.0, None]]
    assert [column["unit"] for column in found["columns"]] == ["", "USD", "tokens", "USD"]
    assert found["columns"][1]["thresholds"] == [["green", None], ["red", 2.0]]
    assert found["more"] == 0
    ranked = figure(stack, show="table", columns=columns, ranked="Tokens")
    assert [row[0] for row in ranked["rows"]] == ["a", "no model", "b"]


SESSIONS = {
    "show": "table",
    "top": 2,
    "columns": [
        {"title": "Session", "label": "session_id"},
        {"title": "Cost", "total": "cost"},
        {"title": "Sessions", "total": "session_starts"},
    ],
}


def test_a_table_of_the_highest_sessions_asks_for_them_first_and_reads_only_theirs(stack) -> None:
    firsts = [({"read": one}, 1.0) for one in "ab"]
    stack.promql = {"group by (read)": firsts, "sum by": [({"session_id": "a"}, 2.0)]}
    assert figure(stack, **SESSIONS)["rows"] == [["a", 2.0, 2.0]]
    first, *others = [urllib.parse.unquote_plus(path) for _method, path, _headers in stack.requests if "topk" in path]
    assert "group by (read)" in first
    assert len(others) == 2
    assert all('session_id=~"a|b"' in one for one in others)


def test_without_its_first_answer_such_a_table_reads_all_sessions(stack) -> None:
    stack.refuses = {"group by (read)": "too busy"}
    stack.promql = {"sum by": [({"session_id": "a"}, 2.0)]}
    found = figure(stack, **SESSIONS)
    assert (found["rows"], found["error"]) == ([["a", 2.0, 2.0]], "")
    assert 'session_id=~"' not in asked(stack)["query"]


def test_long_answers_are_cut(stack) -> None:
    stack.promql = {"sum by": [({"session_id": f"s{number:03}"}, 1000.0 - number) for number in range(130)]}
    columns = [{"title": "Session", "label": "session_id"}, {"title": "Cost", "total": "cost"}]
    found = figure(stack, show="table", columns=columns)
    assert (len(found["rows"]), found["rows"][0], found["more"]) == (100, ["s000", 1000.0], 30)
    assert len(figure(stack, show="bars", total="cost", by="session_id")["series"]) == 50


def test_log_lines_are_rows_newest_first(stack) -> None:
    stack.lines = [
        (1000.5, {"event_name": "tool_result", "error": "first", "duration_ms": "12"}),
        (2000.5, {"event_name": "tool_result", "error": "second", "duration_ms": "soon"}),
    ]
    columns = [
        {"title": "Time", "field": "time"},
        {"title": "Error", "field": "error"},
        {"title": "Duration", "field": "duration_ms", "unit": "ms"},
        {"title": "Agent", "field": "subagent_type"},
    ]
    found = figure(stack, show="table", rows={"events": ["tool_result"], "limit": 200}, columns=columns)
    assert found["rows"] == [[2000.5, "second", "soon", None], [1000.5, "first", 12.0, None]]
    # Numbers to Python, but none to anybody else.
    for text in ("NaN", "-inf", "1e999"):
        stack.lines = [(1000.5, {"tool_name": "first", "duration_ms": text})]
        assert text in figure(stack, show="table", rows={"events": ["tool_result"]}, columns=columns)["rows"][0]
    assert [column["unit"] for column in found["columns"]] == ["time", "", "ms", ""]
    assert asked(stack)["limit"] == "50"
    assert asked(stack)["direction"] == "backward"


def test_groups_of_log_lines_have_their_number_and_times(stack) -> None:
    stack.logql = {
        "max_over_time": [({"message": "a"}, 5_000.0), ({"message": "b"}, 6_000.0)],
        "min_over_time": [({"message": "a"}, 1_000.0), ({"message": "b"}, 6_000.0)],
        "count_over_time": [({"message": "b"}, 1.0), ({"message": "a"}, 3.0)],
    }
    columns = [
        {"title": "Message", "field": "message"},
        {"title": "Count", "field": "count"},
        {"title": "First", "field": "first"},
        {"title": "Last", "field": "last"},
    ]
    rows = {"events": ["api_error"], "by": {"message": ["error", "error_type"]}}
    found = figure(stack, show="table", rows=rows, columns=columns)
    assert found["rows"] == [["a", 3.0, 1.0, 5.0], ["b", 1.0, 6.0, 6.0]]
    assert [column["unit"] for column in found["columns"]] == ["", "", "time", "time"]


def test_a_flow_has_edges(stack) -> None:
    stack.promql = {"label_join": [({"source": "Claude", "target": "Bash"}, 2.0), ({"source": "Prompts"}, 3.0)]}
    edges = [{"from": "Prompts", "to": "Claude", "total": "prompts"}]
    found = figure(stack, show="flow", edges=edges)
    assert found["edges"] == [
        {"source": "Prompts", "target": "no target", "value": 3.0},
        {"source": "Claude", "target": "Bash", "value": 2.0},
    ]


def test_a_panel_that_cannot_be_read_says_why_and_the_others_are_read(stack, capsys) -> None:
    stack.refused = "claude_code_cost"
    result = figures(stack)
    panels = {panel["id"]: panel for row in result["figures"]["rows"] for panel in row["panels"]}
    assert "parse error: unexpected end of input" in panels["total-cost-today"]["error"]
    assert "values" not in panels["total-cost-today"]
    assert panels["tool-error-rate"]["error"] == ""
    assert any(text.startswith("Total Cost Today: Prometheus at") for text in result["unread"])
    assert f"{len(result['unread'])} panels could not be read. " in capsys.readouterr().err


def test_servers_that_are_down_leave_a_report_without_data(stack) -> None:
    result = figures(stack, prometheus={"url": "http://127.0.0.1:9"}, loki={"url": "http://127.0.0.1:9"})
    panels = [panel for row in result["figures"]["rows"] for panel in row["panels"] if panel["show"] != "text"]
    assert {panel["error"].partition(":")[0] for panel in panels} == {"Prometheus at http", "Loki at http"}


def test_a_dashboard_that_is_not_there_is_refused(stack) -> None:
    refused = figures(stack, dashboard="claude")["msg"]
    assert refused.startswith("The catalogue has no dashboard 'claude'. There are: claude-code-")
    sources = catalogue.read_sources(FOLDER)
    assert run_module(stack_figures, **stack.options(catalogue=sources))["msg"].endswith("There are: none.")


def test_all_that_is_returned_is_plain_json(stack) -> None:
    stack.promql = {"": [({"model": "a"}, float("inf")), ({"model": "b"}, float("nan")), ({"model": "c"}, 1.0)]}
    result = figures(stack)
    json.dumps(result["figures"], allow_nan=False)
