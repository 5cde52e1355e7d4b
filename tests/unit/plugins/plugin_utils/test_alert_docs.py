# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about alerts has everything that the catalogue says of one, and the cases that it was tested with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import (
    LOKI,
    PROMETHEUS,
    Alert,
    Group,
    Proviso,
)
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError, load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Rows, load_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._thresholds import Threshold
from ansible_collections.observability.claude_code.plugins.plugin_utils._alert_docs import AlertPage, alert_differences
from ansible_collections.observability.claude_code.plugins.plugin_utils._docs_text import GENERATED
from support.checkout import CHECKOUT

FOLDER = CHECKOUT / "files" / "catalogue"
CATALOGUE = load_catalogue(FOLDER)
DASHBOARDS = load_dashboards(FOLDER, CATALOGUE)
COST = Alert(
    "HighCost",
    ex.Total("cost"),
    "above",
    (10,),
    "warning",
    "{value} in an {over}",
    "More than {limit} in an {over}.",
    "Look at it.",
    over="1h",
    by=("model",),
    unit="USD",
    wait="5m",
    panel="claude-code-metrics/cost-by-model",
    spec="6.1",
    differs="It is mended.",
    thresholds=("limit",),
)
HEAD = f"# Alerts\n\nBy hand.\n\n{GENERATED}\n\noutdated\n"


def page(alert: Alert = COST, source: str = PROMETHEUS, head: str = HEAD, **group: Any) -> str:
    groups = (Group("costs", "What is spent.", "1m", source, (alert,), **group),)
    thresholds = {"limit": Threshold("limit", 10, "How much.", "USD"), "window": Threshold("window", "1h", "Long.")}
    cases = {"HighCost": ["fires: a session", "silent: none"]}
    return AlertPage(groups, thresholds, CATALOGUE, DASHBOARDS, cases).text(head)


def test_an_alert_is_described_with_all_that_the_catalogue_says_of_it() -> None:
    text = page()
    for words in (
        f"# Alerts\n\nBy hand.\n\n{GENERATED}\n",
        "| [HighCost](#highcost) | warning | 6.1 | More than $10 in an hour. |",
        "### HighCost\n\nMore than $10 in an hour.\n\n**What to do:** Look at it.",
        "- **Place:** specification 6.1; severity warning",
        "- **Differs from the specification:** It is mended.",
        "- **Measured:** The sum of claude_code.cost.usage in the last hour, for each model.",
        "- **Fires:** above $10, for 5 minutes",
        "- **Evaluated:** every minute by Prometheus, or by Grafana as `claude-code-high-cost`",
        "- **Thresholds:** `limit`",
        "- **Panel:** [Cost by Model](dashboards/claude-code-metrics/2-cost-token-analytics.md#cost-by-model)",
        "- **Tested:**\n  - fires: a session\n  - silent: none",
        "<details><summary>Queries (otlp)</summary>",
        "<details><summary>Queries (scrape, remote_write)</summary>",
        "| `limit` | 10 | USD | How much. | [HighCost](#highcost) |",
        "| `window` | 1h |  | Long. | how often groups are evaluated |",
    ):
        assert words in text
    assert "outdated" not in text


def test_conditions_are_told() -> None:
    proviso = Proviso(ex.Total("commits"), ">=", 3)
    alert = replace(COST, provided=(proviso,), weekdays=(2, 5), program="loki", wait="0s")
    text = page(alert)
    assert "- **Provided that:** the sum of claude_code.commit.count in the last hour is at least 3\n" in text
    assert "- **Days:** Tuesday to Friday, in UTC\n" in text
    assert "- **Left out:** where `stack_existing` has loki\n" in text
    assert "- **Fires:** above $10, at once\n" in text
    outside = replace(COST, bound="outside", limits=(1, 2), means="Beyond {least} or {most}.")
    assert "- **Fires:** below $1 or above $2, for 5 minutes\n" in page(outside)
    assert "- **Only on:** openshift\n" in page(platform="openshift")


def test_a_state_is_told_without_a_time() -> None:
    state = replace(COST, value=ex.Own("scraped", "gauge"), over="", by=(), missing=0, bound="below", means="Down.")
    text = page(state)
    assert "- **Fires:** below $10, for 5 minutes; no data counts as 0\n" in text
    assert "<details><summary>Queries (every delivery)</summary>" in text


def test_an_alert_over_events_is_told_by_its_log_lines() -> None:
    text = page(replace(COST, value=Rows(("api_error",), ({"error": "x"},)), unit="events"), LOKI)
    counted = "the number of log lines in an hour, for each model. The api_error events in Loki where error is x."
    assert f"- **Measured:** {counted}" in " ".join(text.split())
    assert "```logql\nsum by (model) (count_over_time(" in text


def test_an_alert_of_our_own_is_told_apart() -> None:
    own = replace(COST, spec="", differs="", panel="")
    assert "- **Place:** additional; severity warning" in page(own)
    assert "**Panel:**" not in page(own)
    lines = alert_differences([Group("costs", "", "1m", PROMETHEUS, (COST, replace(own, name="Own")))])
    assert "| 6.1 | HighCost | It is mended. |" in lines
    assert lines[-1] == "Alerts that the specification does not have: [Own](alerts.md#own)."


def test_a_page_without_the_place_for_what_is_made_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"docs/alerts\.md lacks the line"):
        page(head="# Alerts\n")
