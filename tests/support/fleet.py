# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that keep working while things happen to the servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpClient
from support.clients import Receipt, send
from support.stack import Stack, until


class Fleet:
    """Some clients at a time, each playing one recording to its end and then the next, until they are dismissed."""

    def __init__(
        self, stack: Stack, recordings: Iterator[Capture], clients: int = 4, pace_s: float = 0.05, patience: float = 120
    ) -> None:
        self.stack, self.recordings = stack, recordings
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
            with OtlpClient(self.stack.otlp_url, token=self.stack.token, timeout=30) as client:
                for request in (request for request in recording.requests if request.signal != "traces"):
                    send(client, request.signal, request.body, self.patience, self.receipt)
                    pause.wait(self.pace_s)
            with self._lock:
                self.sent.append(recording)
