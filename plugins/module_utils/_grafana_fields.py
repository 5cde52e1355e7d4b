# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Grafana writes values: units, thresholds, colours, and what stands where nothing was counted."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._panels import TIME, Panel

Json = dict[str, t.Any]
Thresholds = t.Sequence[tuple[str, t.Optional[float]]]

UNITS = {
    "USD": "currencyUSD",
    "share": "percentunit",
    "s": "s",
    "ms": "ms",
    "By": "bytes",
    TIME: "dateTimeAsIso",
}
# What no data means where the panel does not say.
NOTHING = "Nothing was reported in this range."
# What an empty cell holds; where a table is merged of several, also what a label is that a series lacks.
BLANK = "-"
# Colours of what is good or bad: of series by their names, of lines and decisions by their labels.
MEANINGS = {"Added": "green", "Removed": "red", "Accepted": "green", "Rejected": "red"}
LINES = {"added": "green", "removed": "red"}
DECISIONS = {"accept": "green", "reject": "red"}
# Metrics that count what went wrong.
WRONG = ("error", "failure", "refusal", "retr", "rejected", "dropped", "refused", "lost")


def unit_of(panel: Panel) -> str:
    """The unit of a panel's values; arrows of a flow count how often something happened."""
    return unit(panel.unit or ("times" if panel.show == "flow" else ""))


def unit(word: str) -> str:
    """Grafana's unit for a word of the catalogue; a counting word follows the shortened number."""
    if word in UNITS:
        return UNITS[word]
    if word.endswith("/h"):
        return f"suffix:{word}"
    return f"count:{word}" if word else "short"


def thresholds(steps: Thresholds) -> Json:
    """Colours from a value on; the first one has no lower end."""
    found = [{"color": colour, "value": value} for colour, value in steps]
    if found and found[0]["value"] is not None:
        # Below the first value that is named its colour holds as well.
        found[0] = {**found[0], "value": None}
    return {"mode": "absolute", "steps": found or [{"color": "text", "value": None}]}


def no_value(panel: Panel) -> str:
    """What the panel shows without data."""
    if panel.empty:
        return panel.empty
    return "0" if panel.show in ("stat", "gauge") and panel.counts else NOTHING


def colour(panel: Panel) -> Json:
    """How series get their colours: by thresholds, red where they count what went wrong, else each its own."""
    if panel.show in ("stat", "gauge", "bar gauge", "table", "states"):
        return {"mode": "thresholds"}
    if panel.series and all(is_wrong(one.value) for one in panel.series):
        # Shades of one colour, as far as there are several series.
        return {"mode": "shades" if panel.labels or len(panel.series) > 1 else "fixed", "fixedColor": "red"}
    return {"mode": "palette-classic"}


def mappings(panel: Panel) -> list[Json]:
    """Words for values that are answers and no numbers: whether a program could be scraped."""
    asked = [one.value for one in panel.series]
    if not asked or not all(isinstance(one, ex.Own) and one.name == "scraped" for one in asked):
        return []
    words = {"0": {"index": 0, "text": "down"}, "1": {"index": 1, "text": "up"}}
    return [{"type": "value", "options": words}]


def is_wrong(expression: ex.Expression) -> bool:
    """Whether the expression counts what went wrong."""
    if isinstance(expression, ex.OfMetric):
        return expression.where.get("success") == "false" or any(word in expression.metric for word in WRONG)
    if isinstance(expression, ex.OfMetrics):
        return False
    first = expression.parts()[:1]
    return bool(first) and is_wrong(first[0])


def is_additive(expression: ex.Expression) -> bool:
    """Whether the values of the intervals of a chart add up to the value of its range."""
    if isinstance(expression, (ex.Total, ex.Observed)):
        return True
    if isinstance(expression, ex.Over):
        return not expression.window and is_additive(expression.of)
    if isinstance(expression, (ex.Sum, ex.Scaled)):
        return all(isinstance(part, ex.SCALARS) or is_additive(part) for part in expression.parts())
    return isinstance(expression, ex.Ratio) and isinstance(expression.to, ex.SCALARS) and is_additive(expression.of)


def is_stacked(panel: Panel) -> bool:
    """Whether the series of a chart stand upon each other. Only what is counted adds up; shares and means do not."""
    several = bool(panel.labels) or len(panel.series) > 1
    return panel.show in ("bars", "area") and several and panel.counts_only


def override(name: str, **properties: t.Any) -> Json:
    """Settings for the field of this name; a double underscore in a keyword stands for a dot."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def colour_overrides(panel: Panel) -> list[Json]:
    """The colours that the panel gives to its series, and those that their names mean."""
    named = {one.name for one in panel.series}
    wanted = {name: value for name, value in MEANINGS.items() if name in named}
    if panel.labels[-1:] == ("type",) and "lines_of_code" in panel.names():
        wanted.update(LINES)
    if panel.labels[-1:] == ("decision",):
        wanted.update(DECISIONS)
    wanted.update(panel.colours)
    return [override(name, color={"mode": "fixed", "fixedColor": value}) for name, value in wanted.items()]
