# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the dashboards take over a company of 1,000 users, beside the specification's own queries.

The clients, the stores and whoever asks share this machine's cores.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.observability.claude_code.plugins.module_utils._captures import (
    Capture,
    points,
    read_all,
    records,
)
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Rollup
from ansible_collections.observability.claude_code.plugins.module_utils._collector_rules import rollup_groups
from ansible_collections.observability.claude_code.plugins.module_utils._panels import load_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.module_utils._queries import INSTANT, RANGE, ROWS, Query
from bench.company import Company
from bench.loading import LOKI, PROMETHEUS, Asked, Stores, Times, cpu_seconds, page, step_of, table
from bench.recording import recorded, stored
from bench.year import DAYS, Year
from support.burst import drained
from support.checkout import CHECKOUT
from support.clients import play
from support.running import running
from support.stack import HOST, Stack, catalogue, prepared
from support.stack import LOKI as LOKI_PROGRAM
from support.stack import PROMETHEUS as PROMETHEUS_PROGRAM

CAPTURES = Path(__file__).parents[1] / "truth" / "captures"
SPECIFICATION = yaml.safe_load(Path(__file__).with_name("specification.yml").read_text())
CATALOGUE = catalogue()
DASHBOARDS = load_dashboards(CHECKOUT / "files" / "catalogue", CATALOGUE)
MAIN, TRENDS = "claude-code-metrics", "claude-code-trends"
DAY_S = 86400
USERS = int(os.environ.get("BENCH_USERS", "1000"))
SESSIONS = int(os.environ.get("BENCH_SESSIONS", "10000"))
TEAMS = 20
# Each is loaded this often; the fastest counts, since others use the machine too.
TIMES = int(os.environ.get("BENCH_TIMES", "3"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Without rules of rollups, which would record windows of the day while it arrives. All of it keeps its time."""
    options = {"prometheus_rollups": False, "stack_late_hours": 30}
    with running(*prepared(tmp_path_factory.mktemp("stack"), "company", **options)) as found:
        yield found


@pytest.fixture(scope="module")
def stores(stack: Stack) -> Stores:
    """The stack, filled with a day of the company's work."""
    done = stack.prefix / "bench-company.json"
    if not done.is_file():
        end, began = time.time(), time.monotonic()
        company = Company(read_all([CAPTURES]), end, users=USERS, days=1, sessions=SESSIONS, teams=TEAMS, seed="bench")
        counted = {"events": 0, "points": 0}
        _sent(stack, _counting(company, counted))
        drained(stack, 3600)
        done.write_text(json.dumps({"end": end, "took": time.monotonic() - began, **counted}))
    known = json.loads(done.read_text())
    print(
        f"\n\n{USERS} users, {SESSIONS} sessions, {known['events']} events and {known['points']} points in 24 h; "
        f"stored in {known['took']:.0f} s."
    )
    urls = {
        PROMETHEUS: f"http://{HOST}:{stack.ports['prometheus_port']}",
        LOKI: f"http://{HOST}:{stack.ports['loki_port']}",
    }
    pids = {PROMETHEUS: stack.pid(PROMETHEUS_PROGRAM), LOKI: stack.pid(LOKI_PROGRAM)}
    return Stores(urls, pids, known["end"], DAY_S)


def _sent(stack: Stack, captures: Iterator[Capture], connections: int = 6) -> None:
    """Each is made when a connection is free for it: together they take gigabytes."""
    lock = threading.Lock()

    def one_connection(_number: int) -> None:
        while True:
            with lock:
                capture = next(captures, None)
            if capture is None:
                return
            play(stack.otlp_url, stack.token, capture)

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(one_connection, range(connections)))


def _counting(company: Company, counted: dict[str, int]) -> Iterator[Capture]:
    for capture in company.captures():
        for request in capture.requests:
            counted["events"] += len(list(records(request.body)))
            counted["points"] += len(list(points(request.body)))
        yield capture


@pytest.fixture(scope="module")
def rolled(stack: Stack, stores: Stores) -> dict[str, float]:
    """Rollups of that day as the first pass records them: how many samples, and the seconds of CPU that they take.

    The day's work arrived in minutes, which rules do not look back on: the same expressions are asked for and stored.
    """
    known = {"cpu": 0.0, "points": 0.0}
    for rollup in (rollup for rollup in CATALOGUE.rollups.values() if rollup.serves == "recent"):
        if not any(_differs(stack, stores, rollup, name) for name in CATALOGUE.metrics):
            continue
        before, end, requests = cpu_seconds(stack.pid(PROMETHEUS_PROGRAM)), stores.end // 300 * 300, []
        for rule in rollup_groups(replace(CATALOGUE, rollups={rollup.name: rollup}))[0]["rules"]:
            requests += recorded(stack, rule["record"], rule["expr"], (end - DAY_S + 300, end, 300))
        known["cpu"] += cpu_seconds(stack.pid(PROMETHEUS_PROGRAM)) - before
        known["points"] += sum(count for _request, count in requests)
        for request, _points in requests:
            stored(stores.urls[PROMETHEUS], request)
        wrong = [name for name in CATALOGUE.metrics if _differs(stack, stores, rollup, name)]
        assert not wrong, f"{rollup.name} of {', '.join(wrong)} does not add up to the raw series."
    return known


def _differs(stack: Stack, stores: Stores, rollup: Rollup, name: str) -> bool:
    """Whether the rollups of a metric do not add up to its raw series."""
    end, reading = stores.end // 300 * 300, Reading(CATALOGUE, "24h")
    raw, sums = (
        [value for _labels, value in stack.promql(one.total(name), end)] or [0.0]
        for one in (reading, replace(reading, rollups=(rollup,), raw=False))
    )
    return abs(raw[0] - sums[0]) > 0.001 * max(1.0, raw[0])


def fastest(stores: Stores, asked: list[Asked]) -> tuple[Times, Times]:
    """Panel by panel, and all at once: the fastest of some times."""
    alone = [stores.alone(asked) for _time in range(TIMES)]
    best = Times(
        {panel: min(one.panels[panel] for one in alone) for panel in alone[0].panels},
        {panel: min(one.cpu[panel] for one in alone) for panel in alone[0].panels},
        alone[0].refused,
    )
    best.all_cpu = sum(best.cpu.values())
    return best, min((stores.at_once(asked) for _time in range(TIMES)), key=lambda times: times.all)


def specified(range_s: int, which: str) -> list[Asked]:
    found = []
    for title, entry in SPECIFICATION.items():
        kind = ROWS if entry.get("rows") else RANGE if entry.get("over_time") else INSTANT
        step = step_of(range_s, "1m", 300)
        text = entry[which].replace("$__range", f"{range_s}s").replace("$__interval", f"{step}s")
        found.append(Asked(title, Query("A", LOKI, kind, text, limit=1000), step))
    return found


def test_main_dashboard(stores: Stores, rolled: dict[str, float]) -> None:
    dashboard = DASHBOARDS[MAIN]
    busiest = "topk(1, sum by (session_id) (sum_over_time(claude_code_cost_usage_USD_total[24h])))"
    session = {"session_id": stores.values(busiest, "session_id")[0]}
    loaded = {
        "raw": fastest(stores, page(stores, dashboard, CATALOGUE)),
        "rollups": fastest(stores, page(stores, dashboard, CATALOGUE, "recent")),
        "one session": fastest(stores, page(stores, dashboard, CATALOGUE, "recent", session)),
        "mended": fastest(stores, specified(DAY_S, "mended")),
    }
    written = stores.alone(specified(DAY_S, "as_written"))
    show(f"{dashboard.title}, 24 h", loaded, written)
    if rolled["points"]:
        print(f"The rollups of the day: {rolled['points']:.0f} samples, computed in {rolled['cpu']:.0f} s of CPU.")
    refused = {name: panels.refused for name, (panels, _all) in loaded.items() if panels.refused and name != "mended"}
    assert not refused, refused


def show(title: str, loaded: Mapping[str, tuple[Times, Times]], written: Times) -> None:
    """Seconds and, behind them, seconds of CPU of each panel; the ratio is that of the CPU."""
    ours = next(reversed([name for name in loaded if name in ("rollups", "long")]))
    names = list(loaded)
    lines = []
    for panel in dict.fromkeys(panel for times, _all in loaded.values() for panel in times.panels):
        cells = [_cell(loaded[name][0], panel) for name in names]
        theirs, mine = (loaded[name][0].cpu.get(panel) if name in loaded else None for name in ("mended", ours))
        ratio = f"{theirs / max(mine, 0.01):.1f}" if theirs is not None and mine is not None else ""
        lines.append([panel, *cells, _cell(written, panel), ratio])
    print(f"\n\n{title}, {os.cpu_count()} cores: seconds (seconds of CPU) of each panel, loaded alone\n")
    print(table(["panel", *names, "as specified", f"mended / {ours}"], lines))
    print()
    for name, (panels, everything) in loaded.items():
        slowest = max(panels.panels, key=lambda panel: panels.panels[panel])
        print(
            f"{name}: {len(panels.panels)} panels at once {everything.all:.1f} s ({everything.all_cpu:.1f} s of CPU); "
            f"slowest alone: {slowest}, {panels.panels[slowest]:.2f} s"
        )


def _cell(times: Times, panel: str) -> str:
    if panel in times.refused:
        return "refused"
    return f"{times.panels[panel]:.2f} ({times.cpu[panel]:.2f})" if panel in times.panels else ""


def test_trends_dashboard(stack: Stack, stores: Stores, tmp_path: Path) -> None:
    """Over 365 days of daily rollups: those of the company's day, on each working day."""
    dashboard = DASHBOARDS[TRENDS]
    names = dict.fromkeys(name for panel in dashboard.panels() for name in panel.names())
    began = time.monotonic()
    with Year(stack, tmp_path, CATALOGUE, names, stores.end) as year:
        assert year.process
        there = replace(
            stores,
            urls={PROMETHEUS: year.url},
            pids={PROMETHEUS: year.process.pid},
            # An hour into the day, when the first passes of the day before have come.
            end=year.last + 3600,
            range_s=DAYS * DAY_S,
        )
        print(
            f"\n\n{DAYS} days of rollups of {len(names)} metrics: {year.series} series, {year.samples} samples, "
            f"written and compacted in {time.monotonic() - began:.0f} s."
        )
        loaded = {"long": fastest(there, page(there, dashboard, CATALOGUE))}
        user = there.values("topk(1, sum by (user_name) (sum_over_time(claude_code:cost:users1d[7d])))", "user_name")
        loaded["one user"] = fastest(there, page(there, dashboard, CATALOGUE, chosen={"user_name": user[0]}))
    show(f"{dashboard.title}, {DAYS} days", loaded, Times())
    refused = {name: panels.refused for name, (panels, _all) in loaded.items() if panels.refused}
    assert not refused, refused
