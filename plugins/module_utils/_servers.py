# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus, Loki and the collector over HTTP: what is read from them. Nothing here knows Ansible."""

from __future__ import annotations

import base64
import contextlib
import http.client
import math
import re
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

from ansible_collections.observability.claude_code.plugins.module_utils import _http
from ansible_collections.observability.claude_code.plugins.module_utils._answers import answers_of
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import is_loopback

ATTEMPTS = 4
# Proxies on the way refuse addresses of 8 KiB.
LONGEST_ADDRESS = 4000
# In Unix seconds; later ones are in no calendar, and their arithmetic ends where numbers do.
LATEST_TIME = 1e11


class ServerError(Exception):
    """A server that gave no usable answer; the message says which, where, and what to do next."""


@dataclass(frozen=True)
class Access:
    """Where a server is and how to be let in. ``name`` is what messages call it."""

    name: str
    url: str
    username: str | None = None
    password: str | None = None
    bearer_token: str | None = None
    ca_file: str | None = None
    tenant: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    def headers(self) -> dict[str, str]:
        headers = {"User-Agent": "observability.claude_code"}
        if self.bearer_token:
            headers["Authorization"] = f"Bearer {self.bearer_token}"
        elif self.username:
            pair = base64.b64encode(f"{self.username}:{self.password or ''}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        if self.tenant:
            headers["X-Scope-OrgID"] = self.tenant
        return headers


@dataclass(frozen=True)
class Answer:
    """What a server said. ``clock_offset`` is its clock minus ours in seconds (None where it states no time)."""

    status: int
    body: bytes
    clock_offset: float | None = None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True)
class Sample:
    """One series of an instant query."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Series:
    """One series of a range query: points of (unix time, value)."""

    labels: dict[str, str]
    points: list[tuple[float, float]] = field(default_factory=list)


class Web:
    """Talks to one server; tries again where the connection fails or the server is not ready yet."""

    pause_s = 0.5

    def __init__(self, access: Access, timeout: float = 10.0) -> None:
        self.access, self.timeout = access, timeout
        self._unreachable = ""
        url = self._place()
        context = None
        if url.scheme == "https":
            context = _http.trust(ServerError, access.ca_file, access.client_cert, access.client_key, access.name)
        self._open = _http.opener(context, direct=is_loopback(url.hostname or ""))

    def _place(self) -> urllib.parse.SplitResult:
        """The parts of the address; ServerError where that or something beside it cannot be right."""
        access, url = self.access, _http.address(self.access.url)
        if _http.holds_credentials(access.url):
            raise ServerError(
                f"The address of {access.name} holds credentials. Give them as username and password instead."
            )
        if url is None:
            raise ServerError(
                f"The address of {access.name}, {access.url!r}, is none. Write it like http://host.example.com:9090."
            )
        if not _http.is_timeout(self.timeout):
            raise ServerError(f"timeout is {self.timeout}. Give more than 0 seconds and at most a day.")
        # Neither is quoted: the one is secret, and the other was perhaps taken for it.
        for what, text in (("bearer_token", access.bearer_token), ("tenant", access.tenant)):
            if text and not _http.fits_header(text):
                raise ServerError(
                    f"The {what} for {access.name} holds characters that a header cannot carry, such as a line's end. "
                    "Copy it again."
                )
        return url

    def get(self, path: str, **parameters: str) -> Answer:
        """The answer to a GET, whatever its status; ServerError where there is none.

        Parameters that are too long for an address are sent as a form; both servers take it for a query alike.
        """
        form = urllib.parse.urlencode(parameters)
        if len(form) > LONGEST_ADDRESS:
            return self.send("POST", path, form.encode(), "application/x-www-form-urlencoded")
        return self.send("GET", path, **parameters)

    def send(
        self, method: str, path: str, body: bytes | None = None, kind: str | None = None, **parameters: str
    ) -> Answer:
        """The answer to a request, whatever its status. It may be sent again, so it must not add to what it changes.

        ``kind`` is the body's media type.
        """
        url = self.access.url.rstrip("/") + path
        if parameters:
            url += "?" + urllib.parse.urlencode(parameters)
        if self._unreachable:
            raise ServerError(self._unreachable)
        headers = {**self.access.headers(), **({"Content-Type": kind} if kind else {})}
        request = urllib.request.Request(url, body, headers, method=method)
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._send(request)
                if answer.status not in _http.PASSING_STATUS or attempt == ATTEMPTS:
                    return answer
            except (OSError, http.client.HTTPException) as error:
                if attempt == ATTEMPTS or not _http.may_pass(error):
                    raise ServerError(self._silence(error)) from error
            time.sleep(self.pause_s * attempt)

    def _silence(self, error: Exception) -> str:
        """What to say of a server without an answer."""
        where = f"{self.access.name} at {self.access.url}"
        if _http.timed_out(error):
            said = f"{where} gave no answer in {self.timeout:g} s. It may be overloaded: look at its load and its log."
        else:
            said = (
                f"{where} does not answer: {_http.cause_of(error)}. "
                "Check that it runs, its address, and certificates if it speaks TLS."
            )
        if isinstance(error, urllib.error.URLError):
            # Nobody took the call. Those who ask next need not wait as long to hear the same.
            self._unreachable = said
        return said

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._open(request, timeout=self.timeout) as reply:
                return Answer(reply.status, _http.read(reply, self.timeout), _offset(reply.headers.get("Date")))
        except urllib.error.HTTPError as error:
            with error:
                location = error.headers.get("Location")
                if location and 300 <= error.code < 400:
                    raise ServerError(self._redirected(request, error.code, location)) from None
                return Answer(error.code, _http.read(error, self.timeout), _offset(error.headers.get("Date")))

    def _redirected(self, request: urllib.request.Request, status: int, location: str) -> str:
        return (
            f"{self.access.name} at {self.access.url} does not answer itself, it sends to "
            f"{_http.target(request.full_url, location)} ({status}), which is not followed. Give that address where it "
            "is the server's own. Where it is a login page, give what lets pass, or the address behind it."
        )

    def json(self, path: str, **parameters: str) -> t.Any:
        """The parsed answer to a GET; ServerError with the server's words where it is no success."""
        answer = self.get(path, **parameters)
        if answer.status != 200:
            raise ServerError(self._refusal(answer, path, parameters))
        try:
            return _http.parsed(answer.body)
        except ValueError as error:
            raise ServerError(
                f"What answers at {self.access.url}{path} is not {self.access.name}: {answer.text[:120]!r}. "
                "Check the address and the proxies on the way."
            ) from error

    @contextlib.contextmanager
    def reading(self, path: str, **parameters: str) -> t.Iterator[t.Any]:
        """The same for a block that takes it apart: ServerError where it has another shape than the block expects."""
        answer = self.json(path, **parameters)
        with answers_of(f"{self.access.name} at {self.access.url}", ServerError):
            yield answer

    def _refusal(self, answer: Answer, path: str, parameters: dict[str, str]) -> str:
        words = answer.text.strip()
        with contextlib.suppress(ValueError, AttributeError):
            words = str(_http.parsed(words).get("error") or words)
        asked = f" for {parameters['query']}" if "query" in parameters else ""
        step = {
            401: "Give the user and password or the token that it wants.",
            403: "Give a user or token that may read.",
            404: "Check that the address has the right path and that the server is the one expected.",
        }.get(answer.status, "Its own log says more.")
        return (
            f"{self.access.name} at {self.access.url} answered {answer.status} on {path}{asked}: {words[:400]}. {step}"
        )


