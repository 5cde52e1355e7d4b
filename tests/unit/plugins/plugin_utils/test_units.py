# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt

import pytest
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import (
    NOTHING,
    duration,
    figure,
    quantity,
)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "USD", NOTHING),
        (0.0, "USD", "$0.00"),
        (0.00394, "USD", "$0.0039"),
        (1234.5, "USD", "$1,234.50"),
        (0.1936, "share", "19.4 %"),
        (324.0, "", "324"),
        (9876.0, "tokens", "9,876 tokens"),
        (1_330_000.0, "tokens", "1.33 M tokens"),
        (54_600.0, "tokens", "54.6 k tokens"),
        (2.5e9, "", "2.5 B"),
        (999_999.0, "", "1 M"),
        (0.125, "s", "125 ms"),
        (7265.0, "s", "2 h 1 min"),
        (1500.0, "ms", "1.5 s"),
        (1536.0, "By", "1.5 KiB"),
        (1.2, "USD/h", "$1.20/h"),
        (19.391, "USD per 1K lines", "$19.39 per 1K lines"),
        (-3.5, "USD", "\N{MINUS SIGN}$3.50"),
        (-2e-17, "USD", "$0.00"),
        (1_234_567.0, "USD", "$1.23 M"),
        (1.0, "sessions", "1 session"),
        (1.0, "retries", "1 retry"),
        (1.0, "pull requests", "1 pull request"),
        (1.0, "searches", "1 search"),
        (0.471, "x", "0.471 x"),
    ],
)
def test_numbers_are_written_as_people_read_them(value, unit, words) -> None:
    assert quantity(value, unit) == words


def test_decimals_are_kept_where_they_are_asked_for() -> None:
    assert quantity(1.0, "share", 2) == "100.00 %"
    assert quantity(2.0, "calls", 1) == "2.0 calls"
    assert quantity(0.05, "USD", 2) == "$0.05"


def test_the_cell_of_a_table_leaves_out_what_its_heading_says() -> None:
    assert figure(12.0, "calls") == "12"
    assert figure(54_600.0, "tokens") == "54.6 k"
    assert [figure(2.0, unit) for unit in ("USD", "share", "s", "By", "USD/h")] == [
        "$2.00",
        "200.0 %",
        "2 s",
        "2 B",
        "$2.00/h",
    ]


def test_times_are_those_of_a_zone() -> None:
    at = dt.datetime(2026, 11, 22, 23, 30, tzinfo=dt.UTC).timestamp()
    assert figure(at, "time", None, dt.timezone(dt.timedelta(hours=1))) == "23 Nov 00:30"
    assert quantity(at, "time", None, dt.UTC) == "22 Nov 23:30"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"),
        (0.0042, "4.2 ms"),
        (0.25, "250 ms"),
        (0.9996, "1 s"),
        (1.23, "1.2 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (61.0, "1 min 1 s"),
        (3599.6, "1 h"),
        (7265.0, "2 h 1 min"),
        (86_399.0, "1 d"),
        (100_000.0, "1 d 4 h"),
        (-90.0, "\N{MINUS SIGN}1 min 30 s"),
    ],
)
def test_durations(seconds, words) -> None:
    assert duration(seconds) == words
