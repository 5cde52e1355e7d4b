# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that has nothing but its environment to go by, as Claude Code has.

Run as a program it sends one count and one record with the SDK of OpenTelemetry, and prints what went over the line.
The SDK reads the same names as Claude Code does.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any


def environment_of_settings(settings: dict[str, Any], home: Path, root: Path) -> dict[str, str]:
    """What a client makes of a settings file: its variables, and the headers of its script."""
    variables = dict(settings["env"])
    if script := settings.get("otelHeadersHelper"):
        command = f"{root}{script}" if script.startswith("/") else script
        printed = subprocess.run(
            ["/bin/sh", "-c", command], env={"HOME": str(home)}, check=True, capture_output=True, text=True
        ).stdout
        headers = json.loads(printed)
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = ",".join(f"{name}={value}" for name, value in headers.items())
    return variables


def environment_of_shell(file: Path, home: Path, shell: str = "sh") -> dict[str, str]:
    """What a shell has in its environment after it read the file, beyond what it had before."""
    script = f"set -eu; . {shlex.quote(str(file))}; exec {shlex.quote(sys.executable)} -c {shlex.quote(PRINT)}"
    printed = subprocess.run(
        [shell, "-c", script], env={"HOME": str(home), "PATH": os.defpath}, check=True, capture_output=True, text=True
    ).stdout
    return {
        name: value for name, value in json.loads(printed).items() if name.startswith(("OTEL_", "CLAUDE_", "NODE_"))
    }


PRINT = "import json, os; print(json.dumps(dict(os.environ)))"


def sent_with(variables: dict[str, str], session: str) -> dict[str, Any]:
    """Run a client with exactly these variables; what it printed."""
    done = subprocess.run(
        [sys.executable, __file__],
        env={**variables, "OTEL_TEST_SESSION": session, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def main() -> None:
    import requests.adapters
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    sent: list[dict[str, Any]] = []
    send = requests.adapters.HTTPAdapter.send

    def recording(adapter: Any, request: Any, *arguments: Any, **options: Any) -> Any:
        answer = send(adapter, request, *arguments, **options)
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        one = {"url": request.url, "headers": headers, "verify": str(options["verify"]), "status": answer.status_code}
        sent.append({**one, "body": request.body.hex()})
        return answer

    requests.adapters.HTTPAdapter.send = recording
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    meters, loggers = MeterProvider([reader]), LoggerProvider()
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    session = {"session.id": os.environ["OTEL_TEST_SESSION"]}
    meters.get_meter("com.anthropic.claude_code").create_counter("claude_code.commit.count").add(3, session)
    logger = loggers.get_logger("com.anthropic.claude_code.events")
    logger.emit(body="claude_code.user_prompt", attributes={"event.name": "user_prompt", **session})
    meters.shutdown()
    loggers.shutdown()
    request = ExportMetricsServiceRequest.FromString(
        bytes.fromhex(next(one["body"] for one in sent if "metrics" in one["url"]))
    )
    (resource,) = request.resource_metrics
    (metric,) = resource.scope_metrics[0].metrics
    attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
    told = {
        "requests": [{name: value for name, value in one.items() if name != "body"} for one in sent],
        "attributes": attributes,
        "delta": metric.sum.aggregation_temporality == 1,
        "interval_ms": reader._export_interval_millis,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
