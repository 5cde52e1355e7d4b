# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries requests to one Grafana: who we are to it, whom we trust, and what is tried again."""

from __future__ import annotations

import base64
import email.utils
import http.client
import json
import random
import re
import socket
import ssl
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field, replace

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_refusals import no_connection
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import is_loopback

# What Grafana or a proxy says while it is overrun or starts. A 500 is none of them: it answers bad requests with it.
PASSING_STATUS = (429, 502, 503, 504)
# After these nobody knows whether the request was carried out.
DOUBTFUL_STATUS = (502, 504)


class GrafanaError(Exception):
    """Whatever keeps us from going on; the message says what is wrong, where, and the next step."""


@dataclass(frozen=True)
class Connection:
    """Where Grafana is and how to be let in: with a token, or with username and password. ``timeout`` in seconds."""

    url: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    org_id: int | None = None
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: float = 30.0
    attempts: int = 4

    def __post_init__(self) -> None:
        url = urllib.parse.urlsplit(self.url)
        try:
            usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
        except ValueError:
            usable = False
        if "@" in url.netloc:
            raise GrafanaError("The url of Grafana holds credentials. Give them as username and password instead.")
        if not usable or url.query or url.fragment:
            raise GrafanaError(
                f"The url of Grafana, {self.url!r}, is no address. Write it like https://grafana.example.com, "
                "with the path of root_url where Grafana has one."
            )
        if self.timeout <= 0 or self.attempts < 1:
            raise GrafanaError("timeout must be more than 0 seconds, and there must be at least one attempt.")
        if self.token is not None and (self.username is not None or self.password is not None):
            raise GrafanaError("Give either a token or username and password: Grafana would use only one of them.")
        if self.token is not None and not re.fullmatch(r"[!-~]+", self.token):
            raise GrafanaError("The token is empty or holds characters that no token of Grafana has. Copy it again.")
        if (self.username is None) != (self.password is None) or ":" in (self.username or ""):
            raise GrafanaError("username and password belong together, and a username holds no colon.")

    def headers(self) -> dict[str, str]:
        headers = {"User-Agent": "observability.claude_code", "Accept": "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        elif self.username is not None:
            headers["Authorization"] = f"Basic {self._pair()}"
            # With a token Grafana ignores it and writes into the token's organisation.
            if self.org_id is not None:
                headers["X-Grafana-Org-Id"] = str(self.org_id)
        return headers

    def without_secrets(self, text: str) -> str:
        """The text as it may be shown: a server may quote what it was sent."""
        for secret in (self.token, self.password, self._pair() if self.password else None):
            if secret:
                text = text.replace(secret, "***")
        return text

    def trust(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.client_cert:
                context.load_cert_chain(self.client_cert, self.client_key)
        except (OSError, ssl.SSLError) as error:
            files = " or ".join(filter(None, (self.ca_file, self.client_cert, self.client_key)))
            reason = error.strerror or str(error)
            raise GrafanaError(
                f"The certificates in {files} cannot be used: {reason}. Give PEM files that can be read."
            ) from error
        return context

    def _pair(self) -> str:
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status.

    ``attempts`` says how often it was asked for, ``doubtful`` that one before the last may have been carried out.
    """

    status: int
    text: str
    headers: t.Mapping[str, str]
    attempts: int = 1
    doubtful: bool = False

    @property
    def empty(self) -> bool:
        return not self.text.strip()

    def json(self) -> t.Any:
        """The parsed body, None where it is empty; ValueError where it is no JSON."""
        return None if self.empty else json.loads(self.text)

    def object(self) -> dict[str, t.Any] | None:
        """What Grafana says to an error: an object, or nothing at all. None where it is something else."""
        try:
            found = self.json()
        except ValueError:
            return None
        return {} if found is None else found if isinstance(found, dict) else None


class Transport:
    """Sends requests over a connection. Tries again where that fails or the server has no time."""

    pause_s = 0.5  # before the second attempt; twice as long before each further one
    patience_s = 60.0  # a server that wants to be left alone for longer is not waited for

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.url = connection.url.rstrip("/")
        self.writes = 0
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
        if self.url.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=connection.trust()))
        if is_loopback(urllib.parse.urlsplit(self.url).hostname or ""):
            handlers.append(urllib.request.ProxyHandler({}))
        self._open = urllib.request.build_opener(*handlers).open

    def ask(self, request: urllib.request.Request) -> Answer:
        """The last answer; GrafanaError where there is none."""
        doubtful = False
        for attempt in range(1, self.connection.attempts + 1):
            last = attempt == self.connection.attempts
            wait = self.pause_s * 2 ** (attempt - 1)
            if request.get_method() != "GET":
                self.writes += 1
            try:
                answer = self._send(request)
            except (OSError, http.client.HTTPException) as error:
                if last or not _may_pass(error):
                    raise GrafanaError(self._silence(request, error, doubtful)) from error
                doubtful = doubtful or not isinstance(error, urllib.error.URLError)
            else:
                asked = _seconds(answer.headers.get("Retry-After"))
                if last or answer.status not in PASSING_STATUS or (asked or 0) > self.patience_s:
                    return replace(answer, attempts=attempt, doubtful=doubtful)
                doubtful = doubtful or answer.status in DOUBTFUL_STATUS
                wait = wait if asked is None else asked
            # Not all in the same moment, where several wait for the same server.
            time.sleep(wait * random.uniform(1.0, 1.25))
        raise AssertionError("the last attempt returns or raises")

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._open(request, timeout=self.connection.timeout) as reply:
                return Answer(reply.status, reply.read().decode("utf-8", "replace"), reply.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode("utf-8", "replace"), error.headers)

    def _silence(self, request: urllib.request.Request, error: Exception, doubtful: bool) -> str:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        sent = not isinstance(error, (urllib.error.URLError, ssl.SSLError))
        message = no_connection(cause if isinstance(cause, Exception) else error, self.url, self.connection.timeout)
        if request.get_method() != "GET" and (sent or doubtful):
            message += " Whether the change was made is unknown: run it again, it continues from what is there."
        return self.connection.without_secrets(message)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: who follows one ends on a login page, which is a success to HTTP."""

    def redirect_request(self, *_details: t.Any) -> None:
        return None


def _may_pass(error: Exception) -> bool:
    """Whether the same request may go better in a moment. Who gave no answer in time will not hurry the second time."""
    cause = getattr(error, "reason", error)
    if isinstance(cause, ssl.SSLEOFError):
        return True
    if isinstance(cause, (ssl.SSLError, socket.timeout, TimeoutError)):
        return False
    return isinstance(cause, (OSError, http.client.IncompleteRead))


def _seconds(header: str | None) -> float | None:
    """What Retry-After asks for: seconds, or a time."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
