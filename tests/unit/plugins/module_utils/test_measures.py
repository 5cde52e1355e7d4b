# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.observability.claude_code.plugins.module_utils import _measures


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
