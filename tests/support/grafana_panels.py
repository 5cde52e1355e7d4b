# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small dashboard with the panels that a test writes, as it is rendered for Grafana."""

from __future__ import annotations

from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_dashboard import all_json
from ansible_collections.observability.claude_code.plugins.module_utils._panels import build_dashboards
from support.checkout import CHECKOUT

CATALOGUE = load_catalogue(CHECKOUT / "files" / "catalogue")
SESSION = {"title": "Session", "label": "session_id", "among": ["session_starts", "cost"], "about": "A run."}
MODEL = {"title": "Model", "label": "model", "among": ["cost"], "about": "What answered."}
TEAM = {"title": "Team", "label": "team", "among": ["session_starts", "cost"], "about": "Who pays."}
RATE = {"title": "Hour", "value": 100, "unit": "USD", "about": "What an hour costs."}

Json = dict[str, Any]


def sources(*panels: Json, **row: Any) -> Json:
    given = [
        {"id": f"p{n}", "title": f"Panel {n}", "about": "About.", "act": "Act.", **p} for n, p in enumerate(panels)
    ]
    dashboard = {"title": "D", "about": "All.", "variables": ["session_id", "model", "team"], "settings": ["rate"]}
    return {
        "dashboards": {
            "1-d.yml": {**dashboard, "uid": "d", "links": ["other", "absent"], "tags": ["claude"]},
            "2-other.yml": {**dashboard, "uid": "other", "title": "Other"},
        },
        "panels": {uid: {"1-row.yml": {"row": "Row", "panels": given, **row}} for uid in ("d", "other")},
        "variables": {"session_id": SESSION, "model": MODEL, "team": TEAM},
        "settings": {"rate": RATE},
    }


def rendered(*panels: Json, delivery: str = "otlp", **row: Any) -> Json:
    return all_json(build_dashboards(sources(*panels, **row), CATALOGUE), CATALOGUE, delivery)["d"]


def panel(**entry: Any) -> Json:
    return rendered(entry)["panels"][1]


def defaults(**entry: Any) -> Json:
    return panel(**entry)["fieldConfig"]["defaults"]


def steps(found: Json) -> dict[str, Json]:
    return {one["id"]: one["options"] for one in found["transformations"]}


def properties(found: Json, name: str) -> Json:
    """What is set for the field of this name."""
    overrides = found["fieldConfig"]["overrides"]
    return {
        one["id"]: one["value"]
        for each in overrides
        if each["matcher"]["options"] == name
        for one in each["properties"]
    }
