# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a report, read from a stand-in for Prometheus."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _catalogue as catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Web
from ansible_collections.observability.claude_code.plugins.modules import stack_figures
from support.checkout import CHECKOUT
from support.modules import run_module
from support.scripted_stack import ScriptedStack

FOLDER = CHECKOUT / "files" / "catalogue"
SOURCES = catalogue.read_sources(FOLDER)
RATE = {"of": {"total": "tool_executions", "where": {"success": "false"}}, "to": {"total": "tool_executions"}}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedStack]:
    monkeypatch.setattr(Web, "pause_s", 0.0)
    with ScriptedStack() as running:
        yield running


def figures(stack: ScriptedStack, **options: object) -> dict:
    return run_module(stack_figures, **stack.options(catalogue=SOURCES, **options))


def card(stack: ScriptedStack, **card: object) -> float | None:
    (found,) = figures(stack, cards=[{"id": "x", "title": "X", **card}])["cards"]
    return found["value"]


def test_everything_that_the_report_shows_can_be_read(stack) -> None:
    wanted = catalogue.read_files(FOLDER / "report")["last-24-hours.yml"]
    result = figures(stack, **wanted)
    assert [one["id"] for one in result["cards"]] == [one["id"] for one in wanted["cards"]]
    assert [one["id"] for one in result["charts"]] == [one["id"] for one in wanted["charts"]]
    assert all(one["empty"] for one in result["charts"])
    assert not result["changed"]


def test_a_share_is_none_where_there_is_nothing_to_divide_by(stack) -> None:
    stack.promql = {'success="false"': 3.0, "claude_code_tool_executions_total": 12.0}
    assert card(stack, ratio=RATE) == 0.25
    stack.promql = {'success="false"': [], "claude_code_tool_executions_total": 12.0}
    assert card(stack, ratio=RATE) == 0.0
    stack.promql = {}
    assert card(stack, ratio=RATE) is None
    assert card(stack, total="cost") is None


def test_a_chart_has_windows_that_end_now_and_points_at_their_beginning(stack) -> None:
    stack.promql = {"sum by (model)": [({"model": "small"}, 1.0), ({"model": "large"}, 5.0), ({"model": "none"}, 0.0)]}
    (chart,) = figures(stack, charts=[{"id": "c", "title": "C", "unit": "USD", "total": "cost", "by": "model"}])[
        "charts"
    ]
    assert [one["name"] for one in chart["series"]] == ["large", "small"]
    assert chart["series"][0]["points"] == [[pytest.approx(chart["end"] - 3600, abs=0.01), 5.0]]
    assert chart["end"] - chart["start"] == 86400
    asked = urllib.parse.parse_qs(stack.requests[-1][1].partition("?")[2])
    assert "[3600s]" in asked["query"][0]
    assert float(asked["end"][0]) - float(asked["start"][0]) == pytest.approx(23 * 3600, abs=0.01)
    assert asked["step"] == ["3600"]


def test_a_prometheus_that_is_down_fails_or_warns_as_asked(stack, capsys) -> None:
    down = {"prometheus": {"url": "http://127.0.0.1:9"}, "cards": [{"id": "x", "total": "cost"}]}
    result = run_module(stack_figures, **{**stack.options(catalogue=SOURCES), **down})
    assert "Prometheus at http://127.0.0.1:9 does not answer" in result["msg"]
    result = run_module(stack_figures, **{**stack.options(catalogue=SOURCES), **down, "must_read": False})
    assert (result["cards"], result["charts"]) == ([], [])
    assert "There are no figures: Prometheus at" in capsys.readouterr().err


def test_a_chart_of_an_unknown_metric_or_interval_is_refused(stack) -> None:
    assert "no metric 'costs'" in figures(stack, charts=[{"id": "c", "total": "costs"}])["msg"]
    refused = figures(stack, charts=[{"id": "c", "total": "cost", "each": "minute"}])["msg"]
    assert refused == "The chart 'c' has each: 'minute'. Use one of: hour, half hour, day."
