# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one request of a recording, and looks at what the client makes of the reply."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils import _captures as captures
from ansible_collections.observability.claude_code.plugins.module_utils import _otlp as otlp
from support.checkout import CHECKOUT

TOKEN = "a-token-that-shows-nowhere"
COMMIT = captures.read(CHECKOUT / "files" / "samples" / "commit.jsonl")
LOGS, METRICS = (
    next(request.body for request in COMMIT.requests if request.signal == signal) for signal in ("logs", "metrics")
)


def send(url: str, body: t.Any = METRICS, signal: str = "metrics", **options: t.Any) -> otlp.Reply:
    with otlp.OtlpClient(url, **{"token": TOKEN, "timeout": 5.0, **options}) as client:
        return client.send(signal, body)


def failed(reply: otlp.Reply, cause: str, *words: str) -> None:
    assert (reply.accepted, reply.cause) == (False, cause), reply
    assert reply.next_step
    for word in words:
        assert word in str(reply)
    assert TOKEN not in repr(reply)
