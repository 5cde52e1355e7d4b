# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OTLP requests made by hand, and a way to send bytes that no client would send."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.stack import HOST, Stack

JSON = "application/json"
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class Answer:
    status: int
    text: str


def post(
    stack: Stack,
    signal: str,
    body: bytes,
    content_type: str = JSON,
    *,
    token: str | None = "",
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The collector's answer to these bytes; ``token`` empty is the right one, None is none."""
    sent = {"Content-Type": content_type, **(headers or {})}
    if token is not None:
        sent["Authorization"] = f"Bearer {token or stack.token}"
    connection = http.client.HTTPConnection(HOST, stack.ports["otlp_http_port"], timeout=60)
    try:
        # Refused while it was still being sent; the answer may be there nevertheless.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, f"/v1/{signal}", body, sent)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(4096).decode(errors="replace"))
    finally:
        connection.close()


def now_ns() -> int:
    return time.time_ns() // 1_000_000 * 1_000_000


def pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": value}


@dataclass
class Client:
    """Makes the requests of one client: ``common`` is on every point and event."""

    common: dict[str, Any]
    resource: dict[str, Any] = field(default_factory=lambda: {"service.name": "claude-code", "service.version": "2"})

    def event(self, name: str, at: int | None = None, **attributes: Any) -> dict[str, Any]:
        moment = str(now_ns() if at is None else at)
        given = {**self.common, "event.name": name, **attributes}
        return {"timeUnixNano": moment, "body": _value(f"claude_code.{name}"), "attributes": pairs(given)}

    def logs(self, *events: dict[str, Any]) -> dict[str, Any]:
        scope = {"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": list(events)}
        return {"resourceLogs": [{"resource": {"attributes": pairs(self.resource)}, "scopeLogs": [scope]}]}

    def point(self, value: float | str, at: int | None = None, **attributes: Any) -> dict[str, Any]:
        moment = now_ns() if at is None else at
        given = pairs({**self.common, **attributes})
        start = str(max(moment - 1_000_000_000, 0))
        return {"attributes": given, "startTimeUnixNano": start, "timeUnixNano": str(moment), "asDouble": value}

    def metrics(
        self, *points: dict[str, Any], name: str = "claude_code.cost.usage", unit: str = "USD", kind: str = "sum"
    ) -> dict[str, Any]:
        data: dict[str, Any] = {"dataPoints": list(points)}
        if kind != "gauge":
            data["aggregationTemporality"] = 1
        if kind == "sum":
            data["isMonotonic"] = True
        return self.request({"name": name, "unit": unit, kind: data})

    def request(self, *metrics: dict[str, Any]) -> dict[str, Any]:
        scope = {"scope": {"name": "com.anthropic.claude_code"}, "metrics": list(metrics)}
        return {"resourceMetrics": [{"resource": {"attributes": pairs(self.resource)}, "scopeMetrics": [scope]}]}


def merged(requests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several requests as one."""
    whole: dict[str, Any] = {}
    for request in requests:
        for key, groups in request.items():
            whole.setdefault(key, []).extend(groups)
    return whole
