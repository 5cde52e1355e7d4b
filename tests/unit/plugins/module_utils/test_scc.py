# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each SCC of the table gets its verdict, and no SCC whatsoever is too odd for one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._scc_blocks import (
    GROUPS,
    LEVEL,
    UID_RANGE,
    Namespaces,
    parse_block,
    parse_blocks,
)
from ansible_collections.observability.claude_code.plugins.module_utils._scc_report import Constraints, judge
from hypothesis import given
from hypothesis import strategies as some
from support.anything import SETTINGS, anything, leaves
from support.scc import PREFIX, RIGHT, Case, cases, namespace, scc

ALL = cases()
OWN = [case for case in ALL if case.file == "openshift"]


def judged(*sccs: Any, namespaces: Any = ()) -> dict[str, Any]:
    return judge([Constraints(one) for one in sccs], Namespaces.of(namespaces))


def verdict(result: dict[str, Any]) -> dict[str, Any]:
    """As the table writes it."""
    return {
        problem["field"]: problem["severity"] if problem["scope"] == "cluster" else problem["namespaces"]
        for problem in result["problems"]
    }


@pytest.mark.parametrize("case", ALL, ids=str)
def test_the_verdict_is_that_of_the_table(case: Case) -> None:
    result = judged(case.constraints, namespaces=case.things)
    assert verdict(result) == case.wanted
    assert result["valid"] is all(wanted == "warning" for wanted in case.wanted.values())
    assert (result["checked"], result["namespaces_checked"]) == (1, len(case.namespaces))
    assert [one["problems"] for one in result["sccs"]] == [result["problems"]]


def test_the_table_is_large_enough_to_trust() -> None:
    assert len({str(case) for case in ALL}) == len(ALL) >= 60
    fields = {name for case in ALL for name in case.wanted}
    assert {name.partition(".")[0] for name in fields} == {
        "runAsUser",
        "seLinuxContext",
        "fsGroup",
        "supplementalGroups",
    }


@pytest.mark.parametrize("case", OWN, ids=str)
def test_what_openshift_brings_says_what_it_takes_from_namespaces(case: Case) -> None:
    (one,) = judged(case.constraints)["sccs"]
    assert one["annotations"] == [PREFIX + name for name in case.takes or ()]
    bare = judged(case.constraints, namespaces=[namespace("bare", {})])
    assert bare["valid"] is (not case.takes)
    assert all(problem["namespaces"] == ["bare"] for problem in bare["problems"])


def test_all_problems_of_all_constraints_are_told() -> None:
    sccs = [scc(str(number), **case.scc) for number, case in enumerate(ALL) if not case.planned]
    single = [verdict(judged(one, namespaces=[namespace("bare", {})])) for one in sccs]
    together = judged(*sccs, namespaces=[namespace("bare", {})])
    assert len(together["problems"]) == sum(map(len, single)) > 100
    assert [one["name"] for one in together["sccs"]] == [str(one["metadata"]["name"]) for one in sccs]


def test_a_namespace_that_is_deleted_does_not_count() -> None:
    leaving = namespace("leaving", {}, deletionTimestamp="2026-01-01T00:00:00Z")
    result = judged(scc("restricted", runAsUser={"type": "MustRunAsRange"}), namespaces=[leaving])
    assert (result["problems"], result["namespaces_checked"]) == ([], 0)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1000650000/10000", 1000650000, 1000659999),
        ("1000-1999", 1000, 1999),
        ("0/1", 0, 0),
        ("007/3", 7, 9),
        ("\t1/ 2", 1, 2),
        ("1/1 and more", 1, 1),
        ("4294967295-4294967295", 4294967295, 4294967295),
        ("4294967295/2", 4294967295, 0),  # the server's sum of 32 bits
    ],
)
def test_a_block_is_read_as_the_server_reads_it(text: str, first: int, last: int) -> None:
    assert parse_block(text) == (first, last)
    assert parse_blocks(f"5/5,{text}") == [(5, 9), (first, last)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1000",
        "1000/",
        "/5",
        "-",
        "1 /2",
        "+1/2",
        "1_0/2",
        "1/\n2",
        "1/\r\n2",
        "٣/٤",
        "4294967296-1",
        "9" * 5000 + "/1",
    ],
)
def test_what_the_server_cannot_read_is_no_block(text: str) -> None:
    with pytest.raises(ValueError, match="is no block like") as error:
        parse_block(text)
    assert len(str(error.value)) < 200


# --- anything at all --------------------------------------------------------------------------------------------------

WORDS = ["MustRunAs", "MustRunAsRange", "RunAsAny", "", "1/2", "s0"]
KEYS = ["type", "uid", "uidRangeMin", "uidRangeMax", "ranges", "min", "max", "seLinuxOptions", "level", "name"]
LEAVES, ANYTHING = leaves(WORDS), anything(KEYS, WORDS)
LABELS = some.dictionaries(some.sampled_from(["heritage", "chart", "app", "release"]), LEAVES)
ANNOTATIONS = some.dictionaries(some.sampled_from([UID_RANGE, GROUPS, LEVEL]), LEAVES)
METADATA = {
    "name": some.one_of(ANYTHING, some.just("a")),
    "uid": LEAVES,
    "labels": some.one_of(ANYTHING, LABELS),
    "annotations": some.one_of(ANYTHING, ANNOTATIONS),
}
FIELDS = {
    **dict.fromkeys(RIGHT, ANYTHING),
    "metadata": some.one_of(ANYTHING, some.fixed_dictionaries({}, optional=METADATA)),
}
OBJECTS = some.one_of(ANYTHING, some.fixed_dictionaries({}, optional=FIELDS))


@SETTINGS
@given(some.lists(OBJECTS, max_size=3), some.lists(OBJECTS, max_size=3))
def test_nothing_is_too_odd_for_a_verdict(sccs: list[Any], namespaces: list[Any]) -> None:
    result = judged(*sccs, namespaces=namespaces)
    assert result["checked"] == len(sccs)
    assert result["valid"] is all(problem["severity"] != "error" for problem in result["problems"])
    json.dumps(result, allow_nan=False)
    for problem in result["problems"]:
        assert problem["message"].endswith(".")
        assert problem["remedy"].endswith(".")
        assert bool(problem["namespaces"]) is (problem["scope"] == "namespaces")
