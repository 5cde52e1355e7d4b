# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module telemetry_replay and what it stands on: places in time, the player, the count of what was played."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _captures as captures
from ansible_collections.observability.claude_code.plugins.module_utils import _replay as replay
from ansible_collections.observability.claude_code.plugins.modules import telemetry_replay
from support.checkout import CHECKOUT
from support.modules import run_module
from support.otlp_server import Answer, OtlpServer

SAMPLES = CHECKOUT / "files" / "samples"
ALL = captures.read_all([SAMPLES])
COMMIT = [capture for capture in ALL if capture.name == "commit"]
MIDNIGHT = 1_795_392_000  # UTC
DAY = 86400


@pytest.fixture
def server() -> Iterator[OtlpServer]:
    with OtlpServer() as running:
        yield running


def play(server: OtlpServer, **options: object) -> dict:
    return run_module(telemetry_replay, **{"endpoint": server.url, "paths": [str(SAMPLES)], **options})


def points(placed: list[captures.Capture]) -> list[captures.Point]:
    return [p for capture in placed for request in capture.requests for p in captures.points(request.body)]


# --- places in time ---


def test_every_recording_is_placed_inside_the_window_as_often_as_asked() -> None:
    placed = replay.spread(ALL, end=MIDNIGHT, repeats=3, users=5)
    assert Counter(capture.name for capture in placed) == {capture.name: 3 for capture in ALL}
    assert min(capture.span_ns[0] for capture in placed) >= (MIDNIGHT - DAY) * 10**9 - 10**6
    assert max(capture.span_ns[1] for capture in placed) <= MIDNIGHT * 10**9
    assert placed == sorted(placed, key=lambda capture: capture.span_ns)


