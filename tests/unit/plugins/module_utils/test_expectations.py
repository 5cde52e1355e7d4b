# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words with which a check says what it expects."""

from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._expectations import (
    Expectation,
    ExpectationError,
    Pair,
    describe,
    number,
    seconds,
)


@pytest.mark.parametrize(
    ("expect", "right", "wrong", "words"),
    [
        ({"equals": 0}, 0.0, 1, "0"),
        ({"equals": "true"}, "true", "false", "true"),
        ({"at_least": 1}, 1, 0.5, "at least 1"),
        ({"at_most": 80}, 80, 81, "at most 80"),
        ({"contains": "b"}, "a,b", "a,bc", "with b"),
        ({"lacks": "b"}, "a,bc", "a b", "without b"),
        ({"lasts_at_least": "24h"}, "1d", "23h59m", "at least 24h"),
        ({"version_at_least": "3.4"}, "3.16.0", "3.3.9", "3.4 or newer"),
        ({"version_at_least": "3.4"}, "", "2.55.1+dfsg", "3.4 or newer"),
        ({"agrees_within_percent": 1}, Pair(100, 101), Pair(100, 102), "equal within 1 %"),
        ({"agrees_within_percent": 1}, Pair(0, 0), Pair(100, float("nan")), "equal within 1 %"),
        ({"agrees_within_percent": 1}, Pair(0, 0), Pair(float("inf"), 100), "equal within 1 %"),
        ({"agrees_within_percent": 0}, Pair(1, 2, allowance=1), Pair(0, 2), "equal within 0 %"),
        ({"at_least": 1, "at_most": 2}, 2, 3, "at least 1 and at most 2"),
        ({"at_most": {"setting": "limit"}}, 7, 8, "at most 7"),
        ({"each": {"equals": 200}}, {"a": 200, "b": 200}, {"a": 200, "b": 500}, "each 200"),
        ({"row": {"a": {"at_least": 2}}}, {"a": 2, "b": 0}, {"a": 1, "b": 0}, "a at least 2"),
        ({"none": True}, {}, {"a": None}, "none"),
        ({"some": True}, {"a": None}, {}, "at least one"),
    ],
)
def test_each_word_holds_where_it_should_and_nowhere_else(expect, right, wrong, words) -> None:
    expectation = Expectation.of(expect, {"limit": 7})
    assert expectation.failing(right) == {}
    assert expectation.failing(wrong)
    assert expectation.words() == words


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ({}, "expect must be a mapping"),
        ({"atleast": 1}, "expect knows no atleast. Use: agrees_within_percent, at_least"),
        ({"at_most": {"setting": "none"}}, "There is no setting 'none'. There are: limit."),
    ],
)
def test_what_is_no_word_is_refused_with_those_there_are(expect, words) -> None:
    with pytest.raises(ExpectationError) as error:
        Expectation.of(expect, {"limit": 7})
    assert words in str(error.value)


def test_rows_that_are_wrong_are_told_first_and_many_are_cut() -> None:
    rows = {f"r{n}": n for n in range(9)}
    assert describe(rows, {"r7": 7}, "s") == "r7: 7 s; r0: 0 s; r1: 1 s; r2: 2 s; r3: 3 s; r4: 4 s; and 3 more"
    assert describe(dict.fromkeys("abc", 0), {}) == "0 in all 3"
    assert describe(dict.fromkeys("abc"), {}) == "a; b; c"
    assert describe({}, {}) == "none"
    assert describe({"loki": ""}, {}) == "loki: not stated"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (12345.0, "12,345"),
        (0.0123456, "0.01235"),
        (1234.56, "1,234.6"),
        (0, "0"),
        (float("nan"), "not a number"),
        (float("inf"), "infinite"),
    ],
)
def test_numbers_have_the_digits_that_help(value, words) -> None:
    assert number(value) == words


def test_durations_are_read_as_prometheus_writes_them() -> None:
    assert [seconds(text) for text in ("90s", "1h30m", "1d", "500ms")] == [90, 5400, 86400, 0.5]
    for text in ("", "day", "1 h", "h", "5"):
        with pytest.raises(ValueError, match="is no duration"):
            seconds(text)
