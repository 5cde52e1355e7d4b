# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of the stand-in for Grafana speaks: a request, an answer, a refusal, and the table of endpoints."""

from __future__ import annotations

import json
import random
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.grafana_server_state import Caller, Organisation, State

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
ROLES = ("None", "Viewer", "Editor", "Admin")
# Who may do what; everything that is not here needs an Admin.
RIGHTS = {
    "signed in": "Viewer",
    "search": "Viewer",
    "dashboards:read": "Viewer",
    "datasources:read": "Viewer",
    "datasources:query": "Viewer",
    "alert.rules:read": "Viewer",
    "folders:read": "Editor",
    "folders:create": "Editor",
    "folders:write": "Editor",
    "folders:delete": "Editor",
    "any of dashboards:create, dashboards:write": "Editor",
    "dashboards:delete": "Editor",
}


@dataclass(frozen=True)
class Answer:
    """``body`` is sent as JSON, or as it is when it is made of ``bytes``."""

    status: int
    body: Any = b""
    content_type: str = JSON

    @property
    def sent(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        text = json.dumps(self.body, ensure_ascii=False, separators=(",", ":"))
        # As Go writes JSON: nobody may put a tag into a page.
        for character in "<>&":
            text = text.replace(character, f"\\u{ord(character):04x}")
        return text.encode()


class Refusal(Exception):
    """Grafana's answer to what it does not do. ``traceID`` goes with some messages only."""

    def __init__(self, status: int, message: str, /, *, trace: bool = True, **more: Any) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"message": message, **({"traceID": ""} if trace else {}), **more})


def bad_request() -> Refusal:
    return Refusal(400, "bad request data")


def denied(needs: str) -> Refusal:
    return Refusal(
        403,
        f"You'll need additional permissions to perform this action. Permissions needed: {needs}",
        trace=False,
        accessErrorId=f"ACE{random.randrange(10**10):010}",
        title="Access denied",
    )


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # without parameters, decoded
    parameters: str  # as they came
    headers: Mapping[str, str]  # names in lower case
    text: str
    caller: Caller
    org: Organisation
    state: State
    named: Mapping[str, str] = field(default_factory=dict)  # the parts of the path that the endpoint names

    @property
    def query(self) -> dict[str, list[str]]:
        return urllib.parse.parse_qs(self.parameters, keep_blank_values=True)

    def asked(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]

    def since(self, *version: int) -> bool:
        """Whether this Grafana is that version or a later one."""
        return self.state.since(*version)

    def json(self, message: str = "bad request data") -> dict[str, Any]:
        """The object in the body; an empty body and ``null`` count as an empty object."""
        if self.headers.get("content-type", JSON).split(";")[0].strip() != JSON:
            raise Refusal(400, message)
        try:
            value = json.loads(self.text) if self.text else {}
        except ValueError as error:
            raise Refusal(400, message) from error
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise Refusal(400, message)
        return value

    def typed(self, **types: type | tuple[type, ...]) -> dict[str, Any]:
        """The same, refused where a field is there and not of its type, as a Go decoder refuses it."""
        body = self.json()
        for name, wanted in types.items():
            value = body.get(name)
            if value is None:
                continue
            # To Python True is a number, to Go it is not.
            mistaken = isinstance(value, bool) and wanted is not bool
            if mistaken or not isinstance(value, wanted):
                raise bad_request()
        return body


Handler = Callable[[Request], Answer]


@dataclass(frozen=True)
class Endpoint:
    method: str
    pattern: re.Pattern[str]
    needs: str
    handler: Handler
    since: tuple[int, ...]
    before: tuple[int, ...]


ENDPOINTS: list[Endpoint] = []


def endpoint(
    method: str, path: str, needs: str, since: tuple[int, ...] = (0,), before: tuple[int, ...] = (999,)
) -> Callable[[Handler], Handler]:
    """Answer ``method path``, from one version to another. ``{name}`` is a part of the path, ``{name*}`` the rest."""
    expression = re.sub(r"\\{(\w+)\\\*\\}", r"(?P<\1>.+)", re.escape(path))
    expression = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", expression)

    def add(handler: Handler) -> Handler:
        ENDPOINTS.append(Endpoint(method, re.compile(expression + "/?"), needs, handler, since, before))
        return handler

    return add


def find(state: State, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """The endpoint for an encoded path, and the named parts of the path, decoded."""
    for one in ENDPOINTS:
        match = one.pattern.fullmatch(path)
        if match and one.method == method and state.since(*one.since) and not state.since(*one.before):
            return one, {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()}
    return None


def may(caller: Caller, needs: str, state: State) -> bool:
    least = RIGHTS.get(needs, "Admin")
    if needs.startswith("alert.provisioning") and state.since(11, 0):
        least = "Editor"
    return ROLES.index(caller.role) >= ROLES.index(least)
