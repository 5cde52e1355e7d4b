# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the generated pages of the documentation have in common: text, links and blocks of queries."""

from __future__ import annotations

import re
import textwrap
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, Panel, Row

# Up to so many panels a dashboard has one page; beyond, each of its rows has its own.
ON_ONE_PAGE = 20
WIDTH = 150
GENERATED = "<!-- Made by `make render` from files/catalogue. Change it there. -->"
ADDITIONAL = "additional"


def parted(page: str, name: str) -> tuple[str, str]:
    """A page's own text and its generated part; CatalogueError where nothing says where that begins."""
    head, mark, made = page.partition(GENERATED)
    if not mark:
        raise CatalogueError(f"{name} lacks the line {GENERATED}. Put it where the generated part begins.")
    return head, made


def pages_of_rows(dashboard: Dashboard) -> dict[str, str]:
    """The page of each row below docs/dashboards, by the row's title; "" for rows on the dashboard's own page."""
    whole = len(dashboard.panels()) <= ON_ONE_PAGE
    return {
        row.title: "" if whole else f"{dashboard.uid}/{number}-{_slug(row.title)}.md"
        for number, row in enumerate(dashboard.rows, 1)
    }


def panel_page(dashboard: Dashboard, panel: Panel) -> str:
    """Where a panel is described, from docs."""
    row = next(row for row in dashboard.rows if panel in row.panels)
    return f"dashboards/{pages_of_rows(dashboard)[row.title] or dashboard.uid + '.md'}#{anchor(panel.title)}"


def queries_block(asked: t.Mapping[str, t.Sequence[str]], language: str) -> list[str]:
    """Queries in parts of the page that open on demand; ``asked`` maps a text to the deliveries that ask it."""
    lines = []
    for text, deliveries in asked.items():
        if text:
            named = "Loki" if language == "logql" else ", ".join(deliveries)
            lines += [
                f"<details><summary>Queries ({named})</summary>",
                "",
                f"```{language}",
                text,
                "```",
                "",
                "</details>",
                "",
            ]
    return lines


def place(panel: Panel, row: Row) -> str:
    """The panel's section of the specification."""
    return panel.spec or row.spec or ADDITIONAL


def order(place_: str) -> tuple[bool, list[int], str]:
    """Sections by their numbers, what has none behind them."""
    numbers = [int(number) for number in re.findall(r"\d+", place_)]
    return not numbers, numbers, place_


def wrapped(text: str, hanging: bool = False) -> str:
    """Lines that an editor shows whole. With ``hanging`` further lines belong to an item of a list."""
    wrapped = []
    for number, line in enumerate(text.splitlines()):
        nested = line.startswith("  - ")
        indent = "    " if nested else "  " if hanging else ""
        wrapped += textwrap.wrap(
            line,
            WIDTH,
            initial_indent="" if nested or number == 0 else indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(wrapped)


def one_line(text: str) -> str:
    """As it stands in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def anchor(title: str) -> str:
    """The name that a heading has in links, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
