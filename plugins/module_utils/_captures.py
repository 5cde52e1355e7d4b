# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of Claude Code's telemetry: read them, list what is in them, move them in time.

A recording is a file of JSON lines, one OTLP request a line:
``{"path": "/v1/metrics" | "/v1/logs" | "/v1/traces", "received": unix seconds, "body": OTLP JSON}``, plain or gzipped.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import gzip
import json
import os
import re
import typing as t
import zlib

from ansible_collections.observability.claude_code.plugins.module_utils._answers import MISREAD
from ansible_collections.observability.claude_code.plugins.module_utils._identities import (
    IDENTITIES,
    PERSONAL,
    identifying,
    replacement,
)

SIGNALS = {"/v1/metrics": "metrics", "/v1/logs": "logs", "/v1/traces": "traces"}
SUFFIXES = (".jsonl", ".jsonl.gz")
TIME_FIELDS = frozenset(("timeUnixNano", "startTimeUnixNano", "endTimeUnixNano", "observedTimeUnixNano"))
TEMPORALITY = {
    0: "unspecified",
    1: "delta",
    2: "cumulative",
    "AGGREGATION_TEMPORALITY_UNSPECIFIED": "unspecified",
    "AGGREGATION_TEMPORALITY_DELTA": "delta",
    "AGGREGATION_TEMPORALITY_CUMULATIVE": "cumulative",
}
MILLISECOND = 1_000_000
# What stores count nanoseconds in.
LATEST_NS = 2**63
Time = t.Union[int, float, datetime.datetime]


class CaptureError(ValueError):
    """A recording that cannot be read; the text names the file and the line."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One OTLP request as the client sent it."""

    path: str
    received: float
    body: dict[str, t.Any]

    @property
    def signal(self) -> str:
        return SIGNALS[self.path]


@dataclasses.dataclass(frozen=True)
class Capture:
    """A recording: the requests of one client run, in the order of their arrival."""

    name: str
    requests: tuple[Request, ...]

    @functools.cached_property
    def span_ns(self) -> tuple[int, int]:
        """The first and the last moment that the recording speaks of, arrivals included."""
        times = [time for request in self.requests for time in _times(request.body)]
        times += [_nanoseconds(request.received) for request in self.requests]
        if not times:
            raise CaptureError(f"{self.name} holds no request, so it cannot be placed in time.")
        return min(times), max(times)

    @functools.cached_property
    def identities(self) -> dict[str, str]:
        """Each identifying value in the recording with its kind (session, prompt, user, ...), by first appearance."""
        found: dict[str, str] = {}
        for request in self.requests:
            for key, value in identifying(request.body):
                found.setdefault(value, IDENTITIES[key])
        return found

    def values(self, kind: str) -> list[str]:
        """The identifying values of one kind, for example all session ids."""
        return [value for value, its_kind in self.identities.items() if its_kind == kind]


@dataclasses.dataclass(frozen=True)
class Point:
    """One number of a metric. For a histogram, value is the sum of what it observed."""

    metric: str
    unit: str
    kind: str
    temporality: str
    monotonic: bool
    attributes: dict[str, t.Any]
    resource: dict[str, t.Any]
    start_ns: int
    time_ns: int
    value: float

    @property
    def series(self) -> tuple[t.Any, ...]:
        """What makes two points belong to one series."""
        return (self.metric, _frozen(self.resource), _frozen(self.attributes))


@dataclasses.dataclass(frozen=True)
class Record:
    """One event of the client."""

    event: str
    attributes: dict[str, t.Any]
    resource: dict[str, t.Any]
    time_ns: int
    body: t.Any


# --- reading -------------------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str]) -> Capture:
    """Read one recording."""
    path = os.fspath(path)
    name = os.path.basename(path)
    for suffix in SUFFIXES:
        name = name[: -len(suffix)] if name.endswith(suffix) else name
    requests = []
    try:
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    requests.append(_request(line, f"{path}:{number}"))
    except (OSError, EOFError, zlib.error) as exc:
        raise CaptureError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    except UnicodeDecodeError as exc:
        raise CaptureError(f"{path} is not UTF-8 text: {exc}") from exc
    if not requests:
        raise CaptureError(f"{path} holds no request; a recording has one OTLP request a line.")
    return Capture(name, tuple(requests))


def read_all(paths: t.Iterable[str | os.PathLike[str]]) -> list[Capture]:
    """Read recordings: each path is a file, or a folder whose *.jsonl and *.jsonl.gz files are taken by name."""
    captures = []
    for path in map(os.fspath, paths):
        if os.path.isdir(path):
            names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIXES))
            if not names:
                raise CaptureError(f"The folder {path} holds no recording (*.jsonl or *.jsonl.gz).")
            captures += [read(os.path.join(path, name)) for name in names]
        else:
            captures.append(read(path))
    return captures


