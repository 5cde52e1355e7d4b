# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, and how servers write them back."""

from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._durations import (
    as_written,
    milliseconds,
    shortest,
    whole_seconds,
)

# What was sent to a real Grafana, and what it gave back.
READ_BACK = {
    "0s": "0s",
    "0": "0s",
    "60s": "1m",
    "90s": "1m30s",
    "60m": "1h",
    "90m": "1h30m",
    "24h": "1d",
    "7d": "1w",
    "8d": "8d",
    "365d": "1y",
    "5m0s": "5m",
    "1500ms": "1s500ms",
}


@pytest.mark.parametrize(("sent", "back"), READ_BACK.items())
def test_a_duration_is_written_as_a_server_writes_it(sent: str, back: str) -> None:
    assert as_written(sent) == back
    assert milliseconds(back) == milliseconds(sent)
    assert as_written(back) == back


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "1.5h", "m", "1m1h", "5min", 300, None, True])
def test_what_is_no_duration_is_told_and_left_alone(text: object) -> None:
    with pytest.raises(ValueError, match="is no duration: write it as text"):
        milliseconds(text)
    assert as_written(text) == text


def test_every_length_is_written_so_that_it_reads_as_the_same() -> None:
    for length in (1, 999, 1000, 61_000, 3_600_001, 86_400_000, 90 * 86_400_000, 400 * 86_400_000):
        assert milliseconds(shortest(length)) == length


@pytest.mark.parametrize(("given", "seconds"), [("60", 60), (60, 60), ("1m", 60), ("1h30m", 5400)])
def test_an_interval_may_be_a_number_of_seconds(given: object, seconds: int) -> None:
    assert whole_seconds(given) == seconds


@pytest.mark.parametrize("given", ["1500ms", "-60", "1.5", "soon"])
def test_an_interval_that_cannot_be_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=given.replace(".", r"\.")):
        whole_seconds(given)
