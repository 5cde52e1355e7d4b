# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers what a test tells it to, and remembers what came in."""

from __future__ import annotations

import gzip
import http.server
import json
import ssl
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """``close`` ends the connection after it, ``hang_up`` instead of it, ``after`` waits for an event first."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    close: bool = False
    hang_up: bool = False
    after: threading.Event | None = None


@dataclass(frozen=True)
class Received:
    target: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"

    @property
    def content(self) -> Any:
        plain = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        return json.loads(plain)


class AnsweringServer:
    """Use as ``with AnsweringServer() as server``. answers are given in turn, then the default for ever."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[Answer] = []
        self.default = Answer()
        self.received: list[Received] = []
        self.connections = 0
        self.server = _Listener(("127.0.0.1", 0), _handler(self))
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self.server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> AnsweringServer:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_details: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_args: object) -> None:
        pass  # handshakes that fail are what some tests are about


def _handler(server: AnsweringServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10
        wbufsize = 1 << 16  # one packet an answer: the second would wait for the acknowledgement of the first

        def setup(self) -> None:
            super().setup()
            server.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.received.append(Received(self.path, headers, body, self.command))
            answer = server.answers.pop(0) if server.answers else server.default
            if answer.after:
                answer.after.wait()
            # Without announcing it, as a server does whose idle time is over.
            self.close_connection = self.close_connection or answer.close or answer.hang_up
            if answer.hang_up:
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def do_GET(self) -> None:
            self.do_POST()

        def do_PUT(self) -> None:
            self.do_POST()

        def do_DELETE(self) -> None:
            self.do_POST()

        def log_message(self, *_args: object) -> None:
            pass

    return Handler
