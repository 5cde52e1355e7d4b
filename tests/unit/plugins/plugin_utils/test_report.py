# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: what a person reads in the terminal and in the browser, and what programs read."""

from __future__ import annotations

import datetime as dt
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots as plots
from ansible_collections.observability.claude_code.plugins.plugin_utils import _report as reports
from ansible_collections.observability.claude_code.plugins.plugin_utils._report_page import page

AT = dt.datetime(2026, 11, 22, 20, 15, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET"))
NOW = AT.timestamp()
HOSTILE = "</script><script>alert('x')</script><b onclick=\"x\">&\x1b[31m\x00"
VOID = {"meta", "link", "br"}


def result(name: str, status: str = "passed", **more: object) -> dict:
    told = {
        "id": name,
        "title": f"Title of {name}",
        "group": "Numbers",
        "status": status,
        "measured": f"what was found by {name}",
        "expected": "at least 1",
        "guards": f"what {name} guards against",
        "remedy": f"what to do about {name}",
        "spec": "C issue 1",
        "took_s": 0.25,
        "value": None,
    }
    return {**told, **more}


def chart(*series: tuple[str, list[float]], **more: object) -> dict:
    step, hours = 3600.0, 24
    drawn = [
        {"name": name, "points": [[NOW - (hours - place) * step, value] for place, value in enumerate(values)]}
        for name, values in series
    ]
    told = {"id": "cost", "title": "Cost by model", "about": "As it is.", "unit": "USD", "empty": "No request."}
    return {**told, "kind": "bars", "start": NOW - hours * step, "end": NOW, "step": step, "series": drawn, **more}


def report(*results: dict, **more: object) -> reports.Report:
    return reports.Report(host="demo", range="24h", at=AT, results=results or [result("a")], **more)


def lines(told: reports.Report, width: int = 110) -> list[str]:
    return [line for line, _status in reports.table(told, width)]


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_table_fits_the_terminal_and_tells_all_about_a_failure() -> None:
    told = report(result("good"), result("bad", "failed", measured="x " * 120), result("odd", "skipped"))
    for width in (80, 110, 200):
        assert max(map(len, lines(told, width))) <= width
    text = re.sub(r"\s+", " ", " ".join(lines(told)))
    assert "FAILED Title of bad" in text
    assert f"found: {'x ' * 119}x expected: at least 1 to do: what to do about bad guards: what bad" in text
    assert lines(told)[-1] == "1 passed, 1 failed, 1 skipped in 0.8 s"


def test_a_cause_that_many_checks_share_is_told_once() -> None:
    down = "Loki does not answer."
    told = report(*(result(name, "failed", measured=down) for name in ("first", "second", "third")), result("good"))
    text = "\n".join(lines(told))
    assert text.count(down) == text.count("to do:") == 1
    assert text.count("for the same reason") == 2
    assert page(told).count("<dt>To do</dt>") == 1
    assert '2 more for the same reason: <a href="#second">' in page(told)


def test_nothing_that_was_measured_can_move_the_cursor() -> None:
    told = report(result("a", "failed", measured=HOSTILE, title=HOSTILE))
    assert all(line.isprintable() for line in lines(told))


# --- files for programs ----------------------------------------------------------------------------------------------


def test_json_holds_everything() -> None:
    told = report(result("a"), result("b", "failed"), cards=[{"id": "cost", "value": 1.5}], charts=[chart()])
    read = json.loads(reports.as_json(told))
    assert read["summary"] == {"passed": 1, "failed": 1, "skipped": 0}
    assert [one["id"] for one in read["results"]] == ["a", "b"]
    assert (read["host"], read["range"], read["at"]) == ("demo", "24h", "2026-11-22T20:15:00+01:00")
    assert read["cards"][0]["value"] == 1.5
    assert read["charts"][0]["id"] == "cost"


def test_junit_is_well_formed_and_counts_right() -> None:
    told = report(
        result("a"),
        result("b", "failed", measured=HOSTILE, title=HOSTILE),
        result("c", "skipped"),
        result("d", group="Privacy"),
    )
    top = ET.fromstring(reports.as_junit(told))
    assert {key: top.get(key) for key in ("tests", "failures", "skipped", "time")} == {
        "tests": "4",
        "failures": "1",
        "skipped": "1",
        "time": "1.000",
    }
    numbers, privacy = top.findall("testsuite")
    assert (numbers.get("name"), numbers.get("tests"), numbers.get("failures")) == ("Numbers", "3", "1")
    assert (privacy.get("name"), privacy.get("tests")) == ("Privacy", "1")
    (failure,) = top.iter("failure")
    assert failure.get("message") == HOSTILE.replace("\x1b", "\ufffd").replace("\x00", "\ufffd")
    assert "to do: what to do about b" in (failure.text or "")
    (skipped,) = top.iter("skipped")
    assert skipped.get("message") == "what was found by c"


# --- the page --------------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects tags, attributes and texts, and notes tags that are not closed where they should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> after {self.open[-3:]}")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data


FULL = report(
    result("good"),
    result("bad", "failed"),
    result("odd", "skipped"),
    cards=[
        {"id": "cost", "title": "Cost", "unit": "USD", "value": 12.345},
        {"id": "errors", "title": "Error rate", "unit": "share", "value": 0.194},
        {"id": "none", "title": "Sessions", "unit": "", "value": None},
    ],
    charts=[chart(("opus", [1.0] * 24), ("sonnet", [0.5] * 24)), chart(id="none")],
)


def test_the_page_is_whole_and_every_id_is_there_once() -> None:
    read = Reader(page(FULL))
    assert (read.wrong, read.open) == ([], [])
    ids = [value for name, value in read.attributes if name == "id"]
    assert sorted(ids) == sorted(set(ids))
    linked = [value.removeprefix("#") for name, value in read.attributes if name == "href" and value.startswith("#")]
    assert linked
    assert set(linked) <= set(ids)


def test_the_page_needs_nothing_from_anywhere() -> None:
    text = page(FULL)
    assert re.findall(r"(?:https?:)?//[a-z]", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)) == []
    loads = {value for name, value in Reader(text).attributes if name in ("src", "href", "srcset", "action", "data")}
    assert {value for value in loads if not value.startswith(("#", "data:"))} == set()
    assert "@import" not in text
    assert "url(" not in text


