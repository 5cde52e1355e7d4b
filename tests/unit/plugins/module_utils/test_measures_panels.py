# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every query of every dashboard is sent, as Grafana would, and one that does not run is named."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, SkipCheck
from ansible_collections.observability.claude_code.plugins.module_utils._measures import Stack
from ansible_collections.observability.claude_code.plugins.module_utils._measures_panels import PanelMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._panels import (
    Column,
    Dashboard,
    Panel,
    Row,
    Rows,
    load_dashboards,
)
from ansible_collections.observability.claude_code.plugins.module_utils._servers import (
    Access,
    Loki,
    Prometheus,
    ServerError,
    Web,
)
from ansible_collections.observability.claude_code.plugins.module_utils._shortlists import has_shortlist
from support.checkout import CHECKOUT
from support.scripted_stack import ScriptedStack

FOLDER = CHECKOUT / "files" / "catalogue"
CATALOGUE = load_catalogue(FOLDER)
DASHBOARDS = load_dashboards(FOLDER, CATALOGUE)
MAIN = "claude-code-metrics"
LINES = Panel("lines", "Lines", "logs", "a", "b", rows=Rows(("api_error",), limit=7))
COUNTED = Rows(("api_error",), by=("message", ("error",)))
GROUPS = Panel("groups", "Groups", "table", "a", "b", rows=COUNTED, columns=(Column("Count", field="count"),))


def dashboard(*panels: Panel) -> dict[str, Dashboard]:
    return {"own": Dashboard("own", "Own", "a", (Row("R", "", panels),))}


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedStack]:
    monkeypatch.setattr(Web, "pause_s", 0.0)
    with ScriptedStack() as running:
        yield running


def stack(servers: ScriptedStack, delivery: str = "otlp", timeout: float = 10.0) -> Stack:
    def web(name: str) -> Web:
        return Web(Access(name, f"{servers.url}/{name.lower()}"), timeout)

    prometheus, loki = Prometheus(web("Prometheus")), Loki(web("Loki"))
    return Stack(prometheus, loki, None, None, CATALOGUE, (delivery,))  # type: ignore[arg-type]


def asked(servers: ScriptedStack) -> list[dict[str, str]]:
    """The parameters of every request, the two greetings left out."""
    queries = [urllib.parse.parse_qs(path.partition("?")[2]) for _method, path, _headers in servers.requests]
    found = [{name: values[0] for name, values in query.items()} for query in queries]
    return [query for query in found if query["query"] != "vector(1)"]


@pytest.mark.parametrize("delivery", ["otlp", "scrape", "remote_write"])
def test_every_query_of_every_dashboard_is_sent_without_a_variable_left(servers: ScriptedStack, delivery: str) -> None:
    measures = PanelMeasures(stack(servers, delivery), DASHBOARDS)
    expected = [question for one in DASHBOARDS.values() for question in measures.questions(one)]
    # What is asked to make the questions is asked again for the check.
    firsts, servers.requests[:] = [query["query"] for query in asked(servers)], []
    found = measures.panels("all")
    assert found.value == {}
    panels = sum(panel.show != "text" for one in DASHBOARDS.values() for panel in one.panels())
    assert found.note.startswith(f"{len(expected)} queries of {panels} panels in ")
    sent = [query["query"] for query in asked(servers)]
    assert sorted(sent) == sorted([*firsts, *(question.query.text for question in expected)])
    # "$1" is a part of what label_replace is told, not a variable.
    assert [text for text in sent if "$" in text.replace('"$1"', "")] == []


def test_a_panel_that_does_not_run_is_named_with_the_words_of_the_server(servers: ScriptedStack) -> None:
    servers.refuses = {'success="false"': "parse error: unknown function"}
    found = PanelMeasures(stack(servers), {MAIN: DASHBOARDS[MAIN]}).panels(MAIN).value
    told = found["Tool Error Rate (claude-code-metrics)"]
    assert told.startswith("query A: Prometheus at ")
    assert "answered 400 on /api/v1/query: parse error: unknown function." in told
    assert "Active Sessions (claude-code-metrics)" not in found


def test_a_table_whose_shortlist_cannot_be_had_is_named(servers: ScriptedStack) -> None:
    servers.refuses = {"group by (read)": "parse error: no such function"}
    found = PanelMeasures(stack(servers), {MAIN: DASHBOARDS[MAIN]}).panels(MAIN).value
    tables = [panel.title for panel in DASHBOARDS[MAIN].panels() if has_shortlist(panel)]
    assert "Session Drill-down" in tables
    assert {*found} == {f"{title} (claude-code-metrics)" for title in tables}
    assert all(told.startswith("query top_") for told in found.values())


def test_lines_and_groups_are_asked_of_loki_with_their_limit_and_range(servers: ScriptedStack) -> None:
    assert PanelMeasures(stack(servers), dashboard(LINES, GROUPS)).panels("own").value == {}
    lines, groups = sorted(asked(servers), key=lambda query: "count_over_time" in query["query"])
    assert lines["limit"] == "7"
    assert int(lines["end"]) - int(lines["start"]) == pytest.approx(86400e9, rel=1e-6)
    assert "count_over_time" in groups["query"]
    assert "[86400s]" in groups["query"]


def test_an_empty_catalogue_and_an_unknown_dashboard_are_told(servers: ScriptedStack) -> None:
    with pytest.raises(SkipCheck, match="has no dashboards"):
        PanelMeasures(stack(servers), {}).panels("all")
    with pytest.raises(MeasureError, match=r"There is no dashboard 'x'\. Use all or one of: own\."):
        PanelMeasures(stack(servers), dashboard(LINES)).panels("x")


def test_a_server_that_is_not_there_is_told_once_and_not_for_every_panel(servers: ScriptedStack) -> None:
    gone = stack(servers)
    gone = replace(gone, loki=Loki(Web(Access("Loki", "http://127.0.0.1:9"))))
    with pytest.raises(ServerError, match=r"^Loki at http://127\.0\.0\.1:9 does not answer"):
        PanelMeasures(gone, dashboard(LINES)).panels("all")
    assert asked(servers) == []


def test_a_query_that_gets_no_answer_in_time_is_named(servers: ScriptedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, told = servers.get, threading.Event()

    def slow(target: str):
        if "api_error" in target:
            told.wait(30)
        return answer(target)

    monkeypatch.setattr(servers, "get", slow)
    found = PanelMeasures(stack(servers, timeout=0.2), dashboard(LINES)).panels("all").value
    told.set()
    assert "gave no answer in 0.2 s" in found["Lines (own)"]


def test_the_rest_is_named_when_the_patience_is_at_its_end(servers: ScriptedStack) -> None:
    found = PanelMeasures(stack(servers), dashboard(LINES), patience_s=0.0).panels("all").value
    assert found == {"Lines (own)": "was not asked, because those before it took 0 s"}
    assert asked(servers) == []
