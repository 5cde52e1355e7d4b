# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a panel's numbers are computed, in words: what the descriptions in Grafana and the documentation say alike.

The words name metrics as OpenTelemetry does and say which points count, so that a person can compute the same from raw
telemetry.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    CatalogueError,
    Metric,
)
from ansible_collections.observability.claude_code.plugins.module_utils._panels import OVER_TIME, Edge, Panel, Rows

PERIODS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
MEDIAN = 0.5


def in_words(expression: ex.Expression, catalogue: Catalogue, by: t.Sequence[str] = ()) -> str:
    """One sentence for ``expression``, with the labels ``by`` that tell its values apart."""
    return _sentence(_Telling(catalogue).tell(expression) + _for_each(by))


def panel_in_words(panel: Panel, catalogue: Catalogue) -> list[tuple[str, str]]:
    """The name and the sentence of each number that ``panel`` shows; the name is empty where there is only one."""
    if panel.rows:
        return [("", rows_in_words(panel.rows))]
    if panel.edges:
        return [(_arrow(edge), in_words(edge.value, catalogue)) for edge in panel.edges]
    return [(name, in_words(value, catalogue, panel.labels)) for name, value in _values(panel)]


def span_in_words(panel: Panel) -> str:
    """Over which time the panel's numbers are taken, and how many of them it shows."""
    if panel.show == "text":
        return ""
    if panel.show in OVER_TIME:
        said = f"One value for each interval of the chart; the shortest interval is {period(panel.each)}."
    elif panel.rows:
        said = f"The newest {panel.rows.limit:,} of the dashboard's range." if not panel.rows.by else "Over the range."
    elif any(_has_own_window(value) for _name, value in _values(panel)):
        said = "Where no time is named it is the whole range of the dashboard."
    else:
        said = "One value for the whole range of the dashboard."
    if not panel.top:
        return said
    ranked = panel.ranked or next((column.title for column in panel.columns if column.value), "")
    kept = f"rows with the highest {ranked}" if ranked else "highest of the range"
    return f"{said} Only the {panel.top} {kept} are shown."


def rows_in_words(rows: Rows) -> str:
    """Which log lines count."""
    said = f"The {_listed(rows.events, 'and')} events in Loki" if rows.events else "All events in Loki"
    if rows.where:
        said += " " + ", or ".join(_where(one) for one in rows.where)
    if rows.by:
        name, (first, *others) = rows.by
        said += f", grouped by {name}: the attribute {first}"
        said += "".join(f", or {other} where that is empty" for other in others)
    return _sentence(said)


def second_way(metric: Metric) -> str:
    """From which events the same number comes; empty where the client's counter is the only source."""
    if metric.events:
        fields = metric.events.fields
        if metric.events.by:
            parts = "; ".join(f"{attribute} for {metric.events.by} {value}" for value, attribute in fields.items())
            return f"The sum over the {metric.events.event} events of: {parts}."
        return f"The sum of {_listed(list(fields.values()), 'and')} over the {metric.events.event} events."
    derived = metric.derived
    if not derived:
        return ""
    events = f"the {derived.event} events"
    if derived.where:
        events += " " + _where(dict(derived.where))
    if not derived.value:
        return f"The number of {events}."
    scaled = f" times {derived.scale:g}" if derived.scale != 1.0 else ""
    what = "The distribution" if metric.kind == "histogram" else "The sum"
    return f"{what} of {derived.value}{scaled} over {events}."


def period(duration: str) -> str:
    """A duration such as ``24h`` in words: 24 hours; ``1m``: a minute."""
    number, unit = int(duration[:-1]), PERIODS[duration[-1]]
    if number == 1:
        return f"an {unit}" if unit == "hour" else f"a {unit}"
    return f"{number} {unit}s"


def length(duration: str) -> str:
    """A duration after an article: hour, 24 hours."""
    return period(duration).removeprefix("an ").removeprefix("a ")


