# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a panel or a rule computes, as a small language over the metrics of the catalogue.

An expression says what is computed, but not by which labels, and not in which language it is asked: ``_promql`` makes
PromQL of it, and the truth tests compute the same from raw telemetry. It is evaluated over a window (the range of the
dashboard, one interval of a chart, or its own ``over``), once for each combination of the labels asked for.
A combination without data has no value; what a node makes of missing values is said at the node.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, CatalogueError

# What a label must be: one text, one of several, or {"not": text or texts}; "" is a series without the label.
Matching = t.Union[str, t.Sequence[str], t.Mapping[str, t.Union[str, t.Sequence[str]]]]
Where = t.Mapping[str, Matching]
DURATION = re.compile(r"^[1-9][0-9]*[smhdw]$")


@dataclass(frozen=True)
class Expression:
    """A node of the language."""

    def parts(self) -> tuple[Expression, ...]:
        """The nodes that this one is computed from."""
        return ()

    def names(self) -> tuple[str, ...]:
        """The metrics in it, each once, in the order of their appearance."""
        return tuple(dict.fromkeys(name for part in self.parts() for name in part.names()))


@dataclass(frozen=True)
class Number(Expression):
    """A constant."""

    value: float


@dataclass(frozen=True)
class Setting(Expression):
    """A number that the owner of the dashboard chooses, by its name in the dashboard's ``settings``."""

    name: str


@dataclass(frozen=True)
class Days(Expression):
    """The length of the dashboard's range in days."""


SCALARS = (Number, Setting, Days)


@dataclass(frozen=True)
class OfMetric(Expression):
    """What is read from one metric.

    ``where`` maps labels to a value, a list of values or {"not": value or list}. ``read`` maps a label that is asked
    for to the label under which this metric has it: ``{agent_type: subagent_type}``.
    """

    metric: str
    where: Where = field(default_factory=dict)
    read: t.Mapping[str, str] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        return (self.metric,)


@dataclass(frozen=True)
class Total(OfMetric):
    """What a sum counted in the window, in its unit; of a histogram the number of its observations."""


@dataclass(frozen=True)
class Observed(OfMetric):
    """The sum of what a histogram observed, in its unit."""


@dataclass(frozen=True)
class Quantile(OfMetric):
    """The ``share`` quantile (0 to 1) of what a histogram observed, in its unit."""

    share: float = 0.5


@dataclass(frozen=True)
class OfMetrics(Expression):
    """What is read from several metrics together."""

    metrics: tuple[str, ...]
    where: Where = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        return self.metrics


@dataclass(frozen=True)
class Distinct(OfMetrics):
    """The number of different values of ``label`` among what any of the metrics counted; what lacks it is one value."""

    label: str = ""


@dataclass(frozen=True)
class First(OfMetrics):
    """Unix seconds of the first point of any of the metrics."""


@dataclass(frozen=True)
class Last(OfMetrics):
    """Unix seconds of the last point of any of the metrics."""


@dataclass(frozen=True)
class Own(Expression):
    """What the programs of the stack say of themselves: ``name`` is one of files/catalogue/own.yml.

    A counter gives by how much it grew in the window, from 0 where it was not there before; with ``per_second`` its
    mean rate. A gauge gives its value at the window's end, with ``peak`` its highest one. A histogram gives the mean of
    what it observed in the window, with ``share`` its quantile. Filters do not apply.
    """

    name: str
    kind: str
    where: Where = field(default_factory=dict)
    per_second: bool = False
    peak: bool = False
    share: float | None = None


@dataclass(frozen=True)
class Ratio(Expression):
    """``of`` divided by ``to``. No value where ``to`` is missing or 0; where only ``of`` is missing it is 0."""

    of: Expression
    to: Expression

    def parts(self) -> tuple[Expression, ...]:
        return (self.of, self.to)


@dataclass(frozen=True)
class Sum(Expression):
    """All terms added up; a missing one adds nothing. No value where all are missing."""

    terms: tuple[Expression, ...]

    def parts(self) -> tuple[Expression, ...]:
        return self.terms


@dataclass(frozen=True)
class Scaled(Expression):
    """``of`` times a number (Number, Setting or Days)."""

    of: Expression
    times: Expression

    def parts(self) -> tuple[Expression, ...]:
        return (self.of, self.times)


