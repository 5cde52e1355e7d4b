# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays recordings into a collector, spread over a window of time the way people work."""

from __future__ import annotations

import bisect
import collections
import dataclasses
import itertools
import queue
import random
import threading
import time
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._captures import (
    Capture,
    CaptureError,
    increments,
    moved,
    points,
    records,
)
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpClient, Reply

# How busy each hour of a day is, from midnight.
WORKDAY = (2, 1, 1, 1, 1, 2, 4, 12, 40, 75, 95, 100, 60, 70, 100, 98, 85, 65, 40, 22, 18, 14, 8, 4)
STEP_S = 300
# With so many refused it is no accident, and the rest would fare alike.
ENOUGH_REFUSED = 20


def spread(
    captures: t.Sequence[Capture],
    *,
    end: float,
    hours: float = 24.0,
    repeats: int = 1,
    users: int = 1,
    seed: t.Any = 0,
    stretch: float = 1.0,
    utc_offset_s: float = 0.0,
) -> list[Capture]:
    """Each recording, repeats times, at its own place in the hours before end (unix seconds), in order of start.

    Every placed recording gets fresh ids and one of the users, of whom the first does most. The same arguments give the
    same result. Recordings without session ids, whose series would mix, never share a millisecond with each other.
    """
    chance = random.Random(str(seed))
    begin = end - hours * 3600
    plan = [(number, capture) for number in range(repeats) for capture in captures]
    chance.shuffle(plan)
    moments = _moments(begin, end, utc_offset_s)
    # One draw in each equal share of the work, so that every run has the shape and not only the average one.
    shares = [(place + chance.random()) / len(plan) for place in range(len(plan))]
    taken: set[tuple[str, int]] = set()
    placed = []
    for share, (number, capture) in zip(shares, plan):
        first, last = capture.span_ns
        latest = end - (last - first) / 1e9 * stretch
        if latest <= begin:
            raise CaptureError(
                f"{capture.name} lasts {(last - first) / 1e9 * stretch:.0f} s with stretch {stretch} and does not fit "
                f"into {hours} hours; choose more hours or less stretch."
            )
        start = moments(share)
        if start > latest:
            start = begin + (latest - begin) * chance.random()
        user = f"user-{_unequal(chance, users)}"
        copy_seed = f"{seed}/{number}"
        copy = moved(capture, start=start, seed=copy_seed, user=user, stretch=stretch)
        while taken & (moments_used := _shared_moments(copy)):
            start += 0.001 if start + 0.001 <= latest else begin - start
            copy = moved(capture, start=start, seed=copy_seed, user=user, stretch=stretch)
        taken |= moments_used
        placed.append(copy)
    return sorted(placed, key=lambda copy: copy.span_ns)


