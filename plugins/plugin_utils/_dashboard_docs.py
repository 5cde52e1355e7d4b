# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of docs/dashboards: every panel with its meaning, its queries and the way to check its numbers."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils import _logql as logql
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._panels import (
    Column,
    Dashboard,
    Panel,
    Row,
    Variable,
)
from ansible_collections.observability.claude_code.plugins.module_utils._promql import DELIVERIES
from ansible_collections.observability.claude_code.plugins.module_utils._queries import (
    LOKI,
    in_grafana,
    queries,
    shortlist,
)
from ansible_collections.observability.claude_code.plugins.module_utils._words import (
    length,
    panel_in_words,
    second_way,
    span_in_words,
)
from ansible_collections.observability.claude_code.plugins.plugin_utils._docs_text import (
    ADDITIONAL,
    GENERATED,
    anchor,
    one_line,
    order,
    pages_of_rows,
    parted,
    place,
    queries_block,
    wrapped,
)
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import figure

UNITS = {
    "share": "percent",
    "s": "seconds",
    "ms": "milliseconds",
    "By": "bytes",
    "time": "date and time",
    "": "none",
}
SHOWS = {
    "stat": "number",
    "gauge": "gauge",
    "bars": "stacked bars over time",
    "lines": "lines over time",
    "area": "areas over time",
    "heatmap": "heatmap over time",
    "states": "states over time",
    "pie": "pie",
    "logs": "log lines",
}
HOW = """\
## How to read these pages

**Computed** says in words what a panel shows, over points and events as the client sends them. Names with dots are
those of OpenTelemetry.

**Second way** says how the same number comes about without the metric: of which events it is made, or which events must
add up to it. The tests compute every panel from recordings of real clients and compare the two.

**Filters** says which of the filters at the top of the dashboard apply. One that stands at All drops nothing, series
without its label included.

**Charts** have a value for each whole interval that ends in the range. So the first reaches back before the range, the
newest interval is not there before it is over, and the values need not add up to the number of the range beside them.

**Queries** are what Grafana sends, with its variables: `$__range` and `$__interval` are the length of the range and of
one interval of a chart. A query named `top_…` is that of a hidden variable; the others read only the sessions or
users that it found, `${top_…:pipe}`. On the delivery `otlp` they read native deltas, on the others running totals
([deliveries](deliveries.md)). Rollups and Loki are read alike on all of them.
"""


def pages(
    dashboards: t.Mapping[str, Dashboard],
    catalogue: Catalogue,
    differences_page: str,
    also_different: t.Sequence[str] = (),
) -> dict[str, str]:
    """The pages of dashboards by their path below docs; ``differences_page`` is docs/differences.md as it is.

    ``also_different`` are the lines that follow on it after those of the panels.
    """
    different = differences_in(differences_page, dashboards, also_different)
    found = {"dashboards.md": _index(dashboards), "differences.md": different}
    for dashboard in dashboards.values():
        found.update(_pages_of(dashboard, catalogue))
    return found


def differences(dashboards: t.Mapping[str, Dashboard]) -> list[tuple[str, str, str]]:
    """Place in the specification, panel and the sentence for each panel that departs from it."""
    found = [
        (panel.spec or row.spec, panel.title, panel.differs)
        for dashboard in dashboards.values()
        for row in dashboard.rows
        for panel in row.panels
        if panel.differs
    ]
    return sorted(found, key=lambda one: order(one[0]))


def differences_in(page: str, dashboards: t.Mapping[str, Dashboard], also: t.Sequence[str] = ()) -> str:
    """docs/differences.md with its tables made anew, those ``also`` last; what stands above them is written by hand."""
    head, _old = parted(page, "docs/differences.md")
    lines = [GENERATED, "", "## Panels", "", "| specification | panel | here, and why |", "|---|---|---|"]
    lines += [f"| {spec} | {title} | {one_line(differs)} |" for spec, title, differs in differences(dashboards)]
    lines += ["", "## Panels that the specification does not have", "", "| dashboard | row | panels |", "|---|---|---|"]
    for dashboard in dashboards.values():
        for row in dashboard.rows:
            titles = [panel.title for panel in row.panels if place(panel, row) == ADDITIONAL]
            if titles:
                lines.append(f"| {dashboard.title} | {row.title} | {one_line('; '.join(titles))} |")
    return head + "\n".join([*lines, *(("", *also) if also else ())]) + "\n"


