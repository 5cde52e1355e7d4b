# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may differ between counters and events, and what may not."""

from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, SkipCheck
from ansible_collections.observability.claude_code.plugins.module_utils._expectations import Pair
from ansible_collections.observability.claude_code.plugins.module_utils._measures import Stack
from ansible_collections.observability.claude_code.plugins.module_utils._reconciliation import Reconciliation, settling
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Sample
from support.checkout import CHECKOUT

CATALOGUE = load_catalogue(CHECKOUT / "files" / "catalogue")
NOW = 1_795_340_000.0
COST = {"metric": "cost", "by": "model"}


class Store:
    """Answers a query by the first text that is in it, and remembers what was asked and for when."""

    def __init__(self, **answers: dict[str, float]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, float]] = []

    def query(self, text: str, at: float) -> list[Sample]:
        self.asked.append((text, at))
        for part, found in self.answers.items():
            if f"[{part.lstrip('_')}]" in text or part in text:
                return [Sample({"model": name}, value) for name, value in found.items()]
        return []


def pairs(prometheus: Store, loki: Store, asked: dict[str, str] | None = None, **stack: object) -> dict[str, Pair]:
    told = Stack(prometheus, loki, None, None, CATALOGUE, now=NOW, **stack)  # type: ignore[arg-type]
    return Reconciliation(told).reconcile(asked or COST)


def test_equal_sums_agree_and_others_tell_by_how_much() -> None:
    found = pairs(Store(_24h={"a": 2.0, "b": 4.0}), Store(_24h={"a": 2.0, "b": 3.0}))
    assert {name: pair.percent for name, pair in found.items()} == {"a": 0.0, "b": 25.0}


def test_a_model_that_one_of_the_ways_does_not_know_counts_there_as_nothing() -> None:
    found = pairs(Store(_24h={"a": 2.0}), Store(_24h={"b": 3.0}))
    assert [(name, pair.first, pair.second, pair.percent) for name, pair in found.items()] == [
        ("a", 2.0, 0.0, 100.0),
        ("b", 0.0, 3.0, 100.0),
    ]


def test_the_size_of_the_context_in_a_models_name_makes_no_other_model() -> None:
    found = pairs(Store(_24h={"a[1m]": 2.0, "a": 1.0}), Store(_24h={"a": 3.0}))
    assert found == {"a": Pair(3.0, 3.0)}


def test_what_is_counted_near_the_ends_of_the_range_may_be_missing_in_one_of_the_ways() -> None:
    prometheus = Store(_24h={"a": 10.0}, _240s={"a": 0.25})
    assert pairs(prometheus, Store(_24h={"a": 10.5}))["a"].percent == 0.0
    assert pairs(prometheus, Store(_24h={"a": 11.0}))["a"].percent == pytest.approx(100 * 0.5 / 11)
    assert [at - NOW for _text, at in prometheus.asked[:3]] == [-120, -86400, 0]


@pytest.mark.parametrize(("settings", "seconds"), [({}, 120), ({"interval_s": 60}, 120), ({"interval_s": 300.0}, 600)])
def test_counters_are_waited_for_as_long_as_clients_may_keep_them(settings: dict[str, float], seconds: float) -> None:
    assert settling(settings) == seconds
    prometheus = Store(_24h={"a": 10.0})
    told = Stack(prometheus, Store(_24h={"a": 10.0}), None, None, CATALOGUE, now=NOW)  # type: ignore[arg-type]
    assert Reconciliation(told, settling(settings)).reconcile(COST) == {"a": Pair(10.0, 10.0)}
    assert prometheus.asked[0][1] == NOW - seconds


def test_tokens_of_all_types_are_added_up_from_their_fields() -> None:
    loki = Store(
        **{"unwrap input_tokens": {"a": 1.0}, "unwrap output_tokens": {"a": 2.0}, "unwrap cache_read": {"a": 4.0}}
    )
    assert pairs(Store(_24h={"a": 7.0}), loki, {"metric": "tokens", "by": "model"}) == {"a": Pair(7.0, 7.0)}


def test_running_totals_stand_at_their_arrival_so_all_of_them_count() -> None:
    prometheus, loki = Store(_24h={"a": 10.0}), Store(_24h={"a": 10.5}, _120s={"a": 0.5})
    assert pairs(prometheus, loki, deliveries=("scrape",))["a"] == Pair(10.0, 10.5, allowance=0.5)
    assert "increase(" in prometheus.asked[0][0]
    assert prometheus.asked[0][1] == loki.asked[0][1] == NOW


def test_nothing_in_both_ways_is_no_data_yet() -> None:
    with pytest.raises(SkipCheck, match="No data yet"):
        pairs(Store(), Store())


def test_a_metric_without_events_is_refused() -> None:
    with pytest.raises(MeasureError, match="'commits' has no events to compare with"):
        pairs(Store(), Store(), {"metric": "commits", "by": "model"})
