# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana: dashboards, and the search for them and for folders."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from support.grafana_server_folders import check_uid, remove, rights, titles_are_unique
from support.grafana_server_http import Answer, Refusal, Request, bad_request, endpoint
from support.grafana_server_state import Dashboard, Folder, Organisation, now, slug

CHANGED = "The dashboard has been changed by someone else"
NAME_EXISTS = "A dashboard with the same name in the folder already exists"
NAME_OF_FOLDER = "Dashboard name cannot be the same as folder"
LIMIT = 5000
SEARCHED = {"dash-db": Dashboard, "dash-folder": Folder}


@dataclass(frozen=True)
class Wanted:
    """What a save asks for."""

    model: dict[str, Any]
    uid: str
    title: str
    folder: str
    overwrite: bool

    @property
    def id(self) -> int:
        number = self.model.get("id")
        return number if isinstance(number, int) else 0


@endpoint("POST", "/api/dashboards/db", needs="any of dashboards:create, dashboards:write")
def save(request: Request) -> Answer:
    body = request.typed(overwrite=bool, folderUid=str, folderId=int, message=str, isFolder=bool)
    if body.get("dashboard") is None:
        raise bad_request()
    wanted = _wanted(request, body)
    if body.get("isFolder"):
        return _save_as_folder(request, wanted)
    stored = _stored(request.org, wanted)
    if stored and not wanted.overwrite and wanted.model.get("version") != stored.version:
        # 13 keeps dashboards as Kubernetes does, and its conflict is passed through.
        raise Refusal(409 if request.since(13) else 412, CHANGED, trace=False, status="version-mismatch")
    uid = wanted.uid or (stored.uid if stored else "")
    if titles_are_unique(request):
        namesake = _namesake(request.org, wanted, stored)
        if namesake and not wanted.overwrite:
            raise Refusal(412, NAME_EXISTS, trace=False, status="name-exists")
        if namesake:
            stored, uid = namesake, namesake.uid  # it is replaced, and keeps its uid
    if stored and stored.file:
        raise Refusal(400, "Cannot save provisioned dashboard", trace=False)
    return _kept(request, wanted, stored, uid or request.state.new_uid())


def _kept(request: Request, wanted: Wanted, stored: Dashboard | None, uid: str) -> Answer:
    model = copy.deepcopy(wanted.model)
    model["id"] = stored.id if stored else next(request.state.ids)
    model["version"] = stored.version + 1 if stored else 1
    model |= {"uid": uid, "title": wanted.title}
    if stored:
        request.org.dashboards.pop(stored.uid)
        stored.model, stored.folder = model, wanted.folder
        stored.updated, stored.updated_by = now(), request.caller.login
    else:
        by = request.caller.login
        stored = Dashboard(model, wanted.folder, created_by=by, updated_by=by)
    request.org.dashboards[uid] = stored
    told = {"id": stored.id, "slug": slug(stored.title), "status": "success", "uid": uid, "url": stored.url}
    where = {"folderUid": stored.folder} if request.since(11) else {}
    return Answer(200, {**told, "version": stored.version, **where})


def _wanted(request: Request, body: dict[str, Any]) -> Wanted:
    model = body["dashboard"] if isinstance(body["dashboard"], dict) else {}
    if request.since(13) and {"apiVersion", "kind", "spec"} <= set(model):
        model = {**model["spec"], "uid": model.get("metadata", {}).get("name", "")}
    folder = _folder(request, body)
    title = model["title"].strip() if isinstance(model.get("title"), str) else ""
    if not title:
        raise Refusal(400, "Dashboard title cannot be empty", trace=False, status="empty-name")
    uid = model["uid"].strip() if isinstance(model.get("uid"), str) else ""
    check_uid(uid, trace=False)
    if uid in request.org.folders and not request.since(12):
        raise Refusal(400, "Dashboard cannot be changed to a folder", trace=False)
    if titles_are_unique(request):
        own = [folder.title] if folder else [one.title for one in request.org.folders.values()]
        if title.lower() in [one.lower() for one in own]:
            raise Refusal(400, NAME_OF_FOLDER, trace=False, status="name-match")
    return Wanted(model, uid, title, folder.uid if folder else "", body.get("overwrite") is True)


