# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

from ansible_collections.observability.claude_code.plugins.module_utils import _collector_rules as rules
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Rollup, build_catalogue

CATALOGUE = build_catalogue(
    {
        "1.yml": {
            "cost": {"otel": "claude_code.cost.usage", "unit": "USD", "about": "Cost."},
            "failures": {
                "otel": "claude_code.failures",
                "about": "Failures.",
                "labels": ["tool_name", {"otel": "status_code", "default": "none"}],
                "derived": {"name": "tool_result", "where": {"tool_name": ["Agent", "Task"], "success": "false"}},
            },
            "duration": {
                "otel": "claude_code.duration",
                "unit": "s",
                "kind": "histogram",
                "about": "Duration.",
                "derived": {"name": "tool_result", "value": "duration_ms", "scale": 0.001},
            },
        }
    },
    {"standard": ["session.id"], "resource": ["team"]},
)


def test_only_derived_metrics_become_rules() -> None:
    assert [rule["name"] for rule in rules.signal_to_metrics(CATALOGUE)] == [
        "claude_code.failures",
        "claude_code.duration",
    ]


def test_an_event_that_lacks_a_label_still_counts() -> None:
    failures = rules.signal_to_metrics(CATALOGUE)[0]
    assert failures["attributes"] == [
        {"key": "event.is.tool_result"},
        {"key": "tool_name", "optional": True},
        {"key": "status_code", "default_value": "none"},
        {"key": "session.id", "optional": True},
        {"key": "team", "optional": True},
        {"key": "event.timestamp", "optional": True},
    ]


def test_each_rule_requires_the_mark_of_its_event() -> None:
    assert rules.marks(CATALOGUE) == {"tool_result": "event.is.tool_result"}
    for rule in rules.signal_to_metrics(CATALOGUE):
        required = [entry["key"] for entry in rule["attributes"] if not {"optional", "default_value"} & set(entry)]
        assert required == ["event.is.tool_result"]


def test_running_totals_get_one_point_a_request() -> None:
    for rule in rules.signal_to_metrics(CATALOGUE, event_time=False):
        assert "event.timestamp" not in [attribute["key"] for attribute in rule["attributes"]]


def test_conditions_select_the_events_and_values_are_scaled() -> None:
    failures, duration = rules.signal_to_metrics(CATALOGUE)
    assert failures["conditions"] == [
        'log.attributes["event.name"] == "tool_result"'
        ' and (log.attributes["tool_name"] == "Agent" or log.attributes["tool_name"] == "Task")'
        ' and (log.attributes["success"] == "false" or log.attributes["success"] == false)'
    ]
    assert failures["sum"] == {"value": "1", "monotonic": True}
    assert duration["conditions"] == [
        'log.attributes["event.name"] == "tool_result" and log.attributes["duration_ms"] != nil'
    ]
    assert duration["exponential_histogram"] == {"value": 'Double(log.attributes["duration_ms"]) * 0.001'}


ROLLUP = Rollup("sum1h", "1h", ("session_id",), "long", "1m", near=("1m", "20m"), far=("25h",))
ROLLED = replace(CATALOGUE, rollups={"sum1h": ROLLUP})
RAW = 'sum without (session_id, term, pass) (sum_over_time(claude_code_cost_usage_USD_total{copy=""}[1h]))'
BEFORE = (
    '-1 * sum without (pass) (sum_over_time(claude_code:cost:sum1h{pass!~"25h"}[1m] offset -60s)'
    ' or sum_over_time(claude_code:cost:sum1h{pass="25h"}[1m] offset -90060s))'
)


def test_a_rollup_has_a_group_for_each_pass() -> None:
    groups = rules.rollup_groups(ROLLED)
    assert [group["name"] for group in groups] == [f"claude_code_sum1h_{late}" for late in ("1m", "20m", "25h")]
    assert [group["query_offset"] for group in groups] == ["1m", "20m", "0s"]
    assert [{rule["labels"]["pass"] for rule in group["rules"]} for group in groups] == [{"1m"}, {"20m"}, {"25h"}]
    assert len(groups[0]["rules"]) == len(CATALOGUE.metrics)


def test_a_pass_records_what_lacks_in_the_window_that_has_just_ended() -> None:
    near, _later, far = (group["rules"][0] for group in rules.rollup_groups(ROLLED))
    assert near["record"] == "claude_code:cost:sum1h"
    assert RAW in near["expr"]
    assert BEFORE in near["expr"]
    assert near["expr"].endswith("[1m:1h]) != 0")
    assert far["expr"].endswith("[1m:1h] offset 25h) != 0")


def test_histograms_without_observations_are_not_recorded() -> None:
    assert rules.rollup_groups(ROLLED)[0]["rules"][2]["expr"].endswith("[1m:1h])) > 0")


def test_rollups_read_each_delivery_its_own_way() -> None:
    assert "increase(" in rules.rollup_groups(ROLLED, "scrape")[0]["rules"][0]["expr"]


def test_parts_have_all_groups_in_their_order_and_are_no_larger_than_asked() -> None:
    groups = [{"name": name, "rules": ["x" * size]} for name, size in zip("abcd", (10, 40, 30, 200), strict=True)]
    found = rules.parts(groups, 120)
    assert [[group["name"] for group in part] for part in found] == [["a", "b"], ["c"], ["d"]], "d fits into none"
    assert [group for part in found for group in part] == groups
    assert rules.parts([], 120) == []


def test_a_past_is_filled_in_by_a_pass_of_its_own() -> None:
    (group,) = rules.backfill_groups(ROLLED)
    assert [rule["record"] for rule in group["rules"]] == ["claude_code:cost:sum1h", "claude_code:failures:sum1h"]
    assert {rule["labels"]["pass"] for rule in group["rules"]} == {"backfill"}
    assert BEFORE in group["rules"][0]["expr"]
