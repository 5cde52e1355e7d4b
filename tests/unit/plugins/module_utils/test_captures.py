# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings are read exactly, listed with native types, and moved without losing what belongs together."""

from __future__ import annotations

import datetime
import gzip
import json
import re

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _captures as captures
from support.checkout import CHECKOUT

SAMPLES = CHECKOUT / "files" / "samples"
ALL = captures.read_all([SAMPLES])
NOON = 1_795_348_800
REQUEST = {"path": "/v1/metrics", "received": 1.5, "body": {"resourceMetrics": []}}


def sample(name: str) -> captures.Capture:
    return next(capture for capture in ALL if capture.name == name)


def text(capture: captures.Capture) -> str:
    return json.dumps([request.body for request in capture.requests])


def all_points(capture: captures.Capture) -> list[captures.Point]:
    return [point for request in capture.requests for point in captures.points(request.body)]


def all_records(capture: captures.Capture) -> list[captures.Record]:
    return [record for request in capture.requests for record in captures.records(request.body)]


# --- reading ---


def test_a_folder_is_read_by_name_and_a_gzipped_recording_like_a_plain_one(tmp_path) -> None:
    plain = (SAMPLES / "commit.jsonl").read_bytes()
    (tmp_path / "b.jsonl").write_bytes(plain)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(plain))
    (tmp_path / "notes.txt").write_text("not a recording")
    read = captures.read_all([tmp_path])
    assert [capture.name for capture in read] == ["a", "b"]
    assert read[0].requests == read[1].requests


NO_OTLP = "has a body that is no OTLP JSON"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        (json.dumps({**REQUEST, "path": "/v1/other"}), "has the path '/v1/other'"),
        (json.dumps({**REQUEST, "received": "now"}), "has received='now'"),
        (json.dumps({**REQUEST, "body": "x"}), "has no body object"),
        (json.dumps({**REQUEST, "path": ["/v1/logs"]}), "has the path ['/v1/logs']"),
        (json.dumps(REQUEST)[:-1] + ', "received": 1e999}', "has received=inf"),
        ('{"body": ' + "[" * 100_000, "is not JSON"),
        (json.dumps({**REQUEST, "body": {"resourceMetrics": None}}), NO_OTLP),
        (json.dumps({**REQUEST, "body": {"resourceLogs": [{"resource": None}]}}), NO_OTLP),
        (json.dumps({**REQUEST, "body": {"timeUnixNano": "noon"}}), NO_OTLP),
        (json.dumps({**REQUEST, "body": {"timeUnixNano": "9" * 30}}), NO_OTLP),
        (json.dumps({**REQUEST, "body": {"key": "event.timestamp", "value": {"stringValue": "noon"}}}), NO_OTLP),
        (json.dumps({**REQUEST, "body": {"key": "session.id", "value": {"stringValue": 1}}}), NO_OTLP),
    ],
)
def test_a_bad_line_is_named_with_file_and_number(tmp_path, line, complaint) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(REQUEST) + "\n\n" + line + "\n")
    with pytest.raises(captures.CaptureError, match=f"^{re.escape(str(path))}:3 {re.escape(complaint)}"):
        captures.read(path)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("none.jsonl", None, "cannot be read: No such file"),
        ("empty.jsonl", b"\n", "holds no request"),
        ("latin.jsonl", b"\xe4\n", "is not UTF-8 text"),
        ("cut.jsonl.gz", gzip.compress(b"{}" * 500, mtime=0)[:-9], "cannot be read"),
        ("plain.jsonl.gz", b"{}\n", "cannot be read"),
        ("rotten.jsonl.gz", gzip.compress(b"{}" * 500, mtime=0)[:10] + b"\xff" * 20, "cannot be read"),
    ],
)
def test_a_bad_file_is_named(tmp_path, name, content, complaint) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(captures.CaptureError, match=f"^{re.escape(str(path))}.*{complaint}"):
        captures.read(path)


def test_a_folder_without_recordings_is_an_error(tmp_path) -> None:
    with pytest.raises(captures.CaptureError, match="holds no recording"):
        captures.read_all([tmp_path])


# --- listing ---


