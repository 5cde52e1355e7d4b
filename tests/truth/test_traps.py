# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes counting hard, all at once: difficult clients, and servers that are killed or away while they send.

Nothing that the collector has acknowledged may be lost, and nothing may count twice. Between two restarts of one
Prometheus nobody is more than three hours late: where somebody is, Prometheus itself may forget (docs/operations.md).
With one restart it may not.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture, moved
from support.comparison import Comparison, marked
from support.fleet import Fleet
from support.running import running
from support.stack import COLLECTOR, LOKI, PROMETHEUS, Stack, catalogue, prepared, until
from truth import traps
from truth.interpreter import Truth

CATALOGUE = catalogue()
METRICS = sorted(CATALOGUE.metrics)
HOUR = 3600.0
LATE, VERY_LATE = 2 * HOUR, 6 * HOUR
# A test run is over sooner when servers are away for moments; fifteen minutes are measured with OUTAGE_S=900.
OUTAGE_S = float(os.environ.get("OUTAGE_S", "0"))
# The clients' haste: an outage of minutes needs no more requests than one of moments needs in a second.
PACE_S = 0.5 if OUTAGE_S else 0.05


class Clients:
    """The recordings as difficult clients send them, without end; ``run`` makes their sessions fresh."""

    def __init__(self, recordings: list[Capture], run: str) -> None:
        self.by_name = {capture.name: capture for capture in recordings}
        self.recordings = recordings
        self.run = run
        self.numbers = itertools.count()
        self.chance = random.Random(run)

    def _fresh(self, capture: Capture, ago: float) -> Capture:
        number = next(self.numbers)
        return moved(capture, end=time.time() - ago, seed=f"{self.run}/{number}", user=f"{self.run}-{number}")

    def steady(self, late: float = LATE) -> Iterator[Capture]:
        """Clients whose exports carry their own times, ``late`` seconds ago or less: they may be repeated at will."""
        names = self.by_name
        while True:
            for capture in self.chance.sample(self.recordings, len(self.recordings)):
                if not is_cumulative(capture):
                    yield self._marked(self._fresh(capture, self.chance.uniform(0, late)))
            seed, start = f"{self.run}/{next(self.numbers)}", time.time() - late
            for several in (
                traps.parallel(names["rew"], start=start, seed=f"{seed}/parallel"),
                traps.parallel(names["long"], start=start, seed=f"{seed}/parallel-long"),
                traps.resumed(
                    [names["rew"], names["mcp"], names["rew"]], start=start, pause=900, seed=f"{seed}/resumed"
                ),
            ):
                yield from map(self._marked, several)
            yield self._marked(self._fresh(traps.idle(names["long"], after=3, pause=HOUR), 0))
            yield self._marked(self._fresh(traps.repeated(names["hooks"]), 60))
            yield self._marked(self._fresh(traps.repeated(names["long"]), late * 5 / 6))
            yield self._marked(self._fresh(traps.same_millisecond(names["rew"]), 120))
            # Half of what a clock may be ahead without being corrected.
            yield self._marked(self._fresh(traps.wrong_clock(names["rew"], ahead=150), 0))

    def touchy(self) -> Iterator[Capture]:
        """Clients for which the collector keeps a state, or whose time it replaces by its own."""
        names = self.by_name
        while True:
            yield self._marked(self._fresh(names["long_cumulative"], self.chance.uniform(0, LATE)))
            for name in ("long", "rew", "tui_slowint"):
                yield self._marked(self._fresh(traps.cumulative(names[name]), self.chance.uniform(0, LATE)))
            yield self._marked(self._fresh(traps.repeated(traps.cumulative(names["long"])), 300))
            for ahead in traps.CLOCKS.values():
                yield self._marked(traps.wrong_clock(self._fresh(names["long"], 0), ahead=ahead))
                yield self._marked(traps.wrong_clock(self._fresh(names["long_cumulative"], 0), ahead=ahead))
            for date in traps.DATES.values():
                yield self._marked(traps.wrong_clock(self._fresh(names["rew"], 0), date=date))

    def _marked(self, capture: Capture) -> Capture:
        return marked([capture], department=self.run)[0]


