# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana: service accounts and their tokens."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from support.grafana_server_http import ROLES, Answer, Refusal, Request, endpoint
from support.grafana_server_state import Account, Token, now

PATH = "/api/serviceaccounts"
READ, WRITE = "serviceaccounts:read", "serviceaccounts:write"
BAD = "Bad request data"


def _shown(account: Account) -> dict[str, Any]:
    disabled = {"isDisabled": account.disabled}
    return {"id": account.id, "name": account.name, "login": account.login, "orgId": account.org_id, **disabled}


def _avatar(account: Account) -> str:
    return f"/avatar/{hashlib.sha256(account.name.encode()).hexdigest()[:32]}"


def _whole(account: Account) -> dict[str, Any]:
    when = {"createdAt": account.created, "updatedAt": account.updated}
    return {**_shown(account), **when, "avatarUrl": _avatar(account), "role": account.role, "teams": None}


def _found(request: Request) -> Account:
    try:
        number = int(request.named["id"])
    except ValueError as error:
        raise Refusal(400, "Service Account ID is invalid") from error
    if number not in request.state.accounts:
        raise Refusal(404, "Failed to retrieve service account")
    return request.state.accounts[number]


def _tokens(request: Request, account: int) -> list[Token]:
    return [token for token in request.state.tokens if token.account == account]


def _body(request: Request) -> dict[str, Any]:
    body = request.json(BAD)
    role = body.get("role")
    if role is not None:
        body["role"] = str(role).capitalize()
        if body["role"] not in ROLES:
            raise Refusal(400, BAD)
    if not isinstance(body.get("name") or "", str) or not isinstance(body.get("isDisabled") or False, bool):
        raise Refusal(400, BAD)
    return body


@endpoint("GET", PATH + "/search", needs=READ)
def accounts(request: Request) -> Answer:
    words = request.asked("query").lower()
    every = sorted(request.state.accounts.values(), key=lambda one: one.name.lower())
    here = [one for one in every if one.org_id == request.org.id and words in one.name.lower()]
    size, page = int(request.asked("perpage", "1000")), int(request.asked("page", "1"))
    listed = [
        {**_shown(one), "role": one.role, "tokens": len(_tokens(request, one.id)), "avatarUrl": _avatar(one)}
        for one in here[size * (page - 1) : size * page]
    ]
    return Answer(200, {"totalCount": len(here), "serviceAccounts": listed, "page": page, "perPage": size})


@endpoint("POST", PATH, needs="serviceaccounts:create")
def create(request: Request) -> Answer:
    body = _body(request)
    name = body.get("name") or ""
    if not name:
        raise Refusal(400, BAD)
    login = f"sa-{name.lower()}"
    if any(one.login == login for one in request.state.accounts.values()):
        raise Refusal(
            400, "service account already exists" if request.since(10) else "Failed to create service account"
        )
    number = next(request.state.user_ids)
    role, disabled = body.get("role") or "Viewer", bool(body.get("isDisabled"))
    account = Account(number, name, login, role, disabled, request.org.id)
    request.state.accounts[number] = account
    return Answer(201, {**_shown(account), "role": role, "tokens": 0, "avatarUrl": ""})


@endpoint("GET", PATH + "/{id}", needs=READ)
def account(request: Request) -> Answer:
    return Answer(200, _whole(_found(request)))


@endpoint("PATCH", PATH + "/{id}", needs=WRITE)
def update(request: Request) -> Answer:
    body, one = _body(request), _found(request)
    one.name = body.get("name") or one.name
    one.role = body.get("role") or one.role
    one.disabled = one.disabled if body.get("isDisabled") is None else body["isDisabled"]
    one.updated = now()
    told = {"id": one.id, "message": "Service account updated", "name": one.name}
    return Answer(200, {**told, "serviceaccount": _whole(one)})


@endpoint("DELETE", PATH + "/{id}", needs="serviceaccounts:delete")
def delete(request: Request) -> Answer:
    number = int(request.named["id"])
    if request.state.accounts.pop(number, None) is None:
        raise Refusal(500, "Service account deletion error")
    for token in _tokens(request, number):
        _forget(request, token)
    return Answer(200, {"message": "Service account deleted"})


def _forget(request: Request, token: Token) -> None:
    request.state.tokens.remove(token)
    request.state.deleted_keys.add(token.key)


@endpoint("GET", PATH + "/{id}/tokens", needs=READ)
def tokens(request: Request) -> Answer:
    return Answer(200, [_listed(token) for token in _tokens(request, int(request.named["id"]))])


def _listed(token: Token) -> dict[str, Any]:
    left = token.expires - time.time() if token.expires else 0
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(token.expires)) if token.expires else None
    lasts = {"expiration": ends, "secondsUntilExpiration": left, "hasExpired": bool(token.expires and left < 0)}
    return {
        "id": token.id,
        "name": token.name,
        "created": token.created,
        "lastUsedAt": None,
        **lasts,
        "isRevoked": False,
    }


@endpoint("POST", PATH + "/{id}/tokens", needs=WRITE)
def create_token(request: Request) -> Answer:
    body, one = request.json(BAD), _found(request)
    name, lasts_s = body.get("name") or "", body.get("secondsToLive") or 0
    if not isinstance(name, str) or not name or not isinstance(lasts_s, int):
        raise Refusal(400, BAD)
    if lasts_s < 0:
        raise Refusal(400, "invalid SecondsToLive value", trace=False)
    if any(token.name == name for token in request.state.tokens):
        told = "service account token with given name already exists in the organization"
        raise Refusal(409, told, trace=False)
    number = next(request.state.token_ids)
    key = f"glsa_{hashlib.sha256(f'{number} {name}'.encode()).hexdigest()[:32]}_00000000"
    expires = time.time() + lasts_s if lasts_s else None
    request.state.tokens.append(Token(number, name, key, one.id, expires))
    return Answer(200, {"id": number, "name": name, "key": key})


@endpoint("DELETE", PATH + "/{id}/tokens/{token}", needs=WRITE)
def delete_token(request: Request) -> Answer:
    for token in _tokens(request, int(request.named["id"])):
        if str(token.id) == request.named["token"]:
            _forget(request, token)
            return Answer(200, {"message": "Service account token deleted"})
    raise Refusal(500, "Failed to delete service account token")
