# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollups of a time that is past: computed by Prometheus, and stored as its rules would have recorded them."""

from __future__ import annotations

import itertools
import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._collector_rules import BACKFILL
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import PASS
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from support.stack import HOST, Stack

POINTS_A_REQUEST = 4000
DELTA = 1
RUN = f"{time.time():.0f}"


def recorded(
    stack: Stack, record: str, query: str, times: tuple[float, float, int], moment_ns: int = 0
) -> Iterator[tuple[bytes, int]]:
    """OTLP requests with what the stack answers to ``query`` at ``times`` (first, last, step), and their points.

    Everything stands at ``moment_ns``, where it is given, and a second after its time otherwise.
    """
    asked = dict(zip(("start", "end", "step"), (f"{time:.0f}" for time in times), strict=True))
    url = f"http://{HOST}:{stack.ports['prometheus_port']}/api/v1/query_range"
    text = urllib.parse.urlencode({"query": query, **asked}).encode()
    with urllib.request.urlopen(url, text, timeout=300) as reply:
        series = json.load(reply)["data"]["result"]
    points = (
        (row["metric"], value, moment_ns or int((at + 1) * 1e9))
        for row in series
        for key in ("values", "histograms")
        for at, value in row.get(key, ())
    )
    while some := list(itertools.islice(points, POINTS_A_REQUEST)):
        request = ExportMetricsServiceRequest()
        metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=record)
        for labels, value, moment in some:
            _add(metric, labels, value, moment)
        yield request.SerializeToString(), len(some)


def stored(url: str, content: bytes) -> None:
    """Give a request to a Prometheus."""
    request = urllib.request.Request(
        f"{url}/api/v1/otlp/v1/metrics", content, headers={"Content-Type": "application/x-protobuf"}
    )
    try:
        with urllib.request.urlopen(request, timeout=300):
            pass
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{error.code}: {error.read().decode(errors='replace')[:500]}") from error


def _add(metric: Any, labels: Mapping[str, str], value: Any, moment_ns: int) -> None:
    if isinstance(value, str):
        point = metric.gauge.data_points.add(time_unix_nano=moment_ns, as_double=float(value))
    else:
        metric.exponential_histogram.aggregation_temporality = DELTA
        point = metric.exponential_histogram.data_points.add(time_unix_nano=moment_ns, start_time_unix_nano=moment_ns)
        _observe(point, value)
    for name, text in {**labels, PASS: f"{BACKFILL}-{RUN}"}.items():
        point.attributes.add(key=name).value.string_value = text


def _observe(point: Any, value: Mapping[str, Any]) -> None:
    """A native histogram of Prometheus' answers as OpenTelemetry writes it."""
    counts: dict[int, int] = {}
    schema = None
    for _edges, low, high, count in value.get("buckets", ()):
        if float(low) > 0:
            schema = round(-math.log2(math.log2(float(high) / float(low)))) if schema is None else schema
            counts[round(math.log2(float(high)) * 2**schema) - 1] = int(float(count))
    point.count, point.sum, point.scale = int(float(value["count"])), float(value["sum"]), schema or 0
    point.zero_count = point.count - sum(counts.values())
    if counts:
        point.positive.offset = min(counts)
        point.positive.bucket_counts.extend(counts.get(index, 0) for index in range(min(counts), max(counts) + 1))
