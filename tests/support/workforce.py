# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of a company and their days of work: sessions made of recordings, the same ones for the same seed."""

from __future__ import annotations

import bisect
import datetime
import itertools
import random
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture, moved
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpClient
from support.clients import Receipt, send
from support.stack import Stack

DAY = 86400
# Recordings of a few seconds with much in them: tools and their failures, subagents, commits, errors, compactions. How
# often each is played says how common it is.
COMMON: Mapping[str, int] = {
    "plain": 12, "bash_ok": 10, "rew": 10, "acceptedits": 6, "commit": 4, "bash_fail": 4, "haiku": 4, "think": 4,
    "sub_fg": 4, "mcp": 3, "denied": 3, "hooks": 3, "toolsearch": 3, "plan": 2, "pr": 2, "sub_custom": 2,
    "sub_nested": 2, "sub_bg": 2, "skill_details": 2, "commit_fail": 1, "compact": 1, "err429": 1, "retry_drop": 1,
    "refusal": 1, "sub_err": 1, "hooks_block": 1, "bash_timeout": 1, "sub_fg_details": 1, "plugin": 1,
}  # fmt: skip
TERMINALS = ("vscode", "iTerm.app", "xterm-256color", "WarpTerminal", "cursor", "dumb")
# How busy the hours of a day are, in UTC, and Monday to Sunday.
HOURS = (1, 1, 1, 1, 1, 1, 2, 6, 14, 18, 18, 16, 9, 14, 18, 18, 14, 8, 4, 3, 2, 2, 1, 1)
WEEKDAYS = (10, 10, 10, 10, 9, 2, 1)


@dataclass(frozen=True)
class Person:
    """Someone who works with the client. Some have no sign-in, some belong to no team, some have two computers."""

    name: str
    email: str
    team: str
    terminal: str
    homes: int

    @property
    def own(self) -> dict[str, str]:
        """What the client itself knows of the person."""
        return {"terminal.type": self.terminal, **({"user.email": self.email} if self.email else {})}


@dataclass(frozen=True)
class Workforce:
    """``sessions`` of ``users`` in the ``days`` before ``end`` (unix seconds); few users make many of them."""

    recordings: Sequence[Capture]
    end: float
    users: int = 200
    days: int = 14
    sessions: int = 3000
    teams: int = 8
    seed: str = "workforce"
    # OTEL_RESOURCE_ATTRIBUTES of everybody, to tell this workforce from others on one stack.
    marks: Mapping[str, str] | None = None

    def people(self) -> list[Person]:
        found = []
        for number in range(self.users):
            chance = random.Random(f"{self.seed}/person/{number}")
            found.append(
                Person(
                    name=f"{self.seed}-{number}",
                    email=f"{self.seed}-{number}@example.com" if chance.random() < 0.85 else "",
                    team=f"team {number % self.teams}" if chance.random() < 0.9 else "",
                    terminal=chance.choice(TERMINALS),
                    homes=2 if chance.random() < 0.1 else 1,
                )
            )
        return found

    def captures(self) -> Iterator[Capture]:
        """The sessions in no order, as their telemetry may arrive."""
        chance = random.Random(self.seed)
        people = self.people()
        busy = list(itertools.accumulate(1 / (number + 5) for number in range(self.users)))
        chosen = [recording for recording in self.recordings for _time in range(COMMON.get(recording.name, 0))]
        if not chosen:
            raise ValueError(f"None of the recordings is one of {', '.join(COMMON)}.")
        for number in range(self.sessions):
            person = people[bisect.bisect_left(busy, chance.random() * busy[-1])]
            recording, home = chance.choice(chosen), chance.randrange(person.homes)
            session = moved(
                recording,
                end=self._moment(chance),
                seed=f"{self.seed}/{number}",
                user=f"{person.name}/{home}" if home else person.name,
            )
            dressed(session, person.own, {**({"team": person.team} if person.team else {}), **(self.marks or {})})
            yield session

    def _moment(self, chance: random.Random) -> float:
        """When a session ends: at a time at which people work, a minute before the end at the latest."""
        while True:
            moment = self.end - 60 - chance.random() * (self.days * DAY - 120)
            at = datetime.datetime.fromtimestamp(moment, datetime.UTC)
            weekday = WEEKDAYS[at.weekday()] if self.days > 1 else max(WEEKDAYS)
            if chance.random() * max(HOURS) * max(WEEKDAYS) < HOURS[at.hour] * weekday:
                return moment


def dressed(session: Capture, own: Mapping[str, str], resource: Mapping[str, str]) -> None:
    """Put attributes on every point and event, and those of the resource on the resource too, as the client does."""
    for body in (request.body for request in session.requests):
        for group in (*body.get("resourceMetrics", ()), *body.get("resourceLogs", ())):
            _set(group["resource"], resource)
        for entry in entries(body):
            _set(entry, {**own, **resource})


def entries(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The points and events of a request."""
    for group in (*body.get("resourceMetrics", ()), *body.get("resourceLogs", ())):
        for scope in (*group.get("scopeMetrics", ()), *group.get("scopeLogs", ())):
            yield from scope.get("logRecords", ())
            for metric in scope.get("metrics", ()):
                for kind in {"sum", "gauge"} & set(metric):
                    yield from metric[kind]["dataPoints"]


def _set(entry: dict[str, Any], attributes: Mapping[str, str]) -> None:
    kept = [pair for pair in entry.get("attributes", ()) if pair["key"] not in attributes]
    entry["attributes"] = kept + [{"key": name, "value": {"stringValue": text}} for name, text in attributes.items()]


def send_all(stack: Stack, captures: Iterable[Capture], connections: int = 4, patience: float = 120) -> list[Capture]:
    """Send sessions over some connections at once as fast as the collector takes them; gives back what was sent.

    Sessions are made while others are on their way: an iterator of them is read by one connection at a time.
    """
    waiting, lock, receipt = iter(captures), threading.Lock(), Receipt()
    sent: list[Capture] = []

    def one_connection(_number: int) -> None:
        with OtlpClient(stack.otlp_url, token=stack.token, timeout=60) as client:
            while True:
                with lock:
                    capture = next(waiting, None)
                if capture is None:
                    return
                for request in (request for request in capture.requests if request.signal != "traces"):
                    send(client, request.signal, request.body, patience, receipt)
                sent.append(capture)

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(one_connection, range(connections)))
    return sent
