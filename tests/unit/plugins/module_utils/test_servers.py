# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading from servers that are not at their best."""

from __future__ import annotations

import json
import threading
import urllib.error
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _servers as servers
from support.answering_server import Answer, AnsweringServer
from support.stack import free_ports


class Moody:
    """Answers the replies one after the other, the last one for ever. None: hang up; a threading.Event: say nothing."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, str] | threading.Event | None] = [(200, "{}")]
        self.asked: list[str] = []
        self.forms: list[str] = []
        moody = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                moody.asked.append(self.path)
                reply = moody.replies.pop(0) if len(moody.replies) > 1 else moody.replies[0]
                if isinstance(reply, threading.Event):
                    reply.wait(10)
                elif reply:
                    self.send_response(reply[0])
                    self.send_header("Content-Length", str(len(reply[1])))
                    self.end_headers()
                    self.wfile.write(reply[1].encode())

            def do_POST(self) -> None:
                moody.forms.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.do_GET()

            def log_message(self, *_words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def web(self, timeout: float = 5.0, **access: str) -> servers.Web:
        url = f"http://127.0.0.1:{self.server.server_port}"
        return servers.Web(servers.Access("Prometheus", **{"url": url, **access}), timeout)


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moody]:
    monkeypatch.setattr(servers.Web, "pause_s", 0.0)
    found = Moody()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.mark.parametrize("trouble", [None, (503, "starting"), (429, "too many"), (502, "gateway")])
def test_what_may_pass_is_tried_again(trouble, moody) -> None:
    moody.replies = [trouble, trouble, (200, '{"data": 1}')]
    assert moody.web().json("/x") == {"data": 1}
    assert len(moody.asked) == 3


def test_a_server_that_stays_in_trouble_is_quoted_with_the_query(moody) -> None:
    moody.replies = [(503, '{"error": "out of memory"}')]
    with pytest.raises(servers.ServerError, match=r"answered 503 on /q for up: out of memory. Its own log says more."):
        moody.web().json("/q", query="up")
    assert len(moody.asked) == servers.ATTEMPTS


@pytest.mark.parametrize(
    ("status", "step"), [(401, "Give the user and password"), (403, "may read"), (404, "the right path"), (422, "log")]
)
def test_a_refusal_is_not_tried_again_and_names_the_next_step(status, step, moody) -> None:
    moody.replies = [(status, "no")]
    with pytest.raises(servers.ServerError, match=step):
        moody.web().json("/x")
    assert len(moody.asked) == 1


def test_a_server_that_says_nothing_is_not_asked_again_at_once(moody) -> None:
    silence = threading.Event()
    moody.replies = [silence]
    with pytest.raises(servers.ServerError, match=r"gave no answer in 0.2 s. It may be overloaded"):
        moody.web(timeout=0.2).json("/x")
    silence.set()
    assert len(moody.asked) == 1


def test_a_server_that_is_down_is_waited_for_once_only(monkeypatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(servers.time, "sleep", pauses.append)
    (port,) = free_ports(1)
    web = servers.Web(servers.Access("Loki", f"http://127.0.0.1:{port}"))
    for _attempt in range(3):
        with pytest.raises(servers.ServerError, match=f"Loki at http://127.0.0.1:{port} does not answer: .*refused"):
            web.json("/x")
    assert len(pauses) == servers.ATTEMPTS - 1


def test_a_query_too_long_for_an_address_is_sent_as_a_form(moody) -> None:
    for query in ("up", "x" * 5000):
        moody.web().json("/q", query=query, time="1")
    assert moody.asked == ["/q?query=up&time=1", "/q"]
    assert moody.forms == [f"query={'x' * 5000}&time=1"]


def test_something_else_than_the_server_is_named(moody) -> None:
    moody.replies = [(200, "<html>Log in</html>")]
    with pytest.raises(servers.ServerError, match=r"is not Prometheus: '<html>Log in</html>'. Check the address"):
        moody.web().json("/x")


def test_an_authority_that_cannot_be_read_is_named(moody, tmp_path) -> None:
    with pytest.raises(servers.ServerError, match=r"certificates for Prometheus in .*none.pem cannot be used"):
        moody.web(url="https://127.0.0.1", ca_file=str(tmp_path / "none.pem"))


def test_a_scalar_and_a_vector_are_read_alike(moody) -> None:
    vector = {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1, "2.5"]}]}
    moody.replies = [
        (200, json.dumps({"data": {"resultType": "scalar", "result": [1, "7"]}})),
        (200, json.dumps({"data": vector})),
    ]
    prometheus = servers.Prometheus(moody.web())
    assert prometheus.query("7") == [servers.Sample({}, 7.0)]
    assert prometheus.query("x", at=12.5) == [servers.Sample({"a": "b"}, 2.5)]
    assert moody.asked[1].endswith("time=12.500")


def test_the_text_format_is_read_with_its_escapes() -> None:
    text = '# HELP a_total x\na_total{path="C:\\\\x",said="\\"no\\"\\n"} 3\nb 4.5e3 1234\nnonsense\nc NaN\n'
    found = servers.parse_exposition(text)
    assert found[:2] == [
        ("a", servers.Sample({"path": "C:\\x", "said": '"no"\n'}, 3.0)),
        ("b", servers.Sample({}, 4500.0)),
    ]
    assert [name for name, _sample in found] == ["a", "b", "c"]


@pytest.mark.parametrize("ask", [lambda web: web.json("/x"), lambda web: web.get("/ready"), servers.Collector.metrics])
def test_a_redirect_is_not_followed_with_the_credentials(ask: Callable) -> None:
    with AnsweringServer() as server, AnsweringServer() as other:
        location = other.url.replace("//", "//user:secret@") + "/login?token=secret"
        server.default = Answer(302, b"", {"Location": location})
        web = servers.Web(servers.Access("Prometheus", server.url, bearer_token="of-a-test"))
        with pytest.raises(servers.ServerError, match=f"it sends to {other.url}/login .302.* Give that") as error:
            ask(servers.Collector(web) if ask is servers.Collector.metrics else web)
        assert other.received == []
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("access", "words"),
    [
        ({"url": "http://[::1"}, "'http://\\[::1', is none. Write it like"),
        ({"url": "http://a..b"}, "is none"),
        ({"url": "http://host/ä"}, "is none"),
        ({"url": "http://user:SECRET@host"}, "holds credentials. Give them as username and password"),
        ({"bearer_token": "SECRET\n"}, "bearer_token for Prometheus holds characters"),
        ({"bearer_token": "SECRET\N{EURO SIGN}"}, "bearer_token for Prometheus holds characters"),
        ({"tenant": "SECRET \r\n"}, "tenant for Prometheus holds characters"),
        ({"timeout": float("nan")}, "timeout is nan. Give more than 0"),
        ({"timeout": float("inf")}, "timeout is inf"),
        ({"timeout": -1.0}, "timeout is -1"),
    ],
)
def test_what_cannot_be_right_is_refused_at_once_without_its_secrets(access, words, moody) -> None:
    with pytest.raises(servers.ServerError, match=words) as error:
        moody.web(**access)
    assert "SECRET" not in str(error.value)
    assert moody.asked == []


def test_a_call_that_nobody_takes_is_tried_once(moody) -> None:
    calls: list[object] = []

    def nobody(request: object, **_more: object) -> None:
        calls.append(request)
        raise urllib.error.URLError(TimeoutError("timed out"))

    web = moody.web(timeout=0.2)
    web._open = nobody
    for _attempt in range(2):
        with pytest.raises(servers.ServerError, match=r"gave no answer in 0.2 s. It may be overloaded"):
            web.json("/x")
    assert len(calls) == 1


def test_an_answer_that_drips_is_not_waited_for(moody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers._http, "TIMEOUTS_OF_AN_ANSWER", 0)
    with pytest.raises(servers.ServerError, match=r"gave no answer in 5 s"):
        moody.web().json("/x")


SHAPES = [{}, [], None, 1, "x", {"data": None}, {"data": {}}, {"data": {"resultType": "vector", "result": None}}]
ROWS = [
    {},
    {"metric": None, "value": [1, "1"]},
    {"metric": {}, "value": [1, "x"], "values": [[1, "x"]]},
    {"metric": {}, "values": [["1e99", 1]]},
]
READERS: list[Callable] = [
    lambda web: servers.Prometheus(web).query("up"),
    lambda web: servers.Prometheus(web).query_range("up", 0, 1, 1),
    lambda web: servers.Loki(web).query("x"),
    lambda web: servers.Loki(web).entries("x", 0, 1),
]
LISTERS: list[Callable] = [
    lambda web: servers.Prometheus(web).names("x", 0, 1),
    lambda web: servers.Prometheus(web).targets(),
    lambda web: servers.Prometheus(web).rules(),
    lambda web: servers.Prometheus(web).setting("x"),
    lambda web: servers.Loki(web).rules(),
]


@pytest.mark.parametrize("shape", SHAPES, ids=json.dumps)
@pytest.mark.parametrize("ask", [*READERS, *LISTERS])
def test_json_of_another_shape_is_told_as_such(ask: Callable, shape: object, moody) -> None:
    moody.replies = [(200, json.dumps(shape))]
    with pytest.raises(servers.ServerError, match=r"something else than its API does \(\w+: .*Look whether"):
        ask(moody.web())


@pytest.mark.parametrize("ask", READERS)
@pytest.mark.parametrize("row", ROWS, ids=json.dumps)
def test_a_row_of_another_shape_is_told_as_such(ask: Callable, row: object, moody) -> None:
    moody.replies = [(200, json.dumps({"data": {"resultType": "vector", "result": [row]}}))]
    with pytest.raises(servers.ServerError, match="something else than its API does"):
        ask(moody.web())


def test_json_that_is_too_deep_is_no_answer(moody) -> None:
    moody.replies = [(200, "[" * 200_000)]
    with pytest.raises(servers.ServerError, match="is not Prometheus"):
        moody.web().json("/x")
