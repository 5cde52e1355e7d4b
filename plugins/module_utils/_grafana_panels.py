# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One panel of a dashboard, by what it shows."""

from __future__ import annotations

import typing as t
import zlib

from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_tables as tables
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_fields import (
    Json,
    colour,
    colour_overrides,
    is_additive,
    is_stacked,
    is_wrong,
    mappings,
    no_value,
    override,
    thresholds,
    unit_of,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_targets import (
    interval,
    is_tabular,
    source,
    targets,
)
from ansible_collections.observability.claude_code.plugins.module_utils._panels import OVER_TIME, SIZES, Panel
from ansible_collections.observability.claude_code.plugins.module_utils._queries import Asking
from ansible_collections.observability.claude_code.plugins.module_utils._words import panel_in_words, span_in_words

TYPES = {
    "stat": "stat",
    "gauge": "gauge",
    "bars": "timeseries",
    "lines": "timeseries",
    "area": "timeseries",
    "heatmap": "heatmap",
    "states": "state-timeline",
    "pie": "piechart",
    "bar chart": "barchart",
    "bar gauge": "bargauge",
    "table": "table",
    "rows": "table",
    "flow": "nodeGraph",
    "logs": "logs",
    "text": "text",
}
# The version for which the options are written. Older and newer servers know them as well; plugins migrate from it.
VERSION = "11.6.0"
SINGLE = {"calcs": ["lastNotNull"], "fields": "", "values": False}
# From this size on there is room for a legend beside the chart.
ROOM_BESIDE = SIZES["half"]


def identifier(name: str) -> int:
    """A number for a panel's or a row's name that stays the same wherever it stands; links contain it."""
    return zlib.crc32(name.encode()) % 1_000_000 + 1


def panel_json(panel: Panel, asking: Asking, variables: t.Mapping[str, str]) -> Json:
    """The panel without its place. ``variables`` maps labels to the variables that links set."""
    found: Json = {
        "id": identifier(panel.id),
        "type": TYPES[panel.show],
        "title": panel.title,
        "description": description(panel, asking),
        "pluginVersion": VERSION,
        "options": OPTIONS[panel.show](panel),
    }
    if panel.show == "text":
        return found
    found["datasource"] = source(panel)
    found["targets"] = targets(panel, asking)
    found["fieldConfig"] = _field_config(panel, variables)
    steps = _transformations(panel)
    if steps:
        found["transformations"] = steps
    if panel.show in OVER_TIME:
        found["interval"], found["maxDataPoints"] = interval(panel, asking)
    return found


def description(panel: Panel, asking: Asking) -> str:
    """What the panel shows, how that is computed, and what to do about it, in Markdown."""
    computed = [f"{name}: {words}" if name else words for name, words in panel_in_words(panel, asking.catalogue)]
    one_line = len(computed) == 1
    told = (
        ["**Computed as.** " + computed[0]]
        if one_line
        else ["**Computed as**\n" + "\n".join(f"- {x}" for x in computed)]
    )
    parts = [panel.about, *(told if computed else ()), span_in_words(panel), f"**What to do.** {panel.act}"]
    return "\n\n".join(part.strip() for part in parts if part)


def _transformations(panel: Panel) -> list[Json]:
    if panel.show in ("table", "rows"):
        return tables.transformations(panel)
    if panel.show == "bar chart":
        return tables.bars(panel)
    if panel.show == "flow":
        # The names by which the graph knows its arrows.
        names = {name: name for name in ("id", "source", "target")}
        return [tables.organize({**names, "Value": "mainstat"}, drop=("Time",))]
    return []


def _field_config(panel: Panel, variables: t.Mapping[str, str]) -> Json:
    defaults: Json = {
        "color": colour(panel),
        "custom": CUSTOM.get(TYPES[panel.show], lambda _panel: {})(panel),
        "mappings": mappings(panel),
        "noValue": no_value(panel),
        "thresholds": thresholds(panel.thresholds or _own_thresholds(panel)),
        "unit": unit_of(panel),
    }
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.show in ("gauge", "bar gauge"):
        defaults["min"] = 0
        highest = _highest(panel)
        if highest:
            defaults["max"] = highest
    elif panel.show in ("bars", "lines", "area") and panel.unit == "share":
        defaults.update(min=0, max=1)
    overrides = colour_overrides(panel)
    if len(panel.labels) == 1 and panel.show not in ("table", "rows") and not is_tabular(panel):
        # A series without the label would be called Value.
        overrides.append(override("Value", displayName=f"no {panel.labels[0]}"))
    if panel.show in ("table", "rows"):
        overrides += tables.column_overrides(panel, variables)
    return {"defaults": defaults, "overrides": overrides}


def _own_thresholds(panel: Panel) -> t.Sequence[tuple[str, float | None]]:
    if panel.show == "states":
        return [("transparent", None), ("red" if _all_wrong(panel) else "blue", 1e-9)]
    if panel.show in ("stat", "gauge", "bar gauge"):
        return [("text" if panel.show == "stat" else "blue", None)]
    return [("green", None)]


def _all_wrong(panel: Panel) -> bool:
    return bool(panel.series) and all(is_wrong(one.value) for one in panel.series)


def _highest(panel: Panel) -> float:
    """Where the scale of a gauge ends: a share at all, else somewhat beyond the last threshold."""
    if panel.unit == "share":
        return 1
    values = [value for _colour, value in panel.thresholds if value]
    return 1.5 * max(values) if values and panel.show == "gauge" else 0


# --- options ---------------------------------------------------------------------------------------------------


def _legend(panel: Panel) -> Json:
    if not panel.labels and len(panel.series) == 1:
        return {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False}
    additive = all(is_additive(one.value) for one in panel.series) and panel.show in ("bars", "area")
    return {
        "calcs": ["sum"] if additive else ["mean", "max"],
        "displayMode": "table",
        "placement": "right" if SIZES[panel.size] >= ROOM_BESIDE else "bottom",
        "showLegend": True,
        "sortBy": "Total" if additive else "Max",
        "sortDesc": True,
    }


def _stat(panel: Panel) -> Json:
    several = bool(panel.labels) or len(panel.series) > 1
    return {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": SINGLE,
        "textMode": "value_and_name" if several else "value",
        "wideLayout": True,
    }


def _gauge(panel: Panel) -> Json:
    return {
        "orientation": "auto",
        "reduceOptions": SINGLE,
        "showThresholdLabels": False,
        "showThresholdMarkers": bool(panel.thresholds),
    }


def _over_time(panel: Panel) -> Json:
    return {"legend": _legend(panel), "tooltip": {"mode": "multi", "sort": "desc"}}


def _heatmap(panel: Panel) -> Json:
    return {
        # One row for each series as it comes; nothing is put into buckets.
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": unit_of(panel)},
        "color": {
            "exponent": 0.5,
            "fill": "dark-orange",
            "mode": "scheme",
            "reverse": False,
            "scale": "exponential",
            "scheme": "Reds" if _all_wrong(panel) else "Oranges",
            "steps": 64,
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "unknown", "value": panel.title},
        "showValue": "never",
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False},
    }


