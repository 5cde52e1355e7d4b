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
    response = messages(signal, "http/protobuf")[1]
    try:
        partial = response.FromString(content).partial_success
    except Exception as exc:  # protobuf's DecodeError is no ValueError, and has moved between versions
        raise ValueError("no OTLP response") from exc
    rejected = {"logs": "rejected_log_records", "metrics": "rejected_data_points", "traces": "rejected_spans"}[signal]
    return getattr(partial, rejected), partial.error_message


def status_message(content: bytes) -> str:
    """Field 2 of a google.rpc.Status: read by hand, since opentelemetry-proto does not bring that message."""
    position = 0
    while position < len(content):
        tag, position = _varint(content, position)
        size, position = _varint(content, position)
        if tag & 7 == 2:
            if tag >> 3 == 2:
                return printable(content[position : position + size])
            position += size
    return ""


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
