# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report: whole, self-contained, and readable with and without what it could be given."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots as plots
from ansible_collections.observability.claude_code.plugins.plugin_utils import _report as reports
from ansible_collections.observability.claude_code.plugins.plugin_utils._report_page import page
from support.panels import AT, Reader, one_of_each, over_time, panel, table, values

HOSTILE = "</script><script>alert('x')</script><b onclick=\"x\">&\x1b[31m\x00"


def result(name: str, status: str = "passed", **more: object) -> dict[str, Any]:
    told = {"id": name, "title": f"Title of {name}", "group": "Numbers", "status": status, "expected": "at least 1"}
    said = {"measured": f"found by {name}", "guards": "a fault", "remedy": f"what to do about {name}", "spec": ""}
    return {**told, **said, "took_s": 0.25, "value": None, **more}


def report(*panels: dict[str, Any], **more: Any) -> reports.Report:
    figures = {"uid": "x", "title": "X", "rows": [{"title": "A row", "spec": "", "panels": list(panels)}]}
    told = {"host": "demo", "range": "24h", "at": AT, "results": [result("good")], "figures": figures}
    return reports.Report(**{**told, **more})


FULL = page(report(*one_of_each(), results=[result("good"), result("bad", "failed"), result("odd", "skipped")]))


def test_the_page_is_whole_and_every_id_is_there_once() -> None:
    read = Reader(FULL)
    assert (read.wrong, read.open) == ([], [])
    ids = read.values("id")
    assert sorted(ids) == sorted(set(ids))
    linked = [value.removeprefix("#") for value in read.values("href") if value.startswith("#")]
    assert linked
    assert set(linked) <= set(ids)


def test_the_page_needs_nothing_from_anywhere() -> None:
    assert re.findall(r"(?:https?:)?//[a-z]", re.sub(r"^\s*//.*$", "", FULL, flags=re.MULTILINE)) == []
    loads = {value for name, value in Reader(FULL).attributes if name in ("src", "href", "srcset", "action", "data")}
    assert {value for value in loads if not value.startswith(("#", "data:"))} == set()
    assert "@import" not in FULL
    assert "url(" not in FULL


def test_every_colour_of_the_page_is_defined_for_light_and_dark() -> None:
    style = FULL[FULL.index("<style>") : FULL.index("</style>")]
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]
    dark = dark[: dark.index("* {")]
    used = set(re.findall(r"var\(--([\w-]+)\)", FULL)) - {"columns"}
    assert used <= set(re.findall(r"--([\w-]+):", light))
    assert used - {"transparent"} <= set(re.findall(r"--([\w-]+):", dark))


def test_the_page_tells_the_verdict_and_what_to_do() -> None:
    text = Reader(FULL).text
    for words in ("1 of 2 checks fail", "what to do about bad", "The last 24 hours before", "20:15 CET", "A row"):
        assert words in text
    assert "All 1 checks pass" in Reader(page(report())).text
    assert "The last 1d12h before" in Reader(page(report(range="1d12h"))).text


def test_texts_from_outside_stay_texts() -> None:
    columns = [{"title": HOSTILE, "unit": HOSTILE, "thresholds": []}] * 2
    hostile = [
        over_time("bars", (HOSTILE, [1.0] * 24), title=HOSTILE, about=HOSTILE, unit=HOSTILE),
        over_time("states", (HOSTILE, [1.0] * 24), id="a", unit=HOSTILE),
        values("pie", (HOSTILE, 1.0), unit=HOSTILE),
        values("bar chart", (HOSTILE, HOSTILE, 1.0), ("x", "y", 1.0)),
        values("bar gauge", (HOSTILE, 1.0)),
        values("stat", (HOSTILE, 1.0), ("x", 2.0), unit=HOSTILE),
        panel("flow", edges=[{"source": HOSTILE, "target": "x", "value": 1.0}]),
        panel("table", columns=columns, rows=[[HOSTILE, 1.0], [HOSTILE * 9, None]], more=0),
        panel("text", text=HOSTILE),
        panel("lines", id="b", error=HOSTILE),
        table([], id="c", empty=HOSTILE),
    ]
    told = {"title": HOSTILE, "measured": HOSTILE, "remedy": HOSTILE, "guards": HOSTILE, "spec": HOSTILE}
    text = page(report(*hostile, host=HOSTILE, range=HOSTILE, results=[result("a", "failed", group=HOSTILE, **told)]))
    assert not {"\x00", "\x1b"} & set(text)
    read = Reader(text)
    assert read.tags.count("script") == 1
    assert "b" not in read.tags
    assert "onclick" not in {name for name, _value in read.attributes}
    assert (read.wrong, read.open) == ([], [])


def test_without_the_library_the_page_has_the_numbers_and_says_how_to_get_the_charts(monkeypatch) -> None:
    monkeypatch.setattr(plots, "AVAILABLE", False)
    text = page(report(*one_of_each()))
    assert "<svg" not in text
    read = Reader(text)
    assert "pip install vl-convert-python" in read.text
    for words in ("$24.00", "20.6 %", "600 k", "Claude → opus"):
        assert words in read.text
    assert (read.wrong, read.open) == ([], [])


def test_a_report_without_figures_has_the_checks() -> None:
    text = Reader(page(report(figures={}))).text
    assert "Title of good" in text
    assert "A row" not in text
