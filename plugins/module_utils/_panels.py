# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards as the catalogue writes them: files/catalogue/dashboards, panels, variables.yml and settings.yml.

A panel says what it shows and how; it spells no query, no data source and no coordinates.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, fields
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    CatalogueError,
    known_keys,
    read_file,
    read_files,
)

# Shows with one value a series at each moment, and those with one value a series for the whole range.
OVER_TIME = ("bars", "lines", "area", "heatmap", "states")
AT_ONCE = ("stat", "gauge", "pie", "bar chart", "bar gauge", "table", "flow")
# Shows of log lines.
OF_ROWS = ("rows", "logs")
SHOWS = (*OVER_TIME, *AT_ONCE, *OF_ROWS, "text")
SIZES = {"eighth": 3, "sixth": 4, "quarter": 6, "third": 8, "half": 12, "two thirds": 16, "full": 24}
HEIGHTS = ("low", "normal", "tall")
# Shortest interval of a chart; clients export their counters once a minute.
SHORTEST = "1m"
TIME = "time"
# How groups of log lines are summed up: by their number and by the times of the first and the last one.
SUMMARIES = ("count", "first", "last")


@dataclass(frozen=True)
class Variable:
    """A filter of a dashboard: the values of ``label`` among the series of the metrics ``among``.

    Values are not told apart from the character ``up_to`` on: with ``[`` a model matches in all sizes of context.
    """

    name: str
    title: str
    label: str
    among: tuple[str, ...]
    about: str
    up_to: str = ""

    @property
    def pattern(self) -> str:
        """The regular expression that selects what was chosen, as it stands in a query."""
        return f"${self.name}" + (f"(\\\\{self.up_to}.*)?" if self.up_to else "")


@dataclass(frozen=True)
class Setting:
    """A number that the owner of a dashboard chooses."""

    name: str
    title: str
    value: float
    unit: str
    about: str


@dataclass(frozen=True)
class Series:
    """One expression of a panel; ``name`` is empty where the labels tell the series apart."""

    name: str
    value: ex.Expression

    @property
    def counts(self) -> bool:
        """Whether no data means 0: it is counted and not divided."""
        return _counted(self.value)


@dataclass(frozen=True)
class Column:
    """A column of a table: the ``value`` of an expression, a ``label`` of the series, or a ``field`` of log lines.

    ``field`` is ``time``, one of SUMMARIES in a table of groups, or an attribute as Loki names it. ``links`` opens the
    dashboard of this uid for the row's value.
    """

    title: str
    value: ex.Expression | None = None
    label: str = ""
    field: str = ""
    unit: str = ""
    links: str = ""
    thresholds: tuple[tuple[str, float | None], ...] = ()


@dataclass(frozen=True)
class Rows:
    """Log lines: the events ``events`` (none: of all kinds) that match one of ``where``, at most ``limit``.

    With ``by`` they are grouped by that field; ``{message: [error, error_type]}`` takes the first that is not empty.
    """

    events: tuple[str, ...]
    where: tuple[ex.Where, ...] = ()
    limit: int = 500
    by: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Edge:
    """Arrows of a flow: from ``source`` to ``target``, each a text or a ``{label: NAME}``, as often as ``value``."""

    source: str
    target: str
    value: ex.Expression
    source_label: str = ""
    target_label: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel. ``by``, ``top`` and ``each`` say how its series are told apart, limited and cut into intervals.

    ``ranked`` is the title of the column that ``top`` goes by and that a table is sorted by, instead of the first.
    ``differs`` says in what it departs from the specification, and why.
    """

    id: str
    title: str
    show: str
    about: str
    act: str
    spec: str = ""
    size: str = "half"
    height: str = "normal"
    unit: str = ""
    decimals: int | None = None
    empty: str = ""
    by: tuple[str, ...] = ()
    top: int = 0
    each: str = SHORTEST
    series: tuple[Series, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: Rows | None = None
    edges: tuple[Edge, ...] = ()
    thresholds: tuple[tuple[str, float | None], ...] = ()
    colours: t.Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    differs: str = ""
    ranked: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that tell its series or rows apart."""
        return self.by or tuple(column.label for column in self.columns if column.label)

    @property
    def counts_only(self) -> bool:
        """Whether all its series are counted and not divided."""
        return all(one.counts for one in self.series)

    @property
    def counts(self) -> bool:
        """Whether no data means 0: a single number that is counted."""
        return not self.labels and self.counts_only

    def names(self) -> tuple[str, ...]:
        """The metrics that it shows."""
        expressions = [one.value for one in (*self.series, *self.edges)]
        expressions += [column.value for column in self.columns if column.value]
        return tuple(dict.fromkeys(name for expression in expressions for name in expression.names()))


