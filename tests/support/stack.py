# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real stack that tests talk to: set up by the collection's own playbooks, under one folder, on free ports."""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, load_catalogue
from support.checkout import CHECKOUT, for_playbooks, run
from support.supervisor import lend

PORTS = (
    "otlp_grpc_port",
    "otlp_http_port",
    "exporter_port",
    "telemetry_port",
    "health_port",
    "prometheus_port",
    "loki_port",
    "loki_grpc_port",
)
HOST = "127.0.0.1"
# Below those that systems give to outgoing connections: a build makes many between the choice of a port and its use.
PORTS_OF_SERVERS = range(10_000, 32_000)
# A folder named here is used for the stack and left alone at the end: the next run then needs no installation.
KEEP = "CLAUDE_CODE_TEST_STACK"
# In it: ports and token of a stack that was set up.
STAMP = "tests.json"
# Building three servers from source takes about ten minutes on two cores.
INSTALLATION_S = 2400
# Checks of verify.yml: some tests send what the collector has to refuse, or from a wrong clock, on purpose.
TOUCHED = {"nothing-refused", "nothing-dropped", "times-plausible", "cost-reconciles", "tokens-reconcile"}
# The programs as supervisord knows them.
COLLECTOR, PROMETHEUS, LOKI = "claude-code-otel-collector", "claude-code-prometheus", "claude-code-loki"


class StackError(Exception):
    """A server that does not do what the test needs."""


def catalogue() -> Catalogue:
    return load_catalogue(CHECKOUT / "files" / "catalogue")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    found: list[int] = []
    with ExitStack() as held:
        for port in random.sample(PORTS_OF_SERVERS, len(PORTS_OF_SERVERS)):
            one = held.enter_context(socket.socket())
            with suppress(OSError):
                one.bind((HOST, port))
                found.append(port)
            if len(found) == count:
                return found
    raise StackError(f"Of the ports from {PORTS_OF_SERVERS[0]} to {PORTS_OF_SERVERS[-1]} no {count} are free.")