def test_points_carry_everything_that_otlp_says_of_them() -> None:
    point = next(point for point in all_points(sample("commit")) if point.metric == "claude_code.cost.usage")
    assert (point.unit, point.kind, point.temporality, point.monotonic) == ("USD", "sum", "delta", True)
    assert point.resource["service.name"] == "claude-code"
    assert point.attributes["model"] == "claude-opus-5-5"
    assert point.attributes["anthropic.custom_base_url"] is True
    assert point.value == pytest.approx(0.0068)
    assert 0 < point.start_ns < point.time_ns


def test_integers_and_temporality_may_be_text_or_numbers() -> None:
    def body(temporality, number):
        point = {"timeUnixNano": "5", "asInt": number, "attributes": [{"key": "n", "value": {"intValue": number}}]}
        total = {"aggregationTemporality": temporality, "isMonotonic": True, "dataPoints": [point]}
        return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "sum": total}]}]}]}

    (first,) = captures.points(body(2, 9007199254740993))
    (second,) = captures.points(body("AGGREGATION_TEMPORALITY_CUMULATIVE", "9007199254740993"))
    assert first == second
    assert first.temporality == "cumulative"
    assert first.value == first.attributes["n"] == 9007199254740993


def test_records_keep_the_types_of_their_attributes() -> None:
    record = next(record for record in all_records(sample("subagent")) if record.event == "subagent_completed")
    assert record.body == "claude_code.subagent_completed"
    kinds = {key: type(record.attributes[key]) for key in ("total_tokens", "is_async", "agent_type")}
    assert kinds == {"total_tokens": int, "is_async": bool, "agent_type": str}


