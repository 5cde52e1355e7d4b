# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana: folders."""

from __future__ import annotations

import re
from typing import Any

from support.grafana_server_http import Answer, Refusal, Request, endpoint
from support.grafana_server_state import ANONYMOUS, NEVER, Caller, Folder, Organisation, now

UID = re.compile(r"[a-zA-Z0-9_-]*")
UID_LENGTH = 40
# A folder in a folder in a folder in a folder.
DEPTH = 4
SAME_NAME = "a folder or dashboard in the general folder with the same name already exists"
SAME_NAME_HERE = "a folder with the same name already exists in the current location"
CHANGED = "the folder has been changed by someone else"


def found(request: Request, uid: str) -> Folder:
    if uid not in request.org.folders:
        raise Refusal(404, "folder not found", trace=False, status="not-found")
    return request.org.folders[uid]


def rights(caller: Caller) -> dict[str, bool]:
    edits = caller.role in ("Editor", "Admin")
    return {"canSave": edits, "canEdit": edits, "canAdmin": caller.role == "Admin", "canDelete": edits}


def _parents(org: Organisation, folder: Folder) -> list[Folder]:
    """The folders that it is in, outermost first."""
    above = org.folders.get(folder.parent)
    return [*_parents(org, above), above] if above else []


def _shown(request: Request, folder: Folder) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": folder.id,
        "uid": folder.uid,
        "title": folder.title,
        "url": folder.url,
        "hasAcl": False,
        **rights(request.caller),
        "createdBy": folder.created_by,
        "created": folder.created,
        "updatedBy": folder.updated_by,
        "updated": folder.updated,
        "version": folder.version,
    }
    above = _parents(request.org, folder)
    if above:
        shown["parentUid"] = folder.parent
        shown["parents"] = [{"id": one.id, "uid": one.uid, "title": one.title, "url": one.url} for one in above]
    return shown


@endpoint("GET", "/api/folders", needs="folders:read")
def folders(request: Request) -> Answer:
    parent = request.asked("parentUid")
    if parent:
        found(request, parent)
    here = [folder for folder in request.org.folders.values() if folder.parent == parent]
    ordered = sorted(here, key=lambda folder: folder.title.lower())
    limit, page = int(request.asked("limit", "1000")), int(request.asked("page", "1"))
    some = ordered[limit * (page - 1) : limit * page]
    above = {"parentUid": parent} if parent else {}
    return Answer(200, [{"id": one.id, "uid": one.uid, "title": one.title, **above} for one in some])


@endpoint("GET", "/api/folders/id/{id}", needs="folders:read", before=(13,))
def folder_by_id(request: Request) -> Answer:
    number = int(request.named["id"])
    if number == 0:
        no_rights = dict.fromkeys(("canSave", "canEdit", "canAdmin", "canDelete"), False)
        nobody = {"createdBy": ANONYMOUS, "created": NEVER, "updatedBy": ANONYMOUS, "updated": NEVER}
        return Answer(200, {"id": 0, "uid": "", "title": "General", "url": "", "hasAcl": False, **no_rights, **nobody})
    for folder in request.org.folders.values():
        if folder.id == number:
            return Answer(200, _shown(request, folder))
    raise Refusal(404, "folder not found", trace=False, status="not-found")


@endpoint("GET", "/api/folders/{uid}", needs="folders:read")
def folder(request: Request) -> Answer:
    return Answer(200, _shown(request, found(request, request.named["uid"])))


@endpoint("GET", "/api/folders/{uid}/counts", needs="folders:read", since=(10,))
def folder_counts(request: Request) -> Answer:
    uid = found(request, request.named["uid"]).uid
    inside = {uid}
    for one in request.org.folders.values():
        if uid in [above.uid for above in _parents(request.org, one)]:
            inside.add(one.uid)
    counts = {
        "folder": len(inside) - 1,
        "dashboard": sum(one.folder in inside for one in request.org.dashboards.values()),
        "librarypanel": 0,
        "alertrule": sum(rule.folder in inside for rule in request.org.rules.values()),
    }
    return Answer(200, counts)


def check_uid(uid: str, *, trace: bool) -> None:
    if not UID.fullmatch(uid):
        raise Refusal(400, "uid contains illegal characters", trace=trace)
    if len(uid) > UID_LENGTH:
        raise Refusal(400, f"uid too long, max {UID_LENGTH} characters", trace=trace)


def titles_are_unique(request: Request) -> bool:
    """Of dashboards and folders within a folder; 11.3 gave that up."""
    return not request.since(11, 3)


def _namesake(request: Request, title: str, parent: str, but: str = "") -> Folder | None:
    for one in request.org.folders.values():
        if one.uid != but and one.parent == parent and one.title.lower() == title.lower():
            return one
    return None


