# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all clients of servers have in common: which addresses are some, whom they trust, and when an answer is over."""

from __future__ import annotations

import email.utils
import http.client
import json
import re
import socket
import ssl
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request

# What a server or a proxy says while it is overrun or starts. A 500 is none of them: some answer bad requests with it.
PASSING_STATUS = (429, 502, 503, 504)
LONGEST_TIMEOUT = 86400
# A timeout is for each piece of an answer. All of it together may take so many times as long, and be so long.
TIMEOUTS_OF_AN_ANSWER = 5
LONGEST_ANSWER = 256 * 1024 * 1024
PIECE = 256 * 1024


class TooLongError(OSError):
    """An answer that does not fit."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer. Who follows one hands the credentials on, and ends on a login page, which is a success
    to HTTP."""

    def http_error_302(self, *_details: t.Any) -> None:
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def opener(context: ssl.SSLContext | None, direct: bool) -> t.Callable[..., t.Any]:
    """What opens requests; ``direct`` goes past the environment's proxies."""
    handlers: list[urllib.request.BaseHandler] = [NoRedirects()]
    if context:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    if direct:
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers).open


def trust(
    fault: type[Exception],
    ca_file: str | None,
    client_cert: str | None = None,
    client_key: str | None = None,
    whose: str = "",
) -> ssl.SSLContext:
    """Whom to trust and what to show. ``fault`` is raised where a file cannot be used; ``whose`` server it is for."""
    files = [ca_file]
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if client_cert:
            files = [client_cert, client_key]
            context.load_cert_chain(client_cert, client_key)
    except (OSError, ssl.SSLError) as error:
        what = f"The certificates for {whose}" if whose else "The certificates"
        raise fault(
            f"{what} in {' or '.join(filter(None, files))} cannot be used: {error.strerror or error}. "
            "Give PEM files that can be read."
        ) from error
    return context


def address(url: str) -> urllib.parse.SplitResult | None:
    """The parts of a server's address, None where nothing can be asked there."""
    try:
        parts = urllib.parse.urlsplit(url)
        (parts.hostname or "").encode("idna")  # refuses empty and endless labels
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    # No request line can carry other characters.
    usable = usable and bool(re.fullmatch(r"[!-~]+", url)) and not (parts.query or parts.fragment)
    return parts if usable else None


def holds_credentials(url: str) -> bool:
    """Whether it may hold a password, so that no message should quote it. Where it is no address any @ may end one."""
    parts = address(url)
    return "@" in (parts.netloc if parts else url)


def fits_header(text: str) -> bool:
    """Whether a header can carry the text, which is one word."""
    return bool(re.fullmatch(r"[!-~]+", text))


def is_timeout(seconds: float) -> bool:
    """Whether a socket can wait so long; not a number is none."""
    return 0 < seconds <= LONGEST_TIMEOUT


def target(asked: str, location: str) -> str:
    """Where a redirect leads, without what may be secret in it."""
    try:
        parts = urllib.parse.urlsplit(urllib.parse.urljoin(asked, location))
    except ValueError:
        return "what is no address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path[:200]}"


def read(reply: t.Any, timeout: float) -> bytes:
    """The body of an answer. Who sends it byte by byte is no server that works, though none is late."""
    ends, size, pieces = time.monotonic() + TIMEOUTS_OF_AN_ANSWER * timeout, 0, []
    while True:
        piece = reply.read1(PIECE)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        if size > LONGEST_ANSWER:
            raise TooLongError(f"it sent more than {LONGEST_ANSWER} bytes")
        if time.monotonic() > ends:
            raise TimeoutError("the answer does not end")
    body = b"".join(pieces)
    if reply.length:
        raise http.client.IncompleteRead(body, reply.length)
    return body


def parsed(text: str | bytes) -> t.Any:
    """What JSON says; ValueError where it is none."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def cause_of(error: Exception) -> t.Any:
    """What is behind an error of urllib. Errors of TLS have a ``reason`` too, which is a word."""
    return error.reason if isinstance(error, urllib.error.URLError) else error


def timed_out(error: Exception) -> bool:
    # Before Python 3.10 these were two.
    return isinstance(cause_of(error), (socket.timeout, TimeoutError))


def may_pass(error: Exception) -> bool:
    """Whether the same request may go better in a moment. Who gave no answer in time will not hurry the second time."""
    cause = cause_of(error)
    if isinstance(cause, ssl.SSLEOFError):
        return True
    if timed_out(error) or isinstance(cause, (ssl.SSLError, TooLongError)):
        return False
    return isinstance(cause, (OSError, http.client.IncompleteRead))


def moment(header: str | None) -> float | None:
    """The Unix time that a header states, None where it states none."""
    try:
        return email.utils.parsedate_to_datetime(header or "").timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def retry_after(header: str | None) -> float | None:
    """What Retry-After asks for, in seconds; it states them, or a time."""
    stated = (header or "").strip()
    # A digit need not be a decimal one: ² is none.
    if stated.isdecimal():
        return float(stated)
    until = moment(stated)
    return None if until is None else max(0.0, until - time.time())
