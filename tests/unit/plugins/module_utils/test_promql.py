# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    CatalogueError,
    build_catalogue,
)
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading

CATALOGUE = build_catalogue(
    {
        "1.yml": {
            "cost": {"otel": "claude_code.cost.usage", "unit": "USD", "about": "x", "labels": ["model", "agent"]},
            "duration": {
                "otel": "claude_code.tool.duration",
                "unit": "s",
                "kind": "histogram",
                "about": "x",
                "labels": ["tool_name"],
                "derived": {"name": "tool_result", "value": "duration_ms"},
            },
        }
    },
    {},
    {
        "sent": {"series": "sent_total", "kind": "counter", "about": "x", "labels": ["exporter"]},
        "queue": {"series": "queue_size", "kind": "gauge", "about": "x"},
        "latency": {"series": "latency_seconds", "kind": "histogram", "about": "x", "unit": "s"},
    },
)


COST = "claude_code_cost_usage_USD_total"


def asked(entry: dict[str, object], by: tuple[str, ...] = (), **reading: object) -> str:
    return Reading(CATALOGUE, **reading).promql(ex.parse(entry, CATALOGUE, "here"), by)


def test_deltas_are_summed_and_running_totals_are_read_from_their_anchor() -> None:
    assert asked({"total": "cost"}) == f'sum(sum_over_time({COST}{{copy=""}}[24h]))'
    for delivery in ("scrape", "remote_write"):
        assert asked({"total": "cost"}, delivery=delivery) == f'sum(increase({COST}{{copy=""}}[24h] anchored))'


def test_values_of_a_filter_cannot_leave_their_quotes() -> None:
    text = Reading(CATALOGUE, "1h").total("cost", ["model"], {"user": 'a"b\\', "model": ["x.y", "z"]})
    assert text == (
        "sum by (model) (sum_over_time(claude_code_cost_usage_USD_total"
        '{copy="", user="a\\"b\\\\", model=~"x\\\\.y|z"}[1h]))'
    )


def test_a_histogram_gives_its_count_its_sum_its_mean_and_its_quantiles() -> None:
    inner = 'sum by (tool_name) (sum_over_time(claude_code_tool_duration_seconds{copy=""}[24h]))'
    by = ("tool_name",)
    assert asked({"total": "duration"}, by) == f"histogram_count({inner})"
    assert asked({"observed": "duration"}, by) == f"histogram_sum({inner})"
    assert asked({"quantile": "duration", "share": 0.95}, by) == f"histogram_quantile(0.95, {inner})"
    count = f"histogram_count({inner})"
    assert asked({"mean": "duration"}, by) == f"(histogram_sum({inner}) or 0 * {count}) / ({count} > 0)"


def test_what_lacks_a_label_is_not_one_more_of_its_values() -> None:
    found = asked({"distinct": "session_id", "in": "cost"}, ("model",))
    inner = f'sum by (model, session_id) (sum_over_time({COST}{{copy="", session_id!=""}}[24h]))'
    assert found == f"count by (model) ({inner} > 0)"


def test_filters_go_where_a_metric_has_the_label() -> None:
    filters = {"model": "$model", "tool_name": "$tool"}
    assert asked({"total": "cost"}, filters=filters) == f'sum(sum_over_time({COST}{{copy="", model=~"$model"}}[24h]))'
    assert 'tool_name=~"$tool"' in asked({"total": "duration"}, filters=filters)


def test_a_window_of_its_own_and_an_earlier_one() -> None:
    assert asked({"total": "cost", "over": "7d", "ago": "1d"}) == (
        f'sum(sum_over_time({COST}{{copy=""}}[7d] offset 1d))'
    )
    assert asked({"total": "cost", "ago": "1d"}, delivery="scrape") == (
        f'sum(increase({COST}{{copy=""}}[24h] anchored offset 1d))'
    )


def test_a_share_is_of_the_sum_of_all() -> None:
    inner = f'sum by (model) (sum_over_time({COST}{{copy=""}}[24h]))'
    assert asked({"share_of": {"total": "cost"}}, ("model",)) == (f"({inner}) / on () group_left () (sum({inner}) > 0)")


def test_who_counted_something_can_be_left_out() -> None:
    long, short = (f'sum by (model) (sum_over_time({COST}{{copy=""}}[{window}]))' for window in ("7d", "24h"))
    entry = {"unless": {"of": {"total": "cost", "over": "7d"}, "counted": {"total": "cost", "over": "24h"}}}
    assert asked(entry, ("model",), window="1h") == f"(({long}) unless on (model) ({short} > 0))"


def grown(series: str) -> str:
    new = f"first_over_time({series}[1h]) unless last_over_time({series}[1d] offset 1h)"
    return (
        f'label_replace(increase({series}[1h] anchored), "term", "0", "", "") or '
        f'label_replace(({new}), "term", "1", "", "")'
    )


def test_own_metrics_know_no_copy_and_no_filter_and_count_from_their_first_appearance() -> None:
    filters = {"exporter": "$exporter"}
    text = asked({"own": "sent", "where": {"exporter": "a"}}, ("exporter",), window="1h", filters=filters)
    series = 'sent_total{exporter="a"}'
    assert text == f"sum by (exporter) ({grown(series)})"
    assert asked({"own": "sent", "per_second": True}, window="1h") == "sum(rate(sent_total{}[1h]))"


def test_own_gauges_are_read_as_they_are_or_at_their_peak() -> None:
    assert asked({"own": "queue"}) == "sum(queue_size{})"
    assert asked({"own": "queue", "peak": True}, window="1h") == "sum(max_over_time(queue_size{}[1h]))"


def test_own_histograms_give_their_mean_and_their_quantiles() -> None:
    total, count = (f"sum({grown(f'latency_seconds_{part}{{}}')})" for part in ("sum", "count"))
    assert asked({"own": "latency"}, window="1h") == f"{total} / ({count} > 0)"
    buckets = grown("latency_seconds_bucket{}")
    assert asked({"own": "latency", "share": 0.9}, window="1h") == f"histogram_quantile(0.9, sum by (le) ({buckets}))"


def test_a_label_may_be_anything_but_a_value() -> None:
    series = f'{COST}{{copy="", model!=""}}'
    assert asked({"total": "cost", "where": {"model": {"not": ""}}}) == f"sum(sum_over_time({series}[24h]))"


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(CatalogueError, match="has no metric 'x'"):
        asked({"own": "x"})
    with pytest.raises(CatalogueError, match="'queue' is a gauge, and share is for a histogram"):
        asked({"own": "queue", "share": 0.5})
    with pytest.raises(CatalogueError, match="'sent' has no label 'model'"):
        asked({"own": "sent", "where": {"model": "x"}})
    with pytest.raises(CatalogueError, match="'sent' is asked for 1d ago"):
        asked({"own": "sent", "ago": "1d"})
    with pytest.raises(CatalogueError, match="'cost' is no histogram"):
        asked({"quantile": "cost"})
    with pytest.raises(CatalogueError, match="'cost' has no label 'tool_name'"):
        asked({"total": "cost", "where": {"tool_name": "x"}})
    with pytest.raises(CatalogueError, match="no delivery 'carrier pigeon'"):
        Reading(CATALOGUE, delivery="carrier pigeon")
    with pytest.raises(CatalogueError, match="here has total and ratio"):
        asked({"total": "cost", "ratio": {}})
    with pytest.raises(CatalogueError, match="here, unless needs of and counted"):
        asked({"unless": {"of": {"total": "cost"}}})
    with pytest.raises(CatalogueError, match="here: share has no meaning beside total"):
        asked({"total": "cost", "share": 0.5})
