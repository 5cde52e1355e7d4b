# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every panel of every dashboard shows what raw telemetry says, through every filter."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, Panel, load_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._queries import Query, in_grafana, queries
from support.checkout import CHECKOUT
from support.clients import play_all
from support.comparison import marked
from support.stack import COLLECTOR, LOKI, PROMETHEUS, Stack, catalogue, prepared
from support.workforce import Workforce, send_all
from truth.evidence import Evidence, gathered
from truth.panels import SHOWN
from truth.playing import placed

CATALOGUE = catalogue()
DASHBOARDS = load_dashboards(CHECKOUT / "files" / "catalogue", CATALOGUE)
PANELS = [
    pytest.param(dashboard, panel, id=f"{dashboard.uid}-{panel.id}")
    for dashboard in DASHBOARDS.values()
    for panel in dashboard.panels()
]
# The fleet's days; the stack must take telemetry that is as old, which it does not by itself.
DAYS = 14
LATE_HOURS = (DAYS + 2) * 24


@pytest.fixture(scope="module")
def patient_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that takes telemetry of two weeks ago."""
    late = {"stack_late_hours": LATE_HOURS, "prometheus_out_of_order_hours": LATE_HOURS + 24}
    found, stays = prepared(tmp_path_factory.mktemp("patient-stack"), "patient", **late)
    try:
        if not found.installed:
            found.install()
        for program in (COLLECTOR, PROMETHEUS, LOKI):
            found.ready(program)
        yield found
    finally:
        if not stays:
            found.remove()


@pytest.fixture(scope="module")
def recorded(patient_stack: Stack, recordings: list[Capture]) -> Evidence:
    """All recordings within a day."""
    run = f"panels-{time.time_ns():x}"
    captures = marked(placed(recordings, run), department=run)
    play_all(patient_stack.otlp_url, patient_stack.token, captures)
    return gathered(patient_stack, captures, ("department", run), 1)


@pytest.fixture(scope="module")
def company(patient_stack: Stack, recordings: list[Capture]) -> Evidence:
    """Two weeks of 200 users."""
    run = f"company-{time.time_ns():x}"
    workforce = Workforce(recordings, time.time(), users=200, days=DAYS, seed=run, marks={"department": run})
    return gathered(patient_stack, send_all(patient_stack, workforce.captures()), ("department", run), DAYS)


def asked(dashboard: Dashboard, panel: Panel) -> list[Query]:
    return queries(panel, in_grafana(dashboard, CATALOGUE))


@pytest.mark.parametrize(("dashboard", "panel"), PANELS)
def test_the_panel_is_true_of_the_recordings(recorded: Evidence, dashboard: Dashboard, panel: Panel) -> None:
    wrong = []
    for chosen in recorded.choices(dashboard):
        wrong += recorded.prove(dashboard, panel, asked(dashboard, panel), chosen).wrong[:SHOWN]
    assert wrong == []


@pytest.mark.parametrize(("dashboard", "panel"), PANELS)
def test_the_panel_is_true_of_a_company(company: Evidence, dashboard: Dashboard, panel: Panel) -> None:
    wrong = []
    for chosen in company.choices(dashboard, each=1):
        wrong += company.prove(dashboard, panel, asked(dashboard, panel), chosen).wrong[:SHOWN]
    assert wrong == []


@pytest.mark.parametrize(("dashboard", "panel"), PANELS)
def test_there_is_something_to_see(recorded: Evidence, company: Evidence, dashboard: Dashboard, panel: Panel) -> None:
    shown = (evidence.prove(dashboard, panel, asked(dashboard, panel), {}).telling for evidence in (recorded, company))
    assert any(shown) or panel.show == "text"
