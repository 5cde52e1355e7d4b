# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every panel of every dashboard shows what raw telemetry says, through every filter."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture, points, records
from ansible_collections.observability.claude_code.plugins.module_utils._expressions import Own
from support.clients import play_all
from support.comparison import marked
from support.running import running
from support.stack import Stack, catalogue, prepared, until
from support.workforce import TERMINALS, Workforce, dressed, entries, send_all
from truth.evidence import HOUR, Evidence, Shown, all_shown, gathered, seen_now
from truth.expressions import exactly
from truth.own import OwnNumbers
from truth.panels import SHOWN
from truth.playing import placed

PANELS = [pytest.param(shown, id=f"{shown.dashboard.uid}-{shown.panel.id}") for shown in all_shown()]
# The fleet's days; the stack must take telemetry that is as old, which it does not by itself.
DAYS = 14
LATE_HOURS = (DAYS + 2) * 24
# The longest of the shortest intervals of what programs say of themselves.
COARSE_S = 300
# When the company is looked at once more.
LATER_S = 20 * 86400
# Panels that are empty while all is well, as it is here, or of what no recording has.
UNSEEN = {
    "claude-code-metrics-failed-compactions",
    "claude-code-collector-clock-corrections",
    *(f"claude-code-collector-{name}" for name in ("lost", "refused", "losses", "too-old", "rule-failures")),
    *(f"claude-code-collector-loki-{name}" for name in ("discarded", "failures", "discarded-by-reason", "shortened")),
}


@pytest.fixture(scope="module")
def patient_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that takes telemetry of two weeks ago."""
    late = {"stack_late_hours": LATE_HOURS, "prometheus_out_of_order_hours": LATE_HOURS + 24}
    with running(*prepared(tmp_path_factory.mktemp("patient-stack"), "patient", **late)) as found:
        yield found


def with_large_contexts(capture: Capture) -> None:
    """As of a client that writes the size of its models' contexts on its counters, and leaves it out in its events."""
    for body in (request.body for request in capture.requests if request.signal == "metrics"):
        for entry in entries(body):
            for pair in entry["attributes"]:
                if pair["key"] == "model":
                    pair["value"] = {"stringValue": f"{pair['value']['stringValue']}[1m]"}


@pytest.fixture(scope="module")
def recorded(patient_stack: Stack, recordings: list[Capture]) -> Evidence:
    """All recordings within a day, each kind of them in another terminal and team than the next."""
    run = f"panels-{time.time_ns():x}"
    captures = marked(placed(recordings, run), department=run)
    for number, capture in enumerate(captures):
        team = {"team": f"team {number % 3}"} if number % 4 else {}
        dressed(capture, {"terminal.type": TERMINALS[number % 3]}, team)
        if number % 5 == 0:
            with_large_contexts(capture)
    play_all(patient_stack.otlp_url, patient_stack.token, captures)
    return gathered(patient_stack, captures, ("department", run), 1)


@pytest.fixture(scope="module")
def company(patient_stack: Stack, recordings: list[Capture]) -> Evidence:
    """Two weeks of 200 users."""
    run = f"company-{time.time_ns():x}"
    workforce = Workforce(recordings, time.time(), users=200, days=DAYS, seed=run, marks={"department": run})
    # As clients send them. In no order, Loki's chunks would all span the two weeks, and each piece of a query read all.
    sessions = sorted(workforce.captures(), key=lambda session: session.span_ns)
    return gathered(patient_stack, send_all(patient_stack, sessions), ("department", run), DAYS)


