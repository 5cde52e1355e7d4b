# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables ask for their sessions first, what they ask, and what comes of the answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _queries, _shortlists
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, build_dashboards
from support.grafana_panels import CATALOGUE, rendered, sources

COST = "claude_code_cost_usage_USD_total"
SESSION = {"title": "Session", "label": "session_id"}
USER = {"title": "User", "label": "user_name"}
SPENT, STARTS = {"title": "Cost", "total": "cost"}, {"title": "Starts", "total": "session_starts"}


def table(*columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "the-dearest", "show": "table", "top": 5, "columns": list(columns), **more}


DEAREST = table(SESSION, USER, SPENT, STARTS)


def built(entry: dict[str, Any]) -> Dashboard:
    return build_dashboards(sources(entry), CATALOGUE)["d"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (DEAREST, True),
        (table(USER, SPENT, STARTS), True),
        (table(USER, SESSION, SPENT, STARTS), True),
        (table(SESSION, SPENT, STARTS, top=0), False),
        (table(USER, {"title": "Last", "last": "cost"}, SPENT), True),
        (table({"title": "Team", "label": "team"}, {"title": "Last", "last": "cost"}, SPENT), False),
        # One column reads all sessions once, and a shortlist would as well.
        (table(SESSION, SPENT), False),
        (table(SESSION, SPENT, {"title": "Share", "share_of": {"total": "cost"}}), True),
    ],
)
def test_tables_of_the_highest_sessions_ask_for_these_first(entry: dict[str, Any], expected: bool) -> None:
    found = built(entry)
    first = _queries.shortlist(found.panels()[0], _queries.in_grafana(found, CATALOGUE))
    assert bool(first) is expected
    hidden = [one["name"] for one in rendered(entry)["templating"]["list"] if one["type"] == "query" and one["hide"]]
    assert hidden == (["top_the_dearest"] if expected else [])


def test_the_sessions_of_the_deciding_column_are_asked_for_through_all_filters() -> None:
    found = built(table(SESSION, USER, STARTS, SPENT, ranked="Cost"))
    first = _queries.shortlist(found.panels()[0], _queries.with_values(found, CATALOGUE, 3600, 60))
    assert first
    assert f"topk(5, sum by (session_id, user_name) (sum_over_time({COST}" in first.text
    assert first.text.startswith("group by (read) (")
    assert 'team=~".*"' in first.text


def test_all_that_the_columns_read_is_of_those_sessions() -> None:
    found = built(DEAREST)
    for query in _queries.queries(found.panels()[0], _queries.in_grafana(found, CATALOGUE)):
        assert query.text.count('copy=""') == query.text.count('session_id=~"${top_the_dearest:pipe}"')


def test_a_share_is_one_of_what_all_sessions_cost() -> None:
    found = built(table(SESSION, SPENT, {"title": "Share", "share_of": {"total": "cost"}}))
    share = _queries.queries(found.panels()[0], _queries.in_grafana(found, CATALOGUE))[1].text
    own, of_all = share.partition(" and on (session_id) ")[0].split(" / on () group_left () ")
    assert 'session_id=~"${top_the_dearest:pipe}"' in own
    assert "top_the_dearest" not in of_all


def test_without_an_answer_a_panel_asks_for_all_sessions() -> None:
    found = built(DEAREST)
    asking, panel = _queries.with_values(found, CATALOGUE, 3600, 60), found.panels()[0]
    assert not any("a|b" in query.text for query in _queries.queries(panel, asking))
    narrowed = _queries.shortlisted(panel, asking, lambda _query: [{"read": "a"}, {"read": "b"}])
    assert all('session_id=~"a|b"' in query.text for query in _queries.queries(panel, narrowed))


def test_where_there_is_none_the_answer_is_a_name_that_nobody_has() -> None:
    """No answer would be the empty text, for which Prometheus looks through all series."""
    found = built(DEAREST)
    first = _queries.shortlist(found.panels()[0], _queries.in_grafana(found, CATALOGUE))
    assert first
    assert first.text.endswith(' or on () label_replace(vector(1), "read", "-", "", "")')


def test_users_are_asked_for_where_the_table_is_of_users() -> None:
    found = built(table(USER, {"title": "Last", "last": "cost"}, {**SPENT, "over": "1d"}))
    panel, asking = found.panels()[0], _queries.in_grafana(found, CATALOGUE, reads="recent")
    first = _queries.shortlist(panel, asking)
    assert first
    assert '"read", "$1", "user_name", ' in first.text
    # Rollups that keep the users are narrowed down to them like the raw series.
    last, spent = (query.text for query in _queries.queries(panel, asking))
    assert 'user_name=~"${top_the_dearest:pipe}"' in last
    series = re.findall(r"\w+(?::\w+)*\{(?:[^{}]|\$\{[^{}]*\})*\}", spent)
    assert any(one.startswith("claude_code:cost:users5m{") for one in series)
    assert all('user_name=~"${top_the_dearest:pipe}"' in one for one in series)


def test_other_panels_ask_for_no_shortlist() -> None:
    found = built({"show": "stat", "total": "cost"})
    asking = _queries.with_values(found, CATALOGUE, 3600, 60)

    def nobody_asks(query: _queries.Query) -> list[dict[str, str]]:
        raise AssertionError(query)

    assert _queries.shortlisted(found.panels()[0], asking, nobody_asks) is asking


@pytest.mark.parametrize(
    ("session", "plain"),
    [
        ("0199a3f2-55d1-7c7e-9be2-000000000001", True),
        ("someone@example.com_2", True),
        ("", False),
        ("a|b", False),
        ('a"b', False),
        ("a\\b", False),
        ("a+b", False),
        ("/home/a b:1", True),
        ("é", False),
    ],
)
def test_a_session_is_found_by_its_name_or_everything_is(session: str, plain: bool) -> None:
    """The expression may find more, and never less."""
    assert bool(re.fullmatch(_shortlists.PLAIN, session)) is plain
    read = session if plain else _shortlists.EVERYTHING
    assert re.fullmatch(_shortlists.pattern([{"read": "other"}, {"read": read}]), session)


def test_grafana_takes_all_answers_of_the_hidden_variable() -> None:
    (one,) = [one for one in rendered(DEAREST)["templating"]["list"] if one["name"] == "top_the_dearest"]
    query = re.fullmatch(r"query_result\((.+)\)", one["query"]["query"])
    assert query
    assert query[1].startswith("group by (read) (")
    assert one["query"]["qryType"] == 3
    # Asked again with each range, taken along by no link, and never narrowed down by hand.
    assert (one["refresh"], one["skipUrlSync"], one["hide"]) == (2, True, 2)
    assert (one["includeAll"], one["multi"], one["current"]["value"]) == (True, True, ["$__all"])
    assert "allValue" not in one
    cut = re.search(one["regex"].strip("/"), '{read="0199-a"} 1 1764225600000')
    assert cut
    assert cut[1] == "0199-a"


@pytest.mark.parametrize("delivery", ["scrape", "remote_write"])
def test_it_is_read_as_the_delivery_stores_counters(delivery: str) -> None:
    found = rendered(DEAREST, delivery=delivery)["templating"]["list"]
    (one,) = [one for one in found if one["name"] == "top_the_dearest"]
    assert "anchored" in one["query"]["query"]
