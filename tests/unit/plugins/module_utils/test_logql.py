# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    CatalogueError,
    build_catalogue,
)
from ansible_collections.observability.claude_code.plugins.module_utils._logql import lines
from ansible_collections.observability.claude_code.plugins.module_utils._panels import build_dashboards

CATALOGUE = build_catalogue(
    {
        "1.yml": {
            "cost": {"otel": "claude_code.cost.usage", "about": "x"},
            "calls": {
                "otel": "c",
                "about": "x",
                "labels": ["tool_name", "success"],
                "derived": {"name": "tool_result"},
            },
        }
    },
    {"resource": ["team"]},
)


def asked(where: object, events: object = ("tool_result",), filters: dict[str, str] | None = None) -> str:
    panel = {"id": "p", "title": "P", "show": "table", "about": "x", "act": "y"}
    panel |= {"rows": {"events": events, "where": where}, "columns": [{"title": "T", "field": "time"}]}
    sources = {
        "dashboards": {"1.yml": {"uid": "u", "title": "U", "about": "x"}},
        "panels": {"u": {"1.yml": {"row": "R", "panels": [panel]}}},
        "variables": {},
        "settings": {},
    }
    (found,) = build_dashboards(sources, CATALOGUE)["u"].panels()
    assert found.rows
    return lines(found.rows, CATALOGUE, filters or {}).partition("event_name=~")[2]


def test_lines_are_chosen_by_what_an_attribute_is_and_by_what_it_is_not() -> None:
    chosen, failed = '"tool_result"} | ', '"tool_result", success!="true"} | '
    assert asked({"success": "false"}) == failed + 'success="false"'
    several = {"tool_name": ["Agent", "Task"], "success": "false"}
    assert asked(several) == failed + 'tool_name=~"Agent|Task" and success="false"'
    either = [{"success": "false"}, {"error": {"not": 'a"b'}}]
    assert asked(either) == chosen + '(success="false") or (error!="a\\"b")'
    assert asked({"parent_agent_id": {"not": ""}}) == chosen + 'parent_agent_id!=""'


def test_streams_of_successes_are_left_out_where_no_line_can_be_of_one() -> None:
    failed = [{"event_name": "tool_result", "success": "false"}, {"event_name": "api_error"}]
    events = ("tool_result", "api_error")
    assert 'success!="true"}' in asked(failed, events)
    # Each of these may be of a tool that succeeded.
    others = [{"event_name": list(events)}, {"event_name": {"not": "x"}}, {"tool_name": "Bash"}, {"success": "true"}]
    for other in others:
        assert "success!=" not in asked([*failed, other], events)
    assert "success!=" not in asked([{"success": "false"}, {"error": "x"}], "all")
    assert "success!=" not in asked([], ("api_error",))


def test_all_events_are_filtered_by_what_all_have_and_by_what_some_have() -> None:
    filters = {"team": "$team", "tool_name": "$tool", "nobody_has": "$x"}
    assert asked([], events="all", filters=filters) == ('".+"} | team=~"$team" | tool_name=~"$tool" or tool_name=""')


@pytest.mark.parametrize("value", [False, 3, {"is": "x"}])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(CatalogueError, match="panel 'p': rows want success"):
        asked({"success": value})
