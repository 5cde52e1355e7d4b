# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a verification as a table for the terminal, as JSON and as JUnit XML. The page is in _report_page."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import itertools
import json
import math
import re
import textwrap
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.observability.claude_code.plugins.plugin_utils._units import duration

STATUSES = ("passed", "failed", "skipped")
MARKS = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}
RESULT = ("id", "title", "group", "status", "measured", "expected", "guards", "remedy", "spec", "took_s", "value")
MARK_WIDTH, TITLE_WIDTH, TOOK_WIDTH = 8, 46, 8
SURROGATES = re.compile("[\ud800-\udfff]")
# What XML 1.0 cannot hold, not even escaped.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Result = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Report:
    """What was found about one stack; beside it the dashboard of stack_figures and the table of client_coverage."""

    host: str
    range: str
    at: dt.datetime
    results: t.Sequence[Result]
    figures: Result = dataclasses.field(default_factory=dict)
    clients: Result = dataclasses.field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        found = collections.Counter(result["status"] for result in self.results)
        return {status: found[status] for status in STATUSES}

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results if result["status"] == "failed"]

    def troubles(self) -> list[tuple[Result, list[Result]]]:
        """The failed checks, each with those that failed for the very same reason, such as a server that is down."""
        found: dict[str, tuple[Result, list[Result]]] = {}
        for result in self.failed:
            first = found.setdefault(str(result["measured"]), (result, []))
            if first[0] is not result:
                first[1].append(result)
        return list(found.values())

    @property
    def took_s(self) -> float:
        return sum(result["took_s"] for result in self.results)

    def groups(self) -> t.Iterator[tuple[str, list[Result]]]:
        for name, results in itertools.groupby(self.results, key=lambda result: result["group"]):
            yield name, list(results)

    def summary(self) -> str:
        counts = self.counts
        told = ", ".join(f"{counts[status]} {status}" for status in STATUSES)
        return f"{told} in {duration(self.took_s)}"


def wrong(results: t.Iterable[Result]) -> str:
    """What keeps results from being reported; nothing where all are as stack_check gives them."""
    for result in results:
        name = f"The result {result.get('id', 'without id')!r}"
        lacking = [key for key in RESULT if key not in result]
        if lacking:
            return f"{name} lacks {', '.join(lacking)}."
        if result["status"] not in STATUSES:
            return f"{name} has the status {result['status']!r}, which is none of {', '.join(STATUSES)}."
        if not isinstance(result["took_s"], (int, float)) or not math.isfinite(result["took_s"]):
            return f"{name} took {result['took_s']!r}, which is no number of seconds."
    return ""


def table(report: Report, width: int) -> list[tuple[str, str]]:
    """Lines for a terminal of ``width`` columns, each with a status (or '') to colour it by."""
    width = max(width, 80)
    left = width - MARK_WIDTH - TITLE_WIDTH - TOOK_WIDTH - 4
    told = {first["id"] for first, _others in report.troubles()}
    lines = [(f"Checks of {report.host}, {report.at:%d %b %Y %H:%M %Z}, range {report.range}", "")]
    for name, results in report.groups():
        lines += [("", ""), (name, "")]
        for result in results:
            title = textwrap.wrap(_plain(result["title"]), TITLE_WIDTH) or [""]
            # What went wrong is told in full below.
            said = textwrap.shorten(_plain(result["measured"]), left, placeholder=" …")
            if result["status"] == "failed":
                said = "" if result["id"] in told else "for the same reason"
            took = duration(result["took_s"]) if result["status"] != "skipped" else ""
            first = (
                f"{MARKS[result['status']]:<{MARK_WIDTH}} {title[0]:<{TITLE_WIDTH}} {said:<{left}} {took:>{TOOK_WIDTH}}"
            )
            lines.append((first.rstrip(), result["status"]))
            lines += [(" " * (MARK_WIDTH + 1) + more, result["status"]) for more in title[1:]]
            if result["id"] in told:
                lines += [(line, "failed") for line in _trouble(result, width)]
    return [*lines, ("", ""), (report.summary(), "failed" if report.failed else "passed")]


def _trouble(result: Result, width: int) -> list[str]:
    parts = (("found", "measured"), ("expected", "expected"), ("to do", "remedy"), ("guards", "guards"))
    lines = []
    for word, key in parts:
        text = f"{word + ':':<10}{_plain(result[key])}"
        indent = " " * (MARK_WIDTH + 1)
        lines += textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent + " " * 10)
    return lines


def as_json(report: Report) -> str:
    content = {
        "host": report.host,
        "range": report.range,
        "at": report.at.isoformat(timespec="seconds"),
        "summary": report.counts,
        "results": list(report.results),
        "dashboard": report.figures,
        "clients": report.clients,
    }
    text = json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False)
    # Half a character, which no file can hold.
    return SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text) + "\n"


def _finite(thing: t.Any) -> t.Any:
    """The same with null for the numbers that JSON has no words for."""
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if isinstance(thing, t.Mapping):
        return {name: _finite(value) for name, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_finite(one) for one in thing]
    return thing


def as_junit(report: Report) -> str:
    """One suite a group, one case a check."""
    counts = report.counts
    top = ET.Element(
        "testsuites",
        name=f"verify {printable(report.host)}",
        tests=str(len(report.results)),
        failures=str(counts["failed"]),
        skipped=str(counts["skipped"]),
        time=f"{report.took_s:.3f}",
    )
    for name, results in report.groups():
        statuses = [result["status"] for result in results]
        suite = ET.SubElement(
            top,
            "testsuite",
            name=printable(name),
            hostname=printable(report.host),
            timestamp=report.at.isoformat(timespec="seconds"),
            tests=str(len(results)),
            failures=str(statuses.count("failed")),
            errors="0",
            skipped=str(statuses.count("skipped")),
            time=f"{sum(result['took_s'] for result in results):.3f}",
        )
        for result in results:
            _case(suite, result)
    ET.indent(top)
    return ET.tostring(top, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"verify.{printable(result['group'])}",
        name=printable(f"{result['id']}: {result['title']}"),
        time=f"{result['took_s']:.3f}",
    )
    measured = printable(result["measured"])
    if result["status"] == "skipped":
        ET.SubElement(case, "skipped", message=measured)
    elif result["status"] == "failed":
        failure = ET.SubElement(case, "failure", message=measured, type="check")
        failure.text = printable(
            f"found: {result['measured']}\nexpected: {result['expected']}\nto do: {result['remedy']}\n"
            f"guards against: {result['guards']}\nspecification: {result['spec'] or '-'}"
        )
    else:
        ET.SubElement(case, "system-out").text = measured


def printable(text: t.Any) -> str:
    """Text without what neither XML nor a page can hold."""
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(text))


def _plain(text: t.Any) -> str:
    """Text without what would move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))
