# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to the HTTP API of one Grafana, 9.5 to 13. It knows requests and answers; what they mean is their caller's."""

from __future__ import annotations

import json
import re
import types
import typing as t
import urllib.parse
import urllib.request

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_refusals import (
    Refusal,
    explain,
    named,
    plain,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import (
    Answer,
    Connection,
    GrafanaError,
    Transport,
)
from ansible_collections.observability.claude_code.plugins.module_utils._http import PASSING_STATUS, target

HEALTH = "/api/health"
# What Grafana takes as a uid of anything.
UID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
NO_HEADERS: t.Mapping[str, str] = types.MappingProxyType({})


class Refused(GrafanaError):
    """An answer that is no success. ``status`` is that of HTTP, ``answer`` Grafana's own JSON ({} where it had none).

    ``repeated``: the request had been sent before and its answer was lost, so this may be the answer to a success.
    """

    def __init__(self, message: str, status: int, answer: dict[str, t.Any], repeated: bool = False) -> None:
        super().__init__(message)
        self.status, self.answer, self.repeated = status, answer, repeated

    @property
    def said(self) -> str:
        """Grafana's own words."""
        return str(self.answer.get("message", ""))


class Grafana:
    """One Grafana. Tries again where the connection fails or it has no time; not to be shared between threads.

    A write whose answer was lost is sent again too. So what is created carries a uid: a second one is then refused
    (see ``Refused.repeated``) and not made beside the first.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.url = connection.url.rstrip("/")
        self._transport = Transport(connection)
        self._version: tuple[int, int, int] | None = None
        self._organisation: int | None = None
        self._is_grafana = False

    # --- what callers ask -----------------------------------------------------------------------------------------

    def get(self, path: str, /, **parameters: t.Any) -> t.Any:
        """The parsed answer."""
        return self._exchange("GET", path, parameters)

    def find(self, path: str, /, **parameters: t.Any) -> t.Any | None:
        """The same, None where Grafana says 404."""
        try:
            found = self.get(path, **parameters)
        except Refused as error:
            if error.status != 404:
                raise
            return None
        if found is None:
            # JSON's null with a success says neither that it is there nor that it is not.
            raise GrafanaError(self._nonsense(path, 200, "null"))
        return found

    def post(self, path: str, /, body: t.Any, headers: t.Mapping[str, str] = NO_HEADERS, **parameters: t.Any) -> t.Any:
        """The parsed answer; None where it is empty."""
        return self._exchange("POST", path, parameters, body, headers)

    def put(self, path: str, /, body: t.Any, headers: t.Mapping[str, str] = NO_HEADERS, **parameters: t.Any) -> t.Any:
        return self._exchange("PUT", path, parameters, body, headers)

    def delete(self, path: str, /, headers: t.Mapping[str, str] = NO_HEADERS, **parameters: t.Any) -> bool:
        """Whether it was there. A 404 after a lost answer is the echo of our own success."""
        try:
            self._exchange("DELETE", path, parameters, None, headers)
        except Refused as error:
            if error.status != 404:
                raise
            return error.repeated
        return True

    @property
    def version(self) -> tuple[int, int, int]:
        """As it calls itself, without what may follow the three numbers. Read once."""
        if self._version is None:
            stated = self._health().get("version")
            if not stated:
                # Hidden from those who have not signed in.
                settings = self.get("/api/frontend/settings")
                build = settings.get("buildInfo") if isinstance(settings, dict) else None
                stated = build.get("version") if isinstance(build, dict) else None
            found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", str(stated or ""))
            if not found:
                raise GrafanaError(
                    f"Grafana at {self.url} does not tell its version ({stated!r}). "
                    "Switch hide_version off in the section auth.anonymous of its configuration."
                )
            self._version = (int(found[1]), int(found[2]), int(found[3] or 0))
        return self._version

    @property
    def organisation(self) -> int:
        """The number of the organisation that requests go to. Read once."""
        if self._organisation is None:
            found = fields(self.get("/api/org"), f"{self.url}/api/org", "id")
            self._organisation = found["id"]
        return self._organisation

    def needs(self, what: str, *version: int) -> None:
        """GrafanaError where it is older than ``version``; ``what`` begins the sentence that says so."""
        if self.version < version:
            wanted, this = (".".join(map(str, numbers)) for numbers in (version, self.version[: len(version)]))
            raise GrafanaError(
                f"{what} needs Grafana {wanted}, this is {this} ({self.url}). Upgrade it, or do without."
            )

    # --- how it is asked ------------------------------------------------------------------------------------------

    def _health(self) -> dict[str, t.Any]:
        try:
            health = self._exchange("GET", HEALTH, {})
        except Refused as error:
            if error.status != 404:
                raise
            # Every Grafana has it, so nothing else that is missing there means anything.
            raise GrafanaError(self._nonsense(HEALTH, 404, json.dumps(error.answer))) from error
        if not isinstance(health, dict) or "database" not in health:
            raise GrafanaError(self._nonsense(HEALTH, 200, json.dumps(health)))
        self._is_grafana = True
        return health

    def _check_organisation(self) -> None:
        """Reads once whether requests go where they should: a token keeps to its own organisation without a word."""
        if self.connection.org_id is None or self._organisation is not None:
            return
        wanted, found = self.connection.org_id, self.find("/api/org")
        if found is None:
            raise GrafanaError(
                f"Grafana at {self.url} has no organisation {wanted}, or the user {self.connection.username!r} is not "
                "in it. Correct org_id, or add the user to the organisation."
            )
        place = fields(found, f"{self.url}/api/org", "id")
        if place["id"] != wanted:
            raise GrafanaError(
                f"The token belongs to organisation {place['id']} ({place.get('name')!r}) of Grafana at {self.url}, "
                f"not to {wanted}, and reaches no other. Give a token of a service account in organisation {wanted}, "
                "or leave org_id away."
            )
        self._organisation = place["id"]

    def _exchange(
        self,
        method: str,
        path: str,
        parameters: t.Mapping[str, t.Any],
        body: t.Any = None,
        headers: t.Mapping[str, str] = NO_HEADERS,
    ) -> t.Any:
        """The parsed answer to one request; Refused where it is no success."""
        if path not in (HEALTH, "/api/org"):
            self._check_organisation()
        answer = self._transport.ask(self._request(method, path, parameters, body, headers))
        if 200 <= answer.status < 300:
            try:
                if answer.empty and method == "GET":
                    raise ValueError("what is asked for has a body")
                return answer.json()
            except ValueError:
                shown = self.connection.without_secrets(self._nonsense(path, answer.status, answer.text))
                raise GrafanaError(shown) from None
        raise self._refused(method, path, body, answer)

    def _refused(self, method: str, path: str, body: t.Any, answer: Answer) -> GrafanaError:
        """What to raise for an answer that is no success."""
        said = answer.object()
        # Who names what is not there is Grafana. These words are also those of an address without its path.
        nameless = answer.empty or (said or {}).get("message") == "Not found"
        if answer.status == 404 and nameless and not self._is_grafana and path != HEALTH:
            self._health()
        if 300 <= answer.status < 400:
            message = self._redirected(answer)
        elif said is None and answer.status not in PASSING_STATUS and "/datasources/proxy/" not in path:
            message = self._nonsense(path, answer.status, answer.text)
        else:
            words = str(said.get("message") or "") if said is not None else plain(answer.text)
            by_token = self.connection.token is not None
            message = explain(
                Refusal(self.url, method, named(path, body), answer.status, words, by_token, answer.attempts)
            )
        message = self.connection.without_secrets(message)
        if answer.status == 404 and said is None:
            # Somebody else's 404 says nothing of what Grafana has.
            return GrafanaError(message)
        return Refused(message, answer.status, said or {}, answer.doubtful)

    def _request(
        self,
        method: str,
        path: str,
        parameters: t.Mapping[str, t.Any],
        body: t.Any,
        headers: t.Mapping[str, str],
    ) -> urllib.request.Request:
        given = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in parameters.items()
            if value is not None
        }
        url = self.url + path + ("?" + urllib.parse.urlencode(given, doseq=True) if given else "")
        content = None if body is None else json.dumps(body).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        return urllib.request.Request(
            url, content, headers={**self.connection.headers(), **kind, **headers}, method=method
        )

    # --- what is said of that ---------------------------------------------------------------------------------------

    def _redirected(self, answer: Answer) -> str:
        where = target(self.url + "/", answer.headers.get("Location") or "")
        if "login" in where or urllib.parse.urlsplit(where).netloc != urllib.parse.urlsplit(self.url).netloc:
            step = "If that is a login page, a proxy before Grafana wants to be passed: give the address behind it."
        else:
            step = "Give the address that it names, with the path of Grafana's root_url; it is not followed for you."
        return f"{self.url} does not answer itself, it sends to {where} ({answer.status}). {step}"

    def _nonsense(self, path: str, status: int, text: str) -> str:
        if "HTTP request to an HTTPS server" in text or "plain HTTP request was sent" in text:
            return f"The port at {self.url} speaks TLS. Write https:// in the url of Grafana."
        return (
            f"What answers at {self.url}{path} ({status}) is not Grafana: {plain(text)!r}. "
            "Check the url, its path, and the proxies on the way."
        )


def segment(name: str) -> str:
    """A uid or a name as it stands in a path."""
    return urllib.parse.quote(name, safe="")


def fields(answer: t.Any, where: str, *names: str) -> dict[str, t.Any]:
    """The answer, if it is an object with these fields; GrafanaError where it is something else."""
    missing = [name for name in names if name not in answer] if isinstance(answer, dict) else names
    if missing:
        raise GrafanaError(
            f"The answer of {where} has not the shape that Grafana gives it, {' and '.join(missing)} missing: "
            f"{plain(json.dumps(answer))!r}. Check that the url is Grafana's own."
        )
    return answer
