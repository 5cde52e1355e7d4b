# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe: telemetry that looks like a client's, marked so that it can be found again and counts in no panel."""

from __future__ import annotations

import dataclasses
import datetime
import math
import time
import typing as t
import uuid

from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpClient, OtlpError, Reply
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_errors import REFUSALS

METRIC = "claude_code.probe.sends"
EVENT = "probe"
SERVICE = "claude-code"
SCOPE = "observability.claude_code.probe"
SIGNALS = ("metrics", "logs")
SECOND = 1_000_000_000


@dataclasses.dataclass(frozen=True)
class Probe:
    """points are the deltas of one series, a second apart, the last one at time_ns.

    attributes are further ones, which stand on the resource and, as a client does it, on each point and record.
    """

    id: str
    points: tuple[float, ...] = (1.0,)
    time_ns: int = 0
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def now(cls, probe_id: str | None, points: t.Iterable[float]) -> Probe:
        points = tuple(points)
        if not points or not all(point >= 0 for point in points) or not math.isfinite(sum(points)):
            raise OtlpError(
                f"points is {list(points)}; a counter grows by finite numbers that are not below 0, to a finite sum."
            )
        # Whole milliseconds, since servers keep no more.
        now = time.time_ns() // 1_000_000 * 1_000_000
        return cls(probe_id or uuid.uuid4().hex[:12], points, now)

    @property
    def session_id(self) -> str:
        return f"probe-{self.id}"

    @property
    def sum(self) -> float:
        return math.fsum(self.points)

    def body(self, signal: str) -> dict[str, t.Any]:
        return self._metrics() if signal == "metrics" else self._logs()

    def _metrics(self) -> dict[str, t.Any]:
        first = self.time_ns - len(self.points) * SECOND
        data_points = [
            {
                "attributes": self._marks(),
                "startTimeUnixNano": str(first + number * SECOND),
                "timeUnixNano": str(first + (number + 1) * SECOND),
                "asDouble": value,
            }
            for number, value in enumerate(self.points)
        ]
        metric = {
            "name": METRIC,
            "description": "What probes have sent",
            "unit": "",
            "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": data_points},
        }
        scope = {"scope": {"name": SCOPE}, "metrics": [metric]}
        return {"resourceMetrics": [{"resource": self._resource(), "scopeMetrics": [scope]}]}

    def _logs(self) -> dict[str, t.Any]:
        moment = datetime.datetime.fromtimestamp(self.time_ns / SECOND, datetime.timezone.utc)
        record = {
            "timeUnixNano": str(self.time_ns),
            "observedTimeUnixNano": str(self.time_ns),
            "body": {"stringValue": f"claude_code.{EVENT}"},
            "attributes": [
                *self._marks(),
                _text("event.name", EVENT),
                _text("event.timestamp", moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")),
                {"key": "event.sequence", "value": {"intValue": 0}},
            ],
        }
        scope = {"scope": {"name": SCOPE}, "logRecords": [record]}
        return {"resourceLogs": [{"resource": self._resource(), "scopeLogs": [scope]}]}

    def _marks(self) -> list[dict[str, t.Any]]:
        own = {"probe.id": self.id, "session.id": self.session_id}
        return [_text(key, text) for key, text in {**dict(self.attributes), **own}.items()]

    def _resource(self) -> dict[str, t.Any]:
        attributes = {**dict(self.attributes), "service.name": SERVICE}
        return {"attributes": [_text(key, text) for key, text in attributes.items()]}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The replies to a probe, and whether they are what was wanted."""

    replies: dict[str, Reply]
    expect: str

    @property
    def accepted(self) -> bool:
        return all(reply.accepted for reply in self.replies.values())

    @property
    def changed(self) -> bool:
        """Whether anything was stored."""
        return any(reply.accepted for reply in self.replies.values())

    @property
    def as_expected(self) -> bool:
        return not self.unexpected

    @property
    def unexpected(self) -> dict[str, Reply]:
        if self.expect == "accepted":
            return {signal: reply for signal, reply in self.replies.items() if not reply.accepted}
        return {signal: reply for signal, reply in self.replies.items() if reply.cause not in REFUSALS}

    @property
    def telling(self) -> Reply:
        """The reply that says most: an unexpected one, otherwise the last."""
        return next(iter(self.unexpected.values()), None) or list(self.replies.values())[-1]

    def diagnosis(self, endpoint: str) -> str:
        if self.as_expected:
            return f"{endpoint} {self.expect} {' and '.join(self.replies)}, as expected."
        alike: dict[str, list[str]] = {}
        for signal, reply in self.unexpected.items():
            alike.setdefault(self._complaint(reply), []).append(signal)
        return " ".join(
            complaint.format(endpoint=endpoint, signals=" and ".join(signals)) for complaint, signals in alike.items()
        )

    def _complaint(self, reply: Reply) -> str:
        if reply.accepted:
            return (
                "{endpoint} accepted {signals} that it should have refused. "
                "Check that the receiver asks for a token and that this one is not in its file."
            )
        words = str(reply).replace("{", "{{").replace("}", "}}")
        if self.expect == "refused":
            return f"{{endpoint}} should have refused {{signals}}, but there was trouble before that: {words}"
        return f"{{endpoint}} did not take {{signals}}: {words}"

    def report(self, endpoint: str) -> dict[str, t.Any]:
        """What a module returns of it."""
        fields = ("accepted", "status", "cause", "error", "next_step", "latency_s")
        return {
            "accepted": self.accepted,
            "status": self.telling.status,
            "error": self.telling.error,
            "latency_s": max(reply.latency_s for reply in self.replies.values()),
            "replies": {
                signal: {field: getattr(reply, field) for field in fields} for signal, reply in self.replies.items()
            },
            "diagnosis": self.diagnosis(endpoint),
        }


def send(client: OtlpClient, probe: Probe, signals: t.Iterable[str], expect: str) -> Outcome:
    return Outcome({signal: client.send(signal, probe.body(signal)) for signal in signals}, expect)


def _text(key: str, text: str) -> dict[str, t.Any]:
    return {"key": key, "value": {"stringValue": text}}