@dataclass(frozen=True)
class Highest(Expression):
    """The largest value of ``of`` among the values of the labels ``among``."""

    of: Expression
    among: tuple[str, ...]

    def parts(self) -> tuple[Expression, ...]:
        return (self.of,)


@dataclass(frozen=True)
class ShareOf(Expression):
    """``of`` divided by its sum over all combinations of the labels asked for. No value where that sum is 0."""

    of: Expression

    def parts(self) -> tuple[Expression, ...]:
        return (self.of,)


@dataclass(frozen=True)
class Unless(Expression):
    """``of`` where ``counted`` is missing or 0."""

    of: Expression
    counted: Expression

    def parts(self) -> tuple[Expression, ...]:
        return (self.of, self.counted)


@dataclass(frozen=True)
class Over(Expression):
    """``of`` in a window of its own (``window``, a PromQL duration; "" keeps it), ``ago`` earlier."""

    of: Expression
    window: str = ""
    ago: str = ""

    def parts(self) -> tuple[Expression, ...]:
        return (self.of,)


# --- from YAML ---------------------------------------------------------------------------------------------------

# The key that says what a mapping is, and the keys that go with it.
FORMS: dict[str, tuple[str, ...]] = {
    "total": ("where", "read"),
    "observed": ("where", "read"),
    "mean": ("where", "read"),
    "quantile": ("share", "where", "read"),
    "distinct": ("in", "where"),
    "first": ("where",),
    "last": ("where",),
    "own": ("where", "per_second", "peak", "share"),
    "ratio": (),
    "sum": (),
    "highest": ("among",),
    "share_of": (),
    "unless": (),
    "number": (),
    "setting": (),
    "days": (),
}
MODIFIERS = ("times", "over", "ago")
KEYS = frozenset({*FORMS, *(key for keys in FORMS.values() for key in keys), *MODIFIERS})


def is_expression(entry: object) -> bool:
    """Whether a mapping says what to compute."""
    return isinstance(entry, dict) and any(form in entry for form in FORMS)


def parse(entry: object, catalogue: Catalogue, at: str) -> Expression:
    """The expression that a mapping writes, such as ``{total: cost, where: {model: x}, over: 24h}``.

    Keys that belong to no expression are left to the caller. ``at`` is the place for error messages (CatalogueError).
    """
    found = [form for form in FORMS if form in entry] if isinstance(entry, dict) else []
    if not isinstance(entry, dict) or len(found) != 1:
        given = f"has {' and '.join(found)}" if found else "has none of them"
        raise CatalogueError(f"{at} {given}. Write exactly one of: {', '.join(FORMS)}.")
    form = found[0]
    strange = sorted(key for key in KEYS & set(entry) if key not in (form, *FORMS[form], *MODIFIERS))
    if strange:
        raise CatalogueError(f"{at}: {', '.join(strange)} has no meaning beside {form}. Remove it.")
    expression = _FORMS[form](entry, catalogue, f"{at}, {form}")
    if "times" in entry:
        expression = Scaled(expression, _scalar(entry["times"], catalogue, f"{at}, times"))
    for key in ("over", "ago"):
        if key in entry and not DURATION.match(str(entry[key])):
            raise CatalogueError(f"{at} has {key}: {entry[key]!r}. Write a duration such as 30m, 24h or 7d.")
    if "over" in entry or "ago" in entry:
        expression = Over(expression, entry.get("over", ""), entry.get("ago", ""))
    return expression


def _scalar(entry: object, catalogue: Catalogue, at: str) -> Expression:
    if isinstance(entry, (int, float)) and not isinstance(entry, bool):
        return Number(float(entry))
    expression = parse(entry, catalogue, at)
    if not isinstance(expression, SCALARS):
        raise CatalogueError(f"{at} must be a number, {{setting: NAME}} or {{days: range}}.")
    return expression


