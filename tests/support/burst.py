# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many requests in a short time: those of one recorded session, again and again, as of many clients."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture, moved, points, records
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import encode_json
from support.comparison import marked
from support.stack import HOST, Stack, until

# The templates' times begin here; a recorded session that is used here ends within ten seconds.
EPOCH = 1_700_000_000
SLOT_S = 10
# Sessions that share the requests; each sends in slots of ten seconds, going back in time.
SESSIONS = 200
SLOTS = 8000


@dataclass(frozen=True)
class Template:
    """A request of a session, as bytes in which session and time are replaced."""

    signal: str
    body: bytes
    session: bytes
    entries: int

    def filled(self, session: bytes, slot: int) -> bytes:
        return self.body.replace(self.session, session).replace(str(EPOCH // SLOT_S).encode(), str(slot).encode())


def templates(recording: Capture, department: str) -> list[Template]:
    """The requests of a session that begins at EPOCH."""
    placed = marked([moved(recording, start=EPOCH, seed="template", user="template")], department=department)[0]
    session = placed.values("session")[0].encode()
    found = []
    for request in placed.requests:
        if request.signal != "traces":
            entries = len([*points(request.body), *records(request.body)])
            found.append(Template(request.signal, encode_json(request.body), session, entries))
    if placed.span_ns[1] >= (EPOCH + SLOT_S) * 10**9:
        raise ValueError(f"{recording.name} is longer than {SLOT_S} s")
    return found


@dataclass
class Outcome:
    """How a burst was taken: the number of requests by the collector's answer, and the seconds it took."""

    answers: Counter[int]
    seconds: float
    sent: Counter[int]

    @property
    def requests(self) -> int:
        return self.answers.total()

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class Burst:
    """Sends the filled templates over some connections at once, as fast as the collector answers."""

    def __init__(self, port: int, token: str, found: list[Template], connections: int = 8) -> None:
        self.port, self.token, self.templates, self.connections = port, token, found, connections
        self.run = uuid.uuid4().hex
        self._numbers = self._all()
        self._lock = threading.Lock()
        self.newest = int(time.time()) // SLOT_S - 1

    def _all(self) -> Iterator[tuple[int, int, int]]:
        """Template, session and slot of each request; no two are the same. The templates take turns."""
        for slot in range(SLOTS):
            for session in range(SESSIONS):
                yield (slot * SESSIONS + session) % len(self.templates), session, slot

    def send(self, enough: Callable[[int], bool]) -> Outcome:
        """Send until ``enough`` of the number of requests."""
        answers: Counter[int] = Counter()
        sent: Counter[int] = Counter()
        began = time.monotonic()

        def one_connection(_number: int) -> None:
            with socket.create_connection((HOST, self.port), timeout=60) as connection:
                replies = connection.makefile("rb")
                while True:
                    with self._lock:
                        if enough(answers.total()):
                            return
                        template, session, slot = next(self._numbers)
                    status = self._exchange(connection, replies, template, session, self.newest - slot)
                    with self._lock:
                        answers[status] += 1
                        sent[template] += status == 200

        with ThreadPoolExecutor(self.connections) as pool:
            list(pool.map(one_connection, range(self.connections)))
        return Outcome(answers, time.monotonic() - began, sent)

    def _exchange(
        self, connection: socket.socket, replies: Iterable[bytes], template: int, session: int, slot: int
    ) -> int:
        request = self.templates[template]
        body = request.filled(str(uuid.UUID(int=int(self.run, 16) ^ session)).encode(), slot)
        head = (
            f"POST /v1/{request.signal} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        lines = iter(replies.readline, b"")  # type: ignore[attr-defined]
        status = int(next(lines).split()[1])
        length = 0
        for line in lines:
            if line == b"\r\n":
                break
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        replies.read(length)  # type: ignore[attr-defined]
        return status


def drained(stack: Stack, seconds: float) -> None:
    """Wait until nothing waits in the collector any more."""
    until(lambda: stack.queued() == 0, seconds, lambda: f"the queues are empty; {stack.queued():g} wait")
