# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every recording is played into the real stack; what the stack then says must be what the recordings say."""

from __future__ import annotations

import time

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Metric
from support.clients import Receipt
from support.comparison import DAY_S, Comparison
from support.stack import COLLECTOR, catalogue

CATALOGUE = catalogue()
METRICS = sorted(CATALOGUE.metrics)
# Metrics that no recording holds: each needs the reason here, and a test of its own elsewhere.
WITHOUT_RECORDING: dict[str, str] = {}


def test_every_recording_is_taken_at_the_first_try(played: tuple[Comparison, Receipt]) -> None:
    _comparison, receipt = played
    assert receipt.acknowledged > 250
    assert not receipt.troubles


def test_the_collector_understands_each_of_its_statements(played: tuple[Comparison, Receipt]) -> None:
    """A statement that fails changes nothing, and costs a line of the log for each point or event."""
    comparison, _receipt = played
    assert "failed to execute statement" not in comparison.stack.log(COLLECTOR, 10**6)


def test_every_metric_of_the_catalogue_is_in_a_recording(played: tuple[Comparison, Receipt]) -> None:
    comparison, _receipt = played
    assert comparison.truth.empty() == sorted(WITHOUT_RECORDING)


@pytest.mark.parametrize("name", METRICS)
def test_the_total_is_true(played: tuple[Comparison, Receipt], name: str) -> None:
    assert played[0].total(name) == []


def labels(metric: Metric) -> list[str]:
    return [*(label.prometheus for label in metric.labels), "session_id", "user_id", "user_name", "team"]


@pytest.mark.parametrize(
    ("name", "label"), [(name, label) for name in METRICS for label in labels(CATALOGUE.metric(name))]
)
def test_the_total_is_true_by(played: tuple[Comparison, Receipt], name: str, label: str) -> None:
    assert played[0].total(name, (label,)) == []


HISTOGRAMS = [name for name in METRICS if CATALOGUE.metric(name).kind == "histogram"]


@pytest.mark.parametrize("name", HISTOGRAMS)
def test_the_sum_and_the_quantiles_of_a_histogram_are_true(played: tuple[Comparison, Receipt], name: str) -> None:
    comparison, _receipt = played
    for by in ((), *((label.prometheus,) for label in CATALOGUE.metric(name).labels)):
        assert comparison.observed(name, by) == []
        for share in (0.5, 0.9, 0.95, 0.99):
            assert comparison.quantile(name, share, by) == []


def test_what_the_collector_notes_for_itself_is_stored_nowhere(played: tuple[Comparison, Receipt]) -> None:
    comparison, _receipt = played
    (department,) = comparison.where.values()
    sums = f'last_over_time({{__name__=~".+_total", department="{department}", copy=""}}[25h])'
    series = comparison.stack.promql(sums)
    now = time.time()
    rows = comparison.stack.rows(f'{{service_name=~".+"}} | department="{department}"', now - DAY_S, now)
    names = {name for labels in (*(labels for labels, _value in series), *(row[1] for row in rows)) for name in labels}
    assert "user_name" in names
    assert [name for name in names if name.startswith("event_is_")] == []


def test_loki_has_every_event_once(played: tuple[Comparison, Receipt]) -> None:
    comparison, _receipt = played
    assert comparison.rows(("event_name", "session_id", "user_name")) == []


@pytest.mark.parametrize("name", [name for name in METRICS if CATALOGUE.metric(name).events])
def test_the_events_in_loki_add_up_to_the_counter(played: tuple[Comparison, Receipt], name: str) -> None:
    assert played[0].second_way(name) == []
