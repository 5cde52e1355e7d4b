# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays what was recorded of a real Grafana on its stand-in, and tells what the stand-in answers otherwise."""

from __future__ import annotations

import base64
import http.client
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.grafana_server import GrafanaServer
from support.grafana_server_http import JSON, TEXT
from support.grafana_server_state import Login

# Values that are another one each time. Theirs is compared by type only.
VARYING = {
    "accessErrorId",
    "activeAt",
    "avatarUrl",
    "buildstamp",
    "created",
    "createdAt",
    "evaluationTime",
    "expiration",
    "key",
    "lastEvaluation",
    "secondsUntilExpiration",
    "updated",
    "updatedAt",
}
# Messages that say more than the stand-in does.
SAID_OTHERWISE = {"contact.create-settings-string": "it shows a type of Grafana's own source"}
# Lists whose order is another one each time, by their place in the answer.
UNORDERED = ("alerts", "contact-points")
# What tells the items of a list apart.
NAMES = ("uid", "name", "title")
# The recorded logins with a wrong or garbled credential.
CREDENTIALS = {
    "none": "",
    "wrong password": "Basic " + base64.b64encode(b"admin:wrong").decode(),
    "unknown user": "Basic " + base64.b64encode(b"nobody:wrong").decode(),
    "invalid token": "Bearer glsa_00000000000000000000000000000000_00000000",
    "garbage token": "Bearer garbage",
    "garbage basic": "Basic garbage",
    "unknown scheme": "Digest something",
}
# The exchanges that made the tokens of the others.
TOKENS = {
    "editor token": "sa.token-create-editor",
    "viewer token": "sa.token-create-viewer",
    "revoked token": "sa.token-create-ttl",
    "token of a disabled account": "sa.token-create-disabled-account",
}
# Requests that are passed on to a data source, and what Grafana says where it gets no answer.
BEHIND = re.compile(r"/api/datasources/(?:proxy/uid/([^/]+)/|uid/([^/]+)/resources/)")
NO_ANSWER = 502
RULES = "/api/v1/provisioning/alert-rules"
LOCKED = ("locked", "the-right-password")


@dataclass(frozen=True)
class Exchange:
    case: str
    method: str
    path: str
    status: int
    response: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: str = "admin"
    request: Any = None
    partial: bool = False  # the answer was recorded in part


@dataclass(frozen=True)
class Answered:
    status: int
    body: Any