@dataclass(frozen=True)
class Row:
    """A row of panels with its place in the specification."""

    title: str
    spec: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True)
class Dashboard:
    """A dashboard: ``range`` is what it shows at first (24h), ``refresh`` how often it asks again.

    ``reads`` says which series it reads: raw, recent (rollups, and raw series where they cannot answer) or long
    (rollups alone).
    """

    uid: str
    title: str
    about: str
    rows: tuple[Row, ...]
    tags: tuple[str, ...] = ()
    range: str = "24h"
    refresh: str = "30s"
    variables: tuple[Variable, ...] = ()
    settings: tuple[Setting, ...] = ()
    links: tuple[str, ...] = ()
    reads: str = "raw"

    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)

    def panel(self, name: str) -> Panel:
        """The panel with this id."""
        for panel in self.panels():
            if panel.id == name:
                return panel
        raise CatalogueError(f"The dashboard {self.uid} has no panel {name!r}.")


def _counted(expression: ex.Expression) -> bool:
    if isinstance(expression, (ex.Total, ex.Observed, ex.Distinct)):
        return True
    if isinstance(expression, ex.Own):
        return expression.kind == "counter"
    if isinstance(expression, (ex.Sum, ex.Scaled, ex.Over, ex.Highest)):
        return all(_counted(part) or isinstance(part, ex.SCALARS) for part in expression.parts())
    return isinstance(expression, ex.Ratio) and isinstance(expression.to, ex.SCALARS) and _counted(expression.of)


# --- from YAML ---------------------------------------------------------------------------------------------------

PANEL_KEYS = frozenset(one.name for one in fields(Panel))
COLUMN_KEYS = frozenset(one.name for one in fields(Column)) - {"value"}


def load_dashboards(folder: Path, catalogue: Catalogue) -> dict[str, Dashboard]:
    """All dashboards of the catalogue in ``folder``, by uid."""
    return build_dashboards(read_dashboards(folder), catalogue)


def read_dashboards(folder: Path) -> dict[str, t.Any]:
    """The dashboards as they are written: what build_dashboards takes."""
    found = read_files(folder / "dashboards")
    return {
        "dashboards": found,
        "panels": {content["uid"]: read_files(folder / "panels" / content["uid"]) for content in found.values()},
        "variables": read_file(folder / "variables.yml"),
        "settings": read_file(folder / "settings.yml"),
    }


def build_dashboards(sources: t.Mapping[str, t.Any], catalogue: Catalogue) -> dict[str, Dashboard]:
    """Dashboards by uid, from what read_dashboards gives; CatalogueError says what is wrong and where."""
    variables = {name: _variable(name, entry, catalogue) for name, entry in sources["variables"].items()}
    settings = {
        name: Setting(name, entry["title"], float(entry["value"]), entry.get("unit", ""), entry["about"])
        for name, entry in sources["settings"].items()
    }
    dashboards = {}
    for file, entry in sources["dashboards"].items():
        rows = tuple(
            _row(content, catalogue, f"panels/{entry['uid']}/{name}")
            for name, content in sorted(sources["panels"][entry["uid"]].items())
        )
        identifiers = [panel.id for row in rows for panel in row.panels]
        twice = sorted({name for name in identifiers if identifiers.count(name) > 1})
        if twice:
            raise CatalogueError(f"panels/{entry['uid']}: the id {', '.join(twice)} is used twice. Rename one.")
        dashboards[entry["uid"]] = Dashboard(
            uid=entry["uid"],
            title=entry["title"],
            about=entry["about"],
            rows=rows,
            tags=tuple(entry.get("tags", ())),
            range=entry.get("range", "24h"),
            refresh=entry.get("refresh", "30s"),
            variables=tuple(_named(variables, name, f"dashboards/{file}") for name in entry.get("variables", ())),
            settings=tuple(_named(settings, name, f"dashboards/{file}") for name in entry.get("settings", ())),
            links=tuple(entry.get("links", ())),
            reads=entry.get("reads", "raw"),
        )
    return dashboards


def _named(found: t.Mapping[str, t.Any], name: str, at: str) -> t.Any:
    if name not in found:
        raise CatalogueError(f"{at} names {name!r}, which is not there. Use one of: {', '.join(found)}.")
    return found[name]


