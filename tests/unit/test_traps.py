# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traps of the truth test are what they claim to be; otherwise passing them would prove nothing."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _captures as captures
from support.checkout import CHECKOUT
from truth import traps

SAMPLES = CHECKOUT / "files" / "samples"
START = 1_795_348_800.0
DELTA = [capture for capture in captures.read_all([SAMPLES]) if not capture.name.endswith("-cumulative")]


def sample(name: str) -> captures.Capture:
    return captures.read(SAMPLES / f"{name}.jsonl")


def points(*of: captures.Capture) -> list[captures.Point]:
    return [p for capture in of for request in capture.requests for p in captures.points(request.body)]


def totals(*of: captures.Capture) -> dict[tuple, float]:
    added: dict[tuple, float] = {}
    for capture in of:
        for point in captures.increments(capture):
            added[point.series] = added.get(point.series, 0) + point.value
    return added


@pytest.mark.parametrize("capture", DELTA, ids=lambda capture: capture.name)
def test_a_cumulative_client_adds_up_to_the_same(capture) -> None:
    turned = traps.cumulative(capture)
    assert {point.temporality for point in points(turned)} == {"cumulative"}
    assert totals(turned) == pytest.approx(totals(capture))


def test_a_cumulative_client_repeats_its_totals_like_a_real_one() -> None:
    counts = [
        [
            sum(1 for _point in captures.points(request.body))
            for request in capture.requests
            if request.signal == "metrics"
        ]
        for capture in (traps.cumulative(sample("many-exports")), sample("many-exports-cumulative"))
    ]
    for count in counts:
        assert count == sorted(count)
    assert counts[0][-1] == counts[1][-1] == 10
    with pytest.raises(captures.CaptureError, match="is cumulative already"):
        traps.cumulative(sample("many-exports-cumulative"))


def test_two_processes_of_a_session_share_series_but_no_moment() -> None:
    first, second = traps.parallel(sample("interactive"), start=START, seed="s")
    series = [{point.series for point in points(one)} for one in (first, second)]
    assert series[0] == series[1] != set()
    times = [{point.time_ns // 10**6 for point in points(one)} for one in (first, second)]
    assert not times[0] & times[1]
    assert first.span_ns[0] < second.span_ns[0] < first.span_ns[1]
    assert totals(first, second) == pytest.approx({key: 2 * total for key, total in totals(first).items()})


def test_a_resumed_session_goes_on_later_under_its_id() -> None:
    parts = traps.resumed([sample("commit"), sample("edits"), sample("mcp")], start=START, pause=600, seed="s")
    assert len({tuple(part.values("session")) for part in parts}) == 1
    for before, after in itertools.pairwise(parts):
        assert after.span_ns[0] / 1e9 == pytest.approx(before.span_ns[1] / 1e9 + 600, abs=0.002)
    assert not set(parts[0].values("prompt")) & set(parts[1].values("prompt"))


def test_an_idle_gap_breaks_the_chain_of_start_times() -> None:
    capture = sample("many-exports")
    gap = traps.idle(capture, after=6, pause=1800)
    assert gap.requests[:6] == capture.requests[:6]
    before, after = points(capture), points(gap)
    moved_by = {new.time_ns - old.time_ns for old, new in zip(before, after, strict=True)}
    assert moved_by == {0, 1800 * 10**9}
    late = [point for old, point in zip(before, after, strict=True) if point.time_ns != old.time_ns]
    earlier = {point.time_ns for point in after} - {point.time_ns for point in late}
    assert late
    assert not {point.start_ns for point in late} & earlier
    assert totals(gap) == pytest.approx(totals(capture))


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        *(({"ahead": ahead}, None) for ahead in traps.CLOCKS.values()),
        *(({"date": date}, date) for date in traps.DATES.values()),
    ],
)
def test_a_wrong_clock_is_wrong_in_the_telemetry_only(clock, expected) -> None:
    capture = captures.moved(sample("commit"), start=START)
    wrong = traps.wrong_clock(capture, **clock)
    assert [request.received for request in wrong.requests] == [request.received for request in capture.requests]
    ahead = clock["ahead"] if expected is None else expected - START
    for right, point in zip(points(capture), points(wrong), strict=True):
        assert (point.time_ns - right.time_ns) / 1e9 == pytest.approx(ahead, abs=0.002)
    assert totals(wrong) == totals(capture)


def test_a_repeated_export_counts_once() -> None:
    capture = sample("interactive")
    twice = traps.repeated(capture)
    assert len(points(twice)) == 2 * len(points(capture))
    assert totals(twice) == totals(capture)