def recorded(file: Path) -> list[Exchange]:
    return [Exchange(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


Step = Callable[["Replay"], None]


class Replay:
    """``before`` is what happened between two exchanges without being recorded itself, by the case that follows."""

    def __init__(self, server: GrafanaServer, exchanges: list[Exchange], before: Mapping[str, Step]) -> None:
        self.server, self.exchanges, self.before = server, exchanges, before
        self.state = server.state
        self.by_case = {exchange.case: exchange for exchange in exchanges}
        self.uids: dict[str, str] = {}  # generated ones: that of the recording and that of the stand-in
        self.keys: dict[str, str] = {}
        self.state.logins[LOCKED[0]] = Login(LOCKED[1])

    def problems(self) -> Iterator[tuple[str, str]]:
        """What differs: the case, and how."""
        for exchange in self.exchanges:
            if exchange.case in self.before:
                self.before[exchange.case](self)
            self._let_source_answer(exchange)
            answered = self.asked(exchange)
            if answered.status != exchange.status:
                told = f"status {answered.status} instead of {exchange.status}: {answered.body}"
                yield exchange.case, told
                continue
            if exchange.case in TOKENS.values():
                self.keys[exchange.case] = answered.body["key"]
            compare = Comparison(self, exchange)
            for problem in compare.differences(exchange.response, answered.body, "response"):
                yield exchange.case, problem

    def _let_source_answer(self, exchange: Exchange) -> None:
        """Behind the proxy, the servers of the data sources answer what they answered then."""
        match = BEHIND.match(exchange.path)
        source = self.state.sources.get(match[1] or match[2]) if match else None
        if source and exchange.status != NO_ANSWER:
            source.upstream = lambda *_asked: (exchange.status, exchange.response)

    # --- asking ------------------------------------------------------------------------------------------------------

    def asked(self, exchange: Exchange, **changes: Any) -> Answered:
        """Send the recorded request, with some of its fields changed."""
        headers = {"Authorization": self._authorization(exchange.auth), **exchange.headers}
        request = {**exchange.request, **changes} if changes else exchange.request
        text = request if isinstance(request, str) or request is None else json.dumps(request)
        if text is not None:
            headers = {"Content-Type": JSON, **headers}
        address = urllib.parse.urlsplit(self.server.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=10)
        try:
            body = self.translated(text).encode() if text is not None else None
            connection.request(exchange.method, self.translated(exchange.path), body, headers)
            answer = connection.getresponse()
            return Answered(answer.status, _read(answer.read().decode(), answer.headers.get("Content-Type", TEXT)))
        finally:
            connection.close()

    def again(self, case: str, **changes: Any) -> None:
        answered = self.asked(self.by_case[case], **changes)
        assert answered.status < 300, (case, answered)

    def make_rule(self, rule: dict[str, Any]) -> None:
        answered = self.asked(Exchange("", "POST", RULES, 201, None, request=rule))
        assert answered.status == 201, answered

    def _authorization(self, auth: str) -> str:
        if auth in TOKENS:
            return f"Bearer {self.keys[TOKENS[auth]]}"
        login = {
            "admin": f"admin:{self.server.password}",
            "locked user, right password": ":".join(LOCKED),
            "locked user, wrong password": f"{LOCKED[0]}:wrong",
        }.get(auth)
        return CREDENTIALS[auth] if login is None else "Basic " + base64.b64encode(login.encode()).decode()

    def translated(self, text: str) -> str:
        """With the stand-in's uids for those of the recording."""
        for theirs, ours in self.uids.items():
            text = text.replace(theirs, ours)
        return text


def _read(text: str, kind: str) -> Any:
    try:
        return json.loads(text) if text else ""
    except ValueError:
        return text


class Comparison:
    def __init__(self, replay: Replay, exchange: Exchange) -> None:
        self.replay, self.exchange = replay, exchange
        self.sent = json.dumps(exchange.request, ensure_ascii=False) + urllib.parse.unquote(exchange.path)

    def differences(self, theirs: Any, ours: Any, place: str) -> Iterator[str]:
        name = place.rpartition(".")[2]
        if type(theirs) is not type(ours) and {type(theirs), type(ours)} != {int, float}:
            yield f"{place} is {ours!r} instead of {theirs!r}"
        elif name in VARYING or (name == "version" and isinstance(theirs, str)):
            return
        elif isinstance(theirs, dict):
            yield from self._of_objects(theirs, ours, place)
        elif isinstance(theirs, list):
            yield from self._of_lists(theirs, ours, place)
        elif isinstance(theirs, str):
            if name == "uid" and theirs not in self.sent:
                self._learn(theirs, ours)
            less = name == "message" and self.exchange.case in SAID_OTHERWISE and theirs.startswith(ours)
            if self.replay.translated(theirs) != ours and not less:
                yield f"{place} is {ours!r} instead of {theirs!r}"
        elif theirs != ours:
            yield f"{place} is {ours!r} instead of {theirs!r}"

    def _learn(self, theirs: str, ours: str) -> None:
        """A uid that nobody sent was generated; the stand-in's own is known by its beginning."""
        if ours.startswith("generated") and ours not in self.replay.uids.values():
            self.replay.uids.setdefault(theirs, ours)

    def _of_objects(self, theirs: dict[str, Any], ours: dict[str, Any], place: str) -> Iterator[str]:
        for key in theirs.keys() - ours.keys():
            yield f"{place}.{key} is missing"
        if not self.exchange.partial:
            for key in ours.keys() - theirs.keys():
                yield f"{place}.{key} is there, and should not be"
        # The uid first: other values, such as URLs, are made of it.
        for key in sorted(theirs.keys() & ours.keys(), key=lambda key: key != "uid"):
            yield from self.differences(theirs[key], ours[key], f"{place}.{key}")

    def _of_lists(self, theirs: list[Any], ours: list[Any], place: str) -> Iterator[str]:
        if self.exchange.partial:
            theirs, ours = _kept(theirs), self._same_items(_kept(theirs), ours)
        if any(word in place or word in self.exchange.path for word in UNORDERED):
            theirs, ours = sorted(theirs, key=self._sorting), sorted(ours, key=self._sorting)
        if len(theirs) != len(ours):
            yield f"{place} has {len(ours)} items instead of {len(theirs)}"
            return
        for number, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from self.differences(one, other, f"{place}[{number}]")

    def _same_items(self, theirs: list[Any], ours: list[Any]) -> list[Any]:
        """Of ours, those that the recording kept."""
        for name in NAMES:
            if theirs and isinstance(theirs[0], dict) and name in theirs[0]:
                wanted = [self.replay.translated(one[name]) for one in theirs]
                return [one for one in ours if one[name] in wanted]
        return ours

    def _sorting(self, item: Any) -> str:
        return self.replay.translated(json.dumps({k: v for k, v in item.items() if k not in VARYING}, sort_keys=True))


def _kept(items: list[Any]) -> list[Any]:
    """Without the last item of a list that was cut, which says how many are missing."""
    cut = len(items) > 1 and isinstance(items[-1], str) and isinstance(items[0], dict)
    return items[:-1] if cut else items
