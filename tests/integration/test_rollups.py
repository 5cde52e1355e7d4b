# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollups say what the raw series say: on time, late, and when Prometheus was down. Windows here are seconds long."""

from __future__ import annotations

import itertools
import json
import math
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Rollup, read_sources
from ansible_collections.observability.claude_code.plugins.module_utils._collector_rules import rollup_groups
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.modules import rollup_backfill
from support.checkout import CHECKOUT
from support.modules import run_module
from support.own_prometheus import OwnPrometheus
from support.stack import Stack, catalogue, until

WINDOW_S, FAR_S = 6, 30
PERSONS = ("session_id", "user_id", "user_email", "user_name", "user_account_uuid", "host_name")
ROLLUP = Rollup("sum6s", "6s", PERSONS, "recent", every="2s", near=("1s", "7s"), far=(f"{FAR_S}s",))
ALL = catalogue()
CATALOGUE = replace(
    ALL,
    metrics={name: ALL.metric(name) for name in ("cost", "commits", "tool_duration")},
    rollups={ROLLUP.name: ROLLUP},
)
COST, COMMITS = ex.Total("cost"), ex.Total("commits")
ASKED = (
    (COST, ("model",)),
    (COMMITS, ()),
    (ex.Total("tool_duration"), ("tool_name",)),
    (ex.Observed("tool_duration"), ()),
    (ex.Quantile("tool_duration", share=0.8), ("tool_name",)),
)


@dataclass
class Clients:
    """Sends what sessions of some users do, until it is told to stop; ``lag`` is how late it sends."""

    server: OwnPrometheus
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def work(self, lag: float = 0.0, times: int = 5) -> None:
        for _time in range(times):
            self.server.store(self.request(time.time() - lag - 0.01 * self.chance.random()), "application/json")

    def request(self, at: float) -> bytes:
        number = next(self.numbers)
        moment = {"timeUnixNano": str(int(at * 1000) * 10**6), "startTimeUnixNano": str(int(at * 1000) * 10**6 - 10**9)}
        labels = {
            "session.id": f"s{number}",
            "user.name": f"u{number % 3}",
            "model": self.chance.choice("ab"),
            "tool_name": self.chance.choice(("Bash", "Edit")),
        }
        attributes = [{"key": name, "value": {"stringValue": value}} for name, value in labels.items()]
        seconds = self.chance.random() * 20 + 0.1
        bucket = math.ceil(math.log2(seconds) * 8) - 1
        observed = {"count": "1", "sum": seconds, "scale": 3, "positive": {"offset": bucket, "bucketCounts": ["1"]}}
        amounts: dict[str, Any] = {
            "cost": {"asDouble": self.chance.choice((0.1, 0.3, 0.07))},
            "commits": {"asDouble": 1},
        }
        metrics: list[dict[str, Any]] = [
            {
                "name": ALL.metric(name).otel,
                "unit": ALL.metric(name).unit,
                "sum": {
                    "aggregationTemporality": 1,
                    "isMonotonic": True,
                    "dataPoints": [{**moment, "attributes": attributes, **amount}],
                },
            }
            for name, amount in amounts.items()
        ]
        points = [{**moment, "attributes": attributes, **observed}]
        metrics.append(
            {
                "name": ALL.metric("tool_duration").otel,
                "unit": "s",
                "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": points},
            }
        )
        return json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode()


@pytest.fixture(scope="module")
def server(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPrometheus]:
    with OwnPrometheus(stack, tmp_path_factory.mktemp("rollups")) as found:
        found.rules(rollup_groups(CATALOGUE))
        yield found


@dataclass(frozen=True)
class Span:
    """The whole windows between two moments."""

    server: OwnPrometheus
    start: int
    end: int

    def values(self, expression: ex.Expression, by: tuple[str, ...], **reading: Any) -> dict[Any, float]:
        """By labels and moment, a value for each window."""
        query = Reading(CATALOGUE, f"{WINDOW_S}s", **reading).promql(expression, by)
        rows = self.server.ask(query, start=self.start, end=self.end, step=WINDOW_S)
        return {
            (tuple(row["metric"].get(label, "") for label in by), at): float(value)
            for row in rows
            for at, value in row["values"]
        }

    def differences(self) -> list[str]:
        """Where the rollups differ from the raw series, window by window; all in all there must be something."""
        found = []
        for expression, by in ASKED:
            raw, rolled = self.values(expression, by), self.values(expression, by, rollups=(ROLLUP,), raw=False)
            assert raw, expression
            for key in sorted({*raw, *rolled}):
                if not math.isclose(raw.get(key, 0.0), rolled.get(key, 0.0), rel_tol=1e-9, abs_tol=1e-9):
                    found.append(f"{expression} {key}: {rolled.get(key)} instead of {raw.get(key)}")
        return found


