# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether something speaks gRPC at an address, as far as that shows without a library for it.

A connection is made, with TLS where the address says so, and HTTP/2 is begun: a server of gRPC answers with its own
settings. That it takes telemetry and knows a token cannot be shown so.
"""

from __future__ import annotations

import socket
import ssl
import time
import urllib.parse

from ansible_collections.observability.claude_code.plugins.module_utils._otlp import Reply
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_errors import http_fault

# RFC 9113: what a client begins with, followed by settings without any in them.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
SETTINGS = 4
HEADER_BYTES = 9
UNPROVEN = (
    "Over gRPC only the connection was tried, since Python has no gRPC: that the collector takes the telemetry and "
    "knows the token is shown by the first real session."
)


def check_grpc(parts: urllib.parse.SplitResult, context: ssl.SSLContext | None, timeout: float) -> tuple[Reply, str]:
    """The reply, accepted where HTTP/2 is spoken, and what it does not prove."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    began = time.monotonic()
    try:
        with socket.create_connection((parts.hostname or "", port), timeout) as plain:
            if context is None:
                first = _answer(plain)
            else:
                context.set_alpn_protocols(["h2"])
                with context.wrap_socket(plain, server_hostname=parts.hostname) as secured:
                    first = _answer(secured)
    except OSError as error:
        fault = http_fault(error)
        cause = "tls_wanted" if fault.cause == "disconnected" and context is None else fault.cause
        return Reply(False, None, cause, fault.text, latency_s=time.monotonic() - began), ""
    except ValueError:  # the name is encoded before anybody is asked for it
        return Reply(False, None, "dns", f"{parts.hostname!r} is no name that a name server could know"), ""
    taken = time.monotonic() - began
    if len(first) >= HEADER_BYTES and first[3] == SETTINGS:
        return Reply(True, "HTTP/2", latency_s=taken), UNPROVEN
    if not first:
        cause = "tls_wanted" if context is None else "disconnected"
        return Reply(False, None, cause, "The server ended the connection without a word", latency_s=taken), ""
    said = "The answer is no HTTP/2"
    cause = "tls_wanted" if first[:1] == b"\x15" else "wrong_protocol"
    return Reply(False, None, cause, said, latency_s=taken), ""


def _answer(connection: socket.socket) -> bytes:
    connection.sendall(PREFACE + NO_SETTINGS)
    received = b""
    while len(received) < HEADER_BYTES:
        more = connection.recv(64)
        if not more:
            break
        received += more
    return received
