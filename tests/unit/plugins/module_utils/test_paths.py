# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where two values differ."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._paths import differing

A, B = {"refId": "A", "model": {"expr": "up", "instant": True}}, {"refId": "B", "model": {}}


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1, "b": {"c": [1, 2]}}, {"a": 1, "b": {"c": [1, 2]}}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": 1}, {"a": "1"}, ["a"]),
        ({"a": 1, "c": 0}, {"b": 1, "c": 0}, ["a", "b"]),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, ["a.b.c"]),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, ["a[1]", "a[2]"]),
        ({"data": [A, B]}, {"data": [A | {"model": {"expr": "up", "instant": False}}, B]}, ["data[A].model.instant"]),
        ({"data": [A, B]}, {"data": [A]}, ["data[B]"]),
        ({"data": [A, B]}, {"data": [B, A]}, ["data"]),
        ({"data": [A, A]}, {"data": [A, B]}, ["data[0]", "data[1]", "data[A]", "data[B]"]),
        ({}, [], [""]),
    ],
)
def test_paths_name_all_that_differs_and_nothing_else(before: Any, after: Any, paths: list[str]) -> None:
    assert sorted(differing(before, after)) == paths