def span_of(server: OwnPrometheus, begin: float, end: float) -> Span:
    return Span(server, int(begin // WINDOW_S + 1) * WINDOW_S, int(end // WINDOW_S + 1) * WINDOW_S)


def agree(span: Span, seconds: float) -> None:
    until(lambda: not span.differences(), seconds, lambda: "\n".join(span.differences()[:10]))


def passes(server: OwnPrometheus) -> set[str]:
    """Those that recorded something in the last minutes."""
    return {
        row["metric"]["pass"] for row in server.ask("count by (pass) (last_over_time(claude_code:commits:sum6s[10m]))")
    }


def test_what_comes_on_time_is_recorded_in_its_window(server: OwnPrometheus) -> None:
    begin = time.time()
    clients = Clients(server)
    deadline = threading.Event()
    while time.time() < begin + 2 * WINDOW_S:
        clients.work()
        deadline.wait(0.5)
    agree(span_of(server, begin, time.time()), 3 * WINDOW_S)


def test_a_window_is_recorded_by_the_next_pass_when_prometheus_was_down(server: OwnPrometheus) -> None:
    begin = time.time()
    clients = Clients(server, random.Random(8), itertools.count(10_000))
    clients.work()
    server.stop()
    # All near passes of the window go by meanwhile.
    until(lambda: time.time() > begin + 4 * WINDOW_S, 60, "the passes went by")
    server.start()
    clients.work()
    agree(span_of(server, begin, time.time()), FAR_S + 10 * WINDOW_S)
    assert f"{FAR_S}s" in passes(server)


def test_what_comes_late_is_recorded_by_a_later_pass(server: OwnPrometheus) -> None:
    begin = time.time()
    clients = Clients(server, random.Random(9), itertools.count(20_000))
    clients.work()
    early = span_of(server, begin, begin)
    agree(early, 3 * WINDOW_S)
    # After the near passes of its window, before the far one.
    clients.work(lag=time.time() - begin)
    late = time.time()
    assert early.differences()
    agree(early, FAR_S + 3 * WINDOW_S)
    assert time.time() > late


def test_a_filter_that_rollups_lack_is_answered_by_the_raw_series_and_nothing_counts_twice(
    server: OwnPrometheus,
) -> None:
    now = time.time()
    end = int(now // WINDOW_S) * WINDOW_S
    span = span_of(server, end - 600, now)
    agree(span, FAR_S + 3 * WINDOW_S)
    rollups = {"rollups": (ROLLUP,)}
    for session, user in ((".*", ".*"), ("s1", ".*"), ("(s1|s10001)", ".*"), (".*", "u1"), ("(s1|s2)", "(u1|u2)")):
        filters = {"session_id": session, "user_name": user}
        for expression, by in ASKED:
            raw = span.values(expression, by, filters=filters)
            found = span.values(expression, by, filters=filters, **rollups)
            assert raw
            assert found == pytest.approx(raw, rel=1e-9), (filters, expression)
    # By persons, whatever is chosen.
    assert span.values(COST, ("user_name",), **rollups) == span.values(COST, ("user_name",))


def test_nothing_more_is_recorded_for_what_is_complete(server: OwnPrometheus) -> None:
    count = "sum by (pass) (count_over_time(claude_code:commits:sum6s[20m]))"

    def recorded() -> dict[str, str]:
        return {row["metric"]["pass"]: row["value"][1] for row in server.ask(count)}

    evaluated = "prometheus_rule_group_last_evaluation_timestamp_seconds"
    before, begin = recorded(), time.time()
    until(lambda: time.time() > begin + 3 * WINDOW_S, 60, evaluated)
    assert recorded() == before


def test_a_past_without_rules_is_filled_in_once(stack: Stack, tmp_path: Path) -> None:
    """Thirty hours back; the rules' last pass comes after thirty seconds."""
    with OwnPrometheus(stack, tmp_path) as server:
        clients = Clients(server, random.Random(10))
        # What is in memory begins now; blocks must not reach into it.
        clients.work()
        begin = time.time() - 30 * 3600
        for ago in range(0, 600, 7):
            server.store(clients.request(begin - ago), "application/json")
        span = span_of(server, begin - 600, begin)
        sums = [(expression, by) for expression, by in ASKED if expression in (COST, COMMITS)]
        rolled = {"rollups": (ROLLUP,), "raw": False}
        assert not span.values(COMMITS, (), **rolled)
        answers = [fill_in(stack, server) for _time in range(2)]
        assert [answer["changed"] for answer in answers] == [True, False]
        for expression, by in sums:
            assert span.values(expression, by, **rolled) == pytest.approx(span.values(expression, by))
        # More comes after all: it is added to what is there.
        server.store(clients.request(begin - 300), "application/json")
        assert fill_in(stack, server)["changed"]
        assert span.values(COMMITS, (), **rolled) == span.values(COMMITS, ())


def fill_in(stack: Stack, server: OwnPrometheus) -> dict[str, Any]:
    """What the module says."""
    sources = read_sources(CHECKOUT / "files" / "catalogue")
    sources["rollups"] = {
        "every": ROLLUP.every,
        "near": list(ROLLUP.near),
        "far": list(ROLLUP.far),
        "rollups": {ROLLUP.name: {"window": ROLLUP.window, "serves": "recent", "without": list(PERSONS), "about": "x"}},
    }
    usage = sources["metrics"]["usage.yml"]
    sources["metrics"] = {"usage.yml": {name: usage[name] for name in ("cost", "commits")}}
    return run_module(
        rollup_backfill,
        prometheus={"url": server.url},
        catalogue=sources,
        data_dir=str(server.data),
        promtool=str(stack.prefix / "bin" / "promtool"),
        days=2,
    )