def _request(line: str, where: str) -> Request:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise CaptureError(f"{where} is not JSON: {exc}") from exc
    if not isinstance(content, dict):
        raise CaptureError(f"{where} is not a JSON object; a request has path, received and body.")
    path, received, body = (content.get(key) for key in ("path", "received", "body"))
    if not isinstance(path, str) or path not in SIGNALS:
        raise CaptureError(f"{where} has the path {path!r}; known are {', '.join(SIGNALS)}.")
    if isinstance(received, bool) or not isinstance(received, (int, float)) or not 0 <= received < LATEST_NS // 10**9:
        raise CaptureError(f"{where} has received={received!r}; it is the time of arrival in unix seconds.")
    if not isinstance(body, dict):
        raise CaptureError(f"{where} has no body object; it is the request as OTLP JSON.")
    try:
        _check(body)
    except MISREAD as exc:
        raise CaptureError(
            f"{where} has a body that is no OTLP JSON ({type(exc).__name__}: {exc}). Correct or delete the line."
        ) from exc
    return Request(path, float(received), body)


def _check(body: dict[str, t.Any]) -> None:
    """Any exception where the body cannot be listed and moved: later nobody would know which line it was."""
    for moment in _times(body):
        if not 0 <= moment < LATEST_NS:
            raise ValueError(f"{moment} is no time in nanoseconds")
    for point in points(body):
        hash(point.series)
    for _record in records(body):
        pass
    for key, found in identifying(body):
        if not isinstance(found, str):
            raise TypeError(f"{key} is {found!r} and no text")
    Rewriter(lambda moment: moment, {})(body)


# --- listing -------------------------------------------------------------------------------------------------------


def points(body: dict[str, t.Any]) -> t.Iterator[Point]:
    """Every point of a metrics request (none for another signal)."""
    for group in body.get("resourceMetrics", ()):
        resource = attributes(group.get("resource", {}).get("attributes", ()))
        for scope in group.get("scopeMetrics", ()):
            for metric in scope.get("metrics", ()):
                yield from _metric_points(metric, resource)


def _metric_points(metric: dict[str, t.Any], resource: dict[str, t.Any]) -> t.Iterator[Point]:
    for kind in ("sum", "gauge", "histogram", "exponentialHistogram"):
        content = metric.get(kind)
        if content is None:
            continue
        temporality = (
            "" if kind == "gauge" else TEMPORALITY.get(content.get("aggregationTemporality", 0), "unspecified")
        )
        for point in content.get("dataPoints", ()):
            number = next((point[key] for key in ("asDouble", "asInt", "sum") if key in point), 0)
            yield Point(
                metric=metric["name"],
                unit=metric.get("unit", ""),
                kind=kind,
                temporality=temporality,
                monotonic=bool(content.get("isMonotonic", False)),
                attributes=attributes(point.get("attributes", ())),
                resource=resource,
                start_ns=int(point.get("startTimeUnixNano", 0)),
                time_ns=int(point.get("timeUnixNano", 0)),
                value=int(number) if "asInt" in point else float(number),
            )


def records(body: dict[str, t.Any]) -> t.Iterator[Record]:
    """Every event of a logs request (none for another signal)."""
    for group in body.get("resourceLogs", ()):
        resource = attributes(group.get("resource", {}).get("attributes", ()))
        for scope in group.get("scopeLogs", ()):
            for record in scope.get("logRecords", ()):
                own = attributes(record.get("attributes", ()))
                text = value(record.get("body", {}))
                event = own.get("event.name") or record.get("eventName") or str(text or "").rpartition(".")[2]
                # A record without its own time counts at the time it was observed, as OTLP has it.
                time = int(record.get("timeUnixNano", 0)) or int(record.get("observedTimeUnixNano", 0))
                yield Record(str(event), own, resource, time, text)


def increments(capture: Capture) -> t.Iterator[Point]:
    """What each point of a monotonic sum adds: deltas as they are, cumulative points less their predecessor.

    A point that repeats an earlier one (series, time, value) adds nothing: a client without an answer sends it again.
    """
    totals: dict[t.Any, Point] = {}
    seen: set[t.Any] = set()
    for request in capture.requests:
        for point in points(request.body):
            if point.kind != "sum" or not point.monotonic:
                continue
            series = point.series
            identity = (series, point.time_ns, point.value)
            if identity in seen:
                continue
            seen.add(identity)
            added, since = point.value, point.start_ns
            if point.temporality == "cumulative":
                # Another start time is another process, which counts from zero, perhaps beside this one.
                process = (series, point.start_ns)
                before, totals[process] = totals.get(process), point
                if before and before.value <= point.value:
                    added, since = point.value - before.value, before.time_ns
            yield dataclasses.replace(point, value=added, start_ns=since, temporality="delta")


def attributes(pairs: t.Iterable[dict[str, t.Any]]) -> dict[str, t.Any]:
    """OTLP's list of key and value as a dictionary with native types."""
    return {pair["key"]: value(pair.get("value", {})) for pair in pairs}


def value(wrapped: dict[str, t.Any]) -> t.Any:
    """The native value of an OTLP AnyValue. A 64 bit integer may be a JSON string or a number."""
    for kind, content in wrapped.items():
        if kind == "intValue":
            return int(content)
        if kind == "doubleValue":
            return float(content)
        if kind == "arrayValue":
            return [value(item) for item in content.get("values", ())]
        if kind == "kvlistValue":
            return attributes(content.get("values", ()))
        return content
    return None


