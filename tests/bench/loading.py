# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads dashboards as a browser does, and takes the time."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_targets import interval
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard
from ansible_collections.observability.claude_code.plugins.module_utils._queries import (
    INSTANT,
    LOKI,
    PROMETHEUS,
    ROWS,
    Query,
    queries,
    shortlist,
    shortlisted,
    with_values,
)
from truth.expressions import seconds
from truth.grafana import ROUNDED

# Connections that a browser opens to one server.
AT_ONCE = 6


@dataclass(frozen=True)
class Asked:
    """A query of a panel, as it is sent; ``step`` is the chart's. What comes ``first`` others wait for."""

    panel: str
    query: Query
    step: int
    first: bool = False


@dataclass
class Times:
    """Seconds of each panel's slowest query, with those of its shortlist, and of CPU that the stores spent on it.

    Beside that what was refused, and all of it.
    """

    panels: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    all: float = 0.0
    all_cpu: float = 0.0


@dataclass(frozen=True)
class Stores:
    """The addresses of Prometheus and Loki, their processes, and the range that is shown."""

    urls: Mapping[str, str]
    pids: Mapping[str, int]
    end: float
    range_s: int

    def alone(self, page: Sequence[Asked]) -> Times:
        """One panel after the other, all queries of a panel at once."""
        times, began = Times(), time.monotonic()
        for panel in dict.fromkeys(asked.panel for asked in page):
            one = self.at_once([asked for asked in page if asked.panel == panel])
            times.panels |= one.panels
            times.cpu[panel] = one.all_cpu
            times.refused |= one.refused
        times.all, times.all_cpu = time.monotonic() - began, sum(times.cpu.values())
        return times

    def at_once(self, page: Sequence[Asked]) -> Times:
        """All panels, as many queries at once as a browser sends to a server."""
        times, began, spent = Times(), time.monotonic(), self.spent()
        pools = {source: ThreadPoolExecutor(AT_ONCE) for source in self.urls}
        for first in (True, False):
            running: list[tuple[str, Future[tuple[float, str]]]] = [
                (asked.panel, pools[asked.query.source].submit(self.ask, asked))
                for asked in page
                if asked.first == first
            ]
            slowest: dict[str, float] = {}
            for panel, future in running:
                took, refused = future.result()
                slowest[panel] = max(slowest.get(panel, 0), took)
                if refused:
                    times.refused[panel] = refused
            for panel, took in slowest.items():
                times.panels[panel] = times.panels.get(panel, 0) + took
        for pool in pools.values():
            pool.shutdown()
        times.all, times.all_cpu = time.monotonic() - began, self.spent() - spent
        return times

    def values(self, promql: str, label: str) -> list[str]:
        """The label of each series that Prometheus answers with."""
        return [labels.get(label, "") for labels in self.labels(promql)]

    def labels(self, promql: str) -> list[dict[str, str]]:
        """All labels of each series that Prometheus answers with."""
        text = urllib.parse.urlencode({"query": promql, "time": f"{self.end:.0f}"})
        with urllib.request.urlopen(f"{self.urls[PROMETHEUS]}/api/v1/query?{text}", timeout=60) as reply:
            return [row["metric"] for row in json.load(reply)["data"]["result"]]

    def spent(self) -> float:
        """Seconds of CPU that the stores have used so far: what they take does not depend on who else is at work."""
        return sum(cpu_seconds(pid) for pid in self.pids.values())

    def ask(self, asked: Asked) -> tuple[float, str]:
        """Seconds, and why the query was refused."""
        query = asked.query
        nano = 10**9 if query.source == LOKI else 1
        start, end = int(self.end - self.range_s), int(self.end)
        if query.kind == INSTANT:
            parameters = {"time": str(end * nano)}
        elif query.kind == ROWS:
            parameters = {"start": str(start * nano), "end": str(end * nano), "limit": str(query.limit or 1000)}
        else:
            start, end = (moment // asked.step * asked.step for moment in (start, end))
            parameters = {"start": str(start * nano), "end": str(end * nano), "step": str(asked.step)}
        path = "loki/api/v1" if query.source == LOKI else "api/v1"
        text = urllib.parse.urlencode({"query": query.text, **parameters})
        url = f"{self.urls[query.source]}/{path}/query{'' if query.kind == INSTANT else '_range'}"
        began = time.monotonic()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, text.encode()), timeout=300) as reply:
                json.load(reply)
            return time.monotonic() - began, ""
        except urllib.error.HTTPError as error:
            return time.monotonic() - began, error.read().decode(errors="replace").strip()[:200]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def page(
    stores: Stores,
    dashboard: Dashboard,
    catalogue: Catalogue,
    reads: str = "",
    chosen: Mapping[str, str] | None = None,
) -> list[Asked]:
    """What a dashboard asks when it is opened, in the order of its panels."""
    found, range_s = [], stores.range_s
    for panel in dashboard.panels():
        asking = with_values(dashboard, catalogue, range_s, 60, chosen=chosen, reads=reads)
        shortest, points = interval(panel, asking)
        step = step_of(range_s, shortest, points)
        asking = with_values(dashboard, catalogue, range_s, step, chosen=chosen, reads=reads)
        first = shortlist(panel, asking)
        found += [Asked(panel.title, first, step, first=True)] if first else []
        asking = shortlisted(panel, asking, lambda query: stores.labels(query.text))
        found += [Asked(panel.title, query, step) for query in queries(panel, asking)]
    return found


def step_of(range_s: float, shortest: str, points: int) -> int:
    """What Grafana takes as the interval of a chart."""
    return int(max(seconds(shortest), next(step for bound, step in ROUNDED if range_s / points < bound)))


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Columns under their headings; all but the first are flush right."""
    rows = [list(header), *map(list, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if not column else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
