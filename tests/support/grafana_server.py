# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Grafana that keeps what it is sent and answers as recordings of the real one do.

Version 9.4 is what was recorded, and tests/unit/test_grafana_server.py replays the recordings on it. Where later
versions are known to differ, ``version`` decides; such a place names the version from which it is so.
"""

from __future__ import annotations

import base64
import binascii
import http.server
import json
import threading
import traceback
import urllib.parse
from typing import Any

# Each import adds its endpoints to the table.
from support import (  # noqa: F401
    grafana_server_accounts,
    grafana_server_dashboards,
    grafana_server_folders,
    grafana_server_general,
    grafana_server_notifications,
    grafana_server_rules,
    grafana_server_sources,
    grafana_server_states,
)
from support.grafana_server_http import Answer, Refusal, Request, denied, find, may
from support.grafana_server_state import Account, Caller, Login, Organisation, State, Token

Fault = int | tuple[int, Any] | str | None
# A "slow" answer waits so long at most.
SLOW_S = 30
PAGE = b"<!DOCTYPE html><html><body>Welcome to the proxy of somebody else</body></html>"


class GrafanaServer:
    """Use as ``with GrafanaServer(version="11.6.0") as server``.

    ``token`` is one of an Admin (none if it is empty); there is the login ``admin`` with ``password`` too.
    """

    def __init__(
        self,
        version: str = "11.6.0",
        token: str = "the-token-of-a-test",
        *,
        password: str = "the-password-of-a-test",
        port: int = 0,
    ) -> None:
        self.port = port  # 0: one that is free
        self.token, self.password = token, password
        self.state = State(version)
        self.state.logins["admin"] = Login(password, "Admin")
        self.requests: list[tuple[str, str, Any]] = []  # method, path with its parameters, body
        self.headers: list[dict[str, str]] = []  # of each request; names in lower case
        self.faults: list[Fault] = []
        self.go_on = threading.Event()
        self.lock = threading.RLock()
        if token:
            self.add_token(token, "Admin")

    def __enter__(self) -> GrafanaServer:
        self._server = _listener(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_details: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    # --- what a test asks and orders ---------------------------------------------------------------------------------

    @property
    def writes(self) -> list[tuple[str, str, Any]]:
        """The requests that may change something."""
        return [request for request in self.requests if request[0] not in ("GET", "HEAD")]

    def add_token(self, key: str, role: str, org_id: int = 1) -> str:
        """Make ``key`` the token of a new service account with this role."""
        number = next(self.state.user_ids)
        name = f"{role.lower()}-{number}"
        self.state.accounts[number] = Account(number, name, f"sa-{name}", role, org_id=org_id)
        self.state.tokens.append(Token(next(self.state.token_ids), f"{name}-token", key, number))
        return key

    def fail_next(self, *faults: Fault) -> None:
        """Answer the next requests, one each, by a status, by a status and a body, or in one of these ways:

        "hang up": close the connection without a word; "lost": do what is asked, and then the same;
        "slow": do and say nothing before ``go_on`` is set, or the server closed; "nonsense": 200 and a page of HTML;
        None: no fault this time.
        """
        self.faults += faults

    # --- a request ---------------------------------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: dict[str, str], text: str) -> Answer | None:
        """None: no answer at all."""
        with self.lock:
            self.requests.append((method, target, _parsed(text)))
            self.headers.append(headers)
            fault = self.faults.pop(0) if self.faults else None
        if fault == "slow":
            self.go_on.wait(SLOW_S)
        if fault == "hang up":
            return None
        if fault == "nonsense":
            return Answer(200, PAGE, "text/html; charset=utf-8")
        if isinstance(fault, int):
            return Answer(fault, {"message": "asked for by the test"})
        if isinstance(fault, tuple):
            return Answer(*fault)
        with self.lock:
            try:
                done = self._do(method, target, headers, text)
            except Refusal as refusal:
                done = refusal.answer
            except Exception:
                # No status of HTTP: a mistake of the stand-in is not to be taken for something that Grafana does.
                done = Answer(599, {"message": traceback.format_exc()})
        return None if fault == "lost" else done

    def _do(self, method: str, target: str, headers: dict[str, str], text: str) -> Answer:
        path, _mark, parameters = target.partition("?")
        # HEAD is GET without a body, which the listener leaves out.
        found = find(self.state, "GET" if method == "HEAD" else method, path)
        open_to_all = found is not None and found[0].needs == ""
        caller = Caller("None") if open_to_all else self._caller(headers.get("authorization", ""))
        # Before version 10 service accounts told an anonymous caller which right is missing.
        asks_accounts = path.startswith("/api/serviceaccounts") and not self.state.since(10, 0)
        if caller.kind == "nobody" and not open_to_all and not (found and asks_accounts):
            raise Refusal(401, "Unauthorized", trace=False)
        if found is None:
            raise Refusal(404, "Not found", trace=False)
        chosen, named = found
        if not open_to_all and not may(caller, chosen.needs, self.state):
            raise denied(chosen.needs)
        request = Request(
            method,
            urllib.parse.unquote(path),
            parameters,
            headers,
            text,
            caller,
            self._organisation(caller, headers.get("x-grafana-org-id", "")),
            self.state,
            named,
        )
        return chosen.handler(request)

    def _organisation(self, caller: Caller, header: str) -> Organisation:
        """The one that the header names. A token belongs to one organisation: the header is ignored."""
        wanted = int(header) if caller.kind == "user" and header.isdigit() and int(header) else caller.org_id
        if wanted not in self.state.organisations:
            raise Refusal(404, "Organization not found")
        return self.state.organisations[wanted]

    def _caller(self, authorization: str) -> Caller:
        kind, _space, value = authorization.partition(" ")
        if not authorization:
            return Caller("None")
        if kind == "Bearer":
            return self._of_token(value)
        try:
            login, _colon, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Refusal(401, "Invalid Basic Auth Header") from error
        if kind != "Basic" or not _colon:
            raise Refusal(401, "Invalid Basic Auth Header")
        known = self.state.logins.get(login)
        if known and not known.locked and known.password == password:
            known.wrong = 0
            return Caller(known.role, login, kind="user")
        if known:
            known.wrong += 1
        raise self._unknown("invalid username or password", "password-auth.failed")

    def _of_token(self, key: str) -> Caller:
        token = next((token for token in self.state.tokens if token.key == key), None)
        if token is None:
            # Before version 10 a token that once was is a failure of the server.
            revoked = key in self.state.deleted_keys and not self.state.since(10, 0)
            raise Refusal(500, "invalid API key") if revoked else self._unknown("invalid API key", "api-key.invalid")
        account = self.state.accounts[token.account]
        if account.disabled:
            raise Refusal(401, "Service account is disabled", trace=False)
        # What a token writes is signed by nobody in version 9.
        login = account.login if self.state.since(10, 0) else Caller("None").login
        return Caller(account.role, login, account.org_id, "token")

    def _unknown(self, message: str, identity: str) -> Refusal:
        if not self.state.since(10, 0):
            return Refusal(401, message)
        return Refusal(401, message[0].upper() + message[1:], messageId=identity, statusCode=401)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _listener(server: GrafanaServer) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10
        wbufsize = 1 << 16  # one packet an answer: the second would wait for the acknowledgement of the first

        def handle_any(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = server.answer(self.command, self.path, headers, text)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(answer.sent)))
            self.end_headers()
            if self.command != "HEAD" and answer.status != 204:
                self.wfile.write(answer.sent)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_words: object) -> None:
            pass

    class Listener(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_details: object) -> None:
            pass  # a client that gives up early is what some tests are about

    return Listener(("127.0.0.1", server.port), Handler)