def _of_metric(kind: type[OfMetric], key: str, histogram: bool | None = None) -> t.Callable[..., Expression]:
    def make(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Expression:
        metric = catalogue.metric(entry[key])
        if histogram and metric.kind != "histogram":
            raise CatalogueError(f"{at}: {metric.name!r} is no histogram. Use total.")
        extra = {"share": float(entry.get("share", 0.5))} if kind is Quantile else {}
        where, read = _where(entry, at), dict(entry.get("read", {}))
        for label in (*where, *read.values()):
            if not catalogue.has_label(metric, label):
                raise CatalogueError(f"{at}: {metric.name!r} has no label {label!r}.")
        return kind(metric.name, where, read, **extra)

    return make


def _of_metrics(kind: type[OfMetrics], key: str) -> t.Callable[..., Expression]:
    def make(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Expression:
        names = entry[key] if isinstance(entry[key], list) else [entry[key]]
        for name in names:
            catalogue.metric(name)
        extra = {"label": str(entry["distinct"])} if kind is Distinct else {}
        return kind(tuple(names), _where(entry, at), **extra)

    return make


# The kind of an own metric that a key has a meaning for.
OF_KIND = {"per_second": "counter", "peak": "gauge", "share": "histogram"}


def _own(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Expression:
    own = catalogue.own_metric(entry["own"])
    for key, kind in OF_KIND.items():
        if key in entry and own.kind != kind:
            raise CatalogueError(f"{at}: {own.name!r} is a {own.kind}, and {key} is for a {kind}. Remove it.")
    where = _where(entry, at)
    for label in where:
        if label not in own.labels:
            raise CatalogueError(f"{at}: {own.name!r} has no label {label!r}. Add it to own.yml if it is there.")
    share = float(entry["share"]) if "share" in entry else None
    return Own(own.name, own.kind, where, bool(entry.get("per_second")), bool(entry.get("peak")), share)


def _mean(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Expression:
    observed = _of_metric(Observed, "mean", histogram=True)(entry, catalogue, at)
    return Ratio(observed, _of_metric(Total, "mean")(entry, catalogue, at))


def _pair(kind: t.Callable[..., Expression], key: str, first: str, second: str) -> t.Callable[..., Expression]:
    def make(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Expression:
        pair = entry[key]
        if not isinstance(pair, dict) or set(pair) != {first, second}:
            raise CatalogueError(f"{at} needs {first} and {second}, and nothing else.")
        return kind(*(parse(pair[part], catalogue, f"{at}, {part}") for part in (first, second)))

    return make


def _sum(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Expression:
    if not isinstance(entry["sum"], list) or len(entry["sum"]) < 2:
        raise CatalogueError(f"{at} must be a list of at least two expressions.")
    return Sum(tuple(parse(part, catalogue, f"{at}, part {number}") for number, part in enumerate(entry["sum"], 1)))


def _highest(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Expression:
    among = entry.get("among")
    if not among:
        raise CatalogueError(f"{at} lacks among. Name the label of whose values the highest is wanted.")
    return Highest(parse(entry["highest"], catalogue, at), tuple(among) if isinstance(among, list) else (str(among),))


def _where(entry: dict[str, t.Any], at: str) -> dict[str, Matching]:
    where = entry.get("where", {})
    if not isinstance(where, dict):
        raise CatalogueError(f"{at}: where must map labels to a value, a list of values or {{not: VALUE}}.")
    return {label: _matching(values, f"{at}, where {label}") for label, values in where.items()}


def _matching(values: object, at: str) -> Matching:
    if isinstance(values, dict):
        if set(values) != {"not"}:
            raise CatalogueError(f"{at} is {values!r}. Write a text, a list of texts or {{not: TEXT OR LIST}}.")
        return {"not": _texts(values["not"])}
    return _texts(values)


def _texts(values: object) -> str | tuple[str, ...]:
    return tuple(str(value) for value in values) if isinstance(values, list) else str(values)


_FORMS: dict[str, t.Callable[..., Expression]] = {
    "total": _of_metric(Total, "total"),
    "observed": _of_metric(Observed, "observed", histogram=True),
    "mean": _mean,
    "quantile": _of_metric(Quantile, "quantile", histogram=True),
    "distinct": _of_metrics(Distinct, "in"),
    "first": _of_metrics(First, "first"),
    "last": _of_metrics(Last, "last"),
    "own": _own,
    "ratio": _pair(Ratio, "ratio", "of", "to"),
    "sum": _sum,
    "highest": _highest,
    "share_of": lambda entry, catalogue, at: ShareOf(parse(entry["share_of"], catalogue, at)),
    "unless": _pair(Unless, "unless", "of", "counted"),
    "number": lambda entry, _catalogue, _at: Number(float(entry["number"])),
    "setting": lambda entry, _catalogue, _at: Setting(str(entry["setting"])),
    "days": lambda _entry, _catalogue, _at: Days(),
}
