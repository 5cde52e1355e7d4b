# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Grafana in which somebody else is at work while a module is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from support.grafana_server import GrafanaServer
from support.grafana_server_http import Answer


class SharedGrafana(GrafanaServer):
    """``before_writes`` are called in turn, each before one of the coming writes is looked at."""

    def __init__(self, version: str = "11.6.0", **options: Any) -> None:
        super().__init__(version, **options)
        self.before_writes: list[Callable[[], Any]] = []

    def answer(self, method: str, target: str, headers: dict[str, str], text: str) -> Answer | None:
        if method != "GET" and "x-somebody-else" not in headers and self.before_writes:
            self.before_writes.pop(0)()
        return super().answer(method, target, headers, text)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What it answers to somebody else, an Admin; that leaves no trace in ``requests``."""
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json", "x-somebody-else": ""}
        answer = super().answer(method, path, headers, "" if body is None else json.dumps(body))
        self.requests.pop()
        self.headers.pop()
        assert answer is not None
        assert answer.status < 300, answer
        return answer.body
