# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names the cause of a failed OTLP request and says what to do about it."""

from __future__ import annotations

import dataclasses
import http.client
import re
import socket
import ssl
import typing as t

# What to do, by cause. {endpoint}, {protocol} and {signal} are filled in.
NEXT_STEPS = {
    "dns": "Check the host name in {endpoint} and the name servers of this machine.",
    "refused": "Nothing listens at {endpoint}: check that the collector runs, its port and its listen address.",
    "unreachable": "No route leads to {endpoint}: check address, network and firewall.",
    "timeout": "No answer in time from {endpoint}: check firewall and load of the collector, or raise timeout.",
    "disconnected": (
        "The server hung up: check that {endpoint} is the collector's {protocol} port "
        "(HTTP is usually 4318, gRPC 4317) and whether it wants https:// or a client certificate, then its log."
    ),
    "tls_untrusted": "Give the certificate authority of the collector as ca_file.",
    "tls_name": "Use a name in {endpoint} that the certificate holds, or issue a certificate for this one.",
    "tls_expired": "Renew the collector's certificate, and check the clock of this machine.",
    "tls_client": "The collector wants a client certificate that it trusts: give client_cert and client_key.",
    "tls_missing": "The port speaks no TLS: write http:// in the endpoint, or switch TLS on in the collector.",
    "tls_wanted": "The port speaks TLS: write https:// in the endpoint.",
    "tls": "Check the certificates on both sides and that the port in {endpoint} speaks TLS.",
    "unauthorized": "Give a token that stands in the collector's token file.",
    "forbidden": "The token or address may not send here: look at the collector's or the proxy's rules.",
    "bad_request": "The {signal} request is malformed or holds a value the collector cannot take, as its text says.",
    "too_large": "Send smaller requests, or raise max_request_body_size of the collector's receiver.",
    "overloaded": "The collector has no room: wait and send again; if it lasts look at its queue and memory limit.",
    "not_found": "No {signal} are taken at {endpoint}: check path and port, and that there is such a pipeline.",
    "wrong_protocol": "The port does not speak {protocol}: HTTP is usually 4318, gRPC 4317.",
    "redirected": "Use the address that the server names, it is not followed for you.",
    "server_error": "Look into the collector's log at this time.",
    "not_otlp": "Something other than a collector answers at {endpoint}: check address and proxies.",
    "partly_rejected": "The rest was taken; the collector's text says what it did not like.",
    "unknown": "Look into the collector's log at this time.",
}
# The collector answered, and will answer so again: a refusal, not a trouble on the way.
REFUSALS = frozenset(("unauthorized", "forbidden", "bad_request", "too_large", "tls_client"))

STATUS_CAUSES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "not_found",
    407: "forbidden",
    408: "timeout",
    413: "too_large",
    415: "wrong_protocol",
    429: "overloaded",
    502: "overloaded",
    503: "overloaded",
    504: "overloaded",
}
GRPC_CAUSES = {
    "UNAUTHENTICATED": "unauthorized",
    "PERMISSION_DENIED": "forbidden",
    "INVALID_ARGUMENT": "bad_request",
    "INTERNAL": "server_error",
    "RESOURCE_EXHAUSTED": "overloaded",
    "DEADLINE_EXCEEDED": "timeout",
    "UNIMPLEMENTED": "not_found",
    "UNAVAILABLE": "overloaded",
}
# The words of servers and libraries in which a cause shows that no code tells.
PHRASES = (
    # The second is what a collector says that cannot quote a body which is no UTF-8.
    (r"error unmarshalling request|failed to marshal error message", "bad_request"),
    (r"larger than max|too large|max_request_body", "too_large"),
    (r"HTTP request to an? (HTTPS|TLS)|plain HTTP request was sent", "tls_wanted"),
    (r"WRONG_VERSION_NUMBER|UNEXPECTED_EOF_WHILE_READING|record layer failure", "tls_missing"),
    (
        r"ALERT_CERTIFICATE_REQUIRED|certificate required|HANDSHAKE_FAILURE|ALERT_BAD_CERTIFICATE|ALERT_UNKNOWN_CA",
        "tls_client",
    ),
    # gRPC cannot read the alert that comes after a handshake of TLS 1.3.
    (r"Unwrap failed", "tls_client"),
    (r"[Hh]ostname mismatch|IP address mismatch|not valid for|Hostname Verification|Peer name", "tls_name"),
    (r"certificate has expired", "tls_expired"),
    (r"CERTIFICATE_VERIFY_FAILED|certificate verify failed", "tls_untrusted"),
    (r"Connection refused", "refused"),
    (r"DNS|Name or service not known|name resolution|[Dd]omain name not found|nodename nor servname", "dns"),
    (r"No route to host|[Nn]etwork is unreachable", "unreachable"),
    (r"[Ss]ettings|HTTP/2|http2|HTTP2|Trying to connect an http1", "wrong_protocol"),
    (r"SSL|TLS|[Hh]andshak", "tls"),
    (r"failed to connect to all addresses|Socket closed", "disconnected"),
)


@dataclasses.dataclass(frozen=True)
class Fault:
    """Why a request was not accepted: the cause by our name, and the text of whoever noticed."""

    cause: str
    text: str
    status: int | str | None = None

    @classmethod
    def of_grpc(cls, code: str, details: str) -> Fault:
        text = " ".join(details.split())[:500] or code
        cause = GRPC_CAUSES.get(code, "unknown")
        if code in ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "UNKNOWN", "INTERNAL", "CANCELLED"):
            cause = _spoken(text) or cause
        # gRPC names UNAVAILABLE what was no answer of a server at all.
        return cls(cause, text, None if code == "UNAVAILABLE" and cause != "overloaded" else code)


def http_fault(error: Exception | None, status: int | None = None, text: str = "") -> Fault:
    """The fault behind an exception of http.client, or behind a status that is not 200."""
    if error is None and status is not None:
        usual = "redirected" if 300 <= status < 400 else "server_error" if status >= 500 else "unknown"
        cause = STATUS_CAUSES.get(status, usual)
        if status in (400, 500):
            cause = _spoken(text, only=("bad_request", "too_large", "tls_wanted")) or cause
        return Fault(cause, text or f"The server answered {status} without a text.", status)
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, socket.gaierror):
        return Fault("dns", said)
    if isinstance(error, (socket.timeout, TimeoutError)):
        return Fault("timeout", said)
    if isinstance(error, ConnectionRefusedError):
        return Fault("refused", said)
    if isinstance(error, ssl.SSLError):
        return Fault(_spoken(said) or "tls", said)
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
        return Fault("disconnected", said)
    if isinstance(error, http.client.HTTPException):
        return Fault("wrong_protocol", f"The answer is no HTTP/1.1: {said[:200]!r}.")
    return Fault(_spoken(said) or "unknown", said)


def explain(cause: str, endpoint: str, protocol: str, signal: str) -> str:
    """What to do next."""
    return NEXT_STEPS[cause].format(endpoint=endpoint, protocol=protocol, signal=signal)


def _spoken(text: str, only: t.Container[str] | None = None) -> str | None:
    for pattern, cause in PHRASES:
        if (only is None or cause in only) and re.search(pattern, text):
            return cause
    return None
