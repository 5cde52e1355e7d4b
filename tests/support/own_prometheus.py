# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Prometheus beside the stack's, of the same program: for rules and data that the stack shall not have."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from support.stack import HOST, Stack, free_ports, until

CONFIGURATION = """
storage: {tsdb: {out_of_order_time_window: 48h}}
otlp: {translation_strategy: UnderscoreEscapingWithSuffixes}
rule_files: [rules/*.yml]
"""


class OwnPrometheus:
    """Runs in ``folder`` while it is entered, and may be stopped and started again meanwhile."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.programs, self.folder = stack.prefix / "bin", folder
        (self.port,) = free_ports(1)
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "rules").mkdir()
        (folder / "prometheus.yml").write_text(CONFIGURATION)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def __enter__(self) -> OwnPrometheus:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [
                    self.programs / "prometheus",
                    f"--config.file={self.folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.data}",
                    "--storage.tsdb.retention.time=800d",
                    f"--web.listen-address={HOST}:{self.port}",
                    "--web.enable-otlp-receiver",
                    "--web.enable-lifecycle",
                    "--enable-feature=otlp-native-delta-ingestion",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            until(self._ready, 60, lambda: (self.folder / "log").read_text()[-2000:])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(120)
            self.process = None

    def rules(self, groups: list[dict[str, Any]]) -> None:
        """Evaluate these from now on."""
        (self.folder / "rules" / "rules.yml").write_text(json.dumps({"groups": groups}))
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/-/reload", b""), timeout=30):
            pass

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as reply:
                return reply.status == 200
        except OSError:
            return False

    def store(self, content: bytes, kind: str = "application/x-protobuf") -> None:
        """Give it an OTLP request with metrics."""
        url = f"{self.url}/api/v1/otlp/v1/metrics"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, content, {"Content-Type": kind}), timeout=300):
                pass
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.code}: {error.read().decode(errors='replace')[:500]}") from error

    def ask(self, query: str, **when: float) -> list[dict[str, Any]]:
        """The series of an instant query (``time``) or of a range query (``start``, ``end``, ``step``)."""
        parameters = {"query": query, **{name: f"{value:.3f}" for name, value in when.items()}}
        url = f"{self.url}/api/v1/query{'_range' if 'step' in when else ''}"
        with urllib.request.urlopen(url, urllib.parse.urlencode(parameters).encode(), timeout=120) as reply:
            return list(json.load(reply)["data"]["result"])
