# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _promql
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    CatalogueError,
    build_catalogue,
)

CATALOGUE = build_catalogue(
    {
        "1.yml": {
            "cost": {"otel": "claude_code.cost.usage", "unit": "USD", "about": "x"},
            "duration": {
                "otel": "claude_code.tool.duration",
                "unit": "s",
                "kind": "histogram",
                "about": "x",
                "derived": {"name": "tool_result", "value": "duration_ms"},
            },
        }
    },
    {},
)


def test_deltas_are_summed_and_running_totals_are_read_from_their_anchor() -> None:
    assert (
        _promql.total(CATALOGUE, "cost", "24h") == 'sum(sum_over_time(claude_code_cost_usage_USD_total{copy=""}[24h]))'
    )
    for delivery in ("scrape", "remote_write"):
        assert (
            _promql.total(CATALOGUE, "cost", "24h", delivery=delivery)
            == 'sum(increase(claude_code_cost_usage_USD_total{copy=""}[24h] anchored))'
        )


def test_values_of_a_filter_cannot_leave_their_quotes() -> None:
    text = _promql.total(CATALOGUE, "cost", "1h", by=["model"], where={"user": 'a"b\\', "model": ["x.y", "z"]})
    assert text == (
        "sum by (model) (sum_over_time(claude_code_cost_usage_USD_total"
        '{copy="", user="a\\"b\\\\", model=~"x\\\\.y|z"}[1h]))'
    )


def test_a_histogram_gives_its_count_its_sum_and_its_quantiles() -> None:
    inner = 'sum by (tool_name) (sum_over_time(claude_code_tool_duration_seconds{copy=""}[1h]))'
    assert _promql.total(CATALOGUE, "duration", "1h", ["tool_name"]) == f"histogram_count({inner})"
    assert _promql.observed(CATALOGUE, "duration", "1h", ["tool_name"]) == f"histogram_sum({inner})"
    assert _promql.quantile(CATALOGUE, "duration", 0.95, "1h", ["tool_name"]) == f"histogram_quantile(0.95, {inner})"


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(CatalogueError, match="'cost' is a sum, not a histogram"):
        _promql.quantile(CATALOGUE, "cost", 0.5, "1h")
    with pytest.raises(CatalogueError, match="no delivery 'carrier pigeon'"):
        _promql.total(CATALOGUE, "cost", "1h", delivery="carrier pigeon")
