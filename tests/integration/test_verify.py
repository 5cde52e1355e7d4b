# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify.yml on the real stack that all tests share."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.observability.claude_code.plugins.module_utils import _measures, _servers
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._expressions import Total
from ansible_collections.observability.claude_code.plugins.module_utils._measures_panels import PanelMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._panels import (
    Column,
    Dashboard,
    Panel,
    Row,
    Rows,
    Series,
    load_dashboards,
)
from ansible_collections.observability.claude_code.plugins.module_utils._promql import DELIVERIES
from support.checkout import CHECKOUT
from support.stack import HOST, TOUCHED, Stack

FOLDER = CHECKOUT / "files" / "catalogue"
CATALOGUE = load_catalogue(FOLDER)
DASHBOARDS = load_dashboards(FOLDER, CATALOGUE)
COUNT = Column("Count", field="count")

# What the panel Active Sessions counts, written by hand.
SESSIONS = """count(count by (session_id) (
  sum_over_time(claude_code_session_count_total{copy="", session_id!=""}[24h]) > 0
  or sum_over_time(claude_code_active_time_seconds_total{copy="", session_id!=""}[24h]) > 0
  or sum_over_time(claude_code_cost_usage_USD_total{copy="", session_id!=""}[24h]) > 0))"""
IMPOSSIBLE = {
    "id": "of-the-site",
    "title": "A check of the administrator's own",
    "group": "Own",
    "guards": "A fault that only this site knows.",
    "measure": {"flag": "enable-feature"},
    "expect": {"contains": "a-feature-that-is-not-there"},
    "remedy": "Switch it on.",
}


def verify(stack: Stack, directory: Path, *arguments: str, **variables: Any) -> tuple[str, dict[str, str]]:
    """What verify.yml printed, and the status of each check in its report."""
    printed = stack.playbook("verify.yml", *arguments, verify_report_dir=str(directory), **variables)
    return printed, statuses(directory)


def statuses(directory: Path) -> dict[str, str]:
    report = json.loads((directory / "report.json").read_text())
    return {result["id"]: result["status"] for result in report["results"]}


def servers(stack: Stack, delivery: str) -> _measures.Stack:
    def web(name: str) -> _servers.Web:
        port = stack.ports[f"{name.lower()}_port"]
        return _servers.Web(_servers.Access(name, f"http://{HOST}:{port}"), 30.0)

    prometheus, loki = _servers.Prometheus(web("Prometheus")), _servers.Loki(web("Loki"))
    return _measures.Stack(prometheus, loki, None, None, CATALOGUE, (delivery,))  # type: ignore[arg-type]


def accepted(stack: Stack) -> float:
    return sum(stack.own_metrics("^otelcol_receiver_accepted_").values())


@dataclass
class Verified:
    """What came of a run: where its report is, what was printed, the status of each check."""

    directory: Path
    printed: str
    statuses: dict[str, str]


