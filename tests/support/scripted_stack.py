# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a whole stack that answers as a healthy one does, until a test changes an answer.

Real servers show that the checks pass on them (tests/integration); only a stand-in has every fault on demand.
"""

from __future__ import annotations

import json
import threading
import time
import typing as t
import urllib.parse
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "the-token-of-a-test"
MODEL = "claude-opus-5-5"
TELEMETRY = """\
# HELP otelcol_receiver_accepted_log_records_total Number of log records accepted.
# TYPE otelcol_receiver_accepted_log_records_total counter
otelcol_receiver_accepted_log_records_total{receiver="otlp",transport="http"} 12
otelcol_receiver_refused_log_records_total{receiver="otlp",transport="http"} 0
otelcol_exporter_sent_log_records_total{exporter="otlp_http/loki"} 12
otelcol_exporter_queue_capacity{data_type="logs",exporter="otlp_http/loki"} 1000
otelcol_exporter_queue_size{data_type="logs",exporter="otlp_http/loki"} 0
target_info{service_name="otelcol",service_version="0.161.0"} 1
"""
CONFIGURATION = "global:\n  scrape_interval: 15s\nstorage:\n  tsdb:\n    out_of_order_time_window: 2d\n"
METRICS = [
    "claude_code_cost_usage_USD_total",
    "claude_code_token_usage_tokens_total",
    "claude_code_api_requests_total",
    "claude_code_prompts_total",
]
Answer = tuple[int, str]
Rows = float | list[tuple[dict[str, str], float]]


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_details: object) -> None:
        pass  # who did not wait for an answer is what some tests are about


class ScriptedStack:
    """One server with a path for each program. A query is answered by the first rule whose text is in it."""

    def __init__(self) -> None:
        self.statuses = {"/health/": 200, "/prometheus/-/ready": 200, "/loki/ready": 200, "/otlp/v1/": 200}
        self.clock_offset = 0.0
        self.accepts_anyone = False
        self.telemetry = TELEMETRY
        self.versions = {"prometheus": "3.16.0", "loki": "3.7.8"}
        self.flags = {
            "web.enable-otlp-receiver": "true",
            "web.enable-remote-write-receiver": "true",
            "enable-feature": "otlp-native-delta-ingestion,promql-experimental-functions",
        }
        self.configuration = CONFIGURATION
        self.targets = [
            {"labels": {"job": job}, "health": "up", "lastError": ""}
            for job in ("otel-collector", "otel-collector-exporter")
        ]
        self.rules = [{"name": "claude_code:cost:sum1h", "type": "recording", "health": "ok"}]
        # Alerts that are loaded, by server.
        self.alerts: dict[str, list[dict[str, t.Any]]] = {"prometheus": [], "loki": []}
        self.metric_names = list(METRICS)
        self.event_names = ["api_request", "user_prompt"]
        self.probe_row: dict[str, str] | None = {"event_name": "probe"}
        cost = [({"model": MODEL}, 3.5)]
        tokens = [({"model": MODEL}, 1000.0)]
        self.promql: dict[str, Rows] = {
            'copy="scrape"': 1,
            'copy="remote_write"': 1,
            "probe_sends": 4.875,
            "[240s]": [],
            "count without": [],
            "sum by (model) (sum_over_time(claude_code_cost": cost,
            "sum by (model) (sum_over_time(claude_code_token": tokens,
            "sum(sum_over_time(claude_code_cost": 3.5,
            "count(last_over_time": 40,
        }
        self.logql: dict[str, Rows] = {
            "clock_corrected": [],
            '!= "<REDACTED>"': [],
            "unwrap cost_usd": cost,
            "unwrap input_tokens": [({"model": MODEL}, 400.0)],
            "unwrap output_tokens": [({"model": MODEL}, 600.0)],
            "unwrap cache": [],
            "count_over_time": 200,
        }
        # Queries that are refused: a text in the query, and the words of the refusal.
        self.refuses: dict[str, str] = {}
        # Log lines for every query of lines, instead of the probe: unix time and fields.
        self.lines: list[tuple[float, dict[str, str]]] | None = None
        # A query with this text in it is refused.
        self.refused = ""
        # Every request: method, path with parameters, headers by their names in lower case.
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    def __enter__(self) -> ScriptedStack:
        stack = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stack.requests.append(("GET", self.path, {name.lower(): value for name, value in self.headers.items()}))
                self.answer(*stack.get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                # A query that is too long for an address.
                form = f"{self.path}?{body.decode()}" if "/api/v1/query" in self.path else ""
                stack.requests.append(("POST", form or self.path, headers))
                self.answer(*(stack.get(form) if form else stack.receive(self.headers.get("Authorization", ""))))

            def answer(self, status: int, text: str) -> None:
                body = text.encode()
                self.send_response_only(status)
                self.send_header("Date", formatdate(time.time() + stack.clock_offset, usegmt=True))
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def options(self, **changes: t.Any) -> dict[str, t.Any]:
        """What a module is told to reach this stack."""
        return {
            "prometheus": {"url": f"{self.url}/prometheus"},
            "loki": {"url": f"{self.url}/loki"},
            **changes,
        }

    # --- what it answers -----------------------------------------------------------------------------------------

    def receive(self, authorization: str) -> Answer:
        if authorization != f"Bearer {TOKEN}" and not self.accepts_anyone:
            return 401, '{"message": "wrong token"}'
        return self.statuses["/otlp/v1/"], "{}"

    def get(self, target: str) -> Answer:
        path, _mark, query = target.partition("?")
        asked = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
        if path in self.statuses:
            return self.statuses[path], "ready"
        if path == "/telemetry/metrics":
            return 200, self.telemetry
        if self.refused and self.refused in asked.get("query", ""):
            return 400, '{"status": "error", "error": "parse error: unexpected end of input"}'
        program, _slash, rest = path.removeprefix("/").partition("/")
        for text, words in self.refuses.items():
            if text in asked.get("query", ""):
                return 400, json.dumps({"status": "error", "error": words})
        maker = {"prometheus": self._prometheus, "loki": self._loki}.get(program)
        answer = maker(rest, asked) if maker else None
        return (404, "not found") if answer is None else (200, json.dumps(answer))

    def _prometheus(self, path: str, asked: dict[str, str]) -> t.Any:
        plain = {
            "api/v1/status/flags": lambda: self.flags,
            "api/v1/status/config": lambda: {"yaml": self.configuration},
            "api/v1/status/buildinfo": lambda: {"version": self.versions["prometheus"]},
            "api/v1/targets": lambda: {"activeTargets": self.targets},
            "api/v1/rules": lambda: {
                "groups": [
                    {"name": "rollups", "rules": self.rules},
                    {"name": "alerts", "rules": self.alerts["prometheus"]},
                ]
            },
            "api/v1/format_query": lambda: asked["query"].replace(" ", ""),
            "api/v1/label/__name__/values": lambda: self._names(asked["match[]"]),
            "api/v1/query": lambda: self._vector(self.promql, asked),
            "api/v1/query_range": lambda: self._matrix(self.promql, asked),
        }
        return {"status": "success", "data": plain[path]()} if path in plain else None

    def _names(self, match: str) -> list[str]:
        doubled = "claude_code_claude_code_"
        return [name for name in self.metric_names if doubled not in match or name.startswith(doubled)]

    def _loki(self, path: str, asked: dict[str, str]) -> t.Any:
        if path == "loki/api/v1/status/buildinfo":
            return {"version": self.versions["loki"]}
        if path == "loki/api/v1/label/event_name/values":
            return {"data": self.event_names}
        if path == "prometheus/api/v1/rules":
            return {"data": {"groups": [{"name": "alerts", "rules": self.alerts["loki"]}]}}
        if path == "loki/api/v1/format_query":
            return {"data": asked["query"].replace(" ", "")}
        if path == "loki/api/v1/query_range":
            rows = [{"stream": self.probe_row, "values": [["1", "claude_code.probe"]]}] if self.probe_row else []
            if self.lines is not None:
                rows = [{"stream": fields, "values": [[f"{at * 1e9:.0f}", ""]]} for at, fields in self.lines]
            return {"data": {"resultType": "streams", "result": rows}}
        return {"data": self._vector(self.logql, asked)} if path == "loki/api/v1/query" else None

    def _vector(self, rules: dict[str, Rows], asked: dict[str, str]) -> t.Any:
        rows = self._rows(rules, asked["query"])
        return {
            "resultType": "vector",
            "result": [{"metric": labels, "value": [0, str(value)]} for labels, value in rows],
        }

    def _matrix(self, rules: dict[str, Rows], asked: dict[str, str]) -> t.Any:
        rows = self._rows(rules, asked["query"])
        result = [{"metric": labels, "values": [[float(asked["end"]), str(value)]]} for labels, value in rows]
        return {"resultType": "matrix", "result": result}

    @staticmethod
    def _rows(rules: dict[str, Rows], query: str) -> list[tuple[dict[str, str], float]]:
        for text, rows in rules.items():
            if text in query:
                return rows if isinstance(rows, list) else [({}, rows)]
        return []
