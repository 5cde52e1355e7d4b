# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a verification as one page of HTML that needs nothing else."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots as plots
from ansible_collections.observability.claude_code.plugins.plugin_utils._report import Report, Result
from ansible_collections.observability.claude_code.plugins.plugin_utils._report_clients import clients
from ansible_collections.observability.claude_code.plugins.plugin_utils._report_panels import dashboard, escape
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import NOTHING, duration

FILES = Path(__file__).parent / "report_page"
PERIODS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
SIGNS = {"passed": "✓", "failed": "✕", "skipped": NOTHING}
NO_LIBRARY = (
    "The charts are not drawn: the Python package vl-convert-python is not there. Install it where ansible-playbook "
    "runs (pip install vl-convert-python) and run the playbook again. The numbers are in the panels."
)


def page(report: Report) -> str:
    """The whole page."""
    title = f"Claude Code telemetry on {report.host}"
    body = [_header(report, title), _todo(report), _dashboard(report), clients(report.clients, report.at.tzinfo)]
    body += [_checks(report), _footer(report)]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<link rel="icon" href="data:,">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{_file('page.css')}</style>",
            "</head>",
            "<body>",
            *body,
            f"<script>\n{_file('page.js')}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _file(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def _header(report: Report, title: str) -> str:
    counts = report.counts
    ran = counts["passed"] + counts["failed"]
    verdict = f"All {ran} checks pass" if not counts["failed"] else f"{counts['failed']} of {ran} checks fail"
    status = "failed" if counts["failed"] else "passed"
    return (
        f'<header><h1>{escape(title)}</h1><p class="when">The last {escape(_in_words(report.range))} before '
        f'<time datetime="{report.at.isoformat(timespec="seconds")}">{report.at:%A %e %B %Y, %H:%M %Z}</time></p>'
        f'<p class="verdict {status}">{_sign(status)} {verdict}</p></header>'
    )


def _in_words(range_: str) -> str:
    found = re.fullmatch(r"(\d+)([smhdw])", range_)
    return f"{found[1]} {PERIODS[found[2]]}{'' if found[1] == '1' else 's'}" if found else range_


def _sign(status: str) -> str:
    return f'<span class="sign" aria-hidden="true">{SIGNS[status]}</span>'


def _todo(report: Report) -> str:
    """What failed, above everything else that is not a number."""
    if not report.failed:
        return ""
    items = "".join(_trouble(first, others) for first, others in report.troubles())
    return f'<section class="todo"><h2>What to do</h2><ol>{items}</ol></section>'


def _trouble(result: Result, others: list[Result]) -> str:
    parts = [("Found", "measured"), ("Expected", "expected"), ("To do", "remedy"), ("Guards against", "guards")]
    told = "".join(f"<dt>{word}</dt><dd>{escape(result[key])}</dd>" for word, key in parts)
    if others:
        told += f"<dt>Also</dt><dd>{len(others)} more for the same reason: {', '.join(map(_link, others))}</dd>"
    return f"<li><h3>{_link(result)}</h3><dl>{told}</dl></li>"


def _link(result: Result) -> str:
    return f'<a href="#{escape(result["id"])}">{escape(result["title"])}</a>'


def _dashboard(report: Report) -> str:
    if not report.figures:
        return ""
    notice = "" if plots.AVAILABLE else f'<p class="notice">{escape(NO_LIBRARY)}</p>'
    zone = f"{report.at:%Z}" or "local time"
    note = (
        f"Times are {zone}. A title opens what its panel shows and how it is computed. Point at a bar for its number."
    )
    return f'{notice}{dashboard(report.figures, report.at.tzinfo)}<p class="small">{escape(note)}</p>'


def _checks(report: Report) -> str:
    bodies = []
    for name, results in report.groups():
        rows = "".join(_row(result) for result in results)
        bodies.append(
            f'<tbody><tr class="group"><th colspan="5" scope="rowgroup">{escape(name)}</th></tr>{rows}</tbody>'
        )
    head = (
        '<thead><tr><th scope="col">Status</th><th scope="col">Check</th><th scope="col">Found</th>'
        '<th scope="col">Expected</th><th scope="col" class="number">Time</th></tr></thead>'
    )
    table = f"<table>{head}{''.join(bodies)}</table>"
    return f'<section class="checks"><h2>All checks</h2><div class="wide">{table}</div></section>'


def _row(result: Result) -> str:
    status = result["status"]
    spec = f' <span class="spec">Specification {escape(result["spec"])}</span>' if result["spec"] else ""
    remedy = f'<p class="remedy"><strong>To do:</strong> {escape(result["remedy"])}</p>' if status == "failed" else ""
    took = duration(result["took_s"]) if status != "skipped" else ""
    return (
        f'<tr id="{escape(result["id"])}" class="{status}">'
        f'<td><span class="status">{_sign(status)} {status}</span></td>'
        f'<td><p class="title">{escape(result["title"])}</p>'
        f'<p class="small">{escape(result["guards"])}{spec}</p>{remedy}</td>'
        f"<td>{escape(result['measured'])}</td><td>{escape(result['expected'])}</td>"
        f'<td class="number">{took}</td></tr>'
    )


def _footer(report: Report) -> str:
    versions: t.Mapping[str, str] = {}
    for result in report.results:
        if result["id"] == "versions" and isinstance(result["value"], dict):
            versions = result["value"]
    told = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return f'<footer><p class="small">{escape(report.summary())}. {escape(told)}</p></footer>'