# --- the index ---------------------------------------------------------------------------------------------------


def _index(dashboards: t.Mapping[str, Dashboard]) -> str:
    lines = [GENERATED, "", "# Dashboards", ""]
    lines += ["| dashboard | what it shows | range | panels |", "|---|---|---|---|"]
    for dashboard in dashboards.values():
        link = f"[{dashboard.title}](dashboards/{dashboard.uid}.md)"
        lines.append(f"| {link} | {one_line(dashboard.about)} | {dashboard.range} | {len(dashboard.panels())} |")
    lines += ["", HOW]
    return "\n".join(lines)


# --- a dashboard -------------------------------------------------------------------------------------------------


def _pages_of(dashboard: Dashboard, catalogue: Catalogue) -> dict[str, str]:
    own = f"dashboards/{dashboard.uid}.md"
    files = pages_of_rows(dashboard)
    whole = not any(files.values())
    lines = [GENERATED, "", f"# {dashboard.title}", "", wrapped(dashboard.about), ""]
    lines += [
        f"Opens with the last {length(dashboard.range)}. Its address in Grafana is `/d/{dashboard.uid}`. "
        "[How to read this page](../dashboards.md#how-to-read-these-pages).",
        "",
        *_variables(dashboard),
        *_settings(dashboard),
        "## Panels",
        "",
    ]
    for row in dashboard.rows:
        if len(dashboard.rows) > 1:
            lines += [f"**{row.title}**", ""]
        lines += ["| panel | specification | shows |", "|---|---|---|"]
        for panel in row.panels:
            link = f"[{panel.title}]({files[row.title]}#{anchor(panel.title)})"
            lines.append(f"| {link} | {place(panel, row)} | {one_line(panel.about)} |")
        lines.append("")
    found = {}
    for row in dashboard.rows:
        if whole:
            told = [_panel(panel, row, dashboard, catalogue, "###") for panel in row.panels]
            lines += [f"## {row.title}", "", "\n".join(told)]
        else:
            told = [_panel(panel, row, dashboard, catalogue, "##") for panel in row.panels]
            head = f"{GENERATED}\n\n# {row.title}\n\nA row of [{dashboard.title}](../{dashboard.uid}.md).\n"
            found[f"dashboards/{files[row.title]}"] = "\n".join([head, *told]).rstrip() + "\n"
    return {own: "\n".join(lines).rstrip() + "\n", **found}


def _variables(dashboard: Dashboard) -> list[str]:
    if not dashboard.variables:
        return []
    rows = [f"| {one.title} | `{one.name}` | `{one.label}` | {one_line(one.about)} |" for one in dashboard.variables]
    return ["## Filters", "", "| filter | variable | label | |", "|---|---|---|---|", *rows, ""]


