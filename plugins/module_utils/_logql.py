# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LogQL for the log lines that panels show. Events and failures have stream labels, the rest is in attributes."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._expressions import Where
from ansible_collections.observability.claude_code.plugins.module_utils._matchers import matcher, quoted
from ansible_collections.observability.claude_code.plugins.module_utils._panels import SUMMARIES, Rows

__all__ = ["SUMMARIES", "attributes", "grouped", "lines"]
MOMENT = "{{ __timestamp__ | unixEpochMillis }}"


def lines(rows: Rows, catalogue: Catalogue, filters: t.Mapping[str, str]) -> str:
    """The query for the lines themselves. ``filters`` maps labels to regular expressions, put in as they are."""
    events = "|".join(re.escape(event) for event in rows.events) or ".+"
    failed = ', success!="true"' if _of_failures(rows, catalogue) else ""
    parts = [f'{{service_name=~".+", event_name=~"{quoted(events)}"{failed}}}']
    if rows.where:
        alternatives = [" and ".join(_conditions(one)) for one in rows.where]
        one, *more = alternatives
        parts.append(f"| {one}" if not more else "| " + " or ".join(f"({text})" for text in alternatives))
    shared = attributes(catalogue, "")
    known = {metric.derived.event for metric in catalogue.metrics.values() if metric.derived}
    asked = rows.events or tuple(sorted(known))
    # Of an event that nothing is derived from the catalogue does not know what it has.
    strange = not rows.events or not known.issuperset(rows.events)
    for label, pattern in filters.items():
        having = [event for event in asked if label in attributes(catalogue, event)]
        if label in shared or (len(having) == len(asked) and not strange):
            parts.append(f'| {label}=~"{pattern}"')
        elif having or (strange and rows.events):
            parts.append(f'| {label}=~"{pattern}" or {label}=""')
    return " ".join(parts)


def _of_failures(rows: Rows, catalogue: Catalogue) -> bool:
    """Whether none of the lines can be of a success: these are in streams of their own, which need not be read.

    Lines of a time when success was no label of streams are in the others.
    """

    def fails(one: t.Mapping[str, t.Any]) -> bool:
        if "success" in one:
            return one["success"] == "false"
        events = one.get("event_name", rows.events)
        if isinstance(events, t.Mapping):
            events = rows.events
        events = [events] if isinstance(events, str) else events
        return bool(events) and not any("success" in attributes(catalogue, event) for event in events)

    return any("success" in one for one in rows.where) and all(map(fails, rows.where))


def grouped(rows: Rows, summary: str, catalogue: Catalogue, window: str, filters: t.Mapping[str, str]) -> str:
    """One number for each group of lines: how many, or the unix milliseconds of the first or the last."""
    if not rows.by:
        raise CatalogueError(
            f"Rows of {', '.join(rows.events)} cannot be summed up without by. Name a field to group by."
        )
    name, fields = rows.by
    *others, last = fields
    value = "".join(f"{{{{ if .{field} }}}}{{{{ .{field} }}}}{{{{ else }}}}" for field in others)
    value += f"{{{{ .{last} }}}}" + "{{ end }}" * len(others)
    selected = f"{lines(rows, catalogue, filters)} | label_format {name}=`{value}`"
    if summary == "count":
        return f"sum by ({name}) (count_over_time({selected} [{window}]))"
    choice = {"first": "min", "last": "max"}[summary]
    moments = f"{selected} | label_format moment=`{MOMENT}` | unwrap moment [{window}]"
    # Inside too, or there would be a series for each line: every attribute of it is a label.
    return f"{choice} by ({name}) ({choice}_over_time({moments}) by ({name}))"


def _conditions(where: Where) -> t.Iterator[str]:
    for label, values in where.items():
        if isinstance(values, t.Mapping) and not isinstance(values["not"], str):
            # One by one: to Loki an attribute that is missing does not match `|x`, which an empty one does.
            yield from (matcher(label, {"not": value}) for value in values["not"])
        else:
            yield matcher(label, values)


def attributes(catalogue: Catalogue, event: str) -> set[str]:
    """The attributes that the catalogue knows of an event: those of what is derived from it, and those of all."""
    shared = {label.prometheus for label in (*catalogue.standard_labels, *catalogue.resource_labels)}
    own = [metric.labels for metric in catalogue.metrics.values() if metric.derived and metric.derived.event == event]
    return shared | {label.prometheus for labels in own for label in labels}
