# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that keep working while things happen to the servers."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture, moved, read_all
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpClient
from support.clients import Receipt, send
from support.comparison import Comparison, marked
from support.stack import Stack, catalogue, until
from truth.interpreter import Truth

RECORDINGS = Path(__file__).parents[1] / "truth" / "captures"
ORDINARY = ("rew", "mcp", "hooks", "plain")


def ordinary(run: str) -> Iterator[Capture]:
    """What good clients send now, without end; ``run`` makes their sessions fresh, and is their department."""
    chosen = [capture for capture in read_all([RECORDINGS]) if capture.name in ORDINARY]
    for number, capture in enumerate(itertools.cycle(chosen)):
        seed = f"{run}/{number}"
        yield marked([moved(capture, end=time.time(), seed=seed, user=seed)], department=run)[0]


def losses(fleet: Fleet, run: str) -> list[str]:
    """What the stack does not have right of what these ``ordinary`` clients sent."""
    comparison = Comparison(fleet.stack, catalogue(), Truth(catalogue(), fleet.sent), {"department": run})
    comparison.settle(30)
    wrong = comparison.rows(("event_name", "session_id"))
    for name in comparison.catalogue.metrics:
        wrong += comparison.total(name) + comparison.total(name, ("session_id",))
    return wrong


class Fleet:
    """Some clients at a time, each playing one recording to its end and then the next, until they are dismissed."""

    def __init__(
        self,
        stack: Stack,
        recordings: Iterator[Capture],
        clients: int = 4,
        pace_s: float = 0.05,
        patience: float = 120,
        protocol: str = "http/json",
    ) -> None:
        self.stack, self.recordings, self.protocol = stack, recordings, protocol
        self.clients, self.pace_s, self.patience = clients, pace_s, patience
        self.receipt = Receipt()
        self.sent: list[Capture] = []
        self._lock = threading.Lock()
        self._dismissed = threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self._work: list[Future[None]] = []

    def __enter__(self) -> Fleet:
        self._work = [self._pool.submit(self._one_client) for _number in range(self.clients)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dismiss(error is None)

    def dismiss(self, complain: bool = True) -> None:
        """Every client ends the recording that it is in; what went wrong in one of them is raised here."""
        self._dismissed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for work in self._work if complain else ():
            work.result()

    def acknowledged(self, more: int, seconds: float = 60) -> None:
        """Wait until so many more requests have been acknowledged."""
        self._wait(lambda: self.receipt.acknowledged, more, seconds, "requests are acknowledged")

    def troubled(self, more: int, seconds: float = 60) -> None:
        """Wait until so many more sendings have failed."""
        self._wait(self.receipt.troubles.total, more, seconds, "sendings fail")

    def _wait(self, count: Callable[[], int], more: int, seconds: float, what: str) -> None:
        goal = count() + more

        def reached() -> bool:
            for work in self._work:
                if work.done():
                    work.result()
            return count() >= goal

        until(reached, seconds, lambda: f"{more} more {what} (it is {goal - count()} short)")

    def _one_client(self) -> None:
        pause = threading.Event()
        while not self._dismissed.is_set():
            with self._lock:
                recording = next(self.recordings, None)
            if recording is None:
                return
            url, token = self.stack.endpoint(self.protocol), self.stack.token
            with OtlpClient(url, token=token, protocol=self.protocol, timeout=30) as client:
                for request in (request for request in recording.requests if request.signal != "traces"):
                    send(client, request.signal, request.body, self.patience, self.receipt)
                    pause.wait(self.pace_s)
            with self._lock:
                self.sent.append(recording)
