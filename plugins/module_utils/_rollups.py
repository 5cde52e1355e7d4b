# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a query chooses between rollups and raw series. What records the rollups is in _collector_rules.

A sample of a near pass stands at the end of its window or at most ``every`` later, since Prometheus evaluates a group
of rules at a moment of its own choice within each interval. That of a far pass stands so much later in addition,
because rules cannot record out of order. Read as much later, the windows of a range are found exactly.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    CatalogueError,
    Metric,
    Rollup,
)

# The label that tells the passes apart.
PASS = "pass"
# No series has this label: `never=~".*"` selects all series, and `never=~` anything else selects none.
NEVER = "never"
# What a dashboard reads: the raw series alone, rollups with the raw series behind them, or rollups alone.
RAW, RECENT, LONG = "raw", "recent", "long"
READS = (RAW, RECENT, LONG)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Source:
    """Series to read: those of a rollup, or the raw ones. ``matchers`` let it answer only when it is its turn."""

    rollup: Rollup | None
    matchers: tuple[str, ...] = ()


def seconds(duration: str) -> int:
    """How long a PromQL duration of one unit is."""
    found = re.match(r"^([0-9]+)([smhdw])$", duration)
    if not found:
        raise CatalogueError(f"{duration!r} is no duration. Write a number and one of s, m, h, d, w.")
    return int(found.group(1)) * _SECONDS[found.group(2)]


def recorded(rollup: Rollup, metric: Metric, matchers: t.Sequence[str], window: str, at: str = "", ago: int = 0) -> str:
    """What all passes recorded for the windows that ended in ``window``, moved ``ago`` seconds back; a query."""
    every, far = seconds(rollup.every), "|".join(rollup.far)
    terms = [(every, [f'{PASS}!~"{far}"'] if far else [])]
    terms += [(every + seconds(late), [f'{PASS}="{late}"']) for late in rollup.far]
    found = []
    for later, chosen in terms:
        series = f"{rollup.series(metric)}{{{', '.join((*chosen, *matchers))}}}"
        found.append(f"sum_over_time({series}[{window}]{at} offset {ago - later}s)")
    return " or ".join(found)


def rollups_for(catalogue: Catalogue, reads: str) -> tuple[Rollup, ...]:
    """The rollups for what a dashboard reads, those with the fewest series first."""
    if reads not in READS:
        raise CatalogueError(f"A dashboard cannot read {reads!r}. Use one of: {', '.join(READS)}.")
    return tuple(rollup for rollup in catalogue.rollups.values() if rollup.serves == reads)


def sources(
    rollups: t.Sequence[Rollup],
    raw: bool,
    metric: Metric,
    needed: t.Collection[str],
    filters: t.Mapping[str, str],
    window: str,
) -> list[Source]:
    """Where to read ``metric`` from: all of these together, of which one answers, whatever the filters are set to.

    ``needed`` are the labels that must be there. ``filters`` are those that apply to the metric, as regular
    expressions or variables that become such. A rollup without a filter's label answers only where that filter lets
    everything through; otherwise the next source does.
    """
    usable = [one for one in rollups if not {*needed} & {*one.without} and _fits(window, one.window)]
    if raw:
        # With a session or user chosen the raw series are fast, and the query stays short.
        usable = usable[:2]
    found: list[Source] = []
    passed: list[str] = []
    for rollup in (*usable, *((None,) if raw else ())):
        lacking = "".join(pattern for label, pattern in filters.items() if rollup and label in rollup.without)
        found.append(Source(rollup, (*passed, *((f'{NEVER}=~"{lacking}"',) if lacking else ()))))
        if not lacking:
            return found
        passed.append(f'{NEVER}!~"{lacking}"')
    if found:
        return found
    raise CatalogueError(
        f"No rollup has {metric.name!r} in windows of {window} by {', '.join(sorted(needed)) or 'nothing'}. "
        "Ask for fewer labels or a longer window, or let the dashboard read recent or raw."
    )


def _fits(window: str, rolled: str) -> bool:
    """Whether windows of the rollup add up to the window. A variable's value is not known; the dashboard sees to it."""
    return not re.match(r"^[0-9]+[smhdw]$", window) or seconds(window) % seconds(rolled) == 0