def _states(_panel: Panel) -> Json:
    return {
        "alignValue": "left",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    }


def _pie(panel: Panel) -> Json:
    beside = "right" if SIZES[panel.size] >= SIZES["third"] else "bottom"
    return {
        "displayLabels": ["percent"],
        "legend": {
            "calcs": [],
            "displayMode": "table",
            "placement": beside,
            "showLegend": True,
            "values": ["value", "percent"],
        },
        "pieType": "donut",
        "reduceOptions": SINGLE,
        "tooltip": {"mode": "single", "sort": "none"},
    }


def _bar_chart(panel: Panel) -> Json:
    several = len(panel.labels) > 1 or (bool(panel.labels) and len(panel.series) > 1)
    return {
        "barRadius": 0,
        "barWidth": 0.9,
        "fullHighlight": False,
        "groupWidth": 0.7,
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": several},
        # Names of tools and users have more room beside the bars than below them.
        "orientation": "horizontal",
        "showValue": "never" if len(panel.labels) > 1 else "auto",
        "stacking": "normal" if len(panel.labels) > 1 else "none",
        "tooltip": {"mode": "multi", "sort": "desc"},
        "xTickLabelMaxLength": 24,
        "xTickLabelRotation": 0,
        "xTickLabelSpacing": 0,
    }


def _bar_gauge(_panel: Panel) -> Json:
    return {
        "displayMode": "basic",
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": SINGLE,
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
    }


def _table(panel: Panel) -> Json:
    return {"cellHeight": "sm", "showHeader": True, "sortBy": tables.sorted_by(panel)}


def _flow(panel: Panel) -> Json:
    word = unit_of(panel)
    return {"edges": {"mainStatUnit": word}, "nodes": {"mainStatUnit": word}}


def _logs(_panel: Panel) -> Json:
    return {
        "dedupStrategy": "none",
        "enableLogDetails": True,
        "prettifyLogMessage": False,
        "showCommonLabels": False,
        "showLabels": False,
        "showTime": True,
        "sortOrder": "Descending",
        "wrapLogMessage": True,
    }


def _text(panel: Panel) -> Json:
    return {
        "code": {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False},
        "content": panel.text,
        "mode": "markdown",
    }


OPTIONS: dict[str, t.Callable[[Panel], Json]] = {
    "stat": _stat,
    "gauge": _gauge,
    "bars": _over_time,
    "lines": _over_time,
    "area": _over_time,
    "heatmap": _heatmap,
    "states": _states,
    "pie": _pie,
    "bar chart": _bar_chart,
    "bar gauge": _bar_gauge,
    "table": _table,
    "rows": _table,
    "flow": _flow,
    "logs": _logs,
    "text": _text,
}


# --- what only one type of panel has in its fields ------------------------------------------------------------------


def _drawn(panel: Panel) -> Json:
    bars = panel.show == "bars"
    fill = {"bars": 80, "area": 25, "lines": 0}[panel.show]
    return {
        "axisPlacement": "auto",
        # A value counts what happened in the interval that ends with it.
        "barAlignment": -1,
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": fill,
        "gradientMode": "opacity" if panel.show == "area" else "none",
        "lineInterpolation": "linear",
        "lineWidth": 0 if bars else 1,
        "showPoints": "never" if bars else "auto",
        "spanNulls": False,
        "thresholdsStyle": {"mode": "dashed" if panel.thresholds else "off"},
        "stacking": {"group": "A", "mode": "normal" if is_stacked(panel) else "none"},
    }


CUSTOM: dict[str, t.Callable[[Panel], Json]] = {
    "timeseries": _drawn,
    "state-timeline": lambda _panel: {"fillOpacity": 80, "lineWidth": 0},
    "barchart": lambda _panel: {"fillOpacity": 80, "lineWidth": 0},
    "table": lambda _panel: {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": True},
}