class Prometheus:
    """The reading half of Prometheus' HTTP API."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def query(self, promql: str, at: float | None = None) -> list[Sample]:
        """The series of an instant query; a scalar comes as one series without labels."""
        when = {} if at is None else {"time": f"{at:.3f}"}
        with self.web.reading("/api/v1/query", query=promql, **when) as answer:
            data = answer["data"]
            if data["resultType"] == "scalar":
                return [Sample({}, float(data["result"][1]))]
            return [Sample(_texts(row["metric"]), float(row["value"][1])) for row in data["result"]]

    def query_range(self, promql: str, start: float, end: float, step: float) -> list[Series]:
        span = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        with self.web.reading("/api/v1/query_range", query=promql, **span) as answer:
            return [
                Series(_texts(row["metric"]), [(_time(at), float(value)) for at, value in row.get("values", ())])
                for row in answer["data"]["result"]
            ]

    def names(self, pattern: str, start: float, end: float) -> list[str]:
        """Names of the metrics that match ``pattern`` and have data between ``start`` and ``end``."""
        match = {"match[]": f'{{__name__=~"{pattern}"}}'}
        span = {"start": f"{start:.3f}", "end": f"{end:.3f}"}
        with self.web.reading("/api/v1/label/__name__/values", **match, **span) as answer:
            return sorted(map(str, _listed(answer["data"])))

    def targets(self) -> list[dict[str, t.Any]]:
        with self.web.reading("/api/v1/targets", state="active") as answer:
            return [dict(target) for target in answer["data"]["activeTargets"]]

    def rules(self) -> list[dict[str, t.Any]]:
        """All rules, each with the name of its group."""
        return _rules(self.web, "/api/v1/rules")

    def formatted(self, promql: str) -> str:
        """The query in the server's own spelling, the same for all that mean the same."""
        with self.web.reading("/api/v1/format_query", query=promql) as answer:
            return answer["data"]

    def flags(self) -> dict[str, str]:
        with self.web.reading("/api/v1/status/flags") as answer:
            return _texts(answer["data"])

    def setting(self, name: str) -> str | None:
        """The value of a setting that stands on a line of its own in the running configuration."""
        # A target has no YAML library, and the settings asked for have names that occur once.
        with self.web.reading("/api/v1/status/config") as answer:
            found = re.search(rf"^\s*{re.escape(name)}:\s*(\S+)\s*$", answer["data"]["yaml"], re.MULTILINE)
        return found.group(1) if found else None

    def version(self) -> str:
        with self.web.reading("/api/v1/status/buildinfo") as answer:
            return answer["data"].get("version", "")


