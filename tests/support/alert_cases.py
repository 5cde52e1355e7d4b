# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of alert rules, written with the catalogue's names, as input of ``promtool test rules``.

A case is told once. It becomes deltas or running totals, as the delivery stores them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue

SERIES = re.compile(r"(\w+)(?:\{(.*)\})?$")
TOKEN = re.compile(r"(?:(?P<none>_)|(?:(?P<count>\d+)\*)?(?P<value>[0-9.]+))(?:x(?P<times>\d+))?$")
Rules = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """``given`` is what was counted or scraped, ``then`` the alerts at some times; ``every`` how often it is looked."""

    alert: str
    says: str
    proves: tuple[str, ...]
    given: Mapping[str, str]
    then: Mapping[str, list[Any]]
    every: str = "1m"

    @property
    def name(self) -> str:
        return f"{self.alert}: {self.says}"


@dataclass(frozen=True)
class Steps:
    """What was counted at each step of one series, None for nothing; ``counts`` of a histogram's observations."""

    values: list[float | None]
    counts: list[int] = field(default_factory=list)


def read_cases(folder: Path) -> list[Case]:
    """All cases in the files of a folder."""
    found = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yml"))]
    return [
        Case(**{**entry, "alert": alert, "proves": tuple(entry["proves"])})
        for content in found
        for alert, entries in content.items()
        for entry in entries
    ]


def without_data(alert: str) -> Case:
    """Nothing is there, and nothing is said."""
    return Case(alert, "no data", ("no data",), {}, {"30m": []})


def promtool_test(case: Case, rules: Rules, catalogue: Catalogue, delivery: str) -> dict[str, Any]:
    """One test of ``promtool test rules``; ``rules`` are those of all groups that Prometheus has."""
    rule = next(one for one in rules if one["alert"] == case.alert)
    return {
        "name": case.name,
        "interval": case.every,
        "input_series": [
            {"series": series, "values": values}
            for written, counted in case.given.items()
            for series, values in _input(written, counted, catalogue, delivery)
        ],
        "alert_rule_test": [
            {"eval_time": at, "alertname": case.alert, "exp_alerts": [_expected(one, rule) for one in alerts]}
            for at, alerts in case.then.items()
        ],
    }


def _expected(said: str | Mapping[str, str], rule: Mapping[str, Any]) -> dict[str, Any]:
    given = {"summary": said} if isinstance(said, str) else dict(said)
    summary = given.pop("summary")
    return {"exp_labels": {**rule["labels"], **given}, "exp_annotations": {**rule["annotations"], "summary": summary}}


def _input(written: str, counted: str, catalogue: Catalogue, delivery: str) -> Iterator[tuple[str, str]]:
    """Series and values as Prometheus would hold them."""
    found = SERIES.match(written)
    assert found, f"{written} is no series"
    name, labels = found.group(1), found.group(2) or ""
    if name in catalogue.own:
        yield f"{catalogue.own_metric(name).series}{{{labels}}}", counted
        return
    metric = catalogue.metric(name)
    steps = _steps(counted)
    values = steps if delivery == "otlp" else _running(steps)
    shown = [_histogram(one) for one in _pairs(values)] if metric.kind == "histogram" else _numbers(values)
    yield f"{metric.prometheus}{{{labels}}}", " ".join(shown)


def _steps(counted: str) -> Steps:
    values: list[float | None] = []
    counts: list[int] = []
    for token in counted.split():
        found = TOKEN.match(token)
        assert found, f"{token} in {counted!r} is no value"
        times = int(found["times"]) if found["times"] else None
        # As promtool counts: `_x3` is three times nothing, `1x3` is 1 and three more.
        repeated = (times or 1) if found["none"] else 1 + (times or 0)
        count = int(found["count"] or 1)
        values += [None if found["none"] else float(found["value"]) * count] * repeated
        counts += [0 if found["none"] else count] * repeated
    return Steps(values, counts)


def _running(steps: Steps) -> Steps:
    """The same as running totals: they begin with a zero, and stay where they are."""
    begin = next(number for number, value in enumerate(steps.values) if value is not None)
    assert begin, "a series that is to be a running total needs a step before its first value"
    values: list[float | None] = [None] * (begin - 1) + [0.0]
    counts = [0] * begin
    for value, count in zip(steps.values[begin:], steps.counts[begin:], strict=True):
        values.append((values[-1] or 0.0) + (value or 0.0))
        counts.append(counts[-1] + count)
    return Steps(values, counts)


def _numbers(steps: Steps) -> list[str]:
    return ["_" if value is None else f"{value:.15g}" for value in steps.values]


def _pairs(steps: Steps) -> Iterator[tuple[float | None, int]]:
    return zip(steps.values, steps.counts, strict=True)


def _histogram(pair: tuple[float | None, int]) -> str:
    """A native histogram whose observations are all in one bucket: its sum and count are what matters."""
    value, count = pair
    return "_" if value is None else f"{{{{schema:0 sum:{value:.15g} count:{count} buckets:[{count}]}}}}"
