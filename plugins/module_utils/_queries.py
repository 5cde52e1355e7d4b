# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queries of a panel: what Grafana, the report, the checks and the documentation ask alike."""

from __future__ import annotations

import string
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.observability.claude_code.plugins.module_utils import _logql as logql
from ansible_collections.observability.claude_code.plugins.module_utils import _shortlists as shortlists
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._panels import (
    OVER_TIME,
    Column,
    Dashboard,
    Edge,
    Panel,
    Rows,
)
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import LONG, RAW, rollups_for, seconds

PROMETHEUS, LOKI = "prometheus", "loki"
# One value a series at the range's end, one at each interval, or log lines.
INSTANT, RANGE, ROWS = "instant", "range", "rows"


@dataclass(frozen=True)
class Query:
    """``ref`` names it within its panel; ``name`` is that of its series or column, empty where labels name them."""

    ref: str
    source: str
    kind: str
    text: str
    name: str = ""
    limit: int = 0


@dataclass(frozen=True)
class Asking:
    """How queries are written: the texts for windows, filters (label to regular expression) and settings.

    The defaults are Grafana's variables. ``shortlists`` has the answers to those that were asked for, by the panel's
    id; a panel without its own shows the same and takes longer.
    """

    catalogue: Catalogue
    delivery: str = "otlp"
    range: str = "$__range"
    interval: str = "$__interval"
    days: str = "($__range_s / 86400)"
    filters: t.Mapping[str, str] = field(default_factory=dict)
    settings: t.Mapping[str, str] = field(default_factory=dict)
    reads: str = RAW
    shortlists: t.Mapping[str, str] = field(default_factory=dict)

    def reading(self, window: str) -> Reading:
        return Reading(
            self.catalogue,
            window,
            self.delivery,
            filters=self.filters,
            settings=self.settings,
            days=self.days,
            rollups=rollups_for(self.catalogue, self.reads),
            raw=self.reads != LONG,
        )

    def shortest(self, each: str) -> str:
        """The shortest interval of a chart that wants ``each``: windows of the rollups cannot be cut."""
        return max([each, *(rollup.window for rollup in rollups_for(self.catalogue, self.reads))], key=seconds)


def in_grafana(dashboard: Dashboard, catalogue: Catalogue, delivery: str = "otlp", reads: str = "") -> Asking:
    """The queries of a dashboard with its variables in them; ``reads`` replaces what the dashboard reads."""
    return Asking(
        catalogue,
        delivery,
        filters={variable.label: variable.pattern for variable in dashboard.variables},
        settings={setting.name: f"${setting.name}" for setting in dashboard.settings},
        reads=reads or dashboard.reads,
        shortlists={
            panel.id: shortlists.in_grafana(panel) for panel in dashboard.panels() if shortlists.has_shortlist(panel)
        },
    )


def with_values(
    dashboard: Dashboard,
    catalogue: Catalogue,
    range_s: float,
    interval_s: float,
    delivery: str = "otlp",
) -> Asking:
    """The same queries with values in the place of variables, as Grafana sends them to the servers.

    Every filter stands at All. Settings have their defaults. No shortlist has been asked for.
    """
    return replace(
        in_grafana(dashboard, catalogue, delivery),
        range=f"{range_s:.0f}s",
        interval=f"{interval_s:.0f}s",
        days=f"({range_s:.0f} / 86400)",
        filters={variable.label: ".*" for variable in dashboard.variables},
        settings={setting.name: f"{setting.value:.15g}" for setting in dashboard.settings},
        shortlists={},
    )


def shortlist(panel: Panel, asking: Asking) -> Query | None:
    """What is to be asked before the queries of a panel, so that they read less; most panels have nothing of it."""
    if not shortlists.has_shortlist(panel):
        return None
    texts = _values(panel, asking.reading(asking.range))
    return Query(shortlists.variable(panel), PROMETHEUS, INSTANT, shortlists.promql(panel, _highest(panel, texts)))


