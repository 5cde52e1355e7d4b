# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the servers what the dashboards ask them. What comes of a query does not matter here, but that it runs does."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, Noted, SkipCheck
from ansible_collections.observability.claude_code.plugins.module_utils._expectations import seconds
from ansible_collections.observability.claude_code.plugins.module_utils._measures import Stack
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard
from ansible_collections.observability.claude_code.plugins.module_utils._queries import (
    LOKI,
    RANGE,
    ROWS,
    Query,
    in_grafana,
    queries,
    shortlist,
    shortlisted,
    with_values,
)
from ansible_collections.observability.claude_code.plugins.module_utils._servers import ServerError

# A browser sends about as many at once.
AT_ONCE = 4
# What all queries together may take; a person does not wait longer for a dashboard either.
PATIENCE_S = 120.0
# Intervals of a chart over its range: about what a panel of half the width of a screen has room for.
POINTS = 300


@dataclass(frozen=True)
class Question:
    """One query of a panel as a dashboard asks it. ``panel`` is how messages call the panel."""

    panel: str
    query: Query
    range_s: float
    interval_s: float


class PanelMeasures:
    """Measurements of the dashboards on the servers of one stack."""

    def __init__(self, stack: Stack, dashboards: t.Mapping[str, Dashboard], patience_s: float = PATIENCE_S) -> None:
        self.stack, self.dashboards, self.patience_s = stack, dashboards, patience_s

    def vocabulary(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"panels": self.panels}

    def panels(self, which: str) -> Noted:
        """The panels with a query that did not run, with the reason; ``which`` is ``all`` or a dashboard's uid."""
        chosen = self._chosen(which)
        self._greet(chosen)
        began = time.monotonic()
        asked = [question for dashboard in chosen for question in self.questions(dashboard)]

        def ask(question: Question) -> str:
            if time.monotonic() - began >= self.patience_s:
                return f"was not asked, because those before it took {self.patience_s:g} s"
            return self._said(question)

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            answers = list(pool.map(ask, asked))
        failed: dict[str, str] = {}
        for question, said in zip(asked, answers):
            if said:
                failed.setdefault(question.panel, said)
        panels = len({question.panel for question in asked})
        return Noted(failed, f"{len(asked)} queries of {panels} panels in {time.monotonic() - began:.1f} s")

    def questions(self, dashboard: Dashboard) -> list[Question]:
        """All queries of a dashboard over the range with which it opens, with every filter at All.

        Shortlists are asked for meanwhile, since other queries need what they answer.
        """
        range_s, as_written = seconds(dashboard.range), in_grafana(dashboard, self.stack.catalogue)
        found = []
        for panel in dashboard.panels():
            # As Grafana does: so many that they can be seen, and none shorter than the panel wants.
            interval_s = max(seconds(as_written.shortest(panel.each)), 60 * round(range_s / POINTS / 60))
            asking = with_values(dashboard, self.stack.catalogue, range_s, interval_s, self.stack.delivery)
            asked: list[Query] = []
            try:
                asking = shortlisted(panel, asking, self._labels)
            except ServerError:
                # Asked once more, it says what is wrong.
                asked += filter(None, [shortlist(panel, asking)])
            asked += queries(panel, asking)
            found += [Question(f"{panel.title} ({dashboard.uid})", query, range_s, interval_s) for query in asked]
        return found

    def _labels(self, query: Query) -> list[t.Mapping[str, str]]:
        return [one.labels for one in self.stack.prometheus.query(query.text, self.stack.now)]

    def _chosen(self, which: str) -> list[Dashboard]:
        if not self.dashboards:
            raise SkipCheck("The catalogue that was given has no dashboards.")
        if which == "all":
            return list(self.dashboards.values())
        if which not in self.dashboards:
            raise MeasureError(f"There is no dashboard {which!r}. Use all or one of: {', '.join(self.dashboards)}.")
        return [self.dashboards[which]]

    def _greet(self, dashboards: t.Sequence[Dashboard]) -> None:
        """A server that is not there is one fault, and not that of every panel."""
        self.stack.prometheus.query("vector(1)")
        if any(panel.rows for dashboard in dashboards for panel in dashboard.panels()):
            self.stack.loki.query("vector(1)")

    def _said(self, question: Question) -> str:
        """Why a query did not run; empty where it did."""
        query, start, end = question.query, self.stack.now - question.range_s, self.stack.now
        try:
            if query.kind == ROWS:
                self.stack.loki.rows(query.text, start, end, query.limit)
            elif query.source == LOKI:
                self.stack.loki.query(query.text, end)
            elif query.kind == RANGE:
                self.stack.prometheus.query_range(query.text, start, end, question.interval_s)
            else:
                self.stack.prometheus.query(query.text, end)
        except ServerError as error:
            # The query may be long; the panel's page in the documentation has it.
            return f"query {query.ref}: " + str(error).replace(f" for {query.text}", "")
        return ""
