# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector's rules and Prometheus' recording rules, made from the catalogue."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, Derived, Metric
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading

# The event's own time travels in this attribute through the connector, which stamps its points with the time of
# processing; the transform processor moves it to the point's time. A repeated export then lands on itself.
EVENT_TIME = "event.timestamp"


def signal_to_metrics(catalogue: Catalogue, event_time: bool = True) -> list[dict[str, t.Any]]:
    """The list ``signal_to_metrics.logs`` of the collector's configuration: one entry a derived metric.

    With ``event_time`` each point stands at its event's time. Without, a request gives one point a series, as running
    totals need it.
    """
    carried = ((EVENT_TIME, None),) if event_time else ()
    shared = tuple((label.otel, None) for label in (*catalogue.standard_labels, *catalogue.resource_labels)) + carried
    return [_rule(metric, metric.derived, shared) for metric in catalogue.metrics.values() if metric.derived]


def rollup_rules(
    catalogue: Catalogue, interval: str, delivery: str = "otlp", without: t.Sequence[str] = ("session_id",)
) -> list[dict[str, str]]:
    """Recording rules that add up each metric over ``interval`` (a PromQL duration) without the labels given.

    Windows of one length follow each other without gap or overlap, so the rollups add up to the raw sum exactly.
    """
    labels, reading = ", ".join(without), Reading(catalogue, interval, delivery)
    return [
        {
            "record": rollup_name(metric, interval),
            "expr": f"sum without ({labels}) ({reading.in_window(metric)})",
        }
        for metric in catalogue.metrics.values()
    ]


def rollup_name(metric: Metric, interval: str) -> str:
    return f"claude_code:{metric.name}:sum{interval}"


def _rule(metric: Metric, derived: Derived, shared: tuple[tuple[str, str | None], ...]) -> dict[str, t.Any]:
    conditions = [f'log.attributes["event.name"] == "{derived.event}"']
    value = "1"
    if derived.value:
        attribute = f'log.attributes["{derived.value}"]'
        conditions.append(f"{attribute} != nil")
        value = f"Double({attribute})" + (f" * {derived.scale}" if derived.scale != 1.0 else "")
    for key, values in derived.where:
        alternatives = " or ".join(f'log.attributes["{key}"] == "{value_}"' for value_ in values)
        conditions.append(f"({alternatives})")
    rule: dict[str, t.Any] = {
        "name": metric.otel,
        "description": metric.about,
        "unit": metric.unit,
        "include_resource_attributes": [{"key": "service.name"}, {"key": "service.version"}],
        "attributes": [
            _attribute(name, default)
            for name, default in (*((label.otel, label.default) for label in metric.labels), *shared)
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
