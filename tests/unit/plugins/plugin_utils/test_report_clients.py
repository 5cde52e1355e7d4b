# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of a roll-out in the report: all of them, those that need somebody first."""

from __future__ import annotations

import datetime as dt
import re

from ansible_collections.observability.claude_code.plugins.module_utils import _client_coverage as coverage
from ansible_collections.observability.claude_code.plugins.plugin_utils._report_clients import LOOKS, clients
from support.panels import Reader

NOON = dt.datetime(2026, 6, 1, 12, 0, tzinfo=dt.UTC)


class Nothing:
    """Stores that never saw anybody."""

    def probes(self, _wanted: object) -> dict[str, dict[str, bool]]:
        return {}

    def sessions(self) -> list[coverage.Seen]:
        return [
            coverage.Seen(machine="good", user="ann", last=NOON.timestamp() - 3600, version="2.1.330"),
            coverage.Seen(machine="", user="somebody", last=NOON.timestamp(), version=""),
        ]


def found() -> dict[str, object]:
    said = [
        coverage.Client("good", "ann", in_force=True),
        coverage.Client("<b>bad</b>", error="No route & no reply."),
        coverage.Client("new", "eve", in_force=True, since=NOON.timestamp()),
    ]
    report = coverage.coverage(said, Nothing(), 7, now=NOON.timestamp()).report()  # type: ignore[arg-type]
    return {"at": NOON.timestamp(), **report}


def test_every_machine_has_its_row_and_what_needs_somebody_comes_first() -> None:
    page = clients(found(), dt.UTC)
    read = Reader(page)
    assert (read.wrong, read.open) == ([], [])
    states = re.findall(r'<span class="status">([^<]+)', page)
    assert states == ["unreachable", "waiting", "covered"]
    assert "01 Jun 2026 11:00" in page
    assert "&lt;b&gt;bad&lt;/b&gt;" in page
    assert "No route &amp; no reply." in page
    assert "01 Jun 2026 12:00: 3 clients" in page
    assert "Telemetry of 1 person names no machine." in page


def test_every_state_has_a_look() -> None:
    assert set(LOOKS) == set(coverage.STATES)


def test_where_nothing_was_rolled_out_there_is_no_section() -> None:
    assert clients({}, dt.UTC) == ""