# --- moving --------------------------------------------------------------------------------------------------------


def moved(
    capture: Capture,
    *,
    start: Time | None = None,
    end: Time | None = None,
    seed: t.Any = None,
    session_seed: t.Any = None,
    user: str | None = None,
    stretch: float = 1.0,
) -> Capture:
    """The recording as if it had been made at another time and, with a seed, by another run of the client.

    start or end (unix seconds or an aware datetime) says when its first or last moment shall be; without both it stays.
    seed gives fresh session, prompt, request, tool use, agent, message and trace ids, the same ones for the same seed;
    recordings moved with the same session_seed share their sessions, first with first and so on. user gives the
    person's ids anew, the same ones for the same name. stretch (at least 1) makes pauses longer, not durations.
    """
    if start is not None and end is not None:
        raise ValueError("Give start or end, not both: a recording keeps its length (see stretch).")
    if stretch < 1:
        raise ValueError(f"stretch is {stretch}; below 1, points of one series could fall into one millisecond.")
    first, last = capture.span_ns
    if start is not None:
        origin = _nanoseconds(start)
    elif end is not None:
        origin = _nanoseconds(end) - int((last - first) * stretch)
    else:
        origin = first
    # Whole milliseconds: servers keep no more, and events keep their own distances.
    offset = (origin - first) // MILLISECOND * MILLISECOND

    def clock(moment: int) -> int:
        if not moment:
            return moment  # zero is OTLP's "not known"
        if stretch == 1:
            return moment + offset
        return first + offset + int((moment - first) * stretch) // MILLISECOND * MILLISECOND

    rewrite = Rewriter(clock, _fresh_identities(capture, seed, session_seed, user))
    return Capture(
        capture.name,
        tuple(
            Request(request.path, clock(_nanoseconds(request.received)) / 1e9, rewrite(request.body))
            for request in capture.requests
        ),
    )


class Rewriter:
    """Copies a request body with other times and identities."""

    def __init__(self, clock: t.Callable[[int], int], identities: dict[str, str]) -> None:
        self.clock = clock
        self.identities = identities
        # Ids also stand inside longer texts, such as the notice that a background task has ended.
        self.inside = re.compile("|".join(map(re.escape, identities))) if identities else None

    def __call__(self, node: t.Any, key: str = "") -> t.Any:
        if isinstance(node, dict):
            if node.get("key") == "event.timestamp":
                return {**node, "value": {"stringValue": self.timestamp(node["value"]["stringValue"])}}
            return {name: self(child, name) for name, child in node.items()}
        if isinstance(node, list):
            return [self(child, key) for child in node]
        if key in TIME_FIELDS:
            return type(node)(self.clock(int(node)))
        if isinstance(node, str) and self.inside and len(node) > 8:
            return self.identities.get(node) or self.inside.sub(lambda match: self.identities[match.group()], node)
        return node

    def timestamp(self, text: str) -> str:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        moved_to = self.clock(round(moment.timestamp() * 1000) * MILLISECOND)
        moment = EPOCH + datetime.timedelta(milliseconds=moved_to // MILLISECOND)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def _fresh_identities(capture: Capture, seed: t.Any, session_seed: t.Any, user: str | None) -> dict[str, str]:
    fresh = {}
    count: dict[str, int] = {}
    for old, kind in capture.identities.items():
        number = count[kind] = count.get(kind, -1) + 1
        if kind in PERSONAL:
            if user is not None:
                # One recording is one person's; should it hold several, they stay different people.
                name = f"{user}-{number}" if number else user
                fresh[old] = f"{name}@example.com" if kind == "email" else replacement(kind, old, name)
        elif kind == "session" and session_seed is not None:
            fresh[old] = replacement(kind, old, f"{session_seed}/{number}")
        elif seed is not None:
            fresh[old] = replacement(kind, old, f"{seed}/{capture.name}/{old}")
    return fresh


def _times(node: t.Any) -> t.Iterator[int]:
    if isinstance(node, dict):
        for key, child in node.items():
            if key in TIME_FIELDS:
                if int(child):
                    yield int(child)
            elif isinstance(child, (dict, list)):
                yield from _times(child)
    elif isinstance(node, list):
        for child in node:
            yield from _times(child)


def _nanoseconds(moment: Time) -> int:
    if isinstance(moment, datetime.datetime):
        if moment.tzinfo is None:
            raise ValueError(f"The time {moment.isoformat()} has no zone; give one, for example UTC.")
        moment = moment.timestamp()
    return moment * 1_000_000_000 if isinstance(moment, int) else round(moment * 1_000_000) * 1000


def _frozen(content: t.Any) -> t.Any:
    if isinstance(content, dict):
        return tuple(sorted((key, _frozen(child)) for key, child in content.items()))
    return tuple(_frozen(child) for child in content) if isinstance(content, list) else content
