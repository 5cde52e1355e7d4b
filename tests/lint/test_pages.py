# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation says what the catalogue says, and its links lead somewhere."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._expressions import KEYS
from ansible_collections.observability.claude_code.plugins.module_utils._panels import (
    build_dashboards,
    load_dashboards,
    read_dashboards,
)
from ansible_collections.observability.claude_code.plugins.module_utils._queries import in_grafana, queries
from ansible_collections.observability.claude_code.plugins.plugin_utils._pages import all_pages
from support.checkout import CHECKOUT, files

DOCS = CHECKOUT / "docs"
FOLDER = CHECKOUT / "files" / "catalogue"
WRITTEN = [path for path in files(".md") if path.parts[0] == "docs" or len(path.parts) == 1]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def wanted() -> dict[str, str]:
    return all_pages(CHECKOUT, load_catalogue(FOLDER))


def anchors(text: str) -> list[str]:
    """The names of a page's headings in links, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_the_generated_pages_are_those_of_the_catalogue() -> None:
    stale = [
        name for name, text in wanted().items() if not (DOCS / name).is_file() or (DOCS / name).read_text() != text
    ]
    assert stale == [], "Run `make render`."


def test_no_page_is_left_of_a_dashboard_that_is_gone() -> None:
    there = {str(path.relative_to(DOCS)) for path in (DOCS / "dashboards").rglob("*") if path.is_file()}
    assert there <= set(wanted())


@pytest.mark.parametrize("page", WRITTEN, ids=str)
def test_links_of_a_page_lead_to_a_file_and_a_heading(page) -> None:
    text = FENCED.sub("", (CHECKOUT / page).read_text())
    lost = []
    for target, anchor in LINK.findall(text):
        if "://" in target:
            continue
        file = (CHECKOUT / page).parent / target if target else CHECKOUT / page
        if not file.exists():
            lost.append(target)
        elif anchor and anchors(file.read_text()).count(anchor) != 1:
            lost.append(f"{target}#{anchor}")
    assert lost == []


def test_the_example_of_a_panel_is_one_and_has_ten_lines() -> None:
    text = (DOCS / "development.md").read_text()
    (example,) = [
        fence for fence in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if "- id:" in fence
    ]
    assert len(example.splitlines()) == 10
    sources = read_dashboards(FOLDER)
    sources["panels"]["claude-code-metrics"] = {"1.yml": {"row": "Own", "panels": yaml.safe_load(example)}}
    catalogue = load_catalogue(FOLDER)
    (panel,) = build_dashboards(sources, catalogue)["claude-code-metrics"].panels()
    assert queries(panel, in_grafana(load_dashboards(FOLDER, catalogue)["claude-code-metrics"], catalogue))


def test_every_word_of_an_expression_is_documented() -> None:
    text = (DOCS / "development.md").read_text()
    assert [word for word in sorted(KEYS) if not re.search(rf"[`{{]{word}:|, {word}: ", text)] == []
