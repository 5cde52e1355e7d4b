# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector's rules and Prometheus' recording rules, made from the catalogue."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    Derived,
    Metric,
    Rollup,
)
from ansible_collections.observability.claude_code.plugins.module_utils._packing import packed
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import PASS, recorded

# The event's own time travels in this attribute through the connector, which stamps its points with the time of
# processing; the transform processor moves it to the point's time. A repeated export then lands on itself.
EVENT_TIME = "event.timestamp"
# Each event that metrics come from carries one of these, by its name. An event without it is passed over at once; of
# all others the connector computes what identifies a series before it looks at a rule's conditions, and for thirty
# rules that took half of the collector's time.
MARK = "event.is."
# The pass that fills in a past without rollups.
BACKFILL = "backfill"
# How many bytes of rules go into one object of a cluster. A ConfigMap holds 1 MiB, and the Prometheus operator, which
# makes ConfigMaps of rules, refuses what fills more than half of one; as YAML they may take more than is counted here.
PART_BYTES = 400_000


def signal_to_metrics(catalogue: Catalogue, event_time: bool = True) -> list[dict[str, t.Any]]:
    """The list ``signal_to_metrics.logs`` of the collector's configuration: one entry a derived metric.

    With ``event_time`` each point stands at its event's time. Without, a request gives one point a series, as running
    totals need it.
    """
    carried = ((EVENT_TIME, None),) if event_time else ()
    shared = tuple((label.otel, None) for label in (*catalogue.standard_labels, *catalogue.resource_labels)) + carried
    return [_rule(metric, metric.derived, shared) for metric in catalogue.metrics.values() if metric.derived]


def marks(catalogue: Catalogue) -> dict[str, str]:
    """The mark of each event that metrics are derived from, by the event's name."""
    events = sorted({metric.derived.event for metric in catalogue.metrics.values() if metric.derived})
    return {event: f"{MARK}{event}" for event in events}


def rollup_groups(catalogue: Catalogue, delivery: str = "otlp") -> list[dict[str, t.Any]]:
    """Groups of recording rules, one for each rollup and pass.

    A pass records, under a label of its own, what a window adds up to without all that was recorded for it before.
    The sum over the passes is exact, whichever of them took place and whenever the rules were introduced.
    """
    return [
        {
            "name": f"claude_code_{rollup.name}_{late}",
            "interval": rollup.every,
            # Rules cannot record out of order, which begins an hour back.
            "query_offset": late if late in rollup.near else "0s",
            "rules": _rules(catalogue, rollup, late, delivery),
        }
        for rollup in catalogue.rollups.values()
        for late in (*rollup.near, *rollup.far)
    ]


def parts(groups: list[dict[str, t.Any]], most: int = PART_BYTES) -> list[list[dict[str, t.Any]]]:
    """The same groups in the same order, in several lists of at most so many bytes as JSON."""
    return packed(groups, lambda group: len(json.dumps(group)), most)


def backfill_groups(catalogue: Catalogue, delivery: str = "otlp") -> list[dict[str, t.Any]]:
    """The same for ``promtool tsdb create-blocks-from rules``, which writes what lacks in the windows of a past.

    It knows no native histograms.
    """
    sums = {name: metric for name, metric in catalogue.metrics.items() if metric.kind != "histogram"}
    return [
        {
            "name": f"claude_code_{rollup.name}_{BACKFILL}",
            "interval": rollup.every,
            "rules": _rules(replace(catalogue, metrics=sums), rollup, BACKFILL, delivery),
        }
        for rollup in catalogue.rollups.values()
    ]


def _rules(catalogue: Catalogue, rollup: Rollup, late: str, delivery: str) -> list[dict[str, t.Any]]:
    reading = Reading(catalogue, rollup.window, delivery)
    return [
        {
            "record": rollup.series(metric),
            "expr": _difference(reading, metric, rollup, late if late in rollup.far else ""),
            "labels": {PASS: late},
        }
        for metric in catalogue.metrics.values()
    ]


def _difference(reading: Reading, metric: Metric, rollup: Rollup, ago: str) -> str:
    """What lacks in the records of the window that has just ended; nothing where none has.

    A subquery stands at multiples of its step, whenever it is asked: that makes the windows the same ones for all.
    """
    # Series of a time before the collector took these two labels away may have them.
    raw = f"sum without ({', '.join((*rollup.without, 'term', PASS))}) ({reading.in_window(metric)})"
    before = f"-1 * sum without ({PASS}) ({recorded(rollup, metric, (), rollup.every)})"
    both = f'label_replace({raw}, "term", "raw", "", "") or label_replace({before}, "term", "recorded", "", "")'
    moved = f" offset {ago}" if ago else ""
    difference = f"last_over_time((sum without (term) ({both}))[{rollup.every}:{rollup.window}]{moved})"
    if metric.kind == "histogram":
        return f"{difference} and histogram_count({difference}) > 0"
    return f"{difference} != 0"


def _rule(metric: Metric, derived: Derived, shared: tuple[tuple[str, str | None], ...]) -> dict[str, t.Any]:
    conditions = [f'log.attributes["event.name"] == "{derived.event}"']
    value = "1"
    if derived.value:
        attribute = f'log.attributes["{derived.value}"]'
        conditions.append(f"{attribute} != nil")
        value = f"Double({attribute})" + (f" * {derived.scale}" if derived.scale != 1.0 else "")
    for key, values in derived.where:
        # Clients in other languages send a boolean where Claude Code sends a text.
        literals = [json.dumps(value_) for value_ in values] + [
            value_ for value_ in values if value_ in ("true", "false")
        ]
        alternatives = " or ".join(f'log.attributes["{key}"] == {literal}' for literal in literals)
        conditions.append(f"({alternatives})")
    rule: dict[str, t.Any] = {
        "name": metric.otel,
        "description": metric.about,
        "unit": metric.unit,
        "include_resource_attributes": [{"key": "service.name"}, {"key": "service.version"}],
        "attributes": [
            {"key": f"{MARK}{derived.event}"},
            *(_attribute(label.otel, label.default) for label in metric.labels),
            *(_attribute(name, default) for name, default in shared),
        ],
        "conditions": [" and ".join(conditions)],
    }
    if metric.kind == "histogram":
        rule["exponential_histogram"] = {"value": value}
    else:
        rule["sum"] = {"value": value, "monotonic": True}
    return rule


def _attribute(name: str, default: str | None) -> dict[str, t.Any]:
    # An attribute that is neither optional nor has a default would make the connector skip events that lack it.
    return {"key": name, "optional": True} if default is None else {"key": name, "default_value": default}
