# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every panel of every dashboard shows what raw telemetry says, through every filter."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture
from support.clients import play_all
from support.comparison import marked
from support.stack import COLLECTOR, LOKI, PROMETHEUS, Stack, prepared
from support.workforce import Workforce, send_all
from truth.evidence import Evidence, Shown, all_shown, gathered
from truth.panels import SHOWN
from truth.playing import placed

PANELS = [pytest.param(shown, id=f"{shown.dashboard.uid}-{shown.panel.id}") for shown in all_shown()]
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


@pytest.mark.parametrize("shown", PANELS)
def test_the_panel_is_true_of_the_recordings(recorded: Evidence, shown: Shown) -> None:
    wrong = []
    for chosen in recorded.choices(shown.dashboard):
        wrong += recorded.prove(shown, chosen).wrong[:SHOWN]
    assert wrong == []


@pytest.mark.parametrize("shown", PANELS)
def test_the_panel_is_true_of_a_company(company: Evidence, shown: Shown) -> None:
    wrong = []
    for chosen in company.choices(shown.dashboard, each=1):
        wrong += company.prove(shown, chosen).wrong[:SHOWN]
    assert wrong == []


@pytest.mark.parametrize("shown", PANELS)
def test_there_is_something_to_see(recorded: Evidence, company: Evidence, shown: Shown) -> None:
    telling = [evidence.prove(shown, {}).telling for evidence in (recorded, company)]
    assert any(telling) or shown.panel.show == "text"