@pytest.fixture(scope="module")
def verified(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """All checks of the stack as it was set up."""
    directory = tmp_path_factory.mktemp("verified")
    return Verified(directory, *verify(stack, directory, verify_must_pass=False))


@pytest.fixture(scope="module")
def failed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """A run with a check that fails, and without a probe."""
    directory = tmp_path_factory.mktemp("failed")
    before = accepted(stack)
    with pytest.raises(pytest.fail.Exception) as failure:
        verify(
            stack,
            directory,
            verify_extra_checks=[IMPOSSIBLE],
            verify_skip_checks=sorted(TOUCHED),
            verify_probe=False,
        )
    assert accepted(stack) == before
    return Verified(directory, " ".join(str(failure.value).split()), statuses(directory))


def test_the_checks_pass_on_a_stack_as_it_was_set_up(verified: Verified) -> None:
    printed, found = verified.printed, verified.statuses
    assert {name for name, status in found.items() if status == "failed"} <= TOUCHED, printed
    for name in (
        "probe-metrics",
        "probe-events",
        "texts-dropped",
        "no-token-refused",
        "wrong-token-refused",
        "panels-run",
    ):
        assert found[name] == "passed", printed
    assert f"The report is {verified.directory / 'report.html'}" in printed
    assert "changed=0" in printed
    assert len(list(ET.parse(verified.directory / "report.xml").iter("testcase"))) == len(found)


def test_the_report_shows_the_main_dashboard_with_the_data_of_the_stack(stack: Stack, verified: Verified) -> None:
    assert "could not be read" not in verified.printed
    dashboard = json.loads((verified.directory / "report.json").read_text())["dashboard"]
    page = (verified.directory / "report.html").read_text()
    folder = CHECKOUT / "files" / "catalogue" / "panels" / "claude-code-metrics"
    rows = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yml"))]
    assert [row["title"] for row in dashboard["rows"]] == [row["row"] for row in rows]
    panels = {panel["id"]: panel for row in dashboard["rows"] for panel in row["panels"]}
    assert list(panels) == [panel["id"] for row in rows for panel in row["panels"]]
    assert {name: panel["error"] for name, panel in panels.items() if panel["error"]} == {}
    assert "Could not be read" not in page
    assert all(f'id="panel-{name}"' in page for name in panels)
    assert "<svg" in page
    counted = sum(value for _labels, value in stack.promql(SESSIONS, dashboard["end"]))
    assert panels["active-sessions"]["values"][0]["value"] == counted


def test_a_check_that_fails_ends_the_playbook_with_an_error_after_all_others_ran(failed: Verified) -> None:
    printed, found = failed.printed, failed.statuses
    assert {name for name, status in found.items() if status == "failed"} == {"of-the-site"}
    assert len(found) > 25
    assert not TOUCHED & set(found)
    assert "to do: Switch it on." in printed
    assert "checks failed: of-the-site. What to do about each stands above" in printed


def test_a_switched_off_probe_sends_nothing(failed: Verified) -> None:
    assert failed.statuses["probe-metrics"] == failed.statuses["no-token-refused"] == "skipped"


def test_check_mode_sends_nothing_and_writes_no_report(stack: Stack, tmp_path: Path) -> None:
    before = accepted(stack)
    printed = stack.playbook("verify.yml", "--check", verify_report_dir=str(tmp_path), verify_must_pass=False)
    assert "changed=0" in printed
    assert list(tmp_path.iterdir()) == []
    assert accepted(stack) == before


def test_a_check_that_is_not_there_cannot_be_left_out(stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        verify(stack, tmp_path, verify_skip_checks="counted-once,counted-twice")
    printed = " ".join(str(failure.value).split())
    assert "verify_skip_checks has counted-twice: there is no check of that id. There are programs-answer, " in printed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_all_panels_run_on_real_servers_whatever_the_delivery(stack: Stack, delivery: str) -> None:
    measures = PanelMeasures(servers(stack, delivery), DASHBOARDS)
    found = measures.panels("all")
    assert found.value == {}
    assert found.note.startswith(f"{sum(len(measures.questions(one)) for one in DASHBOARDS.values())} queries")


def test_panels_that_the_servers_refuse_are_named_and_the_others_run(stack: Stack) -> None:
    cost = (Series("", Total("cost")),)
    lines = Rows(("api_error",), ({"no label": "x"},))
    panels = (
        Panel("good", "Good", "stat", "a", "b", series=cost),
        Panel("at-once", "At Once", "pie", "a", "b", series=cost, by=("no label",)),
        Panel("over-time", "Over Time", "lines", "a", "b", series=cost, by=("no label",)),
        Panel("lines", "Lines", "logs", "a", "b", rows=lines),
        Panel("groups", "Groups", "table", "a", "b", rows=replace(lines, by=("m", ("error",))), columns=(COUNT,)),
    )
    dashboards = {"own": Dashboard("own", "Own", "a", (Row("R", "", panels),))}
    found = PanelMeasures(servers(stack, "otlp"), dashboards).panels("all").value
    assert set(found) == {"At Once (own)", "Over Time (own)", "Lines (own)", "Groups (own)"}
    assert re.search(r"Prometheus at \S+ answered 400 on /api/v1/query: .*parse error", found["At Once (own)"])
    assert re.search(r"Prometheus at \S+ answered 400 on /api/v1/query_range: .*parse error", found["Over Time (own)"])
    assert re.search(r"Loki at \S+ answered 400 on /loki/api/v1/query_range: parse error", found["Lines (own)"])
    assert re.search(r"Loki at \S+ answered 400 on /loki/api/v1/query: parse error", found["Groups (own)"])
