# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Loki beside the stack's, of the same program, whose ruler takes rules over its API and evaluates them at once."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from support.stack import HOST, Stack, free_ports, until


def configuration(folder: Path, ports: tuple[int, int], rules: str, tenants: bool, alertmanager: str) -> dict[str, Any]:
    """What Loki reads. It is small; the stack's own is in roles/loki."""
    chunks = str(folder / "chunks")
    ruler = {
        "rule_path": str(folder / "evaluated"),
        # By default Loki looks for new rules once a minute.
        "poll_interval": "500ms",
        "evaluation_interval": "1s",
        "alertmanager_url": alertmanager,
    }
    stores: dict[str, dict[str, Any]] = {
        # A ruler without an object store takes rules only so. Chunks then need a place in storage_config too, since
        # common.storage.filesystem counts no more; they are the same files.
        "writable": {
            "storage_config": {"use_thanos_objstore": True, "object_store": {"filesystem": {"dir": chunks}}},
            "ruler_storage": {"backend": "filesystem", "filesystem": {"dir": str(folder / "ruler")}},
            "ruler": ruler,
        },
        # Rules are files in rules/TENANT; without tenants that is rules/fake.
        "files": {
            "storage_config": {"filesystem": {"directory": chunks}},
            "ruler": {**ruler, "storage": {"type": "local", "local": {"directory": str(folder / "rules")}}},
        },
        "none": {"storage_config": {"filesystem": {"directory": chunks}}},
    }
    period = {"prefix": "index_", "period": "24h"}
    schema = {"from": "2024-01-01", "store": "tsdb", "object_store": "filesystem", "schema": "v13", "index": period}
    service = {"action": "index_label", "attributes": ["service.name"]}
    return {
        "auth_enabled": tenants,
        "server": {
            "http_listen_address": HOST,
            "http_listen_port": ports[0],
            "grpc_listen_address": HOST,
            "grpc_listen_port": ports[1],
        },
        "common": {
            "instance_addr": HOST,
            "path_prefix": str(folder),
            "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}},
        },
        "schema_config": {"configs": [schema]},
        # So it is ready within a second. By default it waits for others to join and seeks its own parts every 10 s.
        "ingester": {"lifecycler": {"min_ready_duration": "0s"}},
        "frontend": {"scheduler_dns_lookup_period": "200ms"},
        "limits_config": {
            "otlp_config": {
                "resource_attributes": {"ignore_defaults": True, "attributes_config": [service]},
                "log_attributes": [{"action": "index_label", "attributes": ["event.name"]}],
            }
        },
        "analytics": {"reporting_enabled": False},
        **stores[rules],
    }


class OwnLoki:
    """Runs in ``folder`` while it is entered. ``rules`` says where rules are: "writable", "files" or "none".

    With ``tenants`` each request must name one. Alerts that fire go to ``alertmanager``, where one is given.
    """

    def __init__(
        self, stack: Stack, folder: Path, *, rules: str = "writable", tenants: bool = False, alertmanager: str = ""
    ) -> None:
        self.program, self.folder = stack.prefix / "bin" / "loki", folder
        self.port, grpc_port = free_ports(2)
        self.process: subprocess.Popen[bytes] | None = None
        content = configuration(folder, (self.port, grpc_port), rules, tenants, alertmanager)
        # JSON is YAML.
        (folder / "loki.yml").write_text(json.dumps(content, indent=2))

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> OwnLoki:
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [self.program, f"-config.file={self.folder / 'loki.yml'}", "-log.level=warn"], stdout=log, stderr=log
            )
        try:
            until(self._ready, 60, lambda: (self.folder / "log").read_text()[-2000:])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(120)
            self.process = None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ready", timeout=5) as reply:
                return reply.status == 200
        except OSError:
            return False

    def store(self, content: bytes, kind: str = "application/json", tenant: str = "") -> None:
        """Give it an OTLP request with log records."""
        self._ask(f"{self.url}/otlp/v1/logs", content, {"Content-Type": kind}, tenant)

    def rules(self, tenant: str = "") -> dict[str, dict[str, Any]]:
        """The rules that it evaluates, by their names, with state, health and what fires."""
        found = json.loads(self._ask(f"{self.url}/prometheus/api/v1/rules", None, {}, tenant))
        return {rule["name"]: rule for group in found["data"]["groups"] for rule in group["rules"]}

    def _ask(self, url: str, content: bytes | None, headers: dict[str, str], tenant: str) -> bytes:
        whose = {"X-Scope-OrgID": tenant} if tenant else {}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, content, {**headers, **whose}), timeout=60
            ) as reply:
                return reply.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.code}: {error.read().decode(errors='replace')[:500]}") from error