def until(met: Callable[[], Any], seconds: float, what: str | Callable[[], str]) -> Any:
    """Ask again and again until the answer is true; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (answer := met()):
        if time.monotonic() > deadline:
            raise StackError(f"Within {seconds:g} s not so: {what if isinstance(what, str) else what()}")
        pause.wait(0.1)
    return answer


@dataclass
class Stack:
    """A collector, a Prometheus and a Loki that run under ``prefix``."""

    prefix: Path
    ports: dict[str, int]
    token: str
    variables: dict[str, Any] = field(default_factory=dict)
    installed: bool = False

    @property
    def otlp_url(self) -> str:
        return f"http://{HOST}:{self.ports['otlp_http_port']}"

    def endpoint(self, protocol: str) -> str:
        """Where the collector takes OTLP over this protocol of OtlpClient."""
        return f"http://{HOST}:{self.ports['otlp_grpc_port']}" if protocol == "grpc" else self.otlp_url

    # --- setting up and taking away ---

    def install(self, *arguments: str) -> str:
        """What site.yml printed."""
        self.prefix.mkdir(parents=True, exist_ok=True)
        lend(self.prefix)
        printed = self.playbook("site.yml", *arguments)
        (self.prefix / STAMP).write_text(
            json.dumps({"ports": self.ports, "token": self.token, "variables": self.variables})
        )
        self.installed = True
        return printed

    def remove(self) -> None:
        self.playbook("remove.yml", stack_remove_data=True)

    def playbook(
        self, name: str, *arguments: str, hosts: Mapping[str, dict[str, Any]] | None = None, **variables: Any
    ) -> str:
        """What it printed. ``hosts`` are variables by the names of hosts, all of which are this machine."""
        inventory = {"claude_code_stack": {"hosts": hosts or {"localhost": {}}, "vars": self.inventory_variables()}}
        path = self.prefix / "tests-inventory.json"
        path.write_text(json.dumps(inventory))
        extra = ["-e", json.dumps(variables)] if variables else []
        env = for_playbooks()
        program, timeout = f"playbooks/{name}", INSTALLATION_S
        return run("ansible-playbook", "-i", path, program, *extra, *arguments, env=env, timeout=timeout)

    def inventory_variables(self) -> dict[str, Any]:
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "stack_prefix": str(self.prefix),
            "stack_service_engine": "supervisord",
            "otel_collector_tokens": {"tests": self.token},
            # tests/integration/test_grafana_role.py has one; here only what would be in it is rendered.
            "grafana_source": "none",
            **{f"stack_{name}": port for name, port in self.ports.items()},
            **self.variables,
        }

    # --- its programs ---

    def control(self, *words: str) -> str:
        """What supervisorctl says."""
        program = self.prefix / "lib" / "supervisor" / "bin" / "supervisorctl"
        return run(program, "-c", self.prefix / "etc" / "supervisord.conf", *words, timeout=120).strip()

    def pid(self, program: str) -> int:
        return int(self.control("pid", program))

    def kill(self, program: str) -> int:
        """SIGKILL; supervisord starts it again by itself."""
        pid = self.pid(program)
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextmanager
    def paused(self, *programs: str) -> Iterator[None]:
        """They keep their connections and answer nothing meanwhile."""
        pids = [self.pid(program) for program in programs]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def running_again(self, program: str, since: int) -> None:
        """Wait until it runs under another process id and is ready."""
        until(lambda: self._pid_or_none(program) not in (None, 0, since), 60, f"{program} runs again")
        self.ready(program)

    def _pid_or_none(self, program: str) -> int | None:
        try:
            return self.pid(program)
        except (Exception, SystemExit):
            return None

    def ready(self, program: str, seconds: float = 120) -> None:
        url = {
            COLLECTOR: f"http://{HOST}:{self.ports['health_port']}/",
            PROMETHEUS: f"{self._prometheus}/-/ready",
            LOKI: f"{self._loki}/ready",
        }[program]

        def answers() -> bool:
            try:
                with urllib.request.urlopen(url, timeout=5) as reply:
                    return reply.status == 200
            except OSError:
                return False

        until(answers, seconds, f"{program} is ready at {url}")

    def log(self, program: str, lines: int = 40) -> str:
        path = self.prefix / "log" / f"{program}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    # --- what is in it ---

    @property
    def _prometheus(self) -> str:
        return f"http://{HOST}:{self.ports['prometheus_port']}"

    @property
    def _loki(self) -> str:
        return f"http://{HOST}:{self.ports['loki_port']}"

    def promql(self, query: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series of an instant query."""
        when = {} if at is None else {"time": f"{at:.3f}"}
        return _vector(_get(f"{self._prometheus}/api/v1/query", query=query, **when))

    def promql_range(
        self, query: str, since: float, until: float, step: float
    ) -> list[tuple[dict[str, str], dict[float, float]]]:
        """Labels of each series, and its values by time."""
        span = {"start": f"{since:.3f}", "end": f"{until:.3f}", "step": f"{step:g}"}
        found = _get(f"{self._prometheus}/api/v1/query_range", query=query, **span)["result"]
        return [(row["metric"], {float(at): float(value) for at, value in row["values"]}) for row in found]

    def promql_samples(self, selector: str, at: float) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        """Labels of each series, and its samples as they are stored; the selector has a window."""
        found = _get(f"{self._prometheus}/api/v1/query", query=selector, time=f"{at:.3f}")["result"]
        return [(row["metric"], [(float(when), float(value)) for when, value in row["values"]]) for row in found]

    def label_values(self, label: str, selector: str, since: float, until: float) -> set[str]:
        """The values of a label among the series."""
        span = {"start": f"{since:.3f}", "end": f"{until:.3f}"}
        return set(_get(f"{self._prometheus}/api/v1/label/{label}/values", **{"match[]": selector}, **span))

    def logql(self, query: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        when = {} if at is None else {"time": str(int(at * 1e9))}
        return _vector(_get(f"{self._loki}/loki/api/v1/query", query=query, **when))

    def rows(self, query: str, since: float, until: float) -> list[tuple[int, dict[str, str], str]]:
        """Time, labels and text of all log lines, read page by page."""
        page, found, end = 5000, {}, int(until * 1e9)
        while True:
            span = {"start": str(int(since * 1e9)), "end": str(end), "limit": str(page), "direction": "backward"}
            streams = _get(f"{self._loki}/loki/api/v1/query_range", query=query, **span)["result"]
            rows = [(int(at), stream["stream"], text) for stream in streams for at, text in stream["values"]]
            # A page may end amid the lines of one moment, so the next one begins with that moment again.
            found |= {(at, tuple(sorted(labels.items())), text): (at, labels, text) for at, labels, text in rows}
            oldest = min((at for at, _labels, _text in rows), default=0)
            if len(rows) < page or oldest + 1 >= end:
                return list(found.values())
            end = oldest + 1

    def newest_rows(self, query: str, since: float, until: float, limit: int) -> list[tuple[int, dict[str, str], str]]:
        """Time, labels and text of the newest log lines, the newest first."""
        span = {"start": str(int(since * 1e9)), "end": str(int(until * 1e9)), "limit": str(limit)}
        streams = _get(f"{self._loki}/loki/api/v1/query_range", query=query, direction="backward", **span)["result"]
        rows = [(int(at), stream["stream"], text) for stream in streams for at, text in stream["values"]]
        return sorted(rows, key=lambda row: -row[0])

    def own_metrics(self, pattern: str) -> dict[str, float]:
        """The collector's own metrics whose line matches."""
        url = f"http://{HOST}:{self.ports['telemetry_port']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as reply:
            text = reply.read().decode()
        found = (line.rpartition(" ") for line in text.splitlines() if re.search(pattern, line) and line[0] != "#")
        return {name: float(value) for name, _space, value in found}

    def queued(self) -> float:
        """Bytes that wait in the collector, of all exporters (requests for a remote write)."""
        try:
            return sum(self.own_metrics(r"^otelcol_exporter_queue_size\{").values())
        except OSError:
            return float("inf")


def _get(url: str, **parameters: str) -> Any:
    try:
        with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(parameters)}", timeout=120) as reply:
            return json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        raise StackError(f"{url} answered {error.code} to {parameters.get('query')}: {text}") from error


def _vector(data: Mapping[str, Any]) -> list[tuple[dict[str, str], float]]:
    return [(row["metric"], float(row["value"][1])) for row in data["result"]]


def prepared(folder: Path, kind: str = "", **variables: Any) -> tuple[Stack, bool]:
    """A stack in ``folder``, to be installed and removed; or the one in the folder that KEEP names, which stays.

    Stacks of another ``kind`` than the usual one have folders of their own beside that, as have those of processes
    that share the tests.
    """
    kept = os.environ.get(KEEP)
    own = [kept, kind, os.environ.get("PYTEST_XDIST_WORKER")]
    prefix = Path("-".join(filter(None, own))).resolve() if kept else folder
    known = prefix / STAMP
    if kept and known.is_file():
        return Stack(prefix, **json.loads(known.read_text()), installed=True), True
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    return Stack(prefix, ports, secrets.token_urlsafe(24), variables), bool(kept)