def shortlisted(panel: Panel, asking: Asking, ask: t.Callable[[Query], t.Iterable[t.Mapping[str, str]]]) -> Asking:
    """With the panel's shortlist, where it has one; ``ask`` answers with the labels of the series."""
    first = shortlist(panel, asking)
    if not first:
        return asking
    return replace(asking, shortlists={**asking.shortlists, panel.id: shortlists.pattern(ask(first))})


def queries(panel: Panel, asking: Asking) -> list[Query]:
    """All queries of a panel, in the order of its series or columns."""
    if panel.show == "text":
        return []
    if panel.show == "flow":
        return [Query("edges", PROMETHEUS, INSTANT, _flow(panel.edges, asking.reading(asking.range)))]
    if panel.rows and not panel.rows.by:
        text = logql.lines(panel.rows, asking.catalogue, asking.filters)
        return [Query("A", LOKI, ROWS, text, limit=panel.rows.limit)]
    if panel.rows:
        return _groups(panel.rows, panel.columns, asking)
    if panel.show == "table":
        return _columns(panel, asking)
    over_time = panel.show in OVER_TIME
    reading = asking.reading(asking.interval if over_time else asking.range)
    found = []
    for ref, series in zip(string.ascii_uppercase, panel.series):
        text = reading.promql(series.value, panel.by)
        if panel.top and over_time:
            whole = replace(asking.reading(asking.range), at_end=True).promql(series.value, panel.by)
            text = f"{text} and on ({', '.join(panel.by)}) topk({panel.top}, {whole})"
        elif panel.top:
            text = f"topk({panel.top}, {text})"
        elif panel.counts and not over_time:
            text = f"{text} or vector(0)"
        found.append(Query(ref, PROMETHEUS, RANGE if over_time else INSTANT, text, series.name))
    return found


def _columns(panel: Panel, asking: Asking) -> list[Query]:
    """A query for each column with a value; with ``top`` all show the rows with the highest values of one of them."""
    reading = asking.reading(asking.range)
    if panel.id in asking.shortlists:
        reading = replace(reading, within={shortlists.label(panel): asking.shortlists[panel.id]})
    by, texts = panel.labels, _values(panel, reading)
    if panel.top:
        deciding, best = _deciding(panel, texts), _highest(panel, texts)
        texts = {
            title: best if title == deciding else f"{text} and on ({', '.join(by)}) {best}"
            for title, text in texts.items()
        }
    return [
        Query(ref, PROMETHEUS, INSTANT, text, title)
        for ref, (title, text) in zip(string.ascii_uppercase, texts.items())
    ]


def _values(panel: Panel, reading: Reading) -> dict[str, str]:
    """The query for all rows of each column with a value, by its title."""
    return {column.title: reading.promql(column.value, panel.labels) for column in panel.columns if column.value}


def _deciding(panel: Panel, texts: t.Mapping[str, str]) -> str:
    return panel.ranked or next(iter(texts))


def _highest(panel: Panel, texts: t.Mapping[str, str]) -> str:
    return f"topk({panel.top}, {texts[_deciding(panel, texts)]})"


def _groups(rows: Rows, columns: t.Sequence[Column], asking: Asking) -> list[Query]:
    summed = [column for column in columns if column.field in logql.SUMMARIES]
    return [
        Query(
            ref,
            LOKI,
            INSTANT,
            logql.grouped(rows, column.field, asking.catalogue, asking.range, asking.filters),
            column.title,
        )
        for ref, column in zip(string.ascii_uppercase, summed)
    ]


def _flow(edges: t.Sequence[Edge], reading: Reading) -> str:
    """Arrows as series with the labels id, source and target."""
    texts = []
    for edge in edges:
        by = tuple(label for label in (edge.source_label, edge.target_label) if label)
        text = reading.promql(edge.value, by)
        for end, label, fixed in (
            ("source", edge.source_label, edge.source),
            ("target", edge.target_label, edge.target),
        ):
            text = (
                f'label_replace({text}, "{end}", "$1", "{label}", "(.*)")'
                if label
                else f'label_replace({text}, "{end}", "{fixed}", "", "")'
            )
        texts.append(f"sum by (source, target) ({text})")
    return f'label_join({" or ".join(texts)}, "id", " > ", "source", "target") > 0'
