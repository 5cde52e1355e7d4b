# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of Grafana: whom it trusts, and what it tries again."""

from __future__ import annotations

import email.utils
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_api as api
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_refusals as refusals
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_transport as transport
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_options import (
    connection_spec,
    grafana_of,
)
from support.answering_server import Answer, AnsweringServer
from support.certificates import Authority
from support.grafana_clients import PAGE, PASSWORD, TOKEN, client, complaint, says
from support.stack import free_ports


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What it would have waited, in seconds."""
    found: list[float] = []
    monkeypatch.setattr(transport.time, "sleep", found.append)
    monkeypatch.setattr(transport.random, "uniform", lambda low, _high: low)
    return found


@pytest.fixture
def server(waits) -> Iterator[AnsweringServer]:
    with AnsweringServer() as running:
        yield running


# --- trying again ---


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_again_with_growing_pauses(server, waits, status) -> None:
    server.answers = [says(status), says(status), says(status), says(200, {"uid": "a"})]
    assert client(server.url).get("/api/folders/a") == {"uid": "a"}
    assert waits == [0.5, 1.0, 2.0]


def test_a_lasting_trouble_is_told_after_the_last_attempt(server, waits) -> None:
    server.default = says(503, PAGE.replace(b"Sign in - Gate", b"503 Service Unavailable"))
    text = complaint(lambda: client(server.url).get("/api/folders/a"))
    assert 'could not read the folder "a" (503): 503 Service Unavailable. It was asked 4 times.' in text
    assert len(server.received) == 4


def test_a_server_says_how_long_to_wait(server, waits) -> None:
    late = email.utils.formatdate(time.time() + 20, usegmt=True)
    past = email.utils.formatdate(time.time() - 20, usegmt=True)
    server.answers = [says(429, **{"Retry-After": when}) for when in ("7", late, past)]
    client(server.url).get("/api/folders/a")
    assert waits[0] == 7
    assert 15 < waits[1] <= 20
    assert waits[2] == 0
    # What is no time at all is not believed, and who wants an hour is not waited for.
    server.answers = [
        says(503, **{"Retry-After": "soon"}),
        says(503, **{"Retry-After": "\N{SUPERSCRIPT TWO}"}),
        says(429, {"message": "slow down"}, **{"Retry-After": "3600"}),
    ]
    text = complaint(lambda: client(server.url).get("/api/folders/a"))
    assert waits[3:] == [0.5, 1.0]
    assert "(429): slow down. It is asked too often" in text


@pytest.mark.parametrize("status", [400, 401, 403, 409, 412, 500, 501])
def test_a_last_word_is_not_asked_for_again(server, waits, status) -> None:
    server.default = says(status, {"message": "no"})
    with pytest.raises(api.Refused) as caught:
        client(server.url).post("/api/folders", {"uid": "a"})
    assert (caught.value.status, caught.value.said, caught.value.repeated) == (status, "no", False)
    assert (len(server.received), waits) == (1, [])


def test_a_server_that_hangs_up_is_called_again(server, waits) -> None:
    server.answers = [Answer(hang_up=True), Answer(hang_up=True)]
    assert client(server.url).get("/api/folders/a") == {}
    assert waits == [0.5, 1.0]
    server.default = Answer(hang_up=True)
    assert "does not answer" in complaint(lambda: client(server.url).get("/api/folders/a"))
    assert len(server.received) == 3 + 4


@pytest.mark.parametrize("lost", [Answer(hang_up=True), says(502), says(504)])
def test_a_lost_answer_shows_in_the_refusal_of_the_second_request(server, lost) -> None:
    server.answers = [lost, says(412, {"message": "changed by someone else"})]
    with pytest.raises(api.Refused) as caught:
        client(server.url).post("/api/dashboards/db", {"dashboard": {"uid": "a"}})
    assert caught.value.repeated
    server.answers = [lost, says(404, {"message": "not found"})]
    assert client(server.url).delete("/api/dashboards/uid/a") is True
    # Who has no time has done nothing.
    server.answers = [says(503), says(404, {"message": "not found"})]
    assert client(server.url).delete("/api/dashboards/uid/a") is False


def test_a_write_that_got_no_answer_is_said_to_be_in_doubt(server) -> None:
    server.default = Answer(hang_up=True)
    assert "Whether the change was made is unknown" in complaint(lambda: client(server.url).put("/api/folders/a", {}))
    assert "unknown" not in complaint(lambda: client(server.url).get("/api/folders/a"))


def test_a_slow_server_is_asked_once(server, waits) -> None:
    over = threading.Event()
    server.default = Answer(after=over)
    try:
        text = complaint(lambda: client(server.url, timeout=0.2).get("/api/folders/a"))
    finally:
        over.set()
    assert f"Grafana at {server.url} gave no answer in 0.2 s. It may be overloaded" in text
    assert (len(server.received), waits) == (1, [])


def test_a_server_that_is_down_is_named(waits) -> None:
    (port,) = free_ports(1)
    text = complaint(lambda: client(f"http://127.0.0.1:{port}").put("/api/folders/a", {}))
    assert f"Grafana at http://127.0.0.1:{port} does not answer: [Errno 111] Connection refused. Check that" in text
    assert "unknown" not in text  # nothing was sent
    assert waits == [0.5, 1.0, 2.0]


def test_an_answer_that_drips_is_not_waited_for(server, waits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport._http, "TIMEOUTS_OF_AN_ANSWER", 0)
    assert "gave no answer in" in complaint(lambda: client(server.url).get("/api/folders/a"))
    assert waits == []


# --- connections ---


def tls_server(authority: Authority, *, name: str = "127.0.0.1", ask: bool = False) -> AnsweringServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(name))
    if ask:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.ca_file)
    return AnsweringServer(context)


def test_certificates_on_both_sides(tmp_path: Path, waits) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(str, authority.issue("client"))
    ca_file = str(authority.ca_file)
    with tls_server(authority, ask=True) as server:
        assert client(server.url, ca_file=ca_file, client_cert=certificate, client_key=key).get("/api/folders/a") == {}
        assert "client certificate" in complaint(lambda: client(server.url, ca_file=ca_file).get("/api/folders/a"))
        assert "as ca_file" in complaint(lambda: client(server.url).get("/api/folders/a"))
    with tls_server(authority, name="elsewhere.test") as server:
        text = complaint(lambda: client(server.url, ca_file=ca_file).put("/api/folders/a", {}))
        assert "Use a name in the url that the certificate holds" in text
        assert "unknown" not in text


def test_who_hangs_up_in_the_handshake_may_want_a_certificate() -> None:
    error = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
    text = refusals.no_connection(error, "https://grafana.test", 5.0)
    assert text.startswith("Grafana at https://grafana.test does not answer: EOF occurred in violation of protocol. ")
    assert "whether it wants https:// or a client certificate" in text


def test_tls_and_plain_are_told_apart(server, tmp_path: Path) -> None:
    url = server.url.replace("http:", "https:")
    assert "write http:// in the url" in complaint(lambda: client(url).get("/api/folders/a"))
    server.default = says(400, b"Client sent an HTTP request to an HTTPS server.\n")
    assert "speaks TLS. Write https://" in complaint(lambda: client(server.url).get("/api/folders/a"))
    lacking = str(tmp_path / "missing.pem")
    text = complaint(lambda: client(url, ca_file=lacking))
    assert (
        text
        == f"The certificates in {lacking} cannot be used: No such file or directory. Give PEM files that can be read."
    )


def test_the_environments_proxy_is_asked_for_other_machines_only(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    client("http://grafana.test").get("/api/folders/a")
    assert server.received[0].target == "http://grafana.test/api/folders/a"
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    client(server.url).get("/api/folders/a")
    assert server.received[1].target == "/api/folders/a"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"url": "grafana.example.com"}, "'grafana.example.com', is no address"),
        ({"url": "ftp://grafana.example.com"}, "is no address"),
        ({"url": "http://grafana.example.com:99999"}, "is no address"),
        ({"url": "http://grafana.example.com/?orgId=1"}, "is no address"),
        ({"url": "http://[::1"}, "'http://[::1', is no address"),
        ({"url": "http://a..b"}, "is no address"),
        ({"url": "http://grafana.example.com/ä"}, "is no address"),
        ({"url": f"http://alice:{PASSWORD}@[::1"}, "holds credentials"),
        ({"url": f"http://alice:{PASSWORD}@grafana.example.com"}, "holds credentials"),
        ({"timeout": 0}, "timeout must be more than 0"),
        ({"timeout": float("nan")}, "timeout must be more than 0"),
        ({"timeout": float("inf")}, "at most a day"),
        ({"attempts": 0}, "at least one attempt"),
        ({"username": "alice", "password": PASSWORD}, "either a token or username and password"),
        ({"token": ""}, "The token is empty"),
        ({"token": f"{TOKEN}\n"}, "characters that no token of Grafana has"),
        ({"token": None, "username": "alice"}, "belong together"),
        ({"token": None, "username": "ali:ce", "password": PASSWORD}, "holds no colon"),
    ],
)
def test_a_connection_that_cannot_be_right_is_refused_at_once(options, expected) -> None:
    assert expected in complaint(lambda: client(**{"url": "http://grafana.example.com", **options}))


def test_options_make_a_client(server) -> None:
    grafana = grafana_of(
        {**dict.fromkeys(connection_spec()), "url": server.url, "token": TOKEN, "timeout": 5.0, "other": 1}
    )
    assert grafana.get("/api/folders/a") == {}
    assert {name for name, spec in connection_spec().items() if spec.get("no_log")} == {"token", "password"}