def test_the_page_shows_numbers_with_their_units_and_says_where_there_are_none() -> None:
    text = Reader(page(FULL)).text
    for words in ("$12.35", "19.4 %", "no data yet", "1 of 2", "No request.", "$24.00", "20:15 CET"):
        assert words in text
    assert "what to do about bad" in text


def test_texts_from_outside_stay_texts() -> None:
    hostile = report(
        result(
            "a",
            "failed",
            measured=HOSTILE,
            title=HOSTILE,
            remedy=HOSTILE,
            guards=HOSTILE,
            expected=HOSTILE,
            spec=HOSTILE,
        ),
        result("b", measured=HOSTILE, group=HOSTILE),
        cards=[{"id": "c", "title": HOSTILE, "unit": HOSTILE, "value": 1.0}],
        charts=[chart((HOSTILE, [1.0] * 24), title=HOSTILE, about=HOSTILE, unit=HOSTILE), chart(empty=HOSTILE, id="x")],
    )
    hostile = reports.Report(**{**vars(hostile), "host": HOSTILE, "range": HOSTILE})
    text = page(hostile)
    assert not {"\x00", "\x1b"} & set(text)
    read = Reader(text)
    assert read.tags.count("script") == 1
    assert "b" not in read.tags
    assert "onclick" not in {name for name, _value in read.attributes}
    assert (read.wrong, read.open) == ([], [])


def test_without_the_library_the_page_has_the_numbers_and_says_how_to_get_the_charts(monkeypatch) -> None:
    monkeypatch.setattr(plots, "AVAILABLE", False)
    text = page(FULL)
    assert "<svg" not in text
    read = Reader(text)
    assert "pip install vl-convert-python" in read.text
    assert "$24.00" in read.text


def test_each_bar_says_when_what_and_how_much() -> None:
    labels = [value for name, value in Reader(page(FULL)).attributes if name == "aria-label" and " · " in value]
    assert len(labels) == 48
    assert "19:15 to 20:15 · opus · $1.00" in labels


def test_bars_are_stacked_and_colours_come_from_the_page() -> None:
    drawn = plots.svg(chart(("a", [1.0] * 24), ("b", [2.0] * 24)), AT.tzinfo)
    assert 'fill="var(--series-1)"' in drawn
    assert 'fill="var(--series-2)"' in drawn
    assert "$3.00" in drawn  # the axis reaches the sum


def test_lines_are_drawn_too_and_other_kinds_are_refused() -> None:
    drawn = plots.svg(chart(("a", [1.0, 2.0, 3.0]), kind="lines"), AT.tzinfo)
    assert 'stroke="var(--series-1)"' in drawn
    assert 'aria-label="21:15 · a · $2.00"' in drawn
    with pytest.raises(ValueError, match="Use one of: bars, lines"):
        plots.svg(chart(("a", [1.0]), kind="pie"), AT.tzinfo)


def test_series_beyond_the_colours_are_added_up() -> None:
    folded = plots.folded(chart(*((f"s{n}", [float(10 - n)] * 2) for n in range(10)))["series"])
    assert [one["name"] for one in folded] == ["s0", "s1", "s2", "s3", "s4", "s5", "others"]
    assert [value for _at, value in folded[-1]["points"]] == [10.0, 10.0]
