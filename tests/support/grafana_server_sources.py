# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana: data sources, their health, and the proxy to them."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from support.grafana_server_http import (
    TEXT,
    Answer,
    Refusal,
    Request,
    bad_request,
    endpoint,
)
from support.grafana_server_state import DataSource

PLUGINS = {"loki": "Loki", "prometheus": "Prometheus"}
LOGOS = {"loki": "loki_icon.svg", "prometheus": "prometheus_logo.svg"}
REQUIRED = ("name", "type", "access")
# What is replaced by each save, with what it becomes where the save does not have it.
FIELDS: dict[str, Any] = {
    "name": "",
    "type": "",
    "access": "",
    "url": "",
    "user": "",
    "database": "",
    "basicAuth": False,
    "basicAuthUser": "",
    "withCredentials": False,
    "isDefault": False,
    "jsonData": {},
}
LISTED = ("name", "type", "access", "url", "user", "database", "basicAuth", "isDefault", "jsonData")
STALE = "Datasource has already been updated by someone else. Please reload and try again"
ANSWER_S = 10


def _shown(request: Request, source: DataSource) -> dict[str, Any]:
    # The answer to a write has what a read has.
    later = {"apiVersion": ""} if request.since(11) else {}
    return {
        "id": source.id,
        "uid": source.uid,
        "orgId": request.org.id,
        **{name: source.fields[name] for name in FIELDS},
        "typeLogoUrl": "",
        "secureJsonFields": dict.fromkeys(source.secrets, True),
        "version": source.version,
        "readOnly": source.read_only,
        **later,
    }


def _missing() -> Refusal:
    return Refusal(404, "Data source not found", trace=False)


def _found(request: Request) -> DataSource:
    """By uid, by name or by number, whichever the path names."""
    for source in request.org.sources.values():
        known = {"uid": source.uid, "name": source.name, "id": str(source.id)}
        if all(known[name] == value for name, value in request.named.items() if name in known):
            return source
    raise _missing()


@endpoint("GET", "/api/datasources", needs="datasources:read")
def sources(request: Request) -> Answer:
    listed = []
    for source in sorted(request.org.sources.values(), key=lambda one: one.name.lower()):
        kind = source.fields["type"]
        logo = f"public/app/plugins/datasource/{kind}/img/{LOGOS[kind]}" if kind in LOGOS else ""
        fields = {name: source.fields[name] for name in LISTED}
        names = {"id": source.id, "uid": source.uid, "orgId": request.org.id, "typeName": PLUGINS.get(kind, kind)}
        listed.append({**names, **fields, "typeLogoUrl": logo, "readOnly": source.read_only})
    return Answer(200, listed)


@endpoint("GET", "/api/datasources/uid/{uid}", needs="datasources:read")
@endpoint("GET", "/api/datasources/name/{name}", needs="datasources:read")
@endpoint("GET", "/api/datasources/{id}", needs="datasources:read", before=(13,))
def source(request: Request) -> Answer:
    return Answer(200, _shown(request, _found(request)))


@endpoint("GET", "/api/datasources/id/{name}", needs="datasources:read", before=(13,))
def source_id(request: Request) -> Answer:
    return Answer(200, {"id": _found(request).id})


