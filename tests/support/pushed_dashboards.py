# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes one dashboard to a stand-in for Grafana, and edits it there as somebody else."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.observability.claude_code.plugins.modules import grafana_dashboard
from support.modules import run_module
from support.shared_grafana import SharedGrafana

UID = "costs"
SAVE = "/api/dashboards/db"
MODEL: dict[str, Any] = {
    "id": 4711,
    "uid": UID,
    "title": " Costs ",
    "version": 12,
    "tags": ["claude-code"],
    "panels": [
        {"id": 3, "type": "stat", "title": "Cost", "targets": [{"refId": "A", "expr": "sum(cost)"}]},
        {"id": 4, "type": "row", "title": "More", "panels": [{"id": 5, "type": "text", "title": "About"}]},
    ],
    "templating": {
        "list": [
            {"name": "model", "type": "query", "current": {}, "options": []},
            {
                "name": "limit",
                "type": "textbox",
                "query": "5",
                "current": {"selected": True, "text": "5", "value": "5"},
            },
        ]
    },
}
# The definition that a push has which names none.
OURS = object()
CLAUDE_CODE = {"folder_uid": "claude-code", "folder_title": "Claude Code"}


def push(server: SharedGrafana, model: Any = OURS, **options: Any) -> dict[str, Any]:
    """What the module says; result["sent"] are the requests that write, as methods and paths."""
    server.requests.clear()
    definition = MODEL if model is OURS else model
    given = {"url": server.url, "token": server.token, "definition": definition, **options}
    result = run_module(grafana_dashboard, **{name: value for name, value in given.items() if value is not None})
    assert server.token not in result["printed"]
    return {**result, "sent": [(method, path) for method, path, _body in server.writes]}


def refused(server: SharedGrafana, model: Any = OURS, **options: Any) -> str:
    """The message of a push that fails without having written anything."""
    result = push(server, model, **options)
    assert result["failed"]
    assert result["sent"] == []
    return result["msg"]


def unchanged(server: SharedGrafana, model: Any = OURS, **options: Any) -> bool:
    """Whether the same again changes nothing and writes nothing."""
    result = push(server, model, **options)
    assert "msg" not in result, result["msg"]
    return (result["changed"], result["action"], result["differences"], result["sent"]) == (False, "none", [], [])


def stored(server: SharedGrafana, uid: str = UID) -> dict[str, Any]:
    return server.ask("GET", f"/api/dashboards/uid/{uid}")


def edit(server: SharedGrafana, **changes: Any) -> None:
    """As somebody saves it on Grafana's pages."""
    found = stored(server)
    body = {"dashboard": {**found["dashboard"], **changes}, "folderUid": found["meta"]["folderUid"], "overwrite": True}
    server.ask("POST", SAVE, body)


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(MODEL), **changes}
