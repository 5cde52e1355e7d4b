# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module telemetry_probe, against a stand-in for a collector."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _captures as captures
from ansible_collections.observability.claude_code.plugins.modules import telemetry_probe
from support.modules import run_module
from support.otlp_server import Answer, OtlpServer

TOKEN = "a-token-that-shows-nowhere"
UNAUTHORIZED = Answer(401, b'{"message":"missing or empty authorization header"}')


@pytest.fixture
def server() -> Iterator[OtlpServer]:
    with OtlpServer() as running:
        yield running


def probe(server: OtlpServer, **options: object) -> dict:
    return run_module(telemetry_probe, **{"endpoint": server.url, **options})


def test_a_probe_can_be_found_again_by_its_mark(server) -> None:
    before = time.time()
    result = probe(server, points=[0.25, 0.5])
    assert "failed" not in result
    assert (result["changed"], result["sent"], result["accepted"], result["status"]) == (True, True, True, 200)
    assert result["diagnosis"] == f"{server.url} accepted metrics and logs, as expected."
    assert result["sum"] == 0.75
    assert before - 0.001 <= result["time"] <= time.time()

    metrics, logs = (received.content for received in server.received)
    sent = list(captures.points(metrics))
    marks = {"probe.id": result["probe_id"], "session.id": result["session_id"]}
    for point in sent:
        assert (point.metric, point.temporality, point.monotonic) == (result["metric"], "delta", True)
        assert point.attributes == marks
        assert point.resource == {"service.name": "claude-code"}
    assert [point.value for point in sent] == [0.25, 0.5]
    assert sent[1].start_ns == sent[0].time_ns == sent[1].time_ns - 10**9
    (record,) = captures.records(logs)
    assert (record.event, record.body) == (result["event"], "claude_code.probe")
    assert {key: record.attributes[key] for key in marks} == marks
    assert record.time_ns == sent[1].time_ns
    assert round(result["time"] * 1000) == record.time_ns // 1_000_000


def test_each_probe_has_a_mark_of_its_own_unless_one_is_given(server) -> None:
    assert probe(server)["probe_id"] != probe(server)["probe_id"]
    result = probe(server, probe_id="known")
    assert (result["probe_id"], result["session_id"]) == ("known", "probe-known")


def test_one_signal_alone(server) -> None:
    result = probe(server, signals=["logs"])
    assert list(result["replies"]) == ["logs"]
    assert [received.target for received in server.received] == ["/v1/logs"]


def test_the_first_token_of_a_file_is_sent_and_shown_nowhere(server, tmp_path) -> None:
    server.default = Answer(401, f"Bearer {TOKEN}?".encode(), {"Content-Type": "text/plain"})
    file = tmp_path / "tokens"
    file.write_text(f"# who may send\n\n{TOKEN} demo\nother-token else\n")
    result = probe(server, token_file=str(file))
    assert server.received[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert result["failed"]
    assert TOKEN not in result["printed"]


def test_check_mode_sends_nothing_and_says_so(server) -> None:
    result = probe(server, check_mode=True)
    assert (result["changed"], result["sent"]) == (True, False)
    assert result["diagnosis"] == "Check mode: nothing was sent."
    assert probe(server, check_mode=True, expect="refused")["changed"] is False
    assert server.received == []


def test_a_refusal_fails_with_the_collectors_own_words_and_the_next_step(server) -> None:
    server.default = UNAUTHORIZED
    result = probe(server)
    assert (result["failed"], result["changed"], result["accepted"], result["status"]) == (True, False, False, 401)
    assert result["msg"] == (
        f"{server.url} did not take metrics and logs: unauthorized (401): missing or empty authorization header. "
        "Give a token that stands in the collector's token file."
    )


def test_it_tells_which_signal_was_not_taken(server) -> None:
    server.answers = [Answer(), Answer(404, b"no {such} page", {"Content-Type": "text/plain"})]
    result = probe(server)
    assert (result["failed"], result["changed"], result["status"]) == (True, True, 404)
    assert result["msg"].startswith(f"{server.url} did not take logs: not found (404): no {{such}} page.")
    assert result["replies"]["metrics"]["accepted"]


def test_an_expected_refusal_is_a_success_that_changes_nothing(server) -> None:
    server.default = UNAUTHORIZED
    result = probe(server, expect="refused")
    assert "failed" not in result
    assert (result["changed"], result["accepted"]) == (False, False)
    assert result["diagnosis"] == f"{server.url} refused metrics and logs, as expected."
    assert result["error"] == "missing or empty authorization header"


def test_what_should_be_refused_and_is_taken_fails(server) -> None:
    server.answers = [UNAUTHORIZED]
    result = probe(server, expect="refused")
    assert (result["failed"], result["changed"]) == (True, True)
    assert f"{server.url} accepted logs that it should have refused." in result["msg"]


def test_trouble_on_the_way_is_no_refusal(server) -> None:
    server.default = Answer(503, b"no room", {"Content-Type": "text/plain"})
    result = probe(server, expect="refused")
    assert "should have refused metrics and logs, but there was trouble before that: overloaded (503)" in result["msg"]
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    result = run_module(telemetry_probe, endpoint=f"http://127.0.0.1:{port}", expect="refused")
    assert result["failed"]
    assert result["status"] is None
    assert "Nothing listens at" in result["msg"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"endpoint": "127.0.0.1"}, "is no address"),
        ({"points": []}, "a counter grows by finite numbers"),
        ({"points": [-1]}, "a counter grows by finite numbers"),
        ({"points": ["nan"]}, "a counter grows by finite numbers"),
        ({"points": [1e308, 1e308]}, "to a finite sum"),
        ({"signals": []}, "signals is empty"),
        ({"timeout": 0}, "timeout is 0.0 seconds"),
        ({"timeout": "nan"}, "timeout is nan seconds"),
        ({"timeout": "inf"}, "timeout is inf seconds; give more than 0, and at most 86400"),
        ({"token": TOKEN, "token_file": "tokens"}, "mutually exclusive"),
        ({"client_key": "x"}, "client_cert"),
        ({"token_file": "/nowhere/tokens"}, "token file /nowhere/tokens cannot be read: No such file"),
        ({"token_file": "/dev/null"}, "holds no token"),
        ({"token": "two words\n"}, "characters that a header cannot carry"),
    ],
)
def test_bad_options_are_refused_before_anything_is_sent(server, options, complaint) -> None:
    result = probe(server, **options)
    assert result["failed"]
    assert complaint in result["msg"]
    assert server.received == []


def test_a_missing_library_is_asked_for(server, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "grpc", None)
    result = probe(server, protocol="grpc")
    assert result["failed"]
    assert "grpcio" in result["msg"]
    assert "http/json needs none" in result["msg"]