def _wanted(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body, and the fields that are to be stored."""
    texts = dict.fromkeys(("uid", "name", "type", "access", "url", "user", "database", "basicAuthUser"), str)
    flags = dict.fromkeys(("basicAuth", "withCredentials", "isDefault"), bool)
    body = request.typed(**texts, **flags, secureJsonData=dict, version=int)
    secrets = (body.get("secureJsonData") or {}).values()
    if not all(body.get(name) for name in REQUIRED) or not all(isinstance(one, str) for one in secrets):
        raise bad_request()
    return body, {name: preset if body.get(name) is None else body[name] for name, preset in FIELDS.items()}


def _check_url(url: str) -> None:
    try:
        urllib.parse.urlsplit(url)
    except ValueError as error:
        raise Refusal(400, "Validation error, invalid URL") from error


def _taken(request: Request, uid: str, name: str, but: DataSource | None = None) -> str:
    """What another one has already: the name, the uid, or nothing."""
    others = [one for one in request.org.sources.values() if one is not but]
    if any(one.name == name for one in others):
        return "name"
    return "uid" if any(one.uid == uid for one in others) else ""


def _only_default(request: Request, chosen: DataSource) -> None:
    """There is one default; the flag is taken from a read-only data source too."""
    if chosen.fields["isDefault"]:
        for other in request.org.sources.values():
            other.fields["isDefault"] = other is chosen


def _told(request: Request, source: DataSource, message: str) -> Answer:
    shown = _shown(request, source)
    return Answer(200, {"datasource": shown, "id": source.id, "message": message, "name": source.name})


@endpoint("POST", "/api/datasources", needs="datasources:create")
def create(request: Request) -> Answer:
    body, fields = _wanted(request)
    _check_url(fields["url"])
    uid = body.get("uid") or request.state.new_uid()
    taken = _taken(request, uid, fields["name"])
    if taken:
        raise Refusal(409, f"data source with the same {taken} already exists")
    secrets = {name: value for name, value in (body.get("secureJsonData") or {}).items() if value}
    source = request.org.sources[uid] = DataSource(uid, next(request.state.source_ids), fields, secrets)
    _only_default(request, source)
    return _told(request, source, "Datasource added")


@endpoint("PUT", "/api/datasources/uid/{uid}", needs="datasources:write")
@endpoint("PUT", "/api/datasources/{id}", needs="datasources:write", before=(13,))
def update(request: Request) -> Answer:
    body, fields = _wanted(request)
    if not fields["url"]:
        raise Refusal(400, "Validation error, invalid URL")
    _check_url(fields["url"])
    source = _found(request)
    if source.read_only:
        raise Refusal(403, "Cannot update read-only data source", trace=False)
    sent = body.get("version") or 0
    if 0 < sent < source.version:
        raise Refusal(409, STALE)
    uid = body.get("uid") or source.uid
    taken = _taken(request, uid, fields["name"], but=source)
    if taken:
        same = Refusal(409, f"data source with the same {taken} already exists")
        raise same if request.since(10) else Refusal(500, "Failed to update datasource")
    del request.org.sources[source.uid]
    source.uid, source.fields = uid, fields
    source.version = sent + 1  # what is stored does not count
    # A secret that is not sent stays, one that is sent empty goes.
    secrets = {**source.secrets, **(body.get("secureJsonData") or {})}
    source.secrets = {name: value for name, value in secrets.items() if value}
    request.org.sources[uid] = source
    _only_default(request, source)
    return _told(request, source, "Datasource updated")


@endpoint("DELETE", "/api/datasources/uid/{uid}", needs="datasources:delete")
@endpoint("DELETE", "/api/datasources/name/{name}", needs="datasources:delete")
@endpoint("DELETE", "/api/datasources/{id}", needs="datasources:delete", before=(13,))
def delete(request: Request) -> Answer:
    source = _found(request)
    if source.read_only:
        raise Refusal(403, "Cannot delete read-only data source", trace=False)
    del request.org.sources[source.uid]
    return Answer(200, {"id": source.id, "message": "Data source deleted"})


@endpoint("GET", "/api/datasources/uid/{uid}/health", needs="datasources:query")
def health(request: Request) -> Answer:
    if not request.since(10):
        # The recorded Grafana knew no health check of these two.
        source = request.org.sources.get(request.named["uid"])
        if source is None:
            raise Refusal(500, "Unable to load datasource metadata")
        if source.fields["type"] not in PLUGINS:
            raise Refusal(500, "Unable to find datasource plugin", trace=False)
        raise Refusal(404, "Not found")
    source = _found(request)
    if source.unhealthy:
        return Answer(400, {"status": "ERROR", "message": source.unhealthy})
    kind = PLUGINS.get(source.fields["type"], source.fields["type"])
    return Answer(200, {"status": "OK", "message": f"Successfully queried the {kind} API."})


@endpoint("GET", "/api/datasources/uid/{uid}/resources/{below*}", needs="datasources:query")
@endpoint("GET", "/api/datasources/proxy/uid/{uid}/{below*}", needs="datasources:query")
@endpoint("POST", "/api/datasources/proxy/uid/{uid}/{below*}", needs="datasources:query")
@endpoint("PUT", "/api/datasources/proxy/uid/{uid}/{below*}", needs="datasources:query")
@endpoint("DELETE", "/api/datasources/proxy/uid/{uid}/{below*}", needs="datasources:query")
def proxy(request: Request) -> Answer:
    """What the data source's own server says, be it good or bad."""
    source = request.org.sources.get(request.named["uid"])
    if source is None:
        raise Refusal(404, "Unable to find datasource")
    if source.fields["type"] == "prometheus" and request.method not in ("GET", "POST"):
        told = f"non allow-listed {request.method}s not allowed on proxied Prometheus datasource"
        raise Refusal(403, told, trace=False)
    path = f"/{request.named['below']}"
    if source.upstream is None:
        return _forwarded(request, f"{source.fields['url']}{urllib.parse.quote(path)}")
    status, body = source.upstream(request.method, path, request.parameters, request.text)
    return Answer(status, body.encode(), TEXT) if isinstance(body, str) else Answer(status, body)


def _forwarded(request: Request, url: str) -> Answer:
    data = request.text.encode() if request.method == "POST" else None
    target = f"{url}?{request.parameters}" if request.parameters else url
    asked = urllib.request.Request(target, data, method=request.method)
    try:
        with urllib.request.urlopen(asked, timeout=ANSWER_S) as answer:
            return Answer(answer.status, answer.read(), answer.headers.get("Content-Type", TEXT))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(), error.headers.get("Content-Type", TEXT))
    except OSError:
        return Answer(502, b"", TEXT)
