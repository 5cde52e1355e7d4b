# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector's rules and Prometheus' recording rules, made from the catalogue."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    Derived,
    Metric,
    Rollup,
)
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import EVERY, seconds

# The event's own time travels in this attribute through the connector, which stamps its points with the time of
# processing; the transform processor moves it to the point's time. A repeated export then lands on itself.
EVENT_TIME = "event.timestamp"
# The label that tells the passes of a rollup apart.
PASS = "pass"


def signal_to_metrics(catalogue: Catalogue, event_time: bool = True) -> list[dict[str, t.Any]]:
    """The list ``signal_to_metrics.logs`` of the collector's configuration: one entry a derived metric.

    With ``event_time`` each point stands at its event's time. Without, a request gives one point a series, as running
    totals need it.
    """
    carried = ((EVENT_TIME, None),) if event_time else ()
    shared = tuple((label.otel, None) for label in (*catalogue.standard_labels, *catalogue.resource_labels)) + carried
    return [_rule(metric, metric.derived, shared) for metric in catalogue.metrics.values() if metric.derived]


def rollup_groups(
    catalogue: Catalogue,
    passes: t.Sequence[str],
    delivery: str = "otlp",
    every: str = EVERY,
    kinds: t.Collection[str] = ("sum", "histogram"),
) -> list[dict[str, t.Any]]:
    """Groups of recording rules, one for each rollup and pass.

    Telemetry comes late, and Prometheus may be down when a rule is due. So each window is looked at in several passes,
    each so long after its end as ``passes`` says (PromQL durations). A pass records, under a label of its own, what
    the window adds up to without all that was recorded for it before: the sum over the passes is exact, whichever of
    them took place and whenever the rules were introduced.
    """
    return [
        {
            "name": f"claude_code_{rollup.name}_{name}",
            "interval": every,
            "query_offset": late,
            "rules": [
                {
                    "record": rollup.series(metric),
                    "expr": _difference(Reading(catalogue, rollup.window, delivery), metric, rollup, every),
                    "labels": {PASS: name},
                }
                for metric in catalogue.metrics.values()
                if metric.kind in kinds
            ],
        }
        for rollup in catalogue.rollups.values()
        for name, late in ((str(number), late) for number, late in enumerate(passes, 1))
    ]


def _difference(reading: Reading, metric: Metric, rollup: Rollup, every: str) -> str:
    """What lacks in the records of the window that ended within the interval before; nothing where none ended.

    A subquery stands at multiples of its step, whenever it is asked: that makes the windows the same ones for all.
    """
    raw = f"sum without ({', '.join(rollup.without)}) ({reading.in_window(metric)})"
    recorded = f"sum without ({PASS}) (sum_over_time({rollup.series(metric)}[{every}] offset -{seconds(every)}s))"
    both = f'label_replace({raw}, "term", "raw", "", "") or label_replace(-1 * {recorded}, "term", "recorded", "", "")'
    difference = f"last_over_time((sum without (term) ({both}))[{every}:{rollup.window}])"
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
