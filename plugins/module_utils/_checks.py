# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the checks of files/catalogue/checks: each one measures something and compares it with what is expected."""

from __future__ import annotations

import time
import typing as t
from dataclasses import asdict, dataclass, field

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._expectations import (
    Expectation,
    ExpectationError,
    describe,
)
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpError
from ansible_collections.observability.claude_code.plugins.module_utils._servers import ServerError

REQUIRED = ("id", "title", "guards", "measure", "expect", "remedy")
OPTIONAL = ("spec", "when", "unit", "group")

Measure = t.Callable[..., t.Any]


class SkipCheck(Exception):
    """Raised by a measurement that has nothing to measure; the message is the reason."""


class MeasureError(Exception):
    """Raised by a measurement that cannot be made; the message says what is wrong and the next step."""


class CheckError(Exception):
    """A check in the catalogue that is written wrongly."""


@dataclass(frozen=True)
class Noted:
    """A measured value with something to say about it beside."""

    value: t.Any
    note: str = ""


@dataclass(frozen=True)
class Check:
    """One entry of the catalogue. ``measure`` is a word of the vocabulary with its argument."""

    id: str
    title: str
    guards: str
    measure: str
    argument: t.Any
    expect: dict[str, t.Any]
    remedy: str
    spec: str = ""
    group: str = ""
    unit: str = ""
    when: dict[str, t.Any] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: object) -> Check:
        if not isinstance(entry, dict):
            raise CheckError(f"A check must be a mapping, not {entry!r}.")
        name = entry.get("id", "without id")
        missing = [key for key in REQUIRED if not entry.get(key)]
        unknown = sorted(set(entry) - {*REQUIRED, *OPTIONAL})
        if missing or unknown:
            told = [f"lacks {', '.join(missing)}"] if missing else []
            told += [f"has unknown keys: {', '.join(unknown)}"] if unknown else []
            raise CheckError(f"The check {name!r} {' and '.join(told)}.")
        measure = entry["measure"]
        if not isinstance(measure, dict) or len(measure) != 1:
            raise CheckError(f"The check {name!r}: measure must be one word with its argument, such as flag: NAME.")
        word, argument = next(iter(measure.items()))
        rest = {key: entry[key] for key in (*REQUIRED, *OPTIONAL) if key in entry and key != "measure"}
        return cls(**{**rest, "measure": word, "argument": argument})


@dataclass(frozen=True)
class Result:
    """What came of one check. ``measured`` and ``expected`` are texts, ``value`` what a program can use."""

    id: str
    title: str
    group: str
    status: str
    measured: str
    expected: str
    guards: str
    remedy: str
    spec: str
    took_s: float
    value: t.Any = None

    def as_dict(self) -> dict[str, t.Any]:
        return asdict(self)


def parse(entries: t.Iterable[object]) -> list[Check]:
    """The checks of a list of entries; CheckError names an entry that is wrong or there twice."""
    checks = [Check.of(entry) for entry in entries]
    seen: set[str] = set()
    for check in checks:
        if check.id in seen:
            raise CheckError(f"Two checks have the id {check.id!r}. Give each one its own.")
        seen.add(check.id)
    return checks


def run_all(
    checks: t.Iterable[Check],
    vocabulary: t.Mapping[str, Measure],
    facts: t.Mapping[str, t.Any],
    settings: t.Mapping[str, t.Any],
) -> list[Result]:
    """Runs every check, whatever comes of the others.

    ``facts`` is what ``when`` asks about; one that is a callable is asked when a check needs it.
    """
    return [run(check, vocabulary, facts, settings) for check in checks]


def run(
    check: Check,
    vocabulary: t.Mapping[str, Measure],
    facts: t.Mapping[str, t.Any],
    settings: t.Mapping[str, t.Any],
) -> Result:
    began = time.monotonic()
    expected = ""
    value: t.Any = None
    try:
        expectation = Expectation.of(check.expect, settings)
        expected = expectation.words(check.unit)
        if check.measure not in vocabulary:
            raise MeasureError(
                f"There is no measurement {check.measure!r}. There are: {', '.join(sorted(vocabulary))}."
            )
        _applies(check.when, facts)
        found = vocabulary[check.measure](check.argument)
        value, note = (found.value, found.note) if isinstance(found, Noted) else (found, "")
        failing = expectation.failing(value)
        status, measured = ("failed" if failing else "passed"), describe(value, failing, check.unit)
        measured += f", {note}" if note else ""
    except SkipCheck as reason:
        status, measured = "skipped", str(reason)
    except (ServerError, OtlpError, MeasureError, CatalogueError, ExpectationError) as error:
        status, measured = "failed", str(error)
    # Whatever a server says that nobody thought of is no reason to keep the other checks back.
    except Exception as error:
        status = "failed"
        measured = (
            f"The answer is not what was expected ({type(error).__name__}: {str(error)[:200]}). "
            "Check the server's address and version."
        )
    return Result(
        id=check.id,
        title=check.title,
        group=check.group,
        status=status,
        measured=measured,
        expected=expected,
        guards=check.guards,
        remedy=check.remedy,
        spec=check.spec,
        took_s=round(time.monotonic() - began, 3),
        value=_plain(value),
    )


REASONS = {
    "data": "No data yet: no session of Claude Code in the range looked at.",
    "telemetry": "Nothing has been sent yet, and the probe is switched off.",
    "probe": "The probe is switched off, or this is check mode, in which nothing is sent.",
    "authentication": "The collector takes telemetry from anyone who reaches it, by configuration.",
    "withheld": "Prompts, answers and commands are stored, by configuration.",
    "alerts": "Prometheus and Loki have no alert rules, by configuration.",
    "loopback": "The servers listen beyond this machine, by configuration.",
    "redundant": "There is one delivery only.",
    "grafana": "There is no Grafana in this stack: docs/roles/grafana.md says how to add one.",
}


def _applies(when: t.Mapping[str, t.Any], facts: t.Mapping[str, t.Any]) -> None:
    for name, wanted in when.items():
        if name not in facts:
            raise MeasureError(
                f"The check asks about {name!r}, which is not known. Known are: {', '.join(sorted(facts))}."
            )
        fact = facts[name]() if callable(facts[name]) else facts[name]
        accepted, present = _listed(wanted), _listed(fact)
        if not any(one in accepted for one in present):
            either, now = " or ".join(map(str, accepted)), ", ".join(map(str, present)) or "none"
            raise SkipCheck(REASONS.get(name, f"Only where {name.replace('_', ' ')} is {either}; here it is {now}."))


def _listed(value: t.Any) -> t.Sequence[t.Any]:
    return value if isinstance(value, (list, tuple)) else (value,)


def _plain(value: t.Any) -> t.Any:
    """The measured value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(name): _plain(row) for name, row in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    return value
