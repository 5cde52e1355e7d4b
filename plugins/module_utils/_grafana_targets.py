# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queries of a panel as Grafana's targets.

The texts come from ``_queries``. What is put around one changes neither its values nor which there are, but what
Grafana's panels need beside them: an order, a label to name a column by, milliseconds where it wants them.
"""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_fields import BLANK, Json
from ansible_collections.observability.claude_code.plugins.module_utils._panels import TIME, Panel
from ansible_collections.observability.claude_code.plugins.module_utils._queries import (
    INSTANT,
    LOKI,
    PROMETHEUS,
    RANGE,
    ROWS,
    Asking,
    Query,
    queries,
)

# The variables that choose the data sources; no dashboard names one.
SOURCES = {name: {"type": name, "uid": f"${{{name}}}"} for name in (PROMETHEUS, LOKI)}
# The label that tells the columns of a table of groups apart, and the one that tells the parts of stacked bars apart.
COLUMN = "column"
# Panels that read a table; the others read one series for each combination of labels.
TABULAR = ("table", "flow", "bar chart")


def source(panel: Panel) -> Json | None:
    """The data source of a panel; a text has none."""
    if panel.show == "text":
        return None
    return SOURCES[LOKI if panel.rows else PROMETHEUS]


def targets(panel: Panel, asking: Asking) -> list[Json]:
    """The targets of a panel, in the order of its series or columns."""
    return [
        _loki(panel, query) if query.source == LOKI else _prometheus(panel, query) for query in queries(panel, asking)
    ]


def stacked_by(panel: Panel) -> str:
    """The field that tells the parts of stacked bars apart: the labels after the first, as one."""
    rest = panel.labels[1:]
    return rest[0] if len(rest) == 1 else COLUMN


def _prometheus(panel: Panel, query: Query) -> Json:
    tabular = is_tabular(panel)
    return {
        "datasource": SOURCES[PROMETHEUS],
        "editorMode": "code",
        "expr": _arranged(panel, query),
        "format": "table" if tabular else "time_series",
        "instant": query.kind == INSTANT,
        "legendFormat": "" if tabular else _legend(panel, query),
        "range": query.kind == RANGE,
        "refId": query.ref,
    }


def is_tabular(panel: Panel) -> bool:
    """Whether the panel reads one table a query; single numbers beside each other are read as series."""
    return panel.show in TABULAR and not (panel.show == "bar chart" and not panel.labels)


def _arranged(panel: Panel, query: Query) -> str:
    text = query.text
    if _unit(panel, query) == TIME:
        # Prometheus tells the time in seconds, Grafana shows milliseconds.
        text = f"1000 * ({text})"
    if panel.show == "bar chart" and len(panel.labels) > 2:
        rest = ", ".join(f'"{label}"' for label in panel.labels[1:])
        text = f'label_join({text}, "{COLUMN}", " · ", {rest})'
    if is_merged(panel):
        text = _named(text, panel.labels)
    if panel.show in ("pie", "bar gauge") and panel.labels:
        text = f"sort_desc({text})"
    return text


def is_merged(panel: Panel) -> bool:
    """Whether one table is made of those of several queries."""
    valued = [column for column in panel.columns if column.value]
    return is_tabular(panel) and max(len(valued), len(panel.series)) > 1


def _named(text: str, labels: t.Sequence[str]) -> str:
    """The query with all labels on all series: rows of tables that lack one would be merged with rows of any value."""
    for label in labels:
        text = f'label_replace({text}, "{label}", "{BLANK}", "{label}", "")'
    return text


def _unit(panel: Panel, query: Query) -> str:
    for column in panel.columns:
        if column.title == query.name:
            return column.unit
    return panel.unit


def _legend(panel: Panel, query: Query) -> str:
    labels = " · ".join(f"{{{{{label}}}}}" for label in panel.labels)
    return " ".join(part for part in (query.name, labels) if part) or panel.title


def _loki(panel: Panel, query: Query) -> Json:
    lines = query.kind == ROWS
    text = query.text
    if panel.rows and panel.rows.by:
        text = f'label_replace({_named(text, panel.rows.by[:1])}, "{COLUMN}", "{query.name}", "", "")'
    target: Json = {
        "datasource": SOURCES[LOKI],
        "editorMode": "code",
        "expr": text,
        "queryType": "range" if lines else "instant",
        "refId": query.ref,
    }
    return {**target, "maxLines": query.limit} if lines else target


def interval(panel: Panel, asking: Asking) -> tuple[str, int]:
    """The shortest interval of a chart and the number of its points: bars must stay wide enough to be seen."""
    return asking.shortest(panel.each), 300 if panel.show in ("lines", "area") else 100
