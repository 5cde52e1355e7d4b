# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that send recordings to a collector, each request until the collector has acknowledged it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpClient, Reply
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_errors import REFUSALS

# How often a client tries again that got no acknowledgement.
PAUSE_S = 0.2


class RefusedError(Exception):
    """The collector will never take this request."""


@dataclass
class Receipt:
    """What became of the requests of one or more clients: how many were taken, and why some had to be repeated."""

    acknowledged: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def taken(self) -> None:
        with self._lock:
            self.acknowledged += 1

    def failed(self, cause: str) -> None:
        with self._lock:
            self.troubles[cause] += 1

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(self.acknowledged + other.acknowledged, self.troubles + other.troubles)


def send(client: OtlpClient, signal: str, body: dict[str, Any] | bytes, patience: float, receipt: Receipt) -> Reply:
    """Send one request again and again until it is acknowledged."""
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while True:
        reply = client.send(signal, body)
        if reply.accepted:
            receipt.taken()
            return reply
        receipt.failed(reply.cause)
        if reply.cause in REFUSALS or reply.rejected or time.monotonic() > deadline:
            raise RefusedError(str(reply))
        pause.wait(PAUSE_S)


def play(url: str, token: str, capture: Capture, patience: float = 60.0, protocol: str = "http/json") -> Receipt:
    """Send a recording as one client does: its requests in their order over one connection. Traces are not taken."""
    receipt = Receipt()
    with OtlpClient(url, token=token, protocol=protocol, timeout=30.0) as client:
        for request in (request for request in capture.requests if request.signal != "traces"):
            send(client, request.signal, request.body, patience, receipt)
    return receipt


def play_all(url: str, token: str, captures: Iterable[Capture], patience: float = 60.0, at_once: int = 8) -> Receipt:
    """Send many recordings, as many clients at once."""
    captures: Sequence[Capture] = list(captures)
    with ThreadPoolExecutor(at_once) as pool:
        receipts = pool.map(lambda capture: play(url, token, capture, patience), captures)
        return sum(receipts, Receipt())