@pytest.mark.parametrize(
    ("wrapped", "native"),
    [
        ({"stringValue": "x"}, "x"),
        ({"boolValue": False}, False),
        ({"intValue": "-3"}, -3),
        ({"doubleValue": 2}, 2.0),
        ({"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "a"}]}}, [1, "a"]),
        ({"arrayValue": {}}, []),
        ({"kvlistValue": {"values": [{"key": "k", "value": {"intValue": 1}}]}}, {"k": 1}),
        ({}, None),
    ],
)
def test_every_kind_of_value_has_its_native_type(wrapped, native) -> None:
    assert captures.value(wrapped) == native
    assert type(captures.value(wrapped)) is type(native)


def test_cumulative_counters_add_up_to_what_delta_counters_do() -> None:
    # The same scripted run twice; active time is measured, so it differs a little.
    def totals(name):
        result: dict[str, float] = {}
        for point in captures.increments(sample(name)):
            result[point.metric] = result.get(point.metric, 0) + point.value
        return {metric: total for metric, total in result.items() if "active_time" not in metric}

    assert totals("many-exports-cumulative") == pytest.approx(totals("many-exports"))
    assert len(totals("many-exports")) == 5


def cumulative(*points: tuple[int, int, float]) -> captures.Capture:
    """A recording of one cumulative series: start, time and value of each point, in seconds."""
    data = [
        {
            "startTimeUnixNano": str(start * 10**9),
            "timeUnixNano": str(time * 10**9),
            "asDouble": number,
            "attributes": [],
        }
        for start, time, number in points
    ]
    requests = []
    for point in data:
        metric = {"name": "m", "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}}
        body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
        requests.append(captures.Request("/v1/metrics", 1.0, body))
    return captures.Capture("made", tuple(requests))


@pytest.mark.parametrize(
    ("points", "added"),
    [
        ([(1, 2, 5.0), (1, 3, 7.0)], [5.0, 2.0]),
        ([(1, 2, 5.0), (3, 4, 7.0)], [5.0, 7.0]),
        ([(1, 3, 5.0), (2, 4, 7.0), (1, 5, 6.0), (2, 6, 7.5)], [5.0, 7.0, 1.0, 0.5]),
        ([(1, 2, 5.0), (1, 2, 5.0)], [5.0]),
        ([(1, 2, 5.0), (1, 3, 2.0)], [5.0, 2.0]),
    ],
    ids=["one process", "a new process", "two processes at once", "a repeated export", "a reset without a new start"],
)
def test_increments_of_a_cumulative_series(points, added) -> None:
    assert [point.value for point in captures.increments(cumulative(*points))] == added


# --- moving ---


@pytest.mark.parametrize("capture", ALL, ids=lambda capture: capture.name)
def test_a_moved_recording_keeps_all_distances_and_values(capture) -> None:
    moved = captures.moved(capture, end=NOON, seed="s", user="anna")
    offset = moved.span_ns[0] - capture.span_ns[0]
    assert offset % 1_000_000 == 0
    assert 0 <= NOON * 10**9 - moved.span_ns[1] < 1_000_000
    for before, after in zip(all_points(capture), all_points(moved), strict=True):
        assert (after.time_ns - before.time_ns, after.start_ns - before.start_ns) == (offset, offset)
        assert (after.metric, after.value, after.temporality) == (before.metric, before.value, before.temporality)
    for before, after in zip(all_records(capture), all_records(moved), strict=True):
        assert after.time_ns - before.time_ns == offset
        assert set(after.attributes) == set(before.attributes)
        # The text is up to a millisecond apart from the time already in the recordings.
        stamps = [datetime.datetime.fromisoformat(r.attributes["event.timestamp"]) for r in (before, after)]
        assert (stamps[1] - stamps[0]) / datetime.timedelta(milliseconds=1) == offset / 1_000_000


@pytest.mark.parametrize("capture", ALL, ids=lambda capture: capture.name)
def test_no_old_identity_is_left_and_all_references_still_meet(capture) -> None:
    moved = captures.moved(capture, start=NOON, seed="s", user="anna")
    content = text(moved)
    assert [old for old in capture.identities if old in content] == []
    # As many different ids of each kind, in the same places: whatever referred to something still does.
    assert list(moved.identities.values()) == list(capture.identities.values())
    fresh = dict(zip(capture.identities, moved.identities, strict=True))
    for before, after in zip(all_records(capture), all_records(moved), strict=True):
        for key in captures.IDENTITIES:
            if key in before.attributes:
                assert after.attributes[key] == fresh[before.attributes[key]]


def test_ids_inside_a_text_are_replaced_as_well() -> None:
    moved = captures.moved(sample("tool-in-background"), start=NOON, seed="s")
    notice = next(
        record.attributes["prompt"]
        for record in all_records(moved)
        if record.event == "user_prompt" and "task-notification" in record.attributes["prompt"]
    )
    (used,) = {record.attributes["tool_use_id"] for record in all_records(moved) if record.event == "tool_result"}
    assert f"<tool-use-id>{used}</tool-use-id>" in notice


def test_fresh_ids_look_like_the_old_ones() -> None:
    capture = sample("subagent-nested")
    moved = captures.moved(capture, start=NOON, seed="s", user="anna")
    for old, new in zip(capture.identities, moved.identities, strict=True):
        assert len(new) == len(old)
        assert re.sub("[0-9a-f]", "x", new)[:4] == re.sub("[0-9a-f]", "x", old)[:4]
    assert all(agent.startswith("a") for agent in moved.values("agent"))


def test_the_same_seed_gives_the_same_and_another_seed_other_ids() -> None:
    capture = sample("subagent")
    first, again, other = (captures.moved(capture, start=NOON, seed=seed) for seed in ("a", "a", "b"))
    assert first == again
    fresh = {name: set(moved.identities) - set(capture.values("user")) for name, moved in (("a", first), ("b", other))}
    assert fresh["a"]
    assert not fresh["a"] & fresh["b"]


def test_recordings_that_share_a_stand_in_id_do_not_share_the_fresh_one() -> None:
    first, second = sample("commit"), sample("tool-success")
    assert set(first.values("request")) & set(second.values("request"))
    moved = [captures.moved(capture, start=NOON, seed="s") for capture in (first, second)]
    assert not set(moved[0].values("request")) & set(moved[1].values("request"))


def test_two_replays_can_share_their_session_only() -> None:
    first, second = (
        captures.moved(sample(name), start=NOON, seed=name, session_seed="shared") for name in ("commit", "hooks")
    )
    assert first.values("session") == second.values("session") != []
    assert not set(first.values("prompt")) & set(second.values("prompt"))


def test_without_seed_and_time_nothing_changes() -> None:
    capture = sample("hooks")
    assert text(captures.moved(capture)) == text(capture)


def test_a_user_is_the_same_person_in_every_recording_and_keeps_no_old_name() -> None:
    one, two = (captures.moved(sample(name), user="anna") for name in ("commit", "interactive"))
    (anna,) = {*one.values("user"), *two.values("user")}
    (bert,) = captures.moved(sample("commit"), user="bert").values("user")
    assert anna != bert
    assert re.fullmatch("[0-9a-f]{64}", anna)


def test_an_email_becomes_one_of_a_reserved_domain() -> None:
    attribute = {"key": "user.email", "value": {"stringValue": "real.name@company.test"}}
    record = {"timeUnixNano": "1", "attributes": [attribute], "body": {"stringValue": "by real.name@company.test"}}
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    made = captures.Capture("made", (captures.Request("/v1/logs", 1.0, body),))
    assert "company.test" not in text(captures.moved(made, user="anna"))
    assert text(captures.moved(made, user="anna")).count("anna@example.com") == 2


def test_stretching_lengthens_pauses_and_keeps_points_apart() -> None:
    capture = sample("many-exports")
    length = capture.span_ns[1] - capture.span_ns[0]
    moved = captures.moved(capture, start=NOON, seed="s", stretch=60)
    assert (moved.span_ns[1] - moved.span_ns[0]) / length == pytest.approx(60, rel=1e-3)
    series: dict[object, list[int]] = {}
    for point in all_points(moved):
        series.setdefault(point.series, []).append(point.time_ns // 1_000_000)
    assert max(map(len, series.values())) == 5
    assert all(len(set(times)) == len(times) for times in series.values())
    # A point begins where its predecessor ended, if it did before.
    before, after = all_points(capture), all_points(moved)
    assert [p.start_ns in {q.time_ns for q in before} for p in before] == [
        p.start_ns in {q.time_ns for q in after} for p in after
    ]


def test_times_that_are_not_known_stay_unknown() -> None:
    record = {"timeUnixNano": "0", "observedTimeUnixNano": "5000000000", "body": {"stringValue": "x"}}
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    made = captures.Capture("made", (captures.Request("/v1/logs", 5.0, body),))
    (moved,) = captures.records(captures.moved(made, start=NOON).requests[0].body)
    assert moved.time_ns == NOON * 10**9
    assert '"timeUnixNano": "0"' in text(captures.moved(made, start=NOON))


def test_a_start_may_be_a_date_and_both_ends_are_refused() -> None:
    date = datetime.datetime.fromtimestamp(NOON, datetime.UTC)
    assert captures.moved(sample("commit"), start=date) == captures.moved(sample("commit"), start=NOON)
    with pytest.raises(ValueError, match="has no zone"):
        captures.moved(sample("commit"), start=date.replace(tzinfo=None))
    with pytest.raises(ValueError, match="start or end, not both"):
        captures.moved(sample("commit"), start=1, end=2)
    with pytest.raises(ValueError, match="below 1"):
        captures.moved(sample("commit"), stretch=0.5)


# --- the samples themselves ---


def test_the_readme_of_the_samples_lists_each_of_them() -> None:
    rows = re.findall(
        r"^\| \[(.+?)\]\(\1\.jsonl\) \| .+ \| (\d+) \| (\d+|-) \|$", (SAMPLES / "README.md").read_text(), re.M
    )
    listed = {name: (int(requests), 0 if sessions == "-" else int(sessions)) for name, requests, sessions in rows}
    assert listed == {capture.name: (len(capture.requests), len(capture.values("session"))) for capture in ALL}


@pytest.mark.parametrize("capture", ALL, ids=lambda capture: capture.name)
def test_counters_and_events_of_a_sample_agree(capture) -> None:
    totals: dict[str, float] = {}
    for point in captures.increments(capture):
        totals[point.metric] = totals.get(point.metric, 0) + point.value
    calls = [record.attributes for record in all_records(capture) if record.event == "api_request"]
    kinds = ("input", "output", "cache_read", "cache_creation")
    assert totals.get("claude_code.cost.usage", 0) == pytest.approx(sum(call["cost_usd"] for call in calls))
    assert totals.get("claude_code.token.usage", 0) == sum(call[f"{kind}_tokens"] for call in calls for kind in kinds)
    assert totals["claude_code.session.count"] == sum(
        1 for record in all_records(capture) if record.event == "managed_settings_resolved"
    )