def _settings(dashboard: Dashboard) -> list[str]:
    if not dashboard.settings:
        return []
    rows = [
        f"| {one.title} | `{one.name}` | {one.value:,.15g} | {one.unit} | {one_line(one.about)} |"
        for one in dashboard.settings
    ]
    return [
        "## Settings",
        "",
        "Numbers that the panels compute with; type others into the fields at the top of the dashboard.",
        "",
        "| setting | variable | at first | unit | |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]


# --- a panel -----------------------------------------------------------------------------------------------------


def _panel(panel: Panel, row: Row, dashboard: Dashboard, catalogue: Catalogue, level: str) -> str:
    unit = UNITS.get(panel.unit, f"`{panel.unit}`")
    shown = SHOWS.get(panel.show, panel.show)
    lines = [f"{level} {panel.title}", "", wrapped(panel.about), "", wrapped(f"**What to do:** {panel.act}"), ""]
    where = place(panel, row)
    facts = [f"**Place:** {where if where == ADDITIONAL else f'specification {where}'}; {shown}"]
    if panel.series:
        facts[0] += f"; unit: {unit}"
    if panel.differs:
        facts.append(f"**Differs from the specification:** {one_line(panel.differs)}")
    told = panel_in_words(panel, catalogue)
    span = span_in_words(panel)
    if len(told) == 1 and not told[0][0]:
        facts.append(f"**Computed:** {told[0][1]} {span}".rstrip())
    elif told:
        parts = [f"  - {name}: {words}" for name, words in told]
        facts.append("\n".join([f"**Computed:** {span}".rstrip(), *parts]))
    facts += _second_ways(panel, catalogue)
    facts += _columns(panel)
    if panel.thresholds:
        facts.append(f"**Colours:** {_thresholds(panel.thresholds, panel.unit)}")
    if panel.show != "text":
        facts.append(f"**Filters:** {_filters(panel, dashboard, catalogue)}")
    if panel.empty:
        facts.append(f"**Without data:** {one_line(panel.empty)}")
    lines += [f"- {wrapped(fact, hanging=True)}" for fact in facts]
    return "\n".join([*lines, "", *_queries(panel, dashboard, catalogue)])


def _second_ways(panel: Panel, catalogue: Catalogue) -> list[str]:
    metrics = [catalogue.metric(name) for name in panel.names()]
    told = [f"{metric.otel}: {second_way(metric)}" for metric in metrics if second_way(metric)]
    alone = [metric.otel for metric in metrics if not second_way(metric)]
    if alone:
        told.append(f"{', '.join(alone)}: no event tells it; the tests add up what the recorded clients sent.")
    if not told:
        return []
    return [f"**Second way:** {told[0]}" if len(told) == 1 else "\n  - ".join(["**Second way:**", *told])]


def _columns(panel: Panel) -> list[str]:
    if not panel.columns:
        return []
    return ["**Columns:** " + "; ".join(_column(column) for column in panel.columns)]


def _column(column: Column) -> str:
    told = column.title
    if column.unit:
        told += f" ({UNITS.get(column.unit, column.unit)})"
    if column.thresholds:
        told += f", {_thresholds(column.thresholds, column.unit)}"
    return told + (f", opens {column.links}" if column.links else "")


def _thresholds(thresholds: t.Sequence[tuple[str, float | None]], unit: str) -> str:
    told = [
        colour if value is None else f"{colour} from {figure(value, unit, 0 if unit == 'share' else None)}"
        for colour, value in thresholds
    ]
    return ", ".join(told)


def _filters(panel: Panel, dashboard: Dashboard, catalogue: Catalogue) -> str:
    """Which variables apply, and to what where they do so in part."""
    if not dashboard.variables:
        return "the dashboard has none."
    whole, partly, never = [], [], []
    for variable in dashboard.variables:
        reached, all_of_it = _reached(panel, variable, catalogue)
        if not reached:
            never.append(variable.title)
        elif all_of_it:
            whole.append(variable.title)
        else:
            partly.append(f"{variable.title} (only {reached})")
    told = [", ".join(whole) or "none apply to all of it"]
    told += [f"in part {', '.join(partly)}"] if partly else []
    told += [f"not {', '.join(never)}"] if never else []
    return "; ".join(told) + "."


def _reached(panel: Panel, variable: Variable, catalogue: Catalogue) -> tuple[str, bool]:
    """What of a panel the variable filters, in words (empty: nothing), and whether that is all of it."""
    if panel.rows:
        asked = f'{variable.label}=~"CHOSEN"'
        query = logql.lines(panel.rows, catalogue, {variable.label: "CHOSEN"})
        return ("lines that have it" if asked in query else ""), f"{asked} or " not in query
    metrics = [catalogue.metric(name) for name in panel.names()]
    having = [metric.otel for metric in metrics if catalogue.has_label(metric, variable.label)]
    return ", ".join(having), len(having) == len(metrics)


def _queries(panel: Panel, dashboard: Dashboard, catalogue: Catalogue) -> list[str]:
    """The queries in a part of the page that opens on demand; deliveries that ask the same have one block."""
    asked: dict[str, list[str]] = {}
    language = "promql"
    for delivery in DELIVERIES:
        asking = in_grafana(dashboard, catalogue, delivery)
        found = [*filter(None, [shortlist(panel, asking)]), *queries(panel, asking)]
        if any(query.source == LOKI for query in found):
            language = "logql"
        text = "\n\n".join(_commented(query.ref, query.name, query.text) for query in found)
        asked.setdefault(text, []).append(delivery)
    return queries_block(asked, language)


def _commented(ref: str, name: str, text: str) -> str:
    return f"# {ref}{': ' + name if name else ''}\n{text}"
