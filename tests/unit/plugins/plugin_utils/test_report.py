# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: what a person reads in the terminal, and what programs read."""

from __future__ import annotations

import datetime as dt
import json
import re
import xml.etree.ElementTree as ET

import pytest
from ansible_collections.observability.claude_code.plugins.plugin_utils import _report as reports
from ansible_collections.observability.claude_code.plugins.plugin_utils._report_page import page

AT = dt.datetime(2026, 11, 22, 20, 15, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET"))
HOSTILE = "</script><script>alert('x')</script><b onclick=\"x\">&\x1b[31m\x00"


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
    assert lines(told)[-1] == "1 passed, 1 failed, 1 skipped in 750 ms"


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
    told = report(result("a"), result("b", "failed"), figures={"uid": "x", "rows": [{"panels": [{"id": "cost"}]}]})
    read = json.loads(reports.as_json(told))
    assert read["summary"] == {"passed": 1, "failed": 1, "skipped": 0}
    assert [one["id"] for one in read["results"]] == ["a", "b"]
    assert (read["host"], read["range"], read["at"]) == ("demo", "24h", "2026-11-22T20:15:00+01:00")
    assert read["dashboard"]["rows"][0]["panels"][0]["id"] == "cost"


def test_json_is_json_whatever_was_found() -> None:
    found = result("a\ud800", value={"x": [float("nan"), 1.5, float("inf")]}, measured="half \udfff")
    text = reports.as_json(report(found))
    assert b"half \xef\xbf\xbd" in text.encode()
    read = json.loads(text, parse_constant=pytest.fail)
    assert read["results"][0]["value"] == {"x": [None, 1.5, None]}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, ""),
        ({"took_s": None}, "The result 'a' took None, which is no number of seconds."),
        ({"took_s": float("nan")}, "The result 'a' took nan"),
        ({"status": "weird"}, "The result 'a' has the status 'weird', which is none of passed, failed, skipped."),
    ],
)
def test_results_that_cannot_be_reported_are_known(more: dict, words: str) -> None:
    assert reports.wrong([result("good"), result("a", **more)]).startswith(words)
    assert bool(reports.wrong([result("a", **more)])) is bool(words)
    assert "lacks title, group" in reports.wrong([{"id": "a"}])


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