def _folder(request: Request, body: dict[str, Any]) -> Folder | None:
    """The folder to save into; None is General, which is also where a dashboard goes whose request names no folder."""
    folders = request.org.folders
    if body.get("folderUid"):
        if body["folderUid"] not in folders:
            raise Refusal(400, "folder not found" if request.since(12) else "Folder not found")
        return folders[body["folderUid"]]
    if body.get("folderId"):
        for folder in folders.values():
            if folder.id == body["folderId"]:
                return folder
        raise Refusal(404, "Folder not found")
    return None


def _stored(org: Organisation, wanted: Wanted) -> Dashboard | None:
    by_uid = org.dashboards.get(wanted.uid)
    if not wanted.id:
        return by_uid
    for dashboard in org.dashboards.values():
        if dashboard.id == wanted.id:
            if by_uid and by_uid is not dashboard:
                raise Refusal(400, "A dashboard with the same uid already exists", trace=False)
            return dashboard
    raise Refusal(404, "Dashboard not found", trace=False, status="not-found")


def _namesake(org: Organisation, wanted: Wanted, stored: Dashboard | None) -> Dashboard | None:
    for one in org.dashboards.values():
        if one is not stored and one.folder == wanted.folder and one.title.lower() == wanted.title.lower():
            return one
    return None


def _save_as_folder(request: Request, wanted: Wanted) -> Answer:
    if request.since(11):
        raise Refusal(400, "Use folders endpoint for saving folders.", trace=False)
    folder = Folder(wanted.uid or request.state.new_uid(), wanted.title, next(request.state.ids))
    request.org.folders[folder.uid] = folder
    told = {"id": folder.id, "slug": slug(folder.title), "status": "success", "uid": folder.uid, "url": folder.url}
    return Answer(200, {**told, "version": 1})


@endpoint("GET", "/api/dashboards/uid/{uid}", needs="dashboards:read")
def dashboard(request: Request) -> Answer:
    one = _found(request)
    if isinstance(one, Folder):
        version = {"schemaVersion": 17, "version": one.version}
        model = {"id": one.id, "title": one.title, "uid": one.uid, **version}
        return Answer(200, {"meta": _meta(request, one), "dashboard": model})
    return Answer(200, {"meta": _meta(request, one), "dashboard": dict(sorted(one.model.items()))})


def _found(request: Request) -> Dashboard | Folder:
    """Up to version 11 a folder is a dashboard as well."""
    uid = request.named["uid"]
    if uid in request.org.dashboards:
        return request.org.dashboards[uid]
    if uid in request.org.folders and not request.since(12):
        return request.org.folders[uid]
    raise Refusal(404, "Dashboard not found")


def _meta(request: Request, one: Dashboard | Folder) -> dict[str, Any]:
    within = request.org.folders.get(one.folder) if isinstance(one, Dashboard) else None
    everything = dict.fromkeys(("canAdd", "canEdit", "canDelete"), True)
    own = everything if request.caller.role != "Viewer" else dict.fromkeys(everything, False)
    file = one.file if isinstance(one, Dashboard) else ""
    shared: dict[str, Any] = {"publicDashboardEnabled": False}
    if not request.since(10):
        shared |= {"hasPublicDashboard": False, "publicDashboardAccessToken": "", "publicDashboardUid": ""}
    if request.since(12):
        shared["apiVersion"] = "v1" if request.since(13) else "v1beta1"
    return {
        "type": "db",
        "canStar": True,
        **rights(request.caller),
        "slug": slug(one.title),
        "url": one.url,
        "expires": "0001-01-01T00:00:00Z",
        "created": one.created,
        "updated": one.updated,
        "updatedBy": one.updated_by,
        "createdBy": one.created_by,
        "version": one.version,
        "hasAcl": False,
        "isFolder": isinstance(one, Folder),
        "folderId": within.id if within else 0,
        "folderUid": within.uid if within else "",
        "folderTitle": within.title if within else "General",
        "folderUrl": within.url if within else "",
        "provisioned": bool(file),
        "provisionedExternalId": file,
        "annotationsPermissions": {"dashboard": everything, "organization": own},
        **shared,
    }


