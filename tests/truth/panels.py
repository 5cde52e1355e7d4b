# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a panel must show, and whether it does: an empty list, or a sentence for each number that is wrong."""

from __future__ import annotations

import contextlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._panels import OVER_TIME, TIME, Panel, Rows
from ansible_collections.observability.claude_code.plugins.module_utils._queries import Query
from truth.expressions import Key, NoTruthError, Numbers, Values, View, counted, exactly, fits
from truth.grafana import Asked, Grafana, Labels
from truth.interpreter import label_text

# Sums are of doubles, whose order the stores choose; times are of milliseconds.
SUMS, COUNTS = 1e-6, 1e-12
# What the collector takes out of events unless its owner wants it; of failed tools also what the error says.
DROPPED = {"prompt", "response", "tool_input", "tool_parameters", "full_command", "bash_command", "body"}
SHOWN = 5


@dataclass
class Outcome:
    """How many numbers, rows and points were compared, how many of them are not 0, and what was wrong with them."""

    compared: int = 0
    telling: int = 0
    wrong: list[str] = field(default_factory=list)

    def compare(self, what: str, expected: Values, found: Mapping[Key, float], tolerance: float) -> None:
        for key in sorted({*expected, *found}):
            wanted, got = expected.get(key), found.get(key)
            self.compared += 1
            self.telling += wanted is not None and wanted.high > 0
            if wanted is None or got is None or not wanted.holds(got, tolerance):
                place = f" of {key}" if key else ""
                self.wrong.append(f"{what}{place} is {'missing' if got is None else f'{got:.10g}'}, not {wanted}")


