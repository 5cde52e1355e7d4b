# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One alert rule of the catalogue, read and checked."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import PROGRAMS, Alert, Choice, Proviso
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    CatalogueError,
    known_keys,
)
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Rows, rows_of
from ansible_collections.observability.claude_code.plugins.module_utils._private_texts import WITHHELD, private_fields
from ansible_collections.observability.claude_code.plugins.module_utils._thresholds import filled

SEVERITIES = ("info", "warning", "critical")
BOUNDS = ("above", "below", "outside")
PROVISOS = {"at_least": ">=", "at_most": "<="}
NEEDED = ("alert", "when", "severity", "summary", "means", "do")
KEYS = {
    *(*NEEDED, *BOUNDS, "spec", "over", "by", "provided", "weekdays", "missing", "for", "unit", "panel", "differs"),
    "program",
}
# Words in braces within a rule's sentences.
PLACE = re.compile(r"\{(\w+)\}")


def parse_alert(
    entry: t.Mapping[str, t.Any], catalogue: Catalogue, choice: Choice, values: t.Mapping[str, t.Any], at: str
) -> Alert:
    """A rule from its entry; ``values`` are those of the thresholds, ``at`` is the place for error messages."""
    at = f"{at}: alert {entry.get('alert')!r}"
    known_keys(entry, KEYS, at)
    for key in NEEDED:
        if not entry.get(key):
            raise CatalogueError(f"{at} lacks {key}.")
    entry, used = filled(entry, values, at)
    if entry["severity"] not in SEVERITIES:
        raise CatalogueError(f"{at} has the severity {entry['severity']!r}. Use one of: {', '.join(SEVERITIES)}.")
    by = _labels(entry.get("by", ()))
    bound, limits = _bound(entry, at)
    alert = Alert(
        name=entry["alert"],
        value=_value(entry["when"], catalogue, choice, f"{at}, when"),
        bound=bound,
        limits=limits,
        severity=entry["severity"],
        summary=entry["summary"].strip(),
        means=entry["means"].strip(),
        act=entry["do"].strip(),
        over=parse_duration(entry["over"], f"{at}, over") if "over" in entry else "",
        by=by,
        provided=tuple(_proviso(one, by, catalogue, f"{at}, provided") for one in entry.get("provided", ())),
        weekdays=_weekdays(entry["weekdays"], at) if "weekdays" in entry else None,
        missing=_number(entry["missing"], f"{at}, missing") if "missing" in entry else None,
        wait=parse_duration(entry.get("for", "0s"), f"{at}, for"),
        unit=entry.get("unit", ""),
        panel=entry.get("panel", ""),
        spec=str(entry.get("spec", "")),
        differs=entry.get("differs", "").strip(),
        program=entry.get("program", ""),
        thresholds=used,
    )
    _check(alert, catalogue, at)
    return alert


def _value(entry: t.Any, catalogue: Catalogue, choice: Choice, at: str) -> ex.Expression | Rows:
    if isinstance(entry, dict) and "rows" in entry:
        return rows_of(entry["rows"], at)
    if isinstance(entry, dict) and "stored_texts" in entry:
        kept_back = {"not": WITHHELD}
        return Rows((), tuple({name: kept_back} for name in private_fields(choice.withheld)))
    return ex.parse(entry, catalogue, at)


def _bound(entry: t.Mapping[str, t.Any], at: str) -> tuple[str, tuple[float, ...]]:
    given = [bound for bound in BOUNDS if bound in entry]
    if len(given) != 1:
        raise CatalogueError(f"{at} must have exactly one of: {', '.join(BOUNDS)}.")
    (bound,) = given
    limits = entry[bound] if bound == "outside" else [entry[bound]]
    if bound == "outside" and (not isinstance(limits, list) or len(limits) != 2):
        raise CatalogueError(f"{at}: outside wants the least and the most that is no alert, as a list.")
    return bound, tuple(_number(limit, f"{at}, {bound}") for limit in limits)


def _proviso(entry: t.Mapping[str, t.Any], by: tuple[str, ...], catalogue: Catalogue, at: str) -> Proviso:
    given = [word for word in PROVISOS if word in entry]
    if len(given) != 1:
        raise CatalogueError(f"{at} must have exactly one of: {', '.join(PROVISOS)}.")
    (word,) = given
    known_keys(entry, {*ex.KEYS, *PROVISOS, "by"}, at)
    labels = _labels(entry["by"]) if "by" in entry else by
    return Proviso(ex.parse(entry, catalogue, at), PROVISOS[word], _number(entry[word], f"{at}, {word}"), labels)


