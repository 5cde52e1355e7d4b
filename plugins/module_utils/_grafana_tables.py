# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables: the transformations that make the panel's columns of what the queries return, and how each column looks.

Prometheus returns a table for each query, with the fields Time, the labels and Value (``Value #A`` where there are
several). Loki returns a series for each group, and lines with their attributes in the field ``labels``.
"""

from __future__ import annotations

import string
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_fields import (
    BLANK,
    Json,
    is_wrong,
    override,
    thresholds,
    unit,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_targets import (
    COLUMN,
    SOURCES,
    stacked_by,
)
from ansible_collections.observability.claude_code.plugins.module_utils._logql import SUMMARIES
from ansible_collections.observability.claude_code.plugins.module_utils._panels import TIME, Column, Panel, Series

# A link takes the chosen data sources along.
SAME_SOURCES = tuple(f"${{{name}:queryparam}}" for name in SOURCES)
# The field with the time of a line; the second name is that of Grafana's newer frames.
LINE_TIMES = ("Time", "timestamp")
LINE = {"line": ("Line", "body")}


def transformations(panel: Panel) -> list[Json]:
    """What makes one table with the panel's columns, in their order."""
    if panel.rows and panel.rows.by:
        return _groups(panel)
    if panel.rows:
        return _lines(panel)
    names = dict(_fields(panel))
    merged = [_step("merge")] if len(names) > len(panel.labels) + 1 else []
    return [*merged, organize(names, drop=("Time",))]


def bars(panel: Panel) -> list[Json]:
    """What makes the bars of a bar chart: one a label's value, stacked where there are more labels."""
    if not panel.labels:
        return [
            _step("reduce", reducers=["lastNotNull"], mode="seriesToRows"),
            organize({"Field": "", LAST: panel.title}),
        ]
    if len(panel.labels) > 1:
        matrix = _step(
            "groupingToMatrix",
            rowField=panel.labels[0],
            columnField=stacked_by(panel),
            valueField="Value",
            emptyValue="null",
        )
        return [matrix]
    names = {panel.labels[0]: panel.labels[0]}
    several = len(panel.series) > 1
    for ref, one in zip(string.ascii_uppercase, panel.series):
        names[f"Value #{ref}" if several else "Value"] = one.name or panel.title
    first = panel.series[0].name or panel.title
    ordered = _step("sortBy", fields={}, sort=[{"field": first, "desc": True}])
    return [*([_step("merge")] if several else []), organize(names, drop=("Time",)), ordered]


LAST = "Last *"


def organize(names: t.Mapping[str, str], drop: t.Sequence[str] = ()) -> Json:
    """Fields renamed and in the order of ``names``, without those of ``drop``."""
    return _step(
        "organize",
        excludeByName=dict.fromkeys(drop, True),
        indexByName={name: place for place, name in enumerate(names)},
        renameByName={name: title for name, title in names.items() if title and title != name},
    )


def column_overrides(panel: Panel, variables: t.Mapping[str, str]) -> list[Json]:
    """How each column looks. ``variables`` maps labels to the variables that a link sets."""
    return [override(column.title, **_properties(column, variables)) for column in panel.columns]


def sorted_by(panel: Panel) -> list[Json]:
    """The column that a table is sorted by at first: the newest line, the largest group, the highest value."""
    if panel.ranked:
        return [{"displayName": panel.ranked, "desc": True}]
    for column in panel.columns:
        if column.value or column.field in (TIME, "count"):
            return [{"displayName": column.title, "desc": True}]
    return []


def _properties(column: Column, variables: t.Mapping[str, str]) -> Json:
    found: Json = {"noValue": "0" if _counts(column) else BLANK}
    if column.field in (TIME, "first", "last"):
        found["unit"] = unit(TIME)
    elif column.value or column.unit or column.field == "count":
        found["unit"] = unit(column.unit) if column.unit else "short"
    if column.thresholds:
        found.update(color={"mode": "thresholds"}, thresholds=thresholds(column.thresholds))
        found["custom__cellOptions"] = {"type": "color-text"}
    elif column.value and is_wrong(column.value) and not column.unit:
        found.update(color={"mode": "thresholds"}, thresholds=thresholds([("text", None), ("red", 1)]))
        found["custom__cellOptions"] = {"type": "color-text"}
    if column.links:
        label = column.label or column.field
        value = f"var-{variables.get(label, label)}=${{__value.raw}}"
        url = f"/d/{column.links}?{'&'.join((value, '${__url_time_range}', *SAME_SOURCES))}"
        found["links"] = [{"title": f"Open {column.title} ${{__value.raw}}", "url": url, "targetBlank": False}]
    return found


def _counts(column: Column) -> bool:
    """Whether an empty cell means 0."""
    return Series("", column.value).counts if column.value else column.field == "count"


def _fields(panel: Panel) -> list[tuple[str, str]]:
    """The field of each column with its title."""
    several = sum(1 for column in panel.columns if column.value) > 1
    refs = iter(string.ascii_uppercase)
    found = []
    for column in panel.columns:
        if column.value:
            ref = next(refs)
            found.append((f"Value #{ref}" if several else "Value", column.title))
        else:
            found.append((column.label, column.title))
    return found


def _groups(panel: Panel) -> list[Json]:
    found = [_step("labelsToFields", mode="columns", valueLabel=COLUMN), _step("merge")]
    names = {column.title if column.field in SUMMARIES else column.field: column.title for column in panel.columns}
    if panel.top:
        by = [{"field": one["displayName"], "desc": True} for one in sorted_by(panel)]
        found += [_step("sortBy", fields={}, sort=by), _step("limit", limitField=panel.top)]
    return [*found, organize(names, drop=("Time",))]


def _lines(panel: Panel) -> list[Json]:
    names: dict[str, str] = {}
    for column in panel.columns:
        own = LINE_TIMES if column.field == TIME else LINE.get(column.field, (column.field,))
        names.update(dict.fromkeys(own, column.title))
    numbers = [column.field for column in panel.columns if column.unit and column.field != TIME]
    found = [
        _step("extractFields", source="labels", format="auto", replace=False),
        _step("filterFieldsByName", include={"names": list(names)}),
    ]
    if numbers:
        # Attributes are text in Loki; a unit needs a number.
        conversions = [{"targetField": name, "destinationType": "number"} for name in numbers]
        found.append(_step("convertFieldType", conversions=conversions, fields={}))
    return [*found, organize(names)]


def _step(identifier: str, **options: t.Any) -> Json:
    return {"id": identifier, "options": options}
