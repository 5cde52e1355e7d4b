# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards for Grafana 10.4 to 13, in the JSON that can be imported by hand as well as sent to its API.

Only panels that are built in, no fixed data source, and an own number for each panel that stays the same.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict, replace

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_fields import Json
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_panels import identifier, panel_json
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_variables import variables
from ansible_collections.observability.claude_code.plugins.module_utils._layout import PlacedRow, arrange
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard
from ansible_collections.observability.claude_code.plugins.module_utils._queries import Asking, in_grafana
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import LONG, RAW

# Known from 11.6 on, read by 10.4, and shaped as 42, which newer servers make of it.
SCHEMA = 41
BUILT_IN = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def all_json(
    dashboards: t.Mapping[str, Dashboard],
    catalogue: Catalogue,
    delivery: str = "otlp",
    sources: t.Mapping[str, str] | None = None,
    reads: str = RAW,
) -> dict[str, Json]:
    """Every dashboard by uid. ``sources`` are the uids of the data sources that they open with, by kind.

    ``reads`` is what those read that are about hours and days.
    """
    chosen = {uid: replace(one, reads=reads) if one.reads == RAW else one for uid, one in dashboards.items()}
    return {uid: dashboard_json(one, catalogue, delivery, chosen, sources) for uid, one in sorted(chosen.items())}


def dashboard_json(
    dashboard: Dashboard,
    catalogue: Catalogue,
    delivery: str = "otlp",
    others: t.Mapping[str, Dashboard] | None = None,
    sources: t.Mapping[str, str] | None = None,
) -> Json:
    """One dashboard. ``others`` are those that it may link to, by uid; a link to one that is not there stays away."""
    asking = in_grafana(dashboard, catalogue, delivery)
    names = {one.label: one.name for one in dashboard.variables}
    found: list[Json] = []
    for placed in arrange(dashboard.rows):
        found += _row(placed, asking, names)
    identifiers = [one["id"] for panel in found for one in (panel, *panel.get("panels", ()))]
    if len(set(identifiers)) != len(identifiers):
        raise CatalogueError(f"{dashboard.uid}: two panels get the same number from their ids. Rename one of them.")
    return {
        "annotations": {"list": [BUILT_IN]},
        "description": dashboard.about,
        "editable": True,
        "fiscalYearStartMonth": 0,
        # The same moment is marked in all charts.
        "graphTooltip": 1,
        "id": None,
        "links": [_link(others[uid]) for uid in dashboard.links if others and uid in others],
        "panels": found,
        "refresh": dashboard.refresh,
        "schemaVersion": SCHEMA,
        "tags": list(dashboard.tags),
        "templating": {"list": variables(dashboard, asking, sources)},
        "time": {"from": f"now-{dashboard.range}", "to": "now"},
        "timepicker": {},
        # Rollups are of days of UTC.
        "timezone": "utc" if dashboard.reads == LONG else "browser",
        "title": dashboard.title,
        "uid": dashboard.uid,
        "weekStart": "",
    }


def _row(placed: PlacedRow, asking: Asking, names: t.Mapping[str, str]) -> list[Json]:
    row = placed.row
    panels = [{**panel_json(panel, asking, names), "gridPos": asdict(place)} for panel, place in placed.panels]
    title = {
        "collapsed": row.collapsed,
        "gridPos": {"x": 0, "y": placed.y, "w": 24, "h": 1},
        "id": identifier(f"row: {row.title}"),
        "panels": panels if row.collapsed else [],
        "title": row.title,
        "type": "row",
    }
    return [title] if row.collapsed else [title, *panels]


def _link(dashboard: Dashboard) -> Json:
    return {
        "asDropdown": False,
        "icon": "dashboard",
        "includeVars": True,
        "keepTime": True,
        "tags": [],
        "targetBlank": False,
        "title": dashboard.title,
        "tooltip": dashboard.about,
        "type": "link",
        "url": f"/d/{dashboard.uid}",
    }
