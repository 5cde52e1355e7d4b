# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries requests to one Grafana: who we are to it, whom we trust, and what is tried again."""

from __future__ import annotations

import base64
import http.client
import random
import ssl
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field, replace

from ansible_collections.observability.claude_code.plugins.module_utils import _http
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_refusals import no_connection
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import is_loopback

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
        if _http.holds_credentials(self.url):
            raise GrafanaError("The url of Grafana holds credentials. Give them as username and password instead.")
        if _http.address(self.url) is None:
            raise GrafanaError(
                f"The url of Grafana, {self.url!r}, is no address. Write it like https://grafana.example.com, "
                "with the path of root_url where Grafana has one."
            )
        if not _http.is_timeout(self.timeout) or self.attempts < 1:
            raise GrafanaError(
                "timeout must be more than 0 seconds and at most a day, and there must be at least one attempt."
            )
        if self.token is not None and (self.username is not None or self.password is not None):
            raise GrafanaError("Give either a token or username and password: Grafana would use only one of them.")
        if self.token is not None and not _http.fits_header(self.token):
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
        return _http.trust(GrafanaError, self.ca_file, self.client_cert, self.client_key)

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
        return None if self.empty else _http.parsed(self.text)

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
        place = urllib.parse.urlsplit(self.url)
        context = connection.trust() if place.scheme == "https" else None
        self._open = _http.opener(context, direct=is_loopback(place.hostname or ""))

    def ask(self, request: urllib.request.Request) -> Answer:
        """The last answer; GrafanaError where there is none."""
        doubtful = False
        for attempt in range(1, self.connection.attempts + 1):
            last = attempt == self.connection.attempts
            wait = self.pause_s * 2 ** (attempt - 1)
            try:
                answer = self._send(request)
            except (OSError, http.client.HTTPException) as error:
                if last or not _http.may_pass(error):
                    raise GrafanaError(self._silence(request, error, doubtful)) from error
                doubtful = doubtful or not isinstance(error, urllib.error.URLError)
            else:
                asked = _http.retry_after(answer.headers.get("Retry-After"))
                if last or answer.status not in _http.PASSING_STATUS or (asked or 0) > self.patience_s:
                    return replace(answer, attempts=attempt, doubtful=doubtful)
                doubtful = doubtful or answer.status in DOUBTFUL_STATUS
                wait = wait if asked is None else asked
            # Not all in the same moment, where several wait for the same server.
            time.sleep(wait * random.uniform(1.0, 1.25))
        raise AssertionError("the last attempt returns or raises")

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._open(request, timeout=self.connection.timeout) as reply:
                return Answer(reply.status, self._read(reply), reply.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, self._read(error), error.headers)

    def _read(self, reply: t.Any) -> str:
        return _http.read(reply, self.connection.timeout).decode("utf-8", "replace")

    def _silence(self, request: urllib.request.Request, error: Exception, doubtful: bool) -> str:
        cause = _http.cause_of(error)
        sent = not isinstance(error, (urllib.error.URLError, ssl.SSLError))
        message = no_connection(cause if isinstance(cause, Exception) else error, self.url, self.connection.timeout)
        if request.get_method() != "GET" and (sent or doubtful):
            message += " Whether the change was made is unknown: run it again, it continues from what is there."
        return self.connection.without_secrets(message)
