# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector beside the stack's, of the same program, with many doors: one for each way in which a client may fail.

All doors lead nowhere. Each has a port for HTTP, and one for gRPC.
"""

from __future__ import annotations

import json
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.certificates import Authority
from support.stack import HOST, Stack, free_ports, until

TOKEN = "token-of-the-own-collector"
DOORS = ("plain", "open", "tls", "expired", "other_name", "mutual", "small", "full", "metrics_only")
# An address that nobody listens on.
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Door:
    """Where a receiver listens."""

    http_port: int
    grpc_port: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{HOST}:{self.http_port}"

    @property
    def grpc_url(self) -> str:
        return f"{self.scheme}://{HOST}:{self.grpc_port}"


class OwnCollector:
    """Runs in ``folder`` while it is entered.

    plain wants a token, open none. tls has a certificate of ``authority`` for its address, expired one that has ended,
    other_name one for another host; mutual wants a certificate of ``clients``. small takes no request of more than 64
    bytes, full cannot get rid of anything, metrics_only has no pipeline for logs.
    """

    def __init__(self, stack: Stack, folder: Path, authority: Authority, clients: Authority) -> None:
        self.program, self.folder = stack.prefix / "bin" / "otelcol", folder
        self.tokens = folder / "tokens"
        self.tokens.write_text(f"{TOKEN} tests\n")
        self.health, *ports = free_ports(1 + 2 * len(DOORS))
        secured = ("tls", "expired", "other_name", "mutual")
        self.doors = {
            name: Door(http, grpc, "https" if name in secured else "http")
            for name, http, grpc in zip(DOORS, ports[::2], ports[1::2], strict=True)
        }
        self.process: subprocess.Popen[bytes] | None = None
        issued = {
            "tls": authority.issue(HOST),
            "expired": authority.issue(HOST, days=-1),
            "other_name": authority.issue("collector.example.com"),
            "mutual": authority.issue(HOST),
        }
        (folder / "collector.yml").write_text(json.dumps(self._configuration(issued, clients)))

    def _configuration(self, issued: dict[str, tuple[Path, Path]], clients: Authority) -> dict[str, Any]:
        receivers = {}
        for name, door in self.doors.items():
            common: dict[str, Any] = {} if name == "open" else {"auth": {"authenticator": "bearertokenauth"}}
            if name in issued:
                certificate, key = issued[name]
                common["tls"] = {"cert_file": str(certificate), "key_file": str(key)}
                if name == "mutual":
                    common["tls"]["client_ca_file"] = str(clients.ca_file)
            http = {"endpoint": f"{HOST}:{door.http_port}", **common}
            if name == "small":
                http["max_request_body_size"] = 64
            grpc = {"endpoint": f"{HOST}:{door.grpc_port}", **common}
            receivers[f"otlp/{name}"] = {"protocols": {"http": http, "grpc": grpc}}
        usual = [name for name in receivers if name != "otlp/full"]
        dead = {"endpoint": NOWHERE, "sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}
        return {
            "extensions": {
                "health_check": {"endpoint": f"{HOST}:{self.health}"},
                "bearertokenauth": {"filename": str(self.tokens)},
            },
            "receivers": receivers,
            "exporters": {"debug": {}, "otlp_http": dead},
            "service": {
                "extensions": ["health_check", "bearertokenauth"],
                "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
                "pipelines": {
                    "metrics": {"receivers": usual, "exporters": ["debug"]},
                    "logs": {
                        "receivers": [name for name in usual if name != "otlp/metrics_only"],
                        "exporters": ["debug"],
                    },
                    "metrics/full": {"receivers": ["otlp/full"], "exporters": ["otlp_http"]},
                    "logs/full": {"receivers": ["otlp/full"], "exporters": ["otlp_http"]},
                },
            },
        }

    def __enter__(self) -> OwnCollector:
        with (self.folder / "log").open("a") as log:
            # JSON is YAML.
            command = [self.program, "--config", self.folder / "collector.yml"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until(self._ready, 60, lambda: (self.folder / "log").read_text()[-2000:])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.health}/", timeout=5) as reply:
                return reply.status == 200
        except OSError:
            return False