@endpoint("DELETE", "/api/dashboards/uid/{uid}", needs="dashboards:delete")
def delete(request: Request) -> Answer:
    one = _found(request)
    if isinstance(one, Folder):
        remove(request, one, with_rules=False)
    elif one.file:
        raise Refusal(400, "provisioned dashboard cannot be deleted")
    else:
        del request.org.dashboards[one.uid]
    identity = {"uid": one.uid} if request.since(12) else {"id": one.id}
    return Answer(200, {**identity, "message": f"Dashboard {one.title} deleted", "title": one.title})


@endpoint("GET", "/api/search", needs="search")
def search(request: Request) -> Answer:
    limit, page = int(request.asked("limit", "1000")), int(request.asked("page", "1"))
    if limit > LIMIT:
        told = f"Limit is above maximum allowed ({LIMIT}), use page parameter to access hits beyond limit"
        raise Refusal(422, told, trace=False)
    everything = [*request.org.folders.values(), *request.org.dashboards.values()]
    matching = [one for one in everything if _matches(request, one)]
    ordered = sorted(matching, key=lambda one: one.title.lower())[limit * (page - 1) : limit * page]
    # Within a page, folders come first.
    return Answer(200, [_hit(request, one) for one in sorted(ordered, key=lambda one: isinstance(one, Dashboard))])


def _tags(one: Dashboard | Folder) -> list[str]:
    tags = one.model.get("tags") if isinstance(one, Dashboard) else []
    return sorted(tags) if isinstance(tags, list) else []


def _numbers(request: Request, name: str) -> list[int]:
    return [int(value) for value in request.query.get(name, []) if value.isdigit()]


def _matches(request: Request, one: Dashboard | Folder) -> bool:
    """Parameters that it does not know or cannot read are ignored."""
    kind = SEARCHED.get(request.asked("type"))
    within = request.org.folders.get(one.folder) if isinstance(one, Dashboard) else None
    folder_ids, dashboard_ids = _numbers(request, "folderIds"), _numbers(request, "dashboardIds")
    uids = request.query.get("dashboardUIDs", []) + request.query.get("dashboardUID", [])
    folder_uids = request.query.get("folderUIDs", []) if request.since(10) else []
    return (
        request.asked("query").lower() in one.title.lower()
        and set(request.query.get("tag", [])) <= set(_tags(one))
        and (kind is None or isinstance(one, kind))
        and (not folder_ids or (within.id if within else 0) in folder_ids)
        and (not dashboard_ids or one.id in dashboard_ids)
        and (not uids or one.uid in uids)
        and (not folder_uids or (within.uid if within else "general") in folder_uids)
    )


def _hit(request: Request, one: Dashboard | Folder) -> dict[str, Any]:
    hit = {
        "id": one.id,
        "uid": one.uid,
        "title": one.title,
        "uri": f"db/{slug(one.title)}",
        "url": one.url,
        "slug": "",
        "type": "dash-db" if isinstance(one, Dashboard) else "dash-folder",
        "tags": _tags(one),
        "isStarred": False,
        "sortMeta": 0,
    }
    within = request.org.folders.get(one.folder) if isinstance(one, Dashboard) else None
    if within:
        place = {"folderId": within.id, "folderUid": within.uid, "folderTitle": within.title, "folderUrl": within.url}
        hit |= place
    return hit