@endpoint("POST", "/api/folders", needs="folders:create")
def create_folder(request: Request) -> Answer:
    body = request.typed(uid=str, title=str, parentUid=str)
    title, uid = (body.get("title") or "").strip(), body.get("uid") or ""
    if not title:
        raise Refusal(400, "folder title cannot be empty", trace=False)
    if title.lower() == "general":
        raise Refusal(400, "A folder with that name already exists")
    if uid == "general":
        raise Refusal(500, "Folder API error")
    check_uid(uid, trace=True)
    if uid in request.org.dashboards and not request.since(12):
        raise Refusal(400, "Dashboard cannot be changed to a folder")
    if uid in request.org.folders:
        # Later versions have been seen to say either.
        if request.since(12):
            raise Refusal(409, "a folder with the same uid already exists", trace=False)
        raise Refusal(412, CHANGED, trace=False, status="version-mismatch")
    parent = _wanted_parent(request, body)
    if titles_are_unique(request):
        in_general = [one.title.lower() for one in request.org.dashboards.values() if not one.folder]
        if _namesake(request, title, parent) or (not parent and title.lower() in in_general):
            raise Refusal(409, SAME_NAME_HERE if request.since(10) else SAME_NAME, trace=False)
    by = request.caller.login
    folder = Folder(uid or request.state.new_uid(), title, next(request.state.ids), 1, parent, by, by)
    request.org.folders[folder.uid] = folder
    shown = _shown(request, folder)
    if request.caller.kind == "token" and not request.since(10):
        shown |= dict.fromkeys(("canSave", "canEdit", "canAdmin", "canDelete"), False)
    return Answer(200, shown)


def _wanted_parent(request: Request, body: dict[str, Any]) -> str:
    """Folders nest from version 11 on; before, the field is ignored."""
    parent = (body.get("parentUid") or "") if request.since(11) else ""
    if parent and len(_parents(request.org, found(request, parent))) + 2 > DEPTH:
        raise Refusal(400, "maximum folder depth reached", trace=False, messageId="folder.maximum-depth-reached")
    return parent


@endpoint("PUT", "/api/folders/{uid}", needs="folders:write")
def update_folder(request: Request) -> Answer:
    folder = found(request, request.named["uid"])
    body = request.typed(uid=str, title=str, version=int, overwrite=bool)
    overwrite = body.get("overwrite") is True
    if not overwrite and body.get("version") != folder.version:
        raise Refusal(412, CHANGED, trace=False, status="version-mismatch")
    title = (body.get("title") or "").strip() or folder.title
    namesake = _namesake(request, title, folder.parent, but=folder.uid)
    if namesake and titles_are_unique(request):
        if not overwrite:
            raise Refusal(409, SAME_NAME_HERE if request.since(10) else SAME_NAME, trace=False)
        folder = namesake  # the one that has the title is saved, and the one that was asked for is not
    elif body.get("uid") and body["uid"] != folder.uid and not request.since(11):
        _rename(request.org, folder, body["uid"])
    folder.title = title
    folder.version += 1
    folder.updated, folder.updated_by = now(), request.caller.login
    return Answer(200, _shown(request, folder))


def _rename(org: Organisation, folder: Folder, uid: str) -> None:
    for dashboard in org.dashboards.values():
        if dashboard.folder == folder.uid:
            dashboard.folder = uid
    del org.folders[folder.uid]
    folder.uid = uid
    org.folders[uid] = folder


@endpoint("POST", "/api/folders/{uid}/move", needs="folders:write", since=(11,))
def move_folder(request: Request) -> Answer:
    folder = found(request, request.named["uid"])
    parent = _wanted_parent(request, request.typed(parentUid=str))
    above = request.org.folders.get(parent)
    if above and folder in (above, *_parents(request.org, above)):
        raise Refusal(400, "folder cannot be parent of itself", trace=False)
    folder.parent = parent
    folder.version += 1
    folder.updated, folder.updated_by = now(), request.caller.login
    return Answer(200, _shown(request, folder))


@endpoint("DELETE", "/api/folders/{uid}", needs="folders:delete")
def delete_folder(request: Request) -> Answer:
    remove(request, found(request, request.named["uid"]), request.asked("forceDeleteRules") == "true")
    # Version 9 sent nothing at all, later ones an empty string in JSON.
    return Answer(200, "" if request.since(10) else b"")


def remove(request: Request, folder: Folder, with_rules: bool) -> None:
    """Take the folder away with its folders, its dashboards (provisioned ones too), and its rules if told so."""
    org = request.org
    going = {folder.uid}
    for one in org.folders.values():
        if folder.uid in [above.uid for above in _parents(org, one)]:
            going.add(one.uid)
    if not with_rules and any(rule.folder in going for rule in org.rules.values()):
        raise Refusal(400, "folder cannot be deleted: folder contains alert rules", trace=False)
    for uid in going:
        del org.folders[uid]
    org.dashboards = {uid: one for uid, one in org.dashboards.items() if one.folder not in going}
    org.rules = {uid: one for uid, one in org.rules.items() if one.folder not in going}