def is_cumulative(capture: Capture) -> bool:
    return '"aggregationTemporality": 2' in str(capture.requests).replace("'", '"')


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Of these tests alone: what others have left is too old to be between two restarts."""
    with running(*prepared(tmp_path_factory.mktemp("traps"), "traps")) as found:
        # The first that an empty Prometheus is told sets what it takes for now.
        until(lambda: found.promql("up", time.time()), 60, "Prometheus has measured something itself")
        yield found


@pytest.fixture(scope="module")
def survived(stack: Stack, recordings: list[Capture]) -> Comparison:
    """Clients send while everything that can break breaks; then what they sent beside what the stack says of it."""
    run = f"traps-{time.time_ns():x}"
    clients = Clients(recordings, run)
    with Fleet(stack, clients.steady(), pace_s=PACE_S, patience=OUTAGE_S + 120) as fleet:
        fleet.acknowledged(50)
        the_collector_is_killed(stack, fleet)
        prometheus_is_killed(stack, fleet)
        loki_is_killed(stack, fleet)
        the_collector_is_away(stack, fleet)
        the_collector_is_killed_while_it_has_a_queue(stack, fleet)
    sent = fleet.sent
    with Fleet(stack, clients.touchy()) as fleet:
        fleet.acknowledged(50)
        a_store_is_away(stack, fleet, LOKI)
        a_store_is_away(stack, fleet, PROMETHEUS)
        prometheus_is_killed(stack, fleet)
        fleet.acknowledged(50)
    sent += fleet.sent
    with Fleet(stack, clients.steady(late=VERY_LATE)) as fleet:
        fleet.acknowledged(500)
        prometheus_is_killed(stack, fleet)
    sent += fleet.sent
    comparison = Comparison(stack, CATALOGUE, Truth(CATALOGUE, sent), {"department": run})
    until(lambda: stack.queued() == 0, 120, lambda: f"the queues are empty; {stack.queued():g} bytes wait")
    comparison.settle(30)
    return comparison


def the_collector_is_killed(stack: Stack, fleet: Fleet) -> None:
    killed = stack.kill(COLLECTOR)
    fleet.troubled(1)
    stack.running_again(COLLECTOR, killed)
    fleet.acknowledged(50)


def prometheus_is_killed(stack: Stack, fleet: Fleet) -> None:
    killed = stack.kill(PROMETHEUS)
    fleet.acknowledged(30)
    stack.running_again(PROMETHEUS, killed)
    fleet.acknowledged(30)


def loki_is_killed(stack: Stack, fleet: Fleet) -> None:
    killed = stack.kill(LOKI)
    fleet.acknowledged(30)
    stack.running_again(LOKI, killed)
    fleet.acknowledged(30)


def the_collector_is_away(stack: Stack, fleet: Fleet) -> None:
    """Clients get no connection, and deliver late."""
    stack.control("stop", COLLECTOR)
    fleet.troubled(20)
    the_outage_lasts(stack)
    stack.control("start", COLLECTOR)
    stack.ready(COLLECTOR)
    fleet.acknowledged(50)


def the_collector_is_killed_while_it_has_a_queue(stack: Stack, fleet: Fleet) -> None:
    """What it has acknowledged is on its disk, since no store takes anything."""
    stack.control("stop", LOKI)
    stack.control("stop", PROMETHEUS)
    fleet.acknowledged(100)
    killed = stack.kill(COLLECTOR)
    stack.running_again(COLLECTOR, killed)
    the_outage_lasts(stack)
    fleet.acknowledged(50)
    assert stack.queued() > 0
    stack.control("start", LOKI)
    stack.control("start", PROMETHEUS)
    stack.ready(PROMETHEUS)
    stack.ready(LOKI)


def the_outage_lasts(stack: Stack) -> None:
    """Until ``OUTAGE_S`` is over; every minute it shows how much waits in the collector."""
    end = time.monotonic() + OUTAGE_S
    pause = threading.Event()
    while (left := end - time.monotonic()) > 0:
        print(f"The outage lasts {left:.0f} s more; {stack.queued():g} bytes wait in the collector.")
        pause.wait(min(left, 60))


def a_store_is_away(stack: Stack, fleet: Fleet, program: str) -> None:
    stack.control("stop", program)
    fleet.acknowledged(150)
    assert stack.queued() > 0
    stack.control("start", program)
    stack.ready(program)


def test_there_were_enough_sessions_of_every_kind(survived: Comparison) -> None:
    assert len(survived.truth.total("session_starts", ("session_id",))) > 100
    assert survived.truth.empty() == []


@pytest.mark.parametrize("name", METRICS)
def test_the_total_is_true(survived: Comparison, name: str) -> None:
    assert survived.total(name) == []


@pytest.mark.parametrize("name", METRICS)
def test_every_session_is_true(survived: Comparison, name: str) -> None:
    assert survived.total(name, ("session_id",)) == []


def test_every_event_is_there_once(survived: Comparison) -> None:
    assert survived.rows(("event_name", "session_id")) == []
