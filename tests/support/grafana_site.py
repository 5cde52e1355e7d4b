# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks whose Grafana is set up by site.yml, with an archive of a stand-in from a web server of its own."""

from __future__ import annotations

import base64
import functools
import http.server
import json
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.checkout import CHECKOUT, for_playbooks
from support.scripted_stack import ScriptedStack

LOKI_TOKEN = "secret-$of-a-test"
HOME = "claude-code"
UIDS = {"claude-code-prometheus", "claude-code-loki"}
DASHBOARDS = {path.stem for path in (CHECKOUT / "files" / "dashboards").glob("*.json")}
GROUPS = {path.stem for path in (CHECKOUT / "files" / "rules" / "grafana").glob("*.yml")} - {"claude-code-openshift"}
# A team that is told of alerts.
CONTACTS = {
    "grafana_contact_points": [
        {"name": "Team", "receivers": [{"uid": "team", "type": "webhook", "settings": {"url": "http://x/$y"}}]}
    ],
    "grafana_notification_policy": {"receiver": "Team", "object_matchers": [["service", "=~", "claude-code$"]]},
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass
class Played:
    code: int
    text: str

    @property
    def changed(self) -> int:
        return int(re.findall(r"localhost\s+: ok=\d+\s+changed=(\d+)", self.text)[-1])

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def well(self) -> Played:
        assert self.code == 0, self.text
        return self


@dataclass
class Site:
    """A stack of which only Grafana is ours. ``variables`` are its inventory's."""

    prefix: Path
    port: int
    variables: dict[str, Any]
    printed: list[str] = field(default_factory=list)

    def play(self, playbook: str, *arguments: str, hosts: dict[str, Any] | None = None, **more: Any) -> Played:
        """Run a playbook. ``hosts`` are variables by the names of hosts, all of which are this machine."""
        own = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "stack_prefix": str(self.prefix),
            "stack_service_engine": "supervisord",
            "stack_cache_dir": str(self.prefix / "cache"),
            "stack_grafana_port": self.port,
        }
        variables = {**own, **self.variables, **more}
        inventory = {"claude_code_stack": {"hosts": hosts or {"localhost": {}}, "vars": variables}}
        file = self.prefix.with_name(f"{self.prefix.name}-inventory.json")
        file.write_text(json.dumps(inventory))
        command = [Path(sys.executable).with_name("ansible-playbook"), "-i", file, f"playbooks/{playbook}", *arguments]
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=for_playbooks(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        self.printed.append(done.stdout)
        return Played(done.returncode, done.stdout)

    def provision(self, *arguments: str, **more: Any) -> Played:
        return self.play("site.yml", "--tags", "grafana", *arguments, **more)

    def verify(self, directory: Path) -> dict[str, dict[str, str]]:
        """What came of the checks of Grafana, by id."""
        self.play("verify.yml", verify_report_dir=str(directory), verify_must_pass=False).well()
        results = json.loads((directory / "report.json").read_text())["results"]
        return {one["id"]: one for one in results if one["group"] == "Grafana"}

    # --- a Grafana of ours ---

    @property
    def etc(self) -> Path:
        return self.prefix / "etc" / "grafana"

    @property
    def password(self) -> str:
        return (self.etc / "admin-password").read_text().strip()

    @property
    def pid(self) -> int:
        control = [self.prefix / "lib" / "supervisor" / "bin" / "supervisorctl", "-c"]
        done = subprocess.run(
            [*control, self.prefix / "etc" / "supervisord.conf", "pid", "claude-code-grafana"],
            check=True,
            capture_output=True,
            text=True,
        )
        return int(done.stdout)

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """What its administrator is answered."""
        login = base64.b64encode(f"admin:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}{path}"
        asked = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)

    def requests(self) -> list[list[str]]:
        """Methods and paths of all that it was asked."""
        log = self.prefix / "data" / "grafana" / "requests.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()]


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """The address at which the files of a folder are."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def only_grafana() -> Iterator[dict[str, Any]]:
    """Variables of a stack whose other programs are somebody else's, and healthy."""
    with ScriptedStack() as scripted:
        yield {
            "stack_existing": ["collector", "prometheus", "loki"],
            "stack_prometheus_url": f"{scripted.url}/prometheus",
            "stack_loki_url": f"{scripted.url}/loki",
            "stack_loki_bearer_token": LOKI_TOKEN,
            "stack_loki_tenant": "claude-code",
            "verify_telemetry_url": f"{scripted.url}/telemetry",
            "verify_health_url": f"{scripted.url}/health",
            "verify_probe": False,
            "stack_authentication": False,
        }
