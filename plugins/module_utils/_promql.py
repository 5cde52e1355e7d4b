# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PromQL for the metrics of the catalogue: the one place that knows how a delivery's counters are read.

On delivery ``otlp`` a series holds deltas, and the sum over a window is what happened in it. On ``scrape`` and
``remote_write`` it holds running totals that begin with a zero at the series' creation; ``increase`` with the modifier
``anchored`` (Prometheus 3.7) takes the value before the window as its start and extrapolates nothing.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    CatalogueError,
    Metric,
)

DELIVERIES = ("otlp", "scrape", "remote_write")
Where = t.Mapping[str, "str | t.Sequence[str]"]


def selector(metric: Metric, where: Where | None = None, copy: str = "") -> str:
    """The series of ``metric``, for example ``m{copy="", model=~"a|b"}``.

    ``where`` maps labels to a value or a list of values. ``copy`` selects a redundant copy instead of the primary.
    """
    matchers = [f'copy="{copy}"']
    for label, values in (where or {}).items():
        if isinstance(values, str):
            matchers.append(f'{label}="{_quoted(values)}"')
        else:
            matchers.append(f'{label}=~"{_quoted("|".join(re.escape(value) for value in values))}"')
    return f"{metric.prometheus}{{{', '.join(matchers)}}}"


def window_sum(metric: Metric, window: str, where: Where | None = None, delivery: str = "otlp", copy: str = "") -> str:
    """What each series counted in ``window`` (a PromQL duration such as 24h)."""
    if delivery not in DELIVERIES:
        raise CatalogueError(f"There is no delivery {delivery!r}. Use one of: {', '.join(DELIVERIES)}.")
    series = f"{selector(metric, where, copy)}[{window}]"
    return f"sum_over_time({series})" if delivery == "otlp" else f"increase({series} anchored)"


def total(
    catalogue: Catalogue,
    name: str,
    window: str,
    by: t.Sequence[str] = (),
    where: Where | None = None,
    delivery: str = "otlp",
    copy: str = "",
) -> str:
    """What the metric ``name`` counted in ``window``, by the labels ``by``.

    A sum gives its value (in the metric's unit), a histogram the number of its observations.
    """
    metric = catalogue.metric(name)
    summed = _sum_by(window_sum(metric, window, where, delivery, copy), by)
    return f"histogram_count({summed})" if metric.kind == "histogram" else summed


def observed(
    catalogue: Catalogue,
    name: str,
    window: str,
    by: t.Sequence[str] = (),
    where: Where | None = None,
    delivery: str = "otlp",
    copy: str = "",
) -> str:
    """The sum of all values that the histogram ``name`` observed in ``window``, in its unit."""
    return f"histogram_sum({_histogram(catalogue, name, window, by, where, delivery, copy)})"


def quantile(
    catalogue: Catalogue,
    name: str,
    share: float,
    window: str,
    by: t.Sequence[str] = (),
    where: Where | None = None,
    delivery: str = "otlp",
    copy: str = "",
) -> str:
    """The ``share`` quantile (0 to 1) of what the histogram ``name`` observed in ``window``, in its unit."""
    return f"histogram_quantile({share}, {_histogram(catalogue, name, window, by, where, delivery, copy)})"


def _histogram(
    catalogue: Catalogue,
    name: str,
    window: str,
    by: t.Sequence[str],
    where: Where | None,
    delivery: str,
    copy: str,
) -> str:
    metric = catalogue.metric(name)
    if metric.kind != "histogram":
        raise CatalogueError(f"{name!r} is a {metric.kind}, not a histogram. Ask for its total instead.")
    return _sum_by(window_sum(metric, window, where, delivery, copy), by)


def _sum_by(expression: str, by: t.Sequence[str]) -> str:
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
