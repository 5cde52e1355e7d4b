# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    CatalogueError,
    build_catalogue,
)
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import rollups_for, seconds

PERSONS = ["session_id", "user_name"]
CATALOGUE = build_catalogue(
    {"1.yml": {"cost": {"otel": "claude_code.cost.usage", "unit": "USD", "about": "x", "labels": ["model"]}}},
    {"standard": ["session.id", "user.name"], "resource": []},
    rollups={
        "every": "1m",
        "near": ["1m"],
        "far": ["3h"],
        "rollups": {
            "sum5m": {"window": "5m", "serves": "recent", "without": PERSONS, "about": "x"},
            "users5m": {"window": "5m", "serves": "recent", "without": ["session_id"], "about": "x"},
            "sum1d": {"window": "1d", "serves": "long", "without": PERSONS, "about": "x"},
            "users1d": {"window": "1d", "serves": "long", "without": ["session_id"], "about": "x"},
        },
    },
)


def rolled(name: str, matchers: str, window: str = "$__range") -> str:
    """What both passes recorded."""
    return (
        f'sum_over_time(claude_code:cost:{name}{{pass!~"3h", {matchers}}}[{window}] offset -60s)'
        f' or sum_over_time(claude_code:cost:{name}{{pass="3h", {matchers}}}[{window}] offset -10860s)'
    )


FILTERS = {"session_id": "$session_id", "model": "$model", "user_name": "$user"}


def asked(entry: dict[str, Any], by: tuple[str, ...] = (), reads: str = "recent", **more: Any) -> str:
    more = {"window": "$__range", "filters": FILTERS, **more}
    reading = Reading(CATALOGUE, rollups=rollups_for(CATALOGUE, reads), raw=reads != "long", **more)
    return reading.promql(ex.parse(entry, CATALOGUE, "here"), by)


def test_a_rollup_answers_where_no_filter_is_set_that_it_lacks_and_raw_series_otherwise() -> None:
    assert asked({"total": "cost"}, ("model",)) == (
        "sum by (model) ("
        + rolled("sum5m", 'never=~"$session_id$user", model=~"$model"')
        + " or "
        + rolled("users5m", 'never!~"$session_id$user", never=~"$session_id", model=~"$model", user_name=~"$user"')
        + ' or sum_over_time(claude_code_cost_usage_USD_total{copy="", never!~"$session_id$user", '
        'never!~"$session_id", session_id=~"$session_id", model=~"$model", user_name=~"$user"}[$__range]))'
    )


@pytest.mark.parametrize(
    ("session", "user", "answers"),
    [
        (".*", ".*", "claude_code:cost:sum5m"),
        ("abc", ".*", "claude_code_cost_usage_USD_total"),
        ("(a|b)", ".*", "claude_code_cost_usage_USD_total"),
        (".*", "somebody", "claude_code:cost:users5m"),
        ("(a|b)", "(x|y)", "claude_code_cost_usage_USD_total"),
        ("a|b", ".*", "claude_code_cost_usage_USD_total"),
        (".*", "x|y", "claude_code:cost:users5m"),
    ],
)
def test_one_of_them_answers_whatever_is_chosen(session: str, user: str, answers: str) -> None:
    text = asked({"total": "cost"}, filters={"session_id": session, "user_name": user})
    found = {
        name
        for name, matchers in re.findall(r"([\w:]+)\{(.*?)\}", text)
        # The label is on no series, and its absence is the empty text. Prometheus' expressions are anchored.
        if all(
            bool(re.fullmatch(pattern, "")) is (sign == "=~")
            for sign, pattern in re.findall(r'never([=!]~)"(.*?)"', matchers)
        )
    }
    assert found == {answers}


def test_what_a_rollup_lacks_is_read_from_the_raw_series_alone() -> None:
    for text in (
        asked({"total": "cost"}, ("session_id",)),
        asked({"total": "cost", "where": {"session_id": "x"}}),
        asked({"distinct": "session_id", "in": ["cost"]}),
        asked({"last": "cost"}),
        asked({"total": "cost", "over": "7m"}),
    ):
        assert "never" not in text
        assert "claude_code:cost" not in text


def test_users_are_read_from_the_rollup_that_has_them() -> None:
    text = asked({"total": "cost"}, ("user_name",))
    assert rolled("users5m", 'never=~"$session_id", model=~"$model", user_name=~"$user"') in text
    assert 'claude_code_cost_usage_USD_total{copy="", never!~"$session_id", ' in text
    assert "sum5m" not in text


def test_long_ranges_read_the_rollup_without_persons_unless_persons_are_asked_for() -> None:
    filters = {"user_name": "$user"}
    assert asked({"total": "cost"}, ("user_name",), "long", filters=filters) == (
        "sum by (user_name) (" + rolled("users1d", 'user_name=~"$user"') + ")"
    )
    assert asked({"total": "cost"}, (), "long", filters=filters) == (
        "sum("
        + rolled("sum1d", 'never=~"$user"')
        + " or "
        + rolled("users1d", 'never!~"$user", user_name=~"$user"')
        + ")"
    )


def test_windows_of_another_time_and_of_the_whole_chart_are_read_as_much_later() -> None:
    assert "[24h] offset 604740s" in asked({"total": "cost", "over": "24h", "ago": "7d"})
    assert "[$__range] @ end() offset -60s" in asked({"total": "cost"}, at_end=True)


def test_what_no_rollup_has_is_refused_with_the_way_out() -> None:
    for entry, by in (
        ({"total": "cost"}, ("session_id",)),
        ({"last": "cost"}, ()),
        ({"total": "cost", "over": "1h"}, ()),
    ):
        with pytest.raises(CatalogueError, match="recent"):
            asked(entry, by, "long", filters={})
    with pytest.raises(CatalogueError, match="copy"):
        asked({"total": "cost"}, copy="scrape")


def test_a_mistake_in_the_catalogue_is_refused() -> None:
    passes = {"every": "1m", "near": ["1m"], "far": []}
    good = {"window": "5m", "serves": "recent", "without": PERSONS, "about": "x"}
    for wrong in ({"window": "five"}, {"serves": "all"}, {"colour": "red"}):
        with pytest.raises(CatalogueError, match=r"rollups\.yml: rollup 'a'"):
            build_catalogue({"1.yml": {}}, {}, rollups={**passes, "rollups": {"a": {**good, **wrong}}})
    with pytest.raises(CatalogueError, match="raw, recent, long"):
        rollups_for(CATALOGUE, "everything")
    with pytest.raises(CatalogueError, match="no duration"):
        seconds("1h30m")
