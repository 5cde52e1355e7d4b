# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines that telemetry was rolled out to, as a section of the report's page."""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_coverage import STATES
from ansible_collections.observability.claude_code.plugins.plugin_utils._report_panels import escape
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import NOTHING

# How a state looks, in the words of the page's style; what is to be looked at comes first.
LOOKS = {
    "not delivered": "failed",
    "unreachable": "failed",
    "silent": "failed",
    "waiting": "skipped",
    "covered": "passed",
}
HEADINGS = ("State", "Machine", "Person", "Settings", "Probe: metrics, events", "Last session", "Client", "What to do")


def clients(coverage: t.Mapping[str, t.Any], zone: dt.tzinfo | None) -> str:
    """The section, or nothing where ``coverage`` is empty.

    It is what client_coverage returned, and ``at``, when that was (Unix seconds).
    """
    if not coverage:
        return ""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
    rows = sorted(coverage["clients"], key=lambda row: (STATES.index(row["state"]), row["machine"], row["user"]))
    body = "".join(_row(row, zone) for row in rows)
    told = f"{_moment(coverage['at'], zone)}: {coverage['summary']}{_unnamed(coverage)}"
    return (
        f'<section class="checks"><h2>Machines of the last roll-out</h2><p class="small">{escape(told)}</p>'
        f'<div class="wide"><table class="clients"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        "</section>"
    )


def _row(row: t.Mapping[str, t.Any], zone: dt.tzinfo | None) -> str:
    look = LOOKS[row["state"]]
    seen = row["last_session"]
    cells = [
        f'<span class="status">{escape(row["state"])}</span>',
        escape(row["machine"]),
        escape(row["user"] or NOTHING),
        escape(row["settings"]),
        escape(f"{row['probe_metrics']}, {row['probe_logs']}"),
        _moment(seen, zone) if seen else "none",
        escape(row["client_version"] or NOTHING),
        escape(" ".join(row["gaps"])),
    ]
    return f'<tr class="{look}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _moment(at: float, zone: dt.tzinfo | None) -> str:
    return f"{dt.datetime.fromtimestamp(at, zone):%d %b %Y %H:%M}"


def _unnamed(coverage: t.Mapping[str, t.Any]) -> str:
    count = len(coverage["unnamed"])
    return f" Telemetry of {count} {'person' if count == 1 else 'people'} names no machine." if count else ""
