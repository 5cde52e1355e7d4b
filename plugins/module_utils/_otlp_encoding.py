# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OTLP messages as bytes, and the collector's answers read back."""

from __future__ import annotations

import base64
import functools
import json
import typing as t

BYTE_FIELDS = frozenset(("traceId", "spanId", "parentSpanId"))


class OtlpError(Exception):
    """The client cannot be used as it was set up; nothing was sent."""


class MissingLibraryError(OtlpError):
    """A protocol needs a Python package that is not there."""

    def __init__(self, package: str, protocol: str) -> None:
        super().__init__(f"The protocol {protocol} needs the Python package {package}; http/json needs none.")
        self.package = package


def encode_json(body: dict[str, t.Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def encode_protobuf(signal: str, body: dict[str, t.Any], protocol: str = "http/protobuf") -> bytes:
    request, _response, json_format = messages(signal, protocol)
    try:
        return json_format.ParseDict(_with_base64_ids(body), request(), ignore_unknown_fields=True).SerializeToString()
    except (json_format.ParseError, ValueError, TypeError) as exc:
        raise OtlpError(f"The {signal} request is not valid OTLP JSON: {exc}") from exc


@functools.cache
def messages(signal: str, protocol: str) -> tuple[t.Any, t.Any, t.Any]:
    try:
        from google.protobuf import json_format
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
    except ImportError as exc:
        raise MissingLibraryError("opentelemetry-proto", protocol) from exc
    request, response = {
        "logs": (logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse),
        "metrics": (metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse),
        "traces": (traces.ExportTraceServiceRequest, traces.ExportTraceServiceResponse),
    }[signal]
    return request, response, json_format


def decode_partial(signal: str, content: bytes) -> tuple[int, str]:
    """How many entries an Export…ServiceResponse says were rejected, and why; ValueError where it is none.

    Read by hand, alike for all signals, so that a client needs no library to understand an answer.
    """
    try:
        partial = next((value for field, value in _fields(content) if field == 1), b"")
        if not isinstance(partial, bytes):
            raise ValueError(f"no OTLP response to {signal}")
        found = dict(_fields(partial))
    except (IndexError, ValueError) as exc:
        raise ValueError("no OTLP response") from exc
    rejected, message = found.get(1, 0), found.get(2, b"")
    if not isinstance(rejected, int) or not isinstance(message, bytes):
        raise ValueError("no OTLP response")
    return rejected, message.decode("utf-8", "replace")


def status_message(content: bytes) -> str:
    """Field 2 of a google.rpc.Status: read by hand, since opentelemetry-proto does not bring that message."""
    found = dict(_fields(content)).get(2, b"")
    return printable(found) if isinstance(found, bytes) else ""


def _fields(content: bytes) -> t.Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a message's fields; IndexError or ValueError where it is no message."""
    position = 0
    while position < len(content):
        tag, position = _varint(content, position)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("a field has no number")
        if kind == 0:
            value, position = _varint(content, position)
            yield number, value
            continue
        if kind == 2:
            size, position = _varint(content, position)
        else:
            size = {1: 8, 5: 4}.get(kind, -1)
        if size < 0 or position + size > len(content):
            raise ValueError("a field ends beyond the message, or is of no known kind")
        yield number, content[position : position + size]
        position += size


def _varint(content: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7


def _with_base64_ids(node: t.Any, key: str = "") -> t.Any:
    """OTLP JSON writes trace and span ids in hex where protobuf's own JSON has base64."""
    if isinstance(node, dict):
        return {name: _with_base64_ids(child, name) for name, child in node.items()}
    if isinstance(node, list):
        return [_with_base64_ids(child, key) for child in node]
    if key in BYTE_FIELDS and isinstance(node, str):
        return base64.b64encode(bytes.fromhex(node)).decode()
    return node


def printable(text: bytes) -> str:
    words = " ".join(text.decode("utf-8", "replace").split())
    return words if len(words) <= 500 else words[:500] + " ..."
