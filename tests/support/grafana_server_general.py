# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana: its health, its version, and organisations."""

from __future__ import annotations

from typing import Any

from support.grafana_server_http import Answer, Refusal, Request, endpoint
from support.grafana_server_state import Organisation


@endpoint("GET", "/api/health", needs="")
def health(request: Request) -> Answer:
    told = {} if request.state.hide_version else {"version": request.state.version, "commit": "NA"}
    return Answer(200, {"database": "ok", **told})


@endpoint("GET", "/api/frontend/settings", needs="signed in")
def settings(request: Request) -> Answer:
    build = {
        "buildstamp": 1700000000,
        "commit": "NA",
        "edition": "Open Source",
        "env": "production",
        "hasUpdate": False,
        "hideVersion": request.state.hide_version,
        "latestVersion": "",
        "version": request.state.version,
    }
    return Answer(200, {"buildInfo": build})


def _shown(org: Organisation) -> dict[str, Any]:
    address = dict.fromkeys(("address1", "address2", "city", "zipCode", "state", "country"), "")
    return {"id": org.id, "name": org.name, "address": address}


@endpoint("GET", "/api/org", needs="signed in")
def own_organisation(request: Request) -> Answer:
    return Answer(200, _shown(request.org))


@endpoint("GET", "/api/orgs/name/{name}", needs="orgs:read")
def organisation(request: Request) -> Answer:
    for org in request.state.organisations.values():
        if org.name == request.named["name"]:
            return Answer(200, _shown(org))
    raise Refusal(404, "Organization not found")


@endpoint("POST", "/api/orgs", needs="orgs:create")
def create_organisation(request: Request) -> Answer:
    name = request.typed(name=str).get("name", "")
    orgs = request.state.organisations
    if any(org.name == name for org in orgs.values()):
        raise Refusal(409, "Organization name taken")
    number = max(orgs) + 1
    orgs[number] = Organisation(number, name, alertmanager=False)
    return Answer(200, {"message": "Organization created", "orgId": number})


@endpoint("DELETE", "/api/orgs/{id}", needs="orgs:delete")
def delete_organisation(request: Request) -> Answer:
    number = int(request.named["id"])
    if request.state.organisations.pop(number, None) is None:
        raise Refusal(404, "Failed to delete organization. ID not found", trace=False)
    return Answer(200, {"message": "Organization deleted"})
