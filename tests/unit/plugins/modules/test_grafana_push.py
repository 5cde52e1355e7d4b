# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is rendered for Grafana is pushed twice to its stand-in: the second time there is nothing to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.grafana_push import push_everything, rendered_dashboards, rendered_groups
from support.grafana_server import GrafanaServer

# As the uids begin in the catalogue.
PREFIX = "claude-code-"
VERSIONS = ("9.5.0", "10.4.0", "11.2.0", "11.6.0", "12.4.0", "13.1.0")


@pytest.fixture(params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[GrafanaServer]:
    with GrafanaServer(version=request.param) as running:
        yield running


def pushed(server: GrafanaServer, **options: Any) -> list[dict[str, Any]]:
    server.requests.clear()
    results = list(push_everything({"url": server.url, "token": server.token}, PREFIX, **options))
    assert [result["msg"] for result in results if result.get("failed")] == []
    return results


def test_the_second_push_changes_nothing_and_sends_no_write(server: GrafanaServer) -> None:
    assert {result["changed"] for result in pushed(server, check_mode=True)} == {True}
    assert server.writes == []
    first = pushed(server)
    assert {result["changed"] for result in first} == {True}
    # A field that a version does not know would differ for ever.
    assert [result["unsettled"] for result in first if result.get("unsettled")] == []
    rules = [rule for group in rendered_groups(PREFIX) for rule in group["rules"]]
    assert {rule["uid"] for rule in rules} == {*server.state.rules}
    assert len(server.state.dashboards) == len(rendered_dashboards())
    assert len(server.state.folders) == 1
    again = pushed(server)
    assert [(result["changed"], result["differences"]) for result in again] == [(False, [])] * len(again)
    assert server.writes == []


@pytest.mark.parametrize("server", [VERSIONS[0], VERSIONS[-1]], indirect=True)
def test_a_change_on_the_pages_is_taken_back_and_nothing_else_is_written(server: GrafanaServer) -> None:
    pushed(server)
    changed = next(iter(server.state.dashboards.values()))
    changed.model["title"], changed.model["version"] = "Mine", changed.version + 1
    rule = next(iter(server.state.rules.values()))
    rule.fields["for"] = "7d"
    results = [result for result in pushed(server) if result["changed"]]
    assert [result["differences"] for result in results] == [["title"], [f"rules[{rule.title}].for"]]
    assert [path.split("/")[2] for _method, path, _body in server.writes] == ["dashboards", "v1"]
    assert [result for result in pushed(server) if result["changed"]] == []