@pytest.fixture(scope="module")
def lately(company: Evidence) -> Evidence:
    """The last hour, at a moment when the coarsest chart of what programs say of themselves has a whole interval."""
    stack = company.stack
    first = min(at for _labels, samples in stack.promql_samples("up[1d]", time.time()) for at, _value in samples)
    until(lambda: time.time() // COARSE_S * COARSE_S > first + 60, COARSE_S + 60, "an interval is over")
    return seen_now(stack, company.numbers.truth, company.mark, HOUR)


@pytest.mark.parametrize("shown", PANELS)
def test_the_panel_is_true_of_the_recordings(recorded: Evidence, shown: Shown) -> None:
    wrong = []
    for chosen in recorded.choices(shown.dashboard):
        wrong += (recorded.prove(shown, chosen) if chosen else recorded.unfiltered(shown)).wrong[:SHOWN]
    assert wrong == []


@pytest.mark.parametrize("shown", PANELS)
def test_the_panel_is_true_of_a_company(company: Evidence, shown: Shown) -> None:
    wrong = []
    # Filters of lines are proven on the recordings; two weeks of lines take Loki long.
    one = zlib.crc32(shown.panel.id.encode())
    for chosen in [{}] if shown.panel.rows else company.choices(shown.dashboard, one):
        wrong += (company.prove(shown, chosen) if chosen else company.unfiltered(shown)).wrong[:SHOWN]
    assert wrong == []


@pytest.mark.parametrize("shown", [param for param in PANELS if param.id not in UNSEEN])
def test_there_is_something_to_see(recorded: Evidence, company: Evidence, lately: Evidence, shown: Shown) -> None:
    # What compares weeks, or misses somebody, has something to show after the company's last day.
    later = replace(company, end=company.end + LATER_S, _unfiltered={})
    outcomes = []
    for evidence in (recorded, company, later) if shown.of_clients else (lately,):
        outcomes.append(evidence.unfiltered(shown))
        if outcomes[-1].telling:
            break
    assert [sentence for outcome in outcomes for sentence in outcome.wrong] == []
    assert any(outcome.telling for outcome in outcomes) or shown.panel.show == "text"


@pytest.mark.parametrize("uid", sorted({param.values[0].dashboard.uid for param in PANELS}))
def test_variables_offer_what_is_there(company: Evidence, uid: str) -> None:
    shown = next(param.values[0] for param in PANELS if param.values[0].dashboard.uid == uid)
    dashboard, team = shown.dashboard, {"team": ["team 1"]}
    assert company.offered(shown, {}) == company.there(dashboard, {})
    if "team" in company.there(dashboard, {}):
        # People and their sessions are narrowed down to the team's.
        offered, there = company.offered(shown, team), company.there(dashboard, team)
        narrowed = {"user", "session_id"} & {*offered}
        assert {name: offered[name] for name in narrowed} == {name: there[name] for name in narrowed}


def test_the_collector_counts_what_was_sent(patient_stack: Stack, recordings: list[Capture]) -> None:
    """The samples that its panels are proven with are of what clients sent."""
    stack, began = patient_stack, time.time()
    own = {"accepted_points": "accepted_metric_points", "accepted_events": "accepted_log_records"}

    def scraped() -> bool:
        """Whether Prometheus has the newest of what the collector says."""
        for series in own.values():
            said = sum(stack.own_metrics(rf"^otelcol_receiver_{series}_total\{{").values())
            if said != sum(value for _labels, value in stack.promql(f"otelcol_receiver_{series}_total")):
                return False
        return True

    until(scraped, 60, "Prometheus has scraped the collector")
    before = time.time()
    captures = placed(recordings, f"counted-{began}")
    play_all(stack.otlp_url, stack.token, captures)
    until(scraped, 60, "Prometheus has scraped the collector")
    numbers = OwnNumbers(stack, catalogue(), time.time())
    bodies = [request.body for capture in captures for request in capture.requests if request.signal != "traces"]
    sent = {"accepted_points": sum(len([*points(body)]) for body in bodies)}
    sent["accepted_events"] = sum(len([*records(body)]) for body in bodies)
    grown = {name: numbers.of(Own(name, "counter"), (), numbers.end, numbers.end - before) for name in own}
    assert grown == {name: {(): exactly(count)} for name, count in sent.items()}
