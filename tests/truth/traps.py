# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings turned into what makes counting hard: each function takes a recording and gives one or several."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._captures import (
    Capture,
    CaptureError,
    Request,
    Rewriter,
    moved,
    points,
    records,
)

DAY = 86400.0
# Where a client's clock may stand, as a distance from the truth or as a date.
CLOCKS = {"a day ahead": DAY, "three days behind": -3 * DAY}
DATES = {"1970": 86400.0 * 30, "2099": 4_083_004_800.0}


def cumulative(capture: Capture) -> Capture:
    """The same run by a client with cumulative counters: every export repeats every series with its total so far.

    A point of session.count begins a new process, whose totals begin at zero.
    """
    totals: dict[str, dict[str, t.Any]] = {}
    requests = []
    for request in capture.requests:
        if request.signal != "metrics":
            requests.append(request)
            continue
        found = list(points(request.body))
        if any(point.temporality != "delta" for point in found):
            raise CaptureError(f"{capture.name} is cumulative already.")
        if any(point.metric.endswith(".session.count") for point in found):
            totals = {}
        requests.append(Request(request.path, request.received, _cumulative_body(request.body, totals)))
    return Capture(f"{capture.name}-cumulative", tuple(requests))


def _cumulative_body(body: dict[str, t.Any], totals: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    body = copy.deepcopy(body)
    newest = max(point.time_ns for point in points(body))
    for group in body["resourceMetrics"]:
        for scope in group["scopeMetrics"]:
            for metric in scope["metrics"]:
                total = totals.setdefault(metric["name"], {**metric, "sum": {**metric["sum"], "dataPoints": []}})
                for point in metric["sum"]["dataPoints"]:
                    _add(total["sum"]["dataPoints"], point)
    metrics = copy.deepcopy(list(totals.values()))
    for metric in metrics:
        metric["sum"]["aggregationTemporality"] = 2
        for point in metric["sum"]["dataPoints"]:
            point["timeUnixNano"] = str(newest)
    # A recording has one resource and one scope, since it is of one client.
    group = body["resourceMetrics"][0]
    scope = {**group["scopeMetrics"][0], "metrics": metrics}
    return {"resourceMetrics": [{**group, "scopeMetrics": [scope]}]}


def _add(known: list[dict[str, t.Any]], point: dict[str, t.Any]) -> None:
    for total in known:
        if total["attributes"] == point["attributes"]:
            total["asDouble"] += point["asDouble"]
            return
    known.append(dict(point))


def parallel(capture: Capture, *, start: float, seed: t.Any) -> list[Capture]:
    """Two processes of one session at the same time: the same session id and series, and no common millisecond.

    What two processes count in one series in the very same millisecond cannot be told from a repeated export.
    """
    first = moved(capture, start=start, seed=f"{seed}/1", session_seed=seed)
    taken = _milliseconds(first)
    for number in range(1, 10_000):
        second = moved(capture, start=start + number / 1000, seed=f"{seed}/2", session_seed=seed)
        if not taken & _milliseconds(second):
            return [first, second]
    raise CaptureError(f"{capture.name} has something in every millisecond, so two of its kind always collide.")


def _milliseconds(capture: Capture) -> set[int]:
    entries = (entry for request in capture.requests for entry in (*points(request.body), *records(request.body)))
    return {entry.time_ns // 1_000_000 for entry in entries}


def resumed(captures: t.Sequence[Capture], *, start: float, pause: float, seed: t.Any) -> list[Capture]:
    """One session that goes on after each pause with the next recording: the same session id, new processes."""
    placed = []
    for number, capture in enumerate(captures):
        part = moved(capture, start=start, seed=f"{seed}/{number}", session_seed=seed)
        placed.append(part)
        start = part.span_ns[1] / 1e9 + pause
    return placed


def idle(capture: Capture, *, after: int, pause: float) -> Capture:
    """The same run with a pause after so many requests: nothing is sent meanwhile, no series is kept alive."""
    shift = int(pause * 1000) * 1_000_000
    rewrite = Rewriter(lambda moment: moment and moment + shift, {})
    requests = [
        request if number < after else Request(request.path, request.received + shift / 1e9, rewrite(request.body))
        for number, request in enumerate(capture.requests)
    ]
    return Capture(f"{capture.name}-idle", tuple(requests))


def wrong_clock(capture: Capture, *, ahead: float = 0.0, date: float | None = None) -> Capture:
    """The same requests by a client whose clock is ahead by so many seconds (behind, if below 0), or starts at a date.

    They arrive when they did: only the client is wrong about the time.
    """
    first = capture.span_ns[0] / 1e9
    wrong = moved(capture, start=first + ahead if date is None else date)
    return Capture(
        f"{capture.name}-wrong-clock",
        tuple(
            Request(right.path, right.received, request.body)
            for right, request in zip(capture.requests, wrong.requests, strict=True)
        ),
    )


def repeated(capture: Capture) -> Capture:
    """Every request twice, as by a client that saw no answer to the first; it counts once."""
    return Capture(f"{capture.name}-repeated", tuple(request for request in capture.requests for _time in range(2)))


def same_millisecond(capture: Capture) -> Capture:
    """All events of a request in one millisecond, as when a client does many things at once."""
    requests = []
    for request in capture.requests:
        times = [record.time_ns for record in records(request.body)]
        first = min(times, default=0)
        rewrite = Rewriter(lambda moment, first=first, times=times: first if moment in times else moment, {})
        requests.append(Request(request.path, request.received, rewrite(request.body)) if times else request)
    return Capture(f"{capture.name}-same-millisecond", tuple(requests))
