# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _measures
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Sample
from support.stack import catalogue


def targets(*looks: tuple[str, str]) -> _measures.ServerMeasures:
    """Measures of a Prometheus whose target shows one (health, time of the last scrape) after the other."""
    shown = iter(looks)
    last = {}

    def look() -> list[dict]:
        health, scraped = next(shown, None) or last["look"]
        last["look"] = (health, scraped)
        url = "http://127.0.0.1:8888/metrics"
        return [
            {"labels": {"job": "j"}, "scrapeUrl": url, "health": health, "lastScrape": scraped, "lastError": "refused"}
        ]

    return _measures.ServerMeasures(SimpleNamespace(prometheus=SimpleNamespace(targets=look)))


def test_a_target_that_was_down_before_it_started_is_looked_at_again() -> None:
    assert targets(("down", "12:00:00"), ("down", "12:00:00"), ("up", "12:00:15")).target("j") == "up"


def test_a_target_that_is_down_again_is_down() -> None:
    assert targets(("down", "12:00:00"), ("down", "12:00:15")).target("j") == "down: refused"


def test_a_target_that_nobody_scrapes_is_absent() -> None:
    assert targets(("up", "12:00:00")).target("other") == "absent"


class Events:
    """A Loki with events of some names, whose fields add up to ``summed`` until two minutes ago."""

    def __init__(self, summed: float) -> None:
        self.summed = summed
        self.asked: list[tuple[str, float]] = []

    def label_values(self, *_question: object) -> list[str]:
        return ["api_request"]

    def query(self, text: str, at: float) -> list[Sample]:
        self.asked.append((text, at))
        return [Sample({}, self.summed)] if "cost_usd" in text else []


@pytest.mark.parametrize(("summed", "missing"), [(0.25, True), (0.0, False)])
def test_a_counter_must_be_there_once_its_events_counted_something(summed: float, missing: bool) -> None:
    loki, now = Events(summed), 1_795_340_000.0
    prometheus = SimpleNamespace(names=lambda *_question: [])
    stack = _measures.Stack(prometheus, loki, None, None, catalogue(), now=now)
    found = _measures.ServerMeasures(stack).metric_names("missing")
    assert ("claude_code_cost_usage_USD_total" in found) == missing
    assert {at for _text, at in loki.asked} == {now - 120}
