# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PromQL for expressions over the catalogue: the one place that knows how a delivery's counters are read.

On delivery ``otlp`` a series holds deltas, and the sum over a window is what happened in it. On ``scrape`` and
``remote_write`` it holds running totals that begin with a zero at the series' creation; ``increase`` with the modifier
``anchored`` (Prometheus 3.7) takes the value before the window as its start and extrapolates nothing.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils import _rollups as rolled
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    CatalogueError,
    Metric,
    Rollup,
)
from ansible_collections.observability.claude_code.plugins.module_utils._matchers import matcher

DELIVERIES = ("otlp", "scrape", "remote_write")
By = t.Sequence[str]


@dataclass(frozen=True)
class Reading:
    """How expressions are read from one Prometheus.

    ``window`` is a PromQL duration or a variable that becomes one. ``copy`` selects a redundant copy instead of the
    primary series. ``filters`` maps labels to regular expressions, which are put into the query as they are (they may
    be variables of a dashboard), wherever all metrics of an expression have the label. ``within`` maps labels that all
    metrics have to further ones. ``settings`` are the texts for its settings and ``days`` for the length of the range.
    """

    catalogue: Catalogue
    window: str = "24h"
    delivery: str = "otlp"
    copy: str = ""
    ago: str = ""
    filters: t.Mapping[str, str] = field(default_factory=dict)
    within: t.Mapping[str, str] = field(default_factory=dict)
    settings: t.Mapping[str, str] = field(default_factory=dict)
    days: str = "1"
    # In a chart: the window that ends with the chart, at every moment of it.
    at_end: bool = False
    # What sums are read from before the raw series, and whether those are read at all.
    rollups: tuple[Rollup, ...] = ()
    raw: bool = True

    def __post_init__(self) -> None:
        if self.delivery not in DELIVERIES:
            raise CatalogueError(f"There is no delivery {self.delivery!r}. Use one of: {', '.join(DELIVERIES)}.")

    def promql(self, expression: ex.Expression, by: By = ()) -> str:
        """The query for ``expression``, with a value for each combination of the labels ``by``."""
        metrics = [self.catalogue.metric(name) for name in expression.names()]
        # A filter that only some of the metrics know would compare what was filtered with what was not.
        filters = {
            label: text
            for label, text in self.filters.items()
            if all(self.catalogue.has_label(metric, label) for metric in metrics)
        }
        return replace(self, filters=filters)._ask(expression, tuple(by))

    def total(self, metric: str, by: By = (), where: ex.Where | None = None) -> str:
        """The query for what ``metric`` counted in the window."""
        return self.promql(ex.Total(metric, where or {}), by)

    def selector(self, metric: Metric, where: ex.Where | None = None, also: t.Sequence[str] = ()) -> str:
        """The raw series of ``metric``, for example ``m{copy="", model=~"a|b"}``."""
        matchers = [f'copy="{self.copy}"', *also, *_matchers(where or {})]
        for label, pattern in self.filters.items():
            if self.catalogue.has_label(metric, label):
                matchers.append(f'{label}=~"{pattern}"')
        matchers += [f'{label}=~"{pattern}"' for label, pattern in self.within.items()]
        return f"{metric.prometheus}{{{', '.join(matchers)}}}"

    def in_window(self, metric: Metric, where: ex.Where | None = None, by: By = ()) -> str:
        """What each series of ``metric`` counted in the window; the labels ``by`` are wanted."""
        filters = {label: text for label, text in self.filters.items() if self.catalogue.has_label(metric, label)}
        needed = {*(where or {}), *by, *self.within}
        found = rolled.sources(self.rollups, self.raw, metric, needed, filters, self.window)
        return " or ".join(self._read(source, metric, where or {}, filters) for source in found)

    def _read(self, source: rolled.Source, metric: Metric, where: ex.Where, filters: t.Mapping[str, str]) -> str:
        rollup = source.rollup
        if not rollup:
            series = f"{self.selector(metric, where, source.matchers)}[{self.window}]"
            if self.delivery == "otlp":
                return f"sum_over_time({series}{self._moved})"
            return f"increase({series} anchored{self._moved})"
        if self.copy:
            raise CatalogueError(f"Rollups are made of the primary series alone, not of the copy {self.copy!r}.")
        matchers = [*source.matchers, *_matchers(where)]
        matchers += [f'{label}=~"{text}"' for label, text in filters.items() if label not in rollup.without]
        matchers += [f'{label}=~"{text}"' for label, text in self.within.items()]
        end = " @ end()" if self.at_end else ""
        return rolled.recorded(rollup, metric, matchers, self.window, end, rolled.seconds(self.ago or "0s"))

    @property
    def _moved(self) -> str:
        return (" @ end()" if self.at_end else "") + (f" offset {self.ago}" if self.ago else "")

    # --- a method for each kind of node: the text of the query -----------------------------------------------------

    @functools.singledispatchmethod
    def _ask(self, node: ex.Expression, by: tuple[str, ...]) -> str:
        raise CatalogueError(f"{type(node).__name__} has no PromQL.")

    @_ask.register
    def _number(self, node: ex.Number, by: tuple[str, ...]) -> str:
        return f"{node.value:.15g}"

    @_ask.register
    def _setting(self, node: ex.Setting, by: tuple[str, ...]) -> str:
        if node.name not in self.settings:
            known = ", ".join(sorted(self.settings)) or "none"
            raise CatalogueError(f"There is no setting {node.name!r}. There are: {known}.")
        return self.settings[node.name]

    @_ask.register
    def _days(self, node: ex.Days, by: tuple[str, ...]) -> str:
        return self.days

    @_ask.register
    def _total(self, node: ex.Total, by: tuple[str, ...]) -> str:
        summed = self._summed(node, by)
        return f"histogram_count({summed})" if self.catalogue.metric(node.metric).kind == "histogram" else summed

    @_ask.register
    def _observed(self, node: ex.Observed, by: tuple[str, ...]) -> str:
        return f"histogram_sum({self._histogram(node, by)})"

    @_ask.register
    def _quantile(self, node: ex.Quantile, by: tuple[str, ...]) -> str:
        return f"histogram_quantile({node.share:g}, {self._histogram(node, by)})"

    @_ask.register
    def _distinct(self, node: ex.Distinct, by: tuple[str, ...]) -> str:
        inner = tuple(dict.fromkeys((*by, node.label)))
        # What lacks the label is not one more value of it.
        there = {**node.where, node.label: {"not": ""}} if node.label not in node.where else node.where
        counted = [f"{self._ask(ex.Total(name, there), inner)} > 0" for name in node.metrics]
        return _grouped("count", by, " or ".join(counted))

    @_ask.register
    def _first(self, node: ex.First, by: tuple[str, ...]) -> str:
        return self._moment("min", "first", node, by)

    @_ask.register
    def _last(self, node: ex.Last, by: tuple[str, ...]) -> str:
        return self._moment("max", "last", node, by)

    @_ask.register
    def _own(self, node: ex.Own, by: tuple[str, ...]) -> str:
        if self.ago:
            raise CatalogueError(f"The own metric {node.name!r} is asked for {self.ago} ago. Remove ago.")
        series, labels = self.catalogue.own_metric(node.name).series, ", ".join(_matchers(node.where))
        end = " @ end()" if self.at_end else ""

        def grown(suffix: str = "", also: tuple[str, ...] = ()) -> str:
            one = f"{series}{suffix}{{{labels}}}"
            # Many counters come into being with the first event. Absence for a day before the window is taken for that.
            before = f"last_over_time({one}[1d]{end} offset {self.window})"
            new = f"(first_over_time({one}[{self.window}]{end}) unless {before})"
            return _grouped("sum", (*by, *also), _union([f"increase({one}[{self.window}] anchored{end})", new]))

        if node.kind == "histogram" and node.share is not None:
            return f"histogram_quantile({node.share:g}, {grown('_bucket', ('le',))})"
        if node.kind == "histogram":
            return f"{grown('_sum')} / ({grown('_count')} > 0)"
        one = f"{series}{{{labels}}}"
        if node.kind == "gauge":
            return _grouped("sum", by, f"max_over_time({one}[{self.window}]{end})" if node.peak else f"{one}{end}")
        return _grouped("sum", by, f"rate({one}[{self.window}]{end})") if node.per_second else grown()

    @_ask.register
    def _ratio(self, node: ex.Ratio, by: tuple[str, ...]) -> str:
        of, to = self._ask(node.of, by), self._ask(node.to, by)
        if isinstance(node.to, ex.SCALARS):
            return f"({of}) / {to}"
        if not isinstance(node.of, ex.SCALARS):
            of = f"({of} or 0 * {to})" if by else f"({of} or vector(0))"
        return f"{of} / ({to} > 0)"

    @_ask.register
    def _sum(self, node: ex.Sum, by: tuple[str, ...]) -> str:
        terms = [
            f'label_replace({self._ask(term, by)}, "term", "{number}", "", "")'
            for number, term in enumerate(node.terms)
        ]
        return _grouped("sum", by, " or ".join(terms))

    @_ask.register
    def _scaled(self, node: ex.Scaled, by: tuple[str, ...]) -> str:
        return f"({self._ask(node.of, by)}) * {self._ask(node.times, by)}"

    @_ask.register
    def _highest(self, node: ex.Highest, by: tuple[str, ...]) -> str:
        return _grouped("max", by, self._ask(node.of, (*by, *node.among)))

    @_ask.register
    def _share_of(self, node: ex.ShareOf, by: tuple[str, ...]) -> str:
        # Of all, also where only some are shown.
        everything = replace(self, within={})._ask(node.of, by)
        return f"({self._ask(node.of, by)}) / on () group_left () (sum({everything}) > 0)"

    @_ask.register
    def _unless(self, node: ex.Unless, by: tuple[str, ...]) -> str:
        of, counted = self._ask(node.of, by), self._ask(node.counted, by)
        return f"(({of}) unless on ({', '.join(by)}) ({counted} > 0))"

    @_ask.register
    def _over(self, node: ex.Over, by: tuple[str, ...]) -> str:
        return replace(self, window=node.window or self.window, ago=node.ago or self.ago)._ask(node.of, by)

    def _summed(self, node: ex.OfMetric, by: tuple[str, ...]) -> str:
        own = tuple(node.read.get(label, label) for label in by)
        summed = _grouped("sum", own, self.in_window(self.catalogue.metric(node.metric), node.where, own))
        renamed = [(new, old) for new, old in zip(by, own) if new != old]
        for new, old in renamed:
            summed = f'label_replace({summed}, "{new}", "$1", "{old}", "(.*)")'
        return _grouped("sum", by, summed) if renamed else summed

    def _histogram(self, node: ex.OfMetric, by: tuple[str, ...]) -> str:
        metric = self.catalogue.metric(node.metric)
        if metric.kind != "histogram":
            raise CatalogueError(f"{node.metric!r} is a {metric.kind}, not a histogram. Ask for its total instead.")
        return self._summed(node, by)

    def _moment(self, choice: str, which: str, node: ex.OfMetrics, by: tuple[str, ...]) -> str:
        if not self.raw:
            raise CatalogueError("Rollups do not know moments. Let the dashboard read raw or recent.")
        moments = [
            _grouped(
                choice,
                by,
                f"ts_of_{which}_over_time({self.selector(self.catalogue.metric(name), node.where)}"
                f"[{self.window}]{self._moved})",
            )
            for name in node.metrics
        ]
        return moments[0] if len(moments) == 1 else _grouped(choice, by, _union(moments))


def _grouped(how: str, by: By, expression: str) -> str:
    return f"{how} by ({', '.join(by)}) ({expression})" if by else f"{how}({expression})"


def _matchers(where: ex.Where) -> list[str]:
    return [matcher(label, values) for label, values in where.items()]


def _union(texts: t.Iterable[str]) -> str:
    """All that any of the queries has; the label keeps apart what several of them have."""
    return " or ".join(f'label_replace({text}, "term", "{number}", "", "")' for number, text in enumerate(texts))