# --- the nodes of the language -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Telling:
    catalogue: Catalogue

    def tell(self, node: ex.Expression) -> str:
        return self._tell(node)

    def part(self, node: ex.Expression) -> str:
        """A node within another one, in brackets where the words would run together."""
        told = self.tell(node)
        compound = (ex.Ratio, ex.Sum, ex.Scaled, ex.Over, ex.Highest, ex.ShareOf, ex.Unless)
        return f"({told})" if isinstance(node, compound) and not self._is_mean(node) else told

    def otel(self, metric: str) -> str:
        return self.catalogue.metric(metric).otel

    def points(self, metrics: t.Sequence[str], where: ex.Where, read: t.Mapping[str, str] | None = None) -> str:
        told = _listed([self.otel(name) for name in metrics], "or")
        if where:
            told += " " + _where(where)
        renamed = [f"{old} taken as {new}" for new, old in (read or {}).items() if new != old]
        return told + (f" with {_listed(renamed, 'and')}" if renamed else "")

    @functools.singledispatchmethod
    def _tell(self, node: ex.Expression) -> str:
        raise CatalogueError(f"{type(node).__name__} has no words. Add them to _words.py.")

    @_tell.register
    def _number(self, node: ex.Number) -> str:
        return f"{node.value:,.15g}"

    @_tell.register
    def _setting(self, node: ex.Setting) -> str:
        return f"the setting {node.name}"

    @_tell.register
    def _days(self, node: ex.Days) -> str:
        return "the number of days in the range"

    @_tell.register
    def _total(self, node: ex.Total) -> str:
        what = "number of observations" if self.catalogue.metric(node.metric).kind == "histogram" else "sum"
        return f"the {what} of {self.points([node.metric], node.where, node.read)}"

    @_tell.register
    def _observed(self, node: ex.Observed) -> str:
        return f"the sum of all observations of {self.points([node.metric], node.where, node.read)}"

    @_tell.register
    def _quantile(self, node: ex.Quantile) -> str:
        return f"the {_quantile(node.share)} of {self.points([node.metric], node.where, node.read)}"

    @_tell.register
    def _distinct(self, node: ex.Distinct) -> str:
        points = self.points(node.metrics, node.where)
        return f"the number of different values of {node.label} for which {points} counted anything"

    @_tell.register
    def _first(self, node: ex.First) -> str:
        return f"the time of the first point of {self.points(node.metrics, node.where)}"

    @_tell.register
    def _last(self, node: ex.Last) -> str:
        return f"the time of the last point of {self.points(node.metrics, node.where)}"

    @_tell.register
    def _own(self, node: ex.Own) -> str:
        """What a program says of itself, by the name under which Prometheus scrapes it."""
        series = self.catalogue.own_metric(node.name).series + (" " + _where(node.where) if node.where else "")
        if node.kind == "histogram":
            return f"the {_quantile(node.share)} of {series}" if node.share is not None else f"the mean of {series}"
        if node.kind == "gauge":
            return f"the highest value of {series}" if node.peak else f"the value of {series} at the end"
        return f"the growth of {series}" + (" in a second" if node.per_second else "")

    @_tell.register
    def _ratio(self, node: ex.Ratio) -> str:
        if self._is_mean(node):
            mean = t.cast(ex.Observed, node.of)
            return f"the mean of {self.points([mean.metric], mean.where, mean.read)}"
        return f"{self.part(node.of)}, divided by {self.part(node.to)}"

    @_tell.register
    def _sum(self, node: ex.Sum) -> str:
        told = [self._term(term, first=number == 0) for number, term in enumerate(node.terms)]
        return told[0] + "".join(told[1:])

    @_tell.register
    def _scaled(self, node: ex.Scaled) -> str:
        taken = _taken_away(node)
        if taken:
            return f"minus {self.part(taken)}"
        return f"{self.part(node.of)} times {self.part(node.times)}"

    @_tell.register
    def _highest(self, node: ex.Highest) -> str:
        return f"the highest value of {self.part(node.of)} of any {_listed(node.among, 'and')}"

    @_tell.register
    def _share_of(self, node: ex.ShareOf) -> str:
        return f"the share of all in {self.part(node.of)}"

    @_tell.register
    def _unless(self, node: ex.Unless) -> str:
        return f"{self.part(node.of)}, only where {self.part(node.counted)} is missing or 0"

    @_tell.register
    def _over(self, node: ex.Over) -> str:
        told = self.part(node.of)
        if node.window and node.ago:
            return f"{told} in the {length(node.window)} that ended {period(node.ago)} earlier"
        return f"{told} in the last {length(node.window)}" if node.window else f"{told} {period(node.ago)} earlier"

    def _term(self, term: ex.Expression, first: bool) -> str:
        """A term of a sum with the sign before it."""
        if first:
            return self.part(term)
        taken = _taken_away(term)
        return f" minus {self.part(taken)}" if taken else f" plus {self.part(term)}"

    @staticmethod
    def _is_mean(node: ex.Expression) -> bool:
        return (
            isinstance(node, ex.Ratio)
            and isinstance(node.of, ex.Observed)
            and isinstance(node.to, ex.Total)
            and (node.of.metric, node.of.where, node.of.read) == (node.to.metric, node.to.where, node.to.read)
        )


def _taken_away(node: ex.Expression) -> ex.Expression | None:
    """What is taken away where ``node`` is something times -1, at its own time or another."""
    if isinstance(node, ex.Over):
        inner = _taken_away(node.of)
        return replace(node, of=inner) if inner else None
    if isinstance(node, ex.Scaled) and node.times == ex.Number(-1):
        return node.of
    return None


def _values(panel: Panel) -> list[tuple[str, ex.Expression]]:
    series = [(one.name, one.value) for one in panel.series]
    return series + [(column.title, column.value) for column in panel.columns if column.value]


def _has_own_window(node: ex.Expression) -> bool:
    return (isinstance(node, ex.Over) and bool(node.window)) or any(_has_own_window(part) for part in node.parts())


def _quantile(share: float) -> str:
    return "median" if share == MEDIAN else f"{100 * share:g} % quantile"


def _arrow(edge: Edge) -> str:
    source = f"each {edge.source_label}" if edge.source_label else edge.source
    target = f"each {edge.target_label}" if edge.target_label else edge.target
    return f"{source} → {target}"


def _where(where: ex.Where) -> str:
    return "where " + " and ".join(f"{label} is {_wanted(values)}" for label, values in where.items())


def _wanted(values: ex.Matching) -> str:
    if isinstance(values, t.Mapping):
        return f"not {_wanted(values['not'])}"
    return (values or "empty") if isinstance(values, str) else _listed([value or "empty" for value in values], "or")


def _for_each(by: t.Sequence[str]) -> str:
    return f", for each {_listed(by, 'and')}" if by else ""


def _listed(words: t.Sequence[str], last: str) -> str:
    *others, final = words
    return f"{', '.join(others)} {last} {final}" if others else final


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
