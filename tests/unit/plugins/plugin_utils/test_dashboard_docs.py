# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages about dashboards: everything of a panel is on them, once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError, load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._panels import (
    Column,
    Dashboard,
    Panel,
    Row,
    Rows,
    Series,
    load_dashboards,
)
from ansible_collections.observability.claude_code.plugins.plugin_utils._dashboard_docs import differences_in, pages
from ansible_collections.observability.claude_code.plugins.plugin_utils._docs_text import GENERATED, ON_ONE_PAGE
from support.checkout import CHECKOUT

FOLDER = CHECKOUT / "files" / "catalogue"
CATALOGUE = load_catalogue(FOLDER)
MAIN = load_dashboards(FOLDER, CATALOGUE)["claude-code-metrics"]
COST = Panel(
    "cost",
    "Cost by Model",
    "stat",
    "What each model cost.",
    "Look at it.",
    unit="USD",
    by=("model",),
    series=(Series("", ex.Total("cost")),),
    thresholds=(("green", None), ("red", 50.0)),
    empty="Nothing was spent.",
    differs="It is a number.",
)
ERRORS = Panel(
    "errors",
    "Errors",
    "table",
    "Errors.",
    "Read them.",
    rows=Rows(("tool_result", "api_error"), ({"success": "false"},)),
    columns=(Column("At", field="time", unit="time"), Column("Session", field="session_id", links="other")),
)
HEAD = f"# Differences\n\nBy hand.\n\n{GENERATED}\n\nold\n"


def page(*panels: Panel, spec: str = "5.2") -> str:
    own = replace(MAIN, uid="own", rows=(Row("Costs", spec, panels),))
    return pages({"own": own}, CATALOGUE, HEAD)["dashboards/own.md"]


def test_a_panel_is_described_with_all_that_the_catalogue_says_of_it() -> None:
    text = page(COST)
    for words in (
        "### Cost by Model\n\nWhat each model cost.\n\n**What to do:** Look at it.",
        "- **Place:** specification 5.2; number; unit: `USD`",
        "- **Differs from the specification:** It is a number.",
        "- **Computed:** The sum of claude_code.cost.usage, for each model. One value for the whole range",
        "- **Second way:** claude_code.cost.usage: The sum of cost_usd over the api_request events.",
        "- **Colours:** green, red from $50.00",
        "- **Filters:** Session, Model, Terminal, User, Team; not Tool.",
        "- **Without data:** Nothing was spent.",
    ):
        assert words in text


def test_queries_stand_once_for_the_deliveries_that_ask_the_same() -> None:
    text = page(COST)
    assert text.count("sum_over_time(claude_code_cost_usage_USD_total{") == 1
    assert text.count("increase(claude_code_cost_usage_USD_total{") == 1
    assert "Queries (otlp)" in text
    assert "Queries (scrape, remote_write)" in text
    rows = page(ERRORS)
    assert rows.count("Queries (") == rows.count("Queries (Loki)") == 1
    assert "```logql" in rows


def test_filters_that_reach_a_part_of_a_panel_name_that_part() -> None:
    partly = "Session, Terminal, User, Team; in part Model (only lines that have it), Tool (only lines that have it)."
    assert partly in page(ERRORS)
    assert partly in page(replace(ERRORS, rows=Rows(())))
    sessions = ex.Distinct(("session_starts", "cost"), label="session_id")
    assert "in part Model (only claude_code.cost.usage); not Tool." in page(
        replace(COST, series=(Series("", sessions),))
    )
    assert "not Model." in page(replace(ERRORS, rows=Rows(("tool_result",))))


def test_columns_say_their_unit_and_what_they_open() -> None:
    assert "- **Columns:** At (date and time); Session, opens other" in page(ERRORS)


def test_a_dashboard_with_many_panels_has_a_page_for_each_row() -> None:
    many = tuple(replace(COST, id=f"p{number}", title=f"Panel {number}") for number in range(ON_ONE_PAGE + 1))
    own = replace(MAIN, uid="own", rows=(Row("Cost & Tokens", "5.2", many), Row("More", "", (ERRORS,))))
    found = pages({"own": own}, CATALOGUE, HEAD)
    assert {"dashboards/own.md", "dashboards/own/1-cost-tokens.md", "dashboards/own/2-more.md"} < set(found)
    assert "[Panel 3](own/1-cost-tokens.md#panel-3) | 5.2 |" in found["dashboards/own.md"]
    assert "[Errors](own/2-more.md#errors) | additional |" in found["dashboards/own.md"]
    assert "promql" not in found["dashboards/own.md"]


def test_differences_are_collected_by_section_below_what_is_written_by_hand() -> None:
    other = replace(COST, id="other", title="Other", differs="Other words.", spec="3")
    own = Dashboard("own", "Own", "a", (Row("R", "5.2", (COST, other, replace(ERRORS, spec="additional"))),))
    text = differences_in(HEAD, {"own": own})
    assert text.startswith("# Differences\n\nBy hand.\n\n")
    assert "old" not in text
    assert text.index("| 3 | Other | Other words. |") < text.index("| 5.2 | Cost by Model | It is a number. |")
    assert text.endswith("| Own | R | Errors |\n")
    assert differences_in(text, {"own": own}) == text


def test_a_differences_page_without_its_mark_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"docs/differences\.md lacks the line"):
        differences_in("# Differences\n", {})