class Proof:
    """Compares what one panel shows with what it must show."""

    def __init__(self, panel: Panel, asked: Asked, numbers: Numbers, grafana: Grafana, view: View) -> None:
        self.panel, self.numbers, self.grafana, self.view = panel, numbers, grafana, view
        self.asked = asked.queries
        self.step = asked.interval(view.range)
        self.outcome = Outcome()

    def run(self) -> Outcome:
        if self.panel.show == "text":
            self._as_many([])
        elif self.panel.show == "flow":
            self._flow()
        elif self.panel.rows:
            self._groups(self.panel.rows) if self.panel.rows.by else self._rows(self.panel.rows)
        elif self.panel.show == "table":
            self._table()
        elif self.panel.show in OVER_TIME:
            self._charts()
        else:
            self._numbers()
        return self.outcome

    def _as_many(self, wanted: Sequence[object]) -> None:
        if len(wanted) != len(self.asked):
            raise NoTruthError(f"{len(self.asked)} queries for {len(wanted)} things to show")

    def _value(self, expression: ex.Expression, unit: str, view: View | None = None) -> Values:
        """Grafana wants times in milliseconds."""
        values = self.numbers.filtered(expression, self.panel.labels, view or self.view)
        return {key: value * 1000 for key, value in values.items()} if unit == TIME else values

    def _tolerance(self, expression: ex.Expression) -> float:
        return COUNTS if counted(self.numbers.catalogue, expression) else SUMS

    # --- one number, or one for each series --------------------------------------------------------------------------

    def _numbers(self) -> None:
        self._as_many(self.panel.series)
        for series, query in zip(self.panel.series, self.asked, strict=True):
            expected = self._value(series.value, self.panel.unit)
            if not self.panel.labels and nothing_is_zero(series.value):
                expected = expected or {(): exactly(0)}
            found = self._at_end(query)
            expected = highest(expected, self.panel.top, found)
            self.outcome.compare(series.name or self.panel.title, expected, found, self._tolerance(series.value))

    def _table(self) -> None:
        """With ``top`` one of the columns says which rows there are, and all have these rows."""
        columns = [column for column in self.panel.columns if column.value]
        self._as_many(columns)
        found = [self._at_end(query) for query in self.asked]
        expected = [self._value(column.value, column.unit) for column in columns if column.value]
        if self.panel.top:
            titles = [column.title for column in columns]
            deciding = titles.index(self.panel.ranked) if self.panel.ranked else 0
            rows = highest(expected[deciding], self.panel.top, found[deciding])
            expected = [{key: value for key, value in values.items() if key in rows} for values in expected]
        for column, wanted, shown in zip(columns, expected, found, strict=True):
            assert column.value
            self.outcome.compare(f"column {column.title}", wanted, shown, self._tolerance(column.value))

    def _at_end(self, query: Query) -> dict[Key, float]:
        return keyed(self.panel.labels, self.grafana.at_end(query), query)

    # --- charts ------------------------------------------------------------------------------------------------------

    def _charts(self) -> None:
        self._as_many(self.panel.series)
        moments = list(steps(self.view, self.step))
        for series, query in zip(self.panel.series, self.asked, strict=True):
            found: dict[float, dict[Key, float]] = defaultdict(dict)
            for key, values in keyed(self.panel.labels, self.grafana.over_time(query, self.step), query).items():
                # What is no number is not drawn.
                for at, value in ((at, value) for at, value in values.items() if not math.isnan(value)):
                    found[at][key] = value
            shown = None
            if self.panel.top:
                whole = self._value(series.value, self.panel.unit, replace(self.view, end=moments[-1]))
                shown = highest(whole, self.panel.top, {key for keys in found.values() for key in keys})
            for at in moments:
                expected = self._value(series.value, self.panel.unit, replace(self.view, end=at, window=self.step))
                if shown is not None:
                    expected = {key: value for key, value in expected.items() if key in shown}
                name = f"{series.name or self.panel.title} at {at:.0f}"
                self.outcome.compare(name, expected, found.pop(at, {}), self._tolerance(series.value))
            if found:
                self.outcome.wrong.append(f"{len(found)} points at times that nobody asked for")

    # --- arrows ------------------------------------------------------------------------------------------------------

    def _flow(self) -> None:
        self._as_many(["edges"])
        expected: Values = {}
        for edge in self.panel.edges:
            by = [label for label in (edge.source_label, edge.target_label) if label]
            for key, value in self.numbers.filtered(edge.value, by, self.view).items():
                labels = dict(zip(by, key, strict=True))
                ends = (edge.source or labels[edge.source_label], edge.target or labels[edge.target_label])
                expected[ends] = expected.get(ends, exactly(0)) + value
        rows = self.grafana.at_end(self.asked[0])
        expected = {key: value for key, value in expected.items() if value.high > 0}
        self.outcome.compare("arrows", expected, keyed(("source", "target"), rows, self.asked[0], ("id",)), SUMS)
        if len({labels["id"] for labels, _value in rows}) != len(rows):
            self.outcome.wrong.append("two arrows have the same id")

    # --- log lines ---------------------------------------------------------------------------------------------------

    def events(self, rows: Rows) -> Iterator[tuple[int, Labels]]:
        """Time and labels of the events that the rows are of."""
        first, last = (moment * 1e9 for moment in self.view.between)
        for event in self.numbers.truth.events:
            attributes = {**event.resource, **event.attributes, "event.name": event.event}
            labels = {
                name.replace(".", "_"): label_text(value) for name, value in attributes.items() if value is not None
            }
            dropped = DROPPED | ({"error"} if event.event == "tool_result" else set())
            labels = {name: value for name, value in labels.items() if name not in dropped}
            if (
                (not rows.events or event.event in rows.events)
                and first < event.time_ns <= last
                and (not rows.where or any(fits(labels, where) for where in rows.where))
                and all(labels.get(name, "") in values for name, values in self._filters(event.event).items())
            ):
                yield event.time_ns, labels

    def _filters(self, event: str) -> dict[str, Sequence[str]]:
        """Those that apply to an event: by what every event has, and by what events of this kind were seen with."""
        known = self.numbers.attributes(event)
        return {label: values for label, values in self.view.filters.items() if label in known}

    def _rows(self, rows: Rows) -> None:
        (query,) = self.asked
        fields = [column.field for column in self.panel.columns if column.field and column.field != "time"]
        fields = fields or ["event_name", "session_id"]

        def shown(at: int, labels: Labels) -> tuple[str, ...]:
            return (str(at // 1_000_000), *(plain(labels.get(name, "")) for name in fields))

        found = [shown(at, labels) for at, labels, _text in self.grafana.rows(query)]
        wanted = sorted((shown(at, labels) for at, labels in self.events(rows)), key=lambda row: -int(row[0]))
        self.outcome.compared += len(wanted)
        self.outcome.telling += len(wanted)
        if len(wanted) > rows.limit:
            # Any of the lines of the oldest moment may be the last one shown.
            oldest = wanted[rows.limit - 1][0]
            wanted = [row for row in wanted if row[0] > oldest] + [row for row in found if row[0] == oldest]
            if len(found) != rows.limit:
                self.outcome.wrong.append(f"{len(found)} lines instead of {rows.limit}")
        for text, difference in (
            ("too much", Counter(found) - Counter(wanted)),
            ("missing", Counter(wanted) - Counter(found)),
        ):
            self.outcome.wrong += [f"line {row} is {text}, {count} times" for row, count in difference.items()]
        if [row[0] for row in found] != [row[0] for row in wanted] and not self.outcome.wrong:
            self.outcome.wrong.append("the lines are not in the order of their time")

    def _groups(self, rows: Rows) -> None:
        assert rows.by
        name, fields = rows.by
        times: dict[Key, list[int]] = defaultdict(list)
        for at, labels in self.events(rows):
            times[(next((labels[one] for one in fields if labels.get(one)), ""),)].append(at // 1_000_000)
        sums: dict[str, Callable[[list[int]], float]] = {"count": len, "first": min, "last": max}
        columns = [column for column in self.panel.columns if column.field in sums]
        self._as_many(columns)
        for column, query in zip(columns, self.asked, strict=True):
            expected = {key: exactly(float(sums[column.field](moments))) for key, moments in times.items()}
            found = keyed((name,), self.grafana.at_end(query), query)
            self.outcome.compare(f"column {column.title}", expected, found, COUNTS)


def nothing_is_zero(expression: ex.Expression) -> bool:
    """Whether no data means 0: so it is with all that is counted, and not with what is divided or ordered."""
    if isinstance(expression, ex.Ratio):
        return isinstance(expression.to, ex.SCALARS) and nothing_is_zero(expression.of)
    if isinstance(expression, ex.Own):
        return expression.kind == "counter"
    if isinstance(expression, (ex.Total, ex.Observed, ex.Distinct, *ex.SCALARS)):
        return True
    if isinstance(expression, (ex.Sum, ex.Scaled, ex.Over, ex.Highest)):
        return all(nothing_is_zero(part) for part in expression.parts())
    return False


def highest(values: Values, top: int, shown: object) -> Values:
    """The ``top`` highest; where several are equally high at its end, those of them that are shown."""
    if not top or len(values) <= top:
        return values
    order = sorted(values.values(), key=lambda one: -one.low)
    lowest = order[top - 1]
    above = {key: value for key, value in values.items() if value.low > lowest.low}
    tied = [key for key, value in values.items() if value.low == lowest.low]
    chosen = [key for key in tied if key in shown] or tied  # type: ignore[operator]
    return above | {key: values[key] for key in chosen[: top - len(above)]}


def keyed(by: Sequence[str], rows: Sequence[tuple[Labels, object]], query: Query, beside: Sequence[str] = ()) -> dict:
    """What was answered by the values of the labels; labels that nobody asked for would tell more series apart."""
    found = {}
    for labels, value in rows:
        # Grafana tells columns or the parts of stacked bars apart by it.
        labels.pop("column", None)
        # A table that is made of several has a dash for what is missing.
        key = tuple("" if labels.get(label) == "-" else labels.get(label, "") for label in by)
        if key in found or set(labels) - {*by, *beside}:
            raise ValueError(f"{query.text} answers more than {list(by)}: {labels}")
        found[key] = value
    return found


def steps(view: View, step: int) -> Iterator[float]:
    """The moments at which a chart asks: multiples of its interval, from the one at or before its begin on."""
    for number in range(int((view.end - view.range) // step), int(view.end // step) + 1):
        yield float(number * step)


def plain(text: str) -> str:
    """Numbers in one spelling."""
    with contextlib.suppress(ValueError):
        number = float(text)
        if math.isfinite(number):
            return f"{number:.12g}"
    return text
