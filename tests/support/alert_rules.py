# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules as people write them: for Grafana, and for a ruler."""

from __future__ import annotations

from typing import Any


def grafana_rule(title: str = "HighToolErrorRate", **changes: Any) -> dict[str, Any]:
    """One that asks Prometheus and compares with a threshold. A change to None takes the field away."""
    rule = {
        "uid": title.lower(),
        "title": title,
        "condition": "B",
        "data": [
            {
                "refId": "A",
                "datasourceUid": "prometheus",
                "relativeTimeRange": {"from": 600, "to": 0},
                "model": {"refId": "A", "expr": "sum(up)", "instant": True},
            },
            {
                "refId": "B",
                "datasourceUid": "__expr__",
                "model": {
                    "refId": "B",
                    "type": "threshold",
                    "expression": "A",
                    "conditions": [{"evaluator": {"type": "gt", "params": [0.15]}}],
                },
            },
        ],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": "10m",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "Many tool calls fail"},
    }
    return {field: value for field, value in {**rule, **changes}.items() if value is not None}


def with_query(rule: dict[str, Any], expression: str) -> dict[str, Any]:
    """The same rule that asks something else."""
    first, *others = rule["data"]
    return {**rule, "data": [{**first, "model": {**first["model"], "expr": expression}}, *others]}