class Loki:
    """The reading half of Loki's HTTP API."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def query(self, logql: str, at: float | None = None) -> list[Sample]:
        """The series of an instant metric query."""
        when = {} if at is None else {"time": str(int(at * 1e9))}
        with self.web.reading("/loki/api/v1/query", query=logql, **when) as answer:
            return [Sample(_texts(row["metric"]), float(row["value"][1])) for row in answer["data"]["result"]]

    def rows(self, logql: str, start: float, end: float, limit: int = 100) -> list[dict[str, str]]:
        """The newest entries of a log query, each with its labels and structured metadata in one mapping."""
        return [fields for _at, fields in self.entries(logql, start, end, limit)]

    def entries(self, logql: str, start: float, end: float, limit: int = 100) -> list[tuple[float, dict[str, str]]]:
        """The same with the time of each, newest first."""
        span = {"start": str(int(start * 1e9)), "end": str(int(end * 1e9)), "limit": str(limit)}
        with self.web.reading("/loki/api/v1/query_range", query=logql, direction="backward", **span) as answer:
            found = [
                (_time(int(entry[0]) / 1e9), _texts(stream["stream"]))
                for stream in answer["data"]["result"]
                for entry in stream["values"]
            ]
        return sorted(found, key=lambda one: -one[0])

    def rules(self) -> list[dict[str, t.Any]]:
        """All rules of its ruler, each with the name of its group."""
        return _rules(self.web, "/prometheus/api/v1/rules")

    def formatted(self, logql: str) -> str:
        """The query in the server's own spelling, the same for all that mean the same."""
        with self.web.reading("/loki/api/v1/format_query", query=logql) as answer:
            return answer["data"]

    def label_values(self, name: str, query: str, start: float, end: float) -> list[str]:
        """Values of a stream label among the streams that ``query`` selects."""
        span = {"start": str(int(start * 1e9)), "end": str(int(end * 1e9))}
        with self.web.reading(f"/loki/api/v1/label/{name}/values", query=query, **span) as answer:
            return list(map(str, _listed(answer.get("data") or [])))

    def version(self) -> str:
        with self.web.reading("/loki/api/v1/status/buildinfo") as answer:
            return answer.get("version", "")


class Collector:
    """What the collector says about itself on its own metrics address."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def metrics(self) -> list[tuple[str, Sample]]:
        """All samples as (name, sample). A trailing _total is cut: collectors differ in whether they write it."""
        answer = self.web.get("/metrics")
        if answer.status != 200:
            raise ServerError(
                f"{self.web.access.name} answered {answer.status} at {self.web.access.url}/metrics. "
                "Check that this is the address of its own metrics."
            )
        return parse_exposition(answer.text)

    def version(self) -> str:
        for name, sample in self.metrics():
            if name == "target_info" and "service_version" in sample.labels:
                return sample.labels["service_version"]
        return ""


LINE = re.compile(r"^(?P<name>[A-Za-z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)")
LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def parse_exposition(text: str) -> list[tuple[str, Sample]]:
    """Samples of Prometheus' text format; comments and lines of other formats are passed over."""
    samples = []
    for line in text.splitlines():
        found = LINE.match(line)
        if not found or line.startswith("#"):
            continue
        labels = {
            name: re.sub(r'\\[\\"n]', lambda escape: ESCAPES[escape.group()], value)
            for name, value in LABEL.findall(found["labels"] or "")
        }
        try:
            samples.append((found["name"].removesuffix("_total"), Sample(labels, float(found["value"]))))
        except ValueError:
            continue
    return samples


def _rules(web: Web, path: str) -> list[dict[str, t.Any]]:
    with web.reading(path) as answer:
        groups = answer["data"]["groups"]
        return [{**rule, "group": group["name"]} for group in groups for rule in group["rules"]]


def _listed(found: t.Any) -> list[t.Any]:
    if not isinstance(found, list):
        raise TypeError(f"{found!r} is no list")
    return found


def _texts(labels: t.Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in labels.items()}


def _time(stated: t.Any) -> float:
    at = float(stated)
    if not math.isfinite(at) or abs(at) > LATEST_TIME:
        raise ValueError(f"{stated!r} is no time")
    return at


def _offset(date: str | None) -> float | None:
    """Seconds by which a server's clock differs from ours; its header has whole seconds, so half of one is added."""
    stated = _http.moment(date)
    if stated is None:
        return None
    difference = stated + 0.5 - time.time()
    # Within half a second nothing can be said.
    return 0.0 if abs(difference) <= 0.5 else difference