def _weekdays(entry: t.Mapping[str, t.Any], at: str) -> tuple[int, int]:
    days = tuple(entry.get(end) for end in ("from", "to"))
    if not all(isinstance(day, int) and 0 <= day <= 6 for day in days) or days[0] > days[1]:
        raise CatalogueError(f"{at}: weekdays go from {days[0]!r} to {days[1]!r}. Use 0 (Sunday) to 6, in their order.")
    return days  # type: ignore[return-value]


def _labels(entry: str | t.Sequence[str]) -> tuple[str, ...]:
    return (entry,) if isinstance(entry, str) else tuple(entry)


def _number(value: t.Any, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CatalogueError(f"{at} is {value!r}. Write a number, or {{threshold: NAME}} of one.")
    return value


def parse_duration(value: t.Any, at: str) -> str:
    """A duration of one unit, as the catalogue writes it."""
    if value != "0s" and not ex.DURATION.match(str(value)):
        raise CatalogueError(f"{at} is {value!r}. Write a duration such as 5m, 1h or 7d.")
    return value


def _check(alert: Alert, catalogue: Catalogue, at: str) -> None:
    """What only the whole rule tells."""
    if alert.program and alert.program not in PROGRAMS:
        raise CatalogueError(f"{at} is about the program {alert.program!r}. Use one of: {', '.join(PROGRAMS)}.")
    if not alert.over and not _is_gauge(alert.value):
        raise CatalogueError(f"{at} lacks over. Say in which time things are counted.")
    if alert.missing is not None and (alert.by or isinstance(alert.value, Rows)):
        raise CatalogueError(f"{at}: missing is for a single number of metrics. Take by away, or missing.")
    if isinstance(alert.value, Rows):
        if alert.provided or alert.weekdays or alert.bound == "outside":
            raise CatalogueError(f"{at}: log lines know neither provided nor weekdays nor outside. Remove it.")
    else:
        conditions = [(alert.value, alert.by), *((one.value, one.by) for one in alert.provided)]
        for expression, by in conditions:
            _check_labels(expression, by, catalogue, at)
    words = {"limit": 1, "least": 2, "most": 2}
    known = {"value", *alert.by, *(word for word, count in words.items() if count == len(alert.limits))}
    known |= {"over"} if alert.over else set()
    for key, text, allowed in (
        ("summary", alert.summary, known),
        ("means", alert.means, known - {"value", *alert.by}),
        ("do", alert.act, known - {"value", *alert.by}),
    ):
        strange = sorted(set(PLACE.findall(text)) - allowed)
        if strange:
            raise CatalogueError(
                f"{at}: {key} has {{{strange[0]}}}, which stands for nothing. Use one of: {', '.join(sorted(allowed))}."
            )


def _is_gauge(value: ex.Expression | Rows) -> bool:
    """Whether it is what programs say at a moment, which needs no time to be counted in."""
    if isinstance(value, Rows):
        return False
    if isinstance(value, ex.Own):
        return value.kind == "gauge" and not value.peak
    parts = [part for part in value.parts() if not isinstance(part, ex.SCALARS)]
    return bool(parts) and all(_is_gauge(part) for part in parts)


def _check_labels(expression: ex.Expression, by: t.Sequence[str], catalogue: Catalogue, at: str) -> None:
    for node in _leaves(expression):
        names = node.names()
        for label in by:
            if isinstance(node, ex.Own):
                known = label in catalogue.own_metric(node.name).labels
            else:
                read = node.read if isinstance(node, ex.OfMetric) else {}
                known = label in read or all(catalogue.has_label(catalogue.metric(name), label) for name in names)
            if not known:
                what = node.name if isinstance(node, ex.Own) else ", ".join(names)
                raise CatalogueError(f"{at}: {what!r} has no label {label!r}. Take it out of by.")


def _leaves(expression: ex.Expression) -> t.Iterator[ex.Expression]:
    if isinstance(expression, (ex.OfMetric, ex.OfMetrics, ex.Own)):
        yield expression
    for part in expression.parts():
        yield from _leaves(part)
