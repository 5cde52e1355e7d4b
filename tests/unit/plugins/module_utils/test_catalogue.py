# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    CatalogueError,
    build_catalogue,
    parse_metric,
)

LABELS = {"standard": [{"otel": "session.id", "about": "One run."}], "resource": ["team"]}


@pytest.mark.parametrize(
    ("otel", "unit", "kind", "expected"),
    [
        ("claude_code.cost.usage", "USD", "sum", "claude_code_cost_usage_USD_total"),
        ("claude_code.token.usage", "tokens", "sum", "claude_code_token_usage_tokens_total"),
        ("claude_code.active_time.total", "s", "sum", "claude_code_active_time_seconds_total"),
        ("claude_code.session.count", "", "sum", "claude_code_session_count_total"),
        ("claude_code.subagent.tokens", "tokens", "sum", "claude_code_subagent_tokens_total"),
        ("claude_code.tool.duration", "s", "histogram", "claude_code_tool_duration_seconds"),
    ],
)
def test_series_are_named_as_prometheus_names_them(otel: str, unit: str, kind: str, expected: str) -> None:
    entry = {"otel": otel, "unit": unit, "kind": kind, "about": "x", "derived": {"name": "e", "value": "v"}}
    assert parse_metric("m", entry, "f.yml").prometheus == expected


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("text", "f.yml: metric 'm' must be a mapping"),
        ({"about": "x"}, "f.yml: metric 'm' lacks otel"),
        ({"otel": "a", "about": "x", "unti": "s"}, "unknown keys: unti"),
        ({"otel": "a", "about": "x", "unit": "parsec"}, "has the unit 'parsec'"),
        ({"otel": "a", "about": "x", "kind": "gauge"}, "has the kind 'gauge'"),
        ({"otel": "a", "about": "x", "kind": "histogram"}, "is a histogram without derived.value"),
        ({"otel": "a", "about": "x", "labels": [{"name": "b"}]}, "has the label"),
        ({"otel": "a", "about": "x", "derived": {"value": "b"}}, "derived lacks name"),
    ],
)
def test_a_faulty_entry_is_refused_with_its_place(entry: object, message: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        parse_metric("m", entry, "f.yml")
    assert message in str(refused.value)


def test_a_metric_is_written_once() -> None:
    entry = {"otel": "claude_code.a", "about": "x"}
    with pytest.raises(CatalogueError, match="metric 'a' is written twice"):
        build_catalogue({"1.yml": {"a": entry}, "2.yml": {"a": entry}}, LABELS)
    with pytest.raises(CatalogueError, match=r"claude_code.a is already the metric 'a'"):
        build_catalogue({"1.yml": {"a": entry}, "2.yml": {"b": entry}}, LABELS)


def test_an_unknown_metric_is_answered_with_those_there_are() -> None:
    catalogue = build_catalogue({"1.yml": {"a": {"otel": "claude_code.a", "about": "x"}}}, LABELS)
    with pytest.raises(CatalogueError, match=r"no metric 'b'. Use one of: a\."):
        catalogue.metric("b")
