# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Talk to a supervisord through its socket. Its own supervisorctl starts a Python for each question."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from typing import Any

# The faults of supervisord's protocol that are answers rather than errors.
BAD_NAME, SPAWN_ERROR, ABNORMAL_TERMINATION, ALREADY_STARTED, NOT_RUNNING, ALREADY_ADDED = 10, 50, 40, 60, 70, 90
# A program may take its time to end.
SECONDS = 300.0


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__()
        self.path = path
        self.seconds = timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self.path, self.seconds)


class Client:
    """The calls that we need."""

    def __init__(self, path: str) -> None:
        self.path = path

    def call(self, name: str, *arguments: Any, seconds: float = SECONDS) -> Any:
        with xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self.path, seconds)) as proxy:
            return getattr(proxy.supervisor, name)(*arguments)

    def answers(self) -> bool:
        try:
            return isinstance(self.call("getPID", seconds=15.0), int)
        except (OSError, xmlrpc.client.Error, http.client.HTTPException):
            return False

    def tolerant(self, name: str, *arguments: Any, faults: tuple[int, ...]) -> Any:
        """A call whose named faults mean: it is so already, or the program itself will tell."""
        try:
            return self.call(name, *arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode not in faults:
                raise
            return None