def _moments(begin: float, end: float, utc_offset_s: float) -> t.Callable[[float], float]:
    """From a share of the window's work (0 to 1) to the moment by which it is done."""
    edges = [begin + number * STEP_S for number in range(int((end - begin) // STEP_S) + 1)]
    if edges[-1] < end:
        edges.append(end)
    done = [0.0]
    for edge, following in zip(edges, edges[1:]):
        hour = (edge + utc_offset_s) / 3600 % 24
        here, there = WORKDAY[int(hour)], WORKDAY[(int(hour) + 1) % 24]
        done.append(done[-1] + (here + (there - here) * (hour % 1)) * (following - edge))

    def moment(share: float) -> float:
        wanted = share * done[-1]
        place = min(max(bisect.bisect_right(done, wanted) - 1, 0), len(edges) - 2)
        part = (wanted - done[place]) / (done[place + 1] - done[place])
        return edges[place] + part * (edges[place + 1] - edges[place])

    return moment


def _unequal(chance: random.Random, users: int) -> int:
    return chance.choices(range(1, users + 1), weights=[1 / number for number in range(1, users + 1)])[0]


def _shared_moments(capture: Capture) -> set[tuple[str, int]]:
    """The milliseconds of points that have nothing but the user to tell them from another run's."""
    if capture.values("session"):
        return set()
    return {
        (str(point.attributes.get("user.id")), point.time_ns // 1_000_000)
        for request in capture.requests
        for point in points(request.body)
    }


# --- playing -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Played:
    """What was sent, and what was refused: recording, number of its request, signal and reply."""

    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
    retries: int = 0
    refused: list[tuple[str, int, str, Reply]] = dataclasses.field(default_factory=list)


class Player:
    """Sends recordings through several clients at once; each recording's requests stay in order."""

    def __init__(
        self,
        make_client: t.Callable[[], OtlpClient],
        *,
        workers: int = 2,
        signals: t.Collection[str] = ("metrics", "logs"),
        patience_s: float = 60.0,
    ) -> None:
        self.make_client, self.workers, self.signals, self.patience_s = make_client, workers, signals, patience_s

    def play(self, captures: t.Iterable[Capture]) -> Played:
        waiting: queue.SimpleQueue[Capture] = queue.SimpleQueue()
        for capture in captures:
            waiting.put(capture)
        played, lock, troubles = Played(), threading.Lock(), []

        def work() -> None:
            try:
                with self.make_client() as client:
                    while not troubles and len(played.refused) < ENOUGH_REFUSED:
                        try:
                            capture = waiting.get_nowait()
                        except queue.Empty:
                            return
                        self._play_one(client, capture, played, lock)
            except Exception as exc:  # carried over to the caller's thread
                troubles.append(exc)

        began = time.monotonic()
        threads = [threading.Thread(target=work, daemon=True) for _worker in range(self.workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if troubles:
            raise troubles[0]
        played.seconds = round(time.monotonic() - began, 3)
        return played

    def _play_one(self, client: OtlpClient, capture: Capture, played: Played, lock: threading.Lock) -> None:
        for number, request in enumerate(capture.requests, 1):
            if request.signal not in self.signals:
                continue
            if len(played.refused) >= ENOUGH_REFUSED:
                return
            content = client.encode(request.signal, request.body)
            reply, retries = self._send(client, request.signal, content)
            with lock:
                played.retries += retries
                if reply.accepted:
                    played.requests += 1
                    played.bytes += len(content)
                else:
                    played.refused.append((capture.name, number, request.signal, reply))

    def _send(self, client: OtlpClient, signal: str, content: bytes) -> tuple[Reply, int]:
        """Unlike a real client, which drops after one more try, a player waits for a collector that has no room."""
        deadline = time.monotonic() + self.patience_s
        for retries in itertools.count():
            reply = client.send(signal, content)
            pause = reply.retry_after or min(0.2 * 2**retries, 5.0)
            if reply.accepted or reply.cause != "overloaded" or time.monotonic() + pause > deadline:
                return reply, retries
            time.sleep(pause)
        raise AssertionError("unreachable")


def contents(captures: t.Iterable[Capture], signals: t.Collection[str] = ("metrics", "logs")) -> dict[str, t.Any]:
    """What recordings hold, in numbers; totals has the sum of each counter by its name."""
    captures = [
        Capture(capture.name, tuple(request for request in capture.requests if request.signal in signals))
        for capture in captures
    ]
    totals: dict[str, float] = collections.defaultdict(float)
    events: dict[str, int] = collections.Counter()
    for capture in captures:
        for point in increments(capture):
            totals[point.metric] += point.value
        for request in capture.requests:
            events.update(record.event for record in records(request.body))
    spans = [capture.span_ns for capture in captures if capture.requests]
    return {
        "recordings": len(captures),
        "requests": sum(len(capture.requests) for capture in captures),
        "points": sum(1 for capture in captures for request in capture.requests for _point in points(request.body)),
        "records": sum(events.values()),
        "sessions": len({value for capture in captures for value in capture.values("session")}),
        "users": len({value for capture in captures for value in capture.values("user")}),
        "totals": {name: round(total, 9) for name, total in sorted(totals.items())},
        "events": dict(sorted(events.items())),
        "first": min((first for first, _last in spans), default=0) / 1e9,
        "last": max((last for _first, last in spans), default=0) / 1e9,
    }
