# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the specification asks for is there, and what it does not ask for is told apart."""

from __future__ import annotations

import re

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._panels import load_dashboards
from ansible_collections.observability.claude_code.plugins.plugin_utils._docs_text import place
from support.checkout import CHECKOUT

FOLDER = CHECKOUT / "files" / "catalogue"
DASHBOARDS = load_dashboards(FOLDER, load_catalogue(FOLDER))
MAIN = DASHBOARDS["claude-code-metrics"]
# The panels of section 5 of the specification, by its parts.
SPECIFIED = {
    "5.1": ["Active Sessions", "Total Cost Today", "Tool Error Rate", "Productivity Ratio"],
    "5.2": [
        "Cost by Model",
        "Token Usage Breakdown",
        "Cache Efficiency",
        "Hourly Burn Rate",
        "Cost per 1K Lines",
    ],
    "5.3": ["Tool Usage Distribution", "Tool Success Rate", "Tool Execution Duration", "Tool Decision Patterns"],
    "5.4": [
        "Subagent Type Distribution",
        "Subagent Success Rate by Type",
        "Subagents per Conversation",
        "Subagent Error Analysis",
        "Subagent Chain Depth",
    ],
    "5.5": [
        "Error Timeline",
        "Errors by Tool Type",
        "Error Message Groups",
        "API Error Status Codes",
        "Retry Patterns",
        "Error Correlation Matrix",
    ],
    "5.6": [
        "Lines of Code",
        "Commits Created",
        "Pull Requests Created",
        "Developer Equivalence",
        "Code Acceptance Rate",
    ],
    "5.7": ["Session Timeline", "Session Drill-down", "Conversation Flow", "Session Context Variables"],
}
# What a panel may name as its places: sections and appendices, or that it is none of the specification's.
SECTION = r"(\d(\.\d)?|Appendix [A-C])"
PLACE = re.compile(rf"{SECTION}(, {SECTION})*|additional")


def test_every_panel_of_the_specification_is_in_its_row_of_the_main_dashboard() -> None:
    assert sum(map(len, SPECIFIED.values())) == 33
    there = {(part, panel.title) for row in MAIN.rows for panel in row.panels for part in place(panel, row).split(", ")}
    missing = [(part, title) for part, titles in SPECIFIED.items() for title in titles if (part, title) not in there]
    assert missing == []


def test_the_rows_of_the_main_dashboard_are_those_of_the_specification_in_its_order() -> None:
    parts = [row.spec for row in MAIN.rows if row.spec in SPECIFIED]
    assert parts == sorted(SPECIFIED)


def test_every_panel_names_its_place_in_the_specification_or_that_it_has_none() -> None:
    """A panel that names no place has that of its row, so only the specification's own may leave it out."""
    wrong = [
        f"{dashboard.uid}: {panel.title}: write `spec: additional`, or the section that asks for it"
        for dashboard in DASHBOARDS.values()
        for row in dashboard.rows
        for panel in row.panels
        if not PLACE.fullmatch(place(panel, row))
        or (not panel.spec and row.spec in SPECIFIED and panel.title not in SPECIFIED[row.spec])
    ]
    assert wrong == []


def test_no_two_panels_of_a_dashboard_have_one_title() -> None:
    for dashboard in DASHBOARDS.values():
        titles = [panel.title for panel in dashboard.panels()]
        assert sorted({title for title in titles if titles.count(title) > 1}) == [], dashboard.uid