def _variable(name: str, entry: dict[str, t.Any], catalogue: Catalogue) -> Variable:
    for metric in entry["among"]:
        if not catalogue.has_label(catalogue.metric(metric), entry["label"]):
            raise CatalogueError(f"variables.yml: {metric!r} has no label {entry['label']!r} for {name!r}.")
    return Variable(name, entry["title"], entry["label"], tuple(entry["among"]), entry["about"], entry.get("up_to", ""))


def _row(content: dict[str, t.Any], catalogue: Catalogue, at: str) -> Row:
    panels = tuple(_panel(entry, catalogue, at) for entry in content["panels"])
    return Row(content["row"], str(content.get("spec", "")), panels, bool(content.get("collapsed", False)))


def _panel(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Panel:
    at = f"{at}: panel {entry.get('id')!r}"
    known_keys(entry, PANEL_KEYS | ex.KEYS, at)
    for key in ("id", "title", "show", "about", "act"):
        if not entry.get(key):
            raise CatalogueError(f"{at} lacks {key}.")
    for key, known in (("show", SHOWS), ("size", SIZES), ("height", HEIGHTS)):
        if key in entry and entry[key] not in known:
            raise CatalogueError(f"{at} has {key}: {entry[key]!r}. Use one of: {', '.join(known)}.")
    series = [Series(str(one.get("name", "")), ex.parse(one, catalogue, at)) for one in entry.get("series", ())]
    if ex.is_expression(entry):
        series.append(Series("", ex.parse(entry, catalogue, at)))
    given = {key: entry[key] for key in PANEL_KEYS & set(entry)}
    ranked = entry.get("ranked")
    numbers = [one for one in entry.get("columns", ()) if ex.is_expression(one) or one.get("field") in SUMMARIES]
    if ranked and ranked not in [column["title"] for column in numbers]:
        raise CatalogueError(f"{at} is ranked by {ranked!r}, which is no column with a value. Name one of its columns.")
    return Panel(
        **{
            **given,
            "spec": str(entry.get("spec", "")),
            "by": _labels(entry.get("by", ())),
            "series": tuple(series),
            "columns": tuple(_column(column, catalogue, at) for column in entry.get("columns", ())),
            "rows": rows_of(entry["rows"], at) if "rows" in entry else None,
            "edges": tuple(_edge(edge, catalogue, at) for edge in entry.get("edges", ())),
            "thresholds": _thresholds(entry.get("thresholds", {})),
        }
    )


def _labels(entry: object) -> tuple[str, ...]:
    return (entry,) if isinstance(entry, str) else tuple(entry)  # type: ignore[arg-type]


def _thresholds(entry: t.Mapping[str, float | None]) -> tuple[tuple[str, float | None], ...]:
    """``{green: null, yellow: 10}``: from the first value on green, from 10 on yellow."""
    return tuple((colour, None if value is None else float(value)) for colour, value in entry.items())


def _column(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Column:
    at = f"{at}, column {entry.get('title')!r}"
    known_keys(entry, COLUMN_KEYS | ex.KEYS, at)
    return Column(
        title=entry["title"],
        value=ex.parse(entry, catalogue, at) if ex.is_expression(entry) else None,
        label=entry.get("label", ""),
        field=entry.get("field", ""),
        unit=entry.get("unit", ""),
        links=entry.get("links", ""),
        thresholds=_thresholds(entry.get("thresholds", {})),
    )


def rows_of(entry: dict[str, t.Any], at: str) -> Rows:
    """Log lines as a panel or a rule names them."""
    where = entry.get("where", ())
    where = [where] if isinstance(where, dict) else where
    for label, value in (pair for one in where for pair in one.items()):
        if not isinstance(value, (str, list)) and not (isinstance(value, dict) and set(value) == {"not"}):
            raise CatalogueError(f"{at}: rows want {label}: {value!r}. Write a text, a list of texts or {{not: TEXT}}.")
    by = None
    if "by" in entry:
        ((name, fields),) = entry["by"].items()
        by = (name, tuple(fields))
    return Rows(
        events=() if entry["events"] == "all" else tuple(entry["events"]),
        where=tuple(where),
        limit=int(entry.get("limit", 500)),
        by=by,
    )


def _edge(entry: dict[str, t.Any], catalogue: Catalogue, at: str) -> Edge:
    ends: dict[str, str] = {}
    for end, key in (("source", "from"), ("target", "to")):
        value = entry[key]
        ends[end], ends[f"{end}_label"] = ("", value["label"]) if isinstance(value, dict) else (str(value), "")
    return Edge(value=ex.parse(entry, catalogue, f"{at}, edge"), **ends)
