# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts of a running stack, and what they must be by raw telemetry."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import PROMETHEUS, Alert, Group
from support.stack import HOST, Stack, until
from truth.expressions import Numbers, Span, View, seconds
from truth.interpreter import Truth

# An alert by its name and its own labels.
Key = tuple[str, tuple[tuple[str, str], ...]]
# Labels that the rules add.
ADDED = ("alertname", "severity", "service")
TOLERANCE = 0.001


class Alerts:
    """What Prometheus and Loki's ruler say of their rules."""

    def __init__(self, stack: Stack) -> None:
        self.urls = {
            PROMETHEUS: f"http://{HOST}:{stack.ports['prometheus_port']}/api/v1/rules?type=alert",
            "loki": f"http://{HOST}:{stack.ports['loki_port']}/prometheus/api/v1/rules",
        }

    def rules(self, server: str) -> list[dict[str, Any]]:
        """All alerting rules, as the server has evaluated them."""
        with urllib.request.urlopen(self.urls[server], timeout=30) as reply:
            groups = json.load(reply)["data"]["groups"]
        return [rule for group in groups for rule in group["rules"] if rule["type"] == "alerting"]

    def evaluated(self, server: str) -> None:
        """Wait until every rule has been evaluated from now on."""
        since = time.time()

        def waiting() -> list[str]:
            return [
                f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}"
                for rule in self.rules(server)
                if _moment(rule["lastEvaluation"]) < since or rule["health"] != "ok"
            ]

        until(lambda: self.rules(server), 90, f"{server} has loaded its rules")
        until(lambda: not waiting(), 90, lambda: f"{server} has evaluated {waiting()}")

    def active(self, server: str) -> dict[Key, float]:
        """The pending and the firing alerts, with what was measured."""
        return {
            (rule["name"], _own(alert["labels"])): float(alert["value"])
            for rule in self.rules(server)
            for alert in rule["alerts"]
        }

    def told(self, server: str) -> list[tuple[Any, ...]]:
        """Name, labels and summary of each."""
        return sorted(
            (rule["name"], *sorted({**dict(_own(alert["labels"])), "summary": alert["annotations"]["summary"]}.items()))
            for rule in self.rules(server)
            for alert in rule["alerts"]
        )

    @staticmethod
    def differences(active: Mapping[Key, float], wanted: Mapping[Key, Span]) -> list[str]:
        """A sentence for each alert that should not be there, is missing, or has measured something else."""
        wrong = [f"{key} is not there" for key in wanted if key not in active]
        wrong += [f"{key} is there" for key in active if key not in wanted]
        return wrong + [
            f"{key} measured {active[key]} instead of {span}"
            for key, span in wanted.items()
            if key in active and not span.holds(active[key], TOLERANCE)
        ]


class Alertmanager:
    """Takes alerts as an Alertmanager does, and remembers the names of those that fire."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __enter__(self) -> Alertmanager:
        manager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path.endswith("/api/v2/alerts"):
                    manager.names |= {alert["labels"]["alertname"] for alert in alerts}
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_port}/alertmanager"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def foretold(groups: Iterable[Group], truth: Truth, now: float) -> dict[Key, Span]:
    """The alerts over metrics of the clients that there must be by raw telemetry, with what must have been measured."""
    numbers = Numbers(truth)
    found: dict[Key, Span] = {}
    for alert in (alert for group in groups if group.source == PROMETHEUS for alert in group.alerts):
        if not isinstance(alert.value, ex.Expression) or _reads_programs(alert.value):
            continue
        view = View(now, seconds(alert.over), seconds(alert.over))
        values = numbers.of(alert.value, alert.by, view)
        for key, span in values.items():
            labels = dict(zip(alert.by, key, strict=True))
            if _beyond(alert, span) and _provided(alert, numbers, view, labels):
                found[(alert.name, _own(labels))] = span
    return found


def _beyond(alert: Alert, span: Span) -> bool:
    if alert.bound == "above":
        return span.low > alert.limits[0]
    if alert.bound == "below":
        return span.high < alert.limits[0]
    return span.high < alert.limits[0] or span.low > alert.limits[1]


def _provided(alert: Alert, numbers: Numbers, view: View, labels: Mapping[str, str]) -> bool:
    for proviso in alert.provided:
        values = numbers.of(proviso.value, proviso.by, view)
        span = values.get(tuple(labels[label] for label in proviso.by))
        if not span or not (span.low >= proviso.limit if proviso.sign == ">=" else span.high <= proviso.limit):
            return False
    return True


def _reads_programs(node: ex.Expression) -> bool:
    return isinstance(node, ex.Own) or any(_reads_programs(part) for part in node.parts())


def _own(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, text) for name, text in labels.items() if name not in ADDED and text))


def _moment(text: str) -> float:
    """Servers write nine digits of a second."""
    return dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text)).timestamp()