def test_the_day_has_the_shape_of_work() -> None:
    starts = [capture.span_ns[0] // 10**9 for capture in replay.spread(COMMIT, end=MIDNIGHT, repeats=400)]
    hours = Counter((start % DAY) // 3600 for start in starts)
    work, night = sum(hours[hour] for hour in range(9, 18)), sum(hours[hour] for hour in range(6))
    assert work / len(starts) == pytest.approx(sum(replay.WORKDAY[9:18]) / sum(replay.WORKDAY), abs=0.03)
    assert 0 < night < work / 20
    # Two hours further east the same day begins two hours earlier.
    east = [c.span_ns[0] // 10**9 for c in replay.spread(COMMIT, end=MIDNIGHT, repeats=400, utc_offset_s=7200)]
    assert sum(east) / len(east) == pytest.approx(sum(starts) / len(starts) - 7200, abs=1500)


def test_the_same_seed_places_the_same_and_another_one_something_else() -> None:
    first, again, other = (replay.spread(ALL, end=MIDNIGHT, seed=seed, users=3) for seed in ("a", "a", "b"))
    assert first == again
    sessions = [{value for capture in placed for value in capture.values("session")} for placed in (first, other)]
    assert not sessions[0] & sessions[1]


def test_copies_of_a_recording_share_nothing_but_their_user() -> None:
    placed = replay.spread(ALL, end=MIDNIGHT, repeats=2)
    shared = [(value, kind) for capture in placed for value, kind in capture.identities.items() if kind != "user"]
    assert [value for value, times in Counter(shared).items() if times > 1] == []


def test_users_are_all_there_and_the_first_does_most() -> None:
    placed = replay.spread(ALL, end=MIDNIGHT, repeats=4, users=4)
    users = Counter(user for capture in placed for user in capture.values("user"))
    assert len(users) == 4
    (first,) = captures.moved(ALL[0], user="user-1").values("user")
    assert users.most_common(1)[0][0] == first


def test_no_two_points_of_a_series_share_a_millisecond() -> None:
    # A narrow window and one user: the recordings without session ids would meet otherwise.
    lonely = [capture for capture in ALL if capture.name == "without-session-id"]
    placed = replay.spread(lonely, end=MIDNIGHT, hours=0.001, repeats=200)
    seen = Counter((point.series, point.time_ns // 10**6) for point in points(placed))
    assert len({series for series, _time in seen}) < len(seen) / 100
    assert max(seen.values()) == 1
    everything = points(replay.spread(ALL, end=MIDNIGHT, repeats=3, stretch=20))
    assert max(Counter((point.series, point.time_ns // 10**6) for point in everything).values()) == 1


def test_a_recording_longer_than_the_window_is_named() -> None:
    with pytest.raises(captures.CaptureError, match=r"interactive lasts .* does not fit into 0\.5 hours"):
        replay.spread([c for c in ALL if c.name == "interactive"], end=MIDNIGHT, hours=0.5, stretch=50)


# --- the module ---


def test_what_arrives_is_what_was_announced(server) -> None:
    result = play(server, end=MIDNIGHT, seed="s", users=3, token="a-token-that-shows-nowhere")
    assert "failed" not in result
    assert (result["changed"], result["accepted"], result["refused"]) == (True, result["requests"], [])
    assert len(server.received) == result["requests"] == sum(len(capture.requests) for capture in ALL)
    bodies = [received.content for received in server.received]
    assert sum(1 for body in bodies for _point in captures.points(body)) == result["points"]
    assert Counter(record.event for body in bodies for record in captures.records(body)) == result["events"]
    assert sum(result["events"].values()) == result["records"]
    assert result["sessions"] == sum(len(capture.values("session")) for capture in ALL)
    assert result["users"] == 3
    assert "a-token-that-shows-nowhere" not in result["printed"]


def test_totals_are_those_of_the_recordings(server) -> None:
    once, twice = (play(server, check_mode=True, end=MIDNIGHT, repeats=repeats) for repeats in (1, 2))
    expected: Counter[str] = Counter()
    for capture in ALL:
        for point in captures.increments(capture):
            expected[point.metric] += point.value
    assert once["totals"] == pytest.approx(dict(expected))
    assert twice["totals"] == pytest.approx({metric: 2 * total for metric, total in expected.items()})
    assert len(expected) == 8


def test_a_recordings_requests_arrive_in_order(server) -> None:
    result = play(server, end=MIDNIGHT, repeats=2, workers=4)
    assert result["accepted"] == 2 * sum(len(capture.requests) for capture in ALL)
    sequences: dict[str, list[int]] = {}
    for received in server.received:
        for record in captures.records(received.content):
            prompt = record.attributes.get("prompt.id")
            if prompt:
                sequences.setdefault(prompt, []).append(record.attributes["event.sequence"])
    assert max(map(len, sequences.values())) > 10
    assert all(numbers == sorted(numbers) for numbers in sequences.values())


def test_the_last_hours_are_the_default_window(server) -> None:
    before = time.time()
    result = play(server, check_mode=True)
    assert before - 23 * 3600 - 1 <= result["first"] <= result["last"] <= time.time()
    assert result["last"] - result["first"] > 12 * 3600


def test_check_mode_announces_the_same_and_sends_nothing(server) -> None:
    announced = play(server, check_mode=True, end=MIDNIGHT, seed="s")
    assert server.received == []
    result = play(server, end=MIDNIGHT, seed="s")
    assert announced["changed"]
    assert {key: result[key] for key in announced if key != "printed"} == {
        key: announced[key] for key in announced if key != "printed"
    }


def test_a_refused_request_fails_and_is_listed(server) -> None:
    server.answers = [Answer(400, b"bad value", {"Content-Type": "text/plain"})]
    result = play(server, end=MIDNIGHT, workers=1, paths=[str(SAMPLES / "commit.jsonl")])
    (refused,) = result["refused"]
    assert (result["failed"], result["changed"], result["accepted"]) == (True, True, 1)
    assert (refused["recording"], refused["request"]) == ("commit", 1)
    assert "bad request (400): bad value." in refused["reply"]
    assert refused["reply"] in result["msg"]


def test_it_stops_when_everything_is_refused(server) -> None:
    server.default = Answer(401, b"who are you", {"Content-Type": "text/plain"})
    result = play(server, end=MIDNIGHT)
    assert (result["failed"], result["changed"], result["accepted"]) == (True, False, 0)
    assert 20 <= len(result["refused"]) == len(server.received) < 25


def test_a_collector_without_room_is_waited_for(server) -> None:
    server.answers = [Answer(503, b"", {}), Answer(429, b"", {})]
    result = play(server, end=MIDNIGHT, workers=1, paths=[str(SAMPLES / "commit.jsonl")])
    assert "failed" not in result
    assert (result["accepted"], result["retries"]) == (2, 2)
    server.default = Answer(503, b"no room", {"Content-Type": "text/plain"})
    result = play(server, end=MIDNIGHT, patience=0.1, paths=[str(SAMPLES / "commit.jsonl")])
    assert "overloaded (503): no room." in result["msg"]


def test_traces_are_left_out_unless_asked_for(server, tmp_path: Path) -> None:
    lines = (SAMPLES / "commit.jsonl").read_text().splitlines()
    span = {"traceId": "01" * 16, "spanId": "02" * 8, "startTimeUnixNano": "1795340000000000000"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    lines.append(json.dumps({"path": "/v1/traces", "received": 1795340000.0, "body": body}))
    (tmp_path / "traced.jsonl").write_text("\n".join(lines))
    assert play(server, paths=[str(tmp_path)])["requests"] == 2
    assert {received.target for received in server.received} == {"/v1/logs", "/v1/metrics"}
    assert play(server, paths=[str(tmp_path)], signals=["traces"])["accepted"] == 1
    assert server.received[-1].target == "/v1/traces"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"paths": ["/nowhere.jsonl"]}, "/nowhere.jsonl cannot be read: No such file"),
        ({"repeats": 0}, "repeats is 0; it must be at least 1"),
        ({"users": 0}, "users is 0; it must be at least 1"),
        ({"workers": 0}, "workers is 0; it must be at least 1"),
        ({"stretch": 0.5}, "stretch is 0.5; it must be at least 1"),
        ({"stretch": "nan"}, "stretch is nan; it must be at least 1, and finite"),
        ({"patience": "nan"}, "patience is nan; it must be at least 0, and finite"),
        ({"hours": 0}, "does not fit into 0.0 hours"),
        ({"hours": -1}, "hours is -1.0; it must be at least 0"),
        ({"hours": "nan"}, "hours is nan; it must be at least 0"),
        ({"hours": "inf"}, "hours is inf; it must be at least 0, and finite"),
        ({"hours": 1e9}, "Choose fewer hours"),
        ({"end": 1e18}, "end is 1e+18; it must be a time in unix seconds"),
        ({"end": "nan"}, "end is nan; it must be a time in unix seconds"),
        ({"signals": ["profiles"]}, "value of signals must be one or more of"),
    ],
)
def test_bad_options_are_refused_before_anything_is_sent(server, options, complaint) -> None:
    result = play(server, **options)
    assert result["failed"]
    assert complaint in result["msg"]
    assert server.received == []
