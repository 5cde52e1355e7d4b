# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes as protobuf, written without a library: machines that Claude Code runs on have Python's own alone.

Field numbers are those of opentelemetry-proto. Whatever a probe has none of is refused, not left out.
"""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import OtlpError

# By message: the fields by their JSON names, each with its number and its kind or the message that it holds.
MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "metrics": {"resourceMetrics": (1, "ResourceMetrics")},
    "logs": {"resourceLogs": (1, "ResourceLogs")},
    "ResourceMetrics": {"resource": (1, "Resource"), "scopeMetrics": (2, "ScopeMetrics")},
    "ResourceLogs": {"resource": (1, "Resource"), "scopeLogs": (2, "ScopeLogs")},
    "Resource": {"attributes": (1, "KeyValue")},
    "ScopeMetrics": {"scope": (1, "Scope"), "metrics": (2, "Metric")},
    "ScopeLogs": {"scope": (1, "Scope"), "logRecords": (2, "LogRecord")},
    "Scope": {"name": (1, "text"), "version": (2, "text")},
    "Metric": {"name": (1, "text"), "description": (2, "text"), "unit": (3, "text"), "sum": (7, "Sum")},
    "Sum": {"dataPoints": (1, "Point"), "aggregationTemporality": (2, "integer"), "isMonotonic": (3, "integer")},
    "Point": {
        "attributes": (7, "KeyValue"),
        "startTimeUnixNano": (2, "fixed"),
        "timeUnixNano": (3, "fixed"),
        "asDouble": (4, "double"),
    },
    "LogRecord": {
        "timeUnixNano": (1, "fixed"),
        "observedTimeUnixNano": (11, "fixed"),
        "body": (5, "Value"),
        "attributes": (6, "KeyValue"),
    },
    "KeyValue": {"key": (1, "text"), "value": (2, "Value")},
    "Value": {
        "stringValue": (1, "text"),
        "boolValue": (2, "integer"),
        "intValue": (3, "integer"),
        "doubleValue": (4, "double"),
    },
}


def encode(message: str, body: t.Mapping[str, t.Any]) -> bytes:
    """The bytes of a message given as OTLP JSON; ``message`` is a signal for a whole request."""
    written = b""
    for name, value in body.items():
        if name not in MESSAGES[message]:
            raise OtlpError(f"A probe has no {name} in {message}.")
        number, kind = MESSAGES[message][name]
        for one in value if isinstance(value, list) else [value]:
            written += _field(number, kind, one)
    return written


def _field(number: int, kind: str, value: t.Any) -> bytes:
    if kind == "integer":
        return _varint(number << 3) + _varint(int(value))
    if kind == "fixed":
        return _varint(number << 3 | 1) + struct.pack("<Q", int(value))
    if kind == "double":
        return _varint(number << 3 | 1) + struct.pack("<d", float(value))
    # A person's attributes may hold half a pair of surrogates, which UTF-8 does not have.
    content = str(value).encode("utf-8", "replace") if kind == "text" else encode(kind, value)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    written = b""
    while number > 0x7F:
        written += bytes([number & 0x7F | 0x80])
        number >>= 7
    return written + bytes([number])
