# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check expects of what it measured, and both of them in words."""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass

Value = t.Any  # a number, a text, a Pair, or a mapping of subjects to one of these
SHOWN_ROWS = 6
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


@dataclass(frozen=True)
class Pair:
    """One number computed in two ways. ``allowance`` is what they may differ by for a reason that is known."""

    first: float
    second: float
    allowance: float = 0.0

    @property
    def percent(self) -> float:
        """By how much they differ, of the larger one, the allowance taken off."""
        gap = max(0.0, abs(self.second - self.first) - self.allowance)
        if not (math.isfinite(self.first) and math.isfinite(self.second)):
            # What cannot be compared does not agree.
            return math.inf
        return 100 * gap / max(abs(self.first), abs(self.second)) if gap else 0.0


def seconds(duration: str) -> float:
    """Seconds in a duration of Prometheus such as 1d or 1h30m."""
    parts = DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration. Write it like 24h or 1h30m.")
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.split("-", maxsplit=1)[0])[:3])


TESTS: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    "equals": lambda value, wanted: str(value) == str(wanted) if isinstance(wanted, str) else value == wanted,
    "at_least": lambda value, wanted: value >= wanted,
    "at_most": lambda value, wanted: value <= wanted,
    "contains": lambda value, wanted: str(wanted) in re.split(r"[,\s]+", str(value)),
    "lacks": lambda value, wanted: str(wanted) not in re.split(r"[,\s]+", str(value)),
    "lasts_at_least": lambda value, wanted: seconds(str(value)) >= seconds(str(wanted)),
    # A program built from source without a version stamp says nothing; that is no reason to doubt it.
    "version_at_least": lambda value, wanted: not _version(value) or _version(value) >= _version(wanted),
    "agrees_within_percent": lambda value, wanted: value.percent <= wanted,
}
WORDS = {
    "equals": "{}",
    "at_least": "at least {}",
    "at_most": "at most {}",
    "contains": "with {}",
    "lacks": "without {}",
    "lasts_at_least": "at least {}",
    "version_at_least": "{} or newer",
    "agrees_within_percent": "equal within {} %",
}


class ExpectationError(Exception):
    """An expectation that is not in the vocabulary; the message lists what is."""


@dataclass(frozen=True)
class Expectation:
    """Tests for the value, with ``each`` for each of its rows; ``per_row`` has tests for rows by name."""

    tests: tuple[tuple[str, t.Any], ...] = ()
    each: bool = False
    rows: str = ""  # "none" or "some": how many there may be
    per_row: tuple[tuple[str, Expectation], ...] = ()

    @classmethod
    def of(cls, entry: object, settings: t.Mapping[str, t.Any]) -> Expectation:
        """From the catalogue's ``expect``; ``{setting: NAME}`` stands for a value that the administrator sets."""
        if not isinstance(entry, dict) or not entry:
            raise ExpectationError(
                f"expect must be a mapping of one or more of: {', '.join(sorted(TESTS))}, each, row, none, some."
            )
        if entry in ({"none": True}, {"some": True}):
            return cls(rows=next(iter(entry)))
        if "each" in entry:
            return cls(cls.of(entry["each"], settings).tests, each=True)
        if "row" in entry:
            rows = tuple((name, cls.of(wanted, settings)) for name, wanted in entry["row"].items())
            return cls(each=True, per_row=rows)
        unknown = sorted(set(entry) - set(TESTS))
        if unknown:
            known = ", ".join([*sorted(TESTS), "each", "row", "none", "some"])
            raise ExpectationError(f"expect knows no {', '.join(unknown)}. Use: {known}.")
        return cls(tuple((name, _resolved(wanted, settings)) for name, wanted in entry.items()))

    def failing(self, value: Value) -> dict[str, Value]:
        """The rows that are not as expected; a value without rows is the row ''."""
        if self.rows == "none":
            return dict(value)
        if self.rows == "some":
            return {} if value else {"": value}
        rows = value if self.each else {"": value}
        own = dict(self.per_row)
        return {name: row for name, row in rows.items() if not own.get(name, self).holds(row)}

    def holds(self, value: Value) -> bool:
        return all(TESTS[name](value, wanted) for name, wanted in self.tests)

    def words(self, unit: str = "") -> str:
        if self.rows:
            return "none" if self.rows == "none" else "at least one"
        if self.per_row:
            return ", ".join(f"{name} {wanted.words(unit)}" for name, wanted in self.per_row)
        said = " and ".join(
            WORDS[name].format(_shown(wanted, "" if name == "agrees_within_percent" else unit))
            for name, wanted in self.tests
        )
        return f"each {said}" if self.each else said


def _resolved(wanted: t.Any, settings: t.Mapping[str, t.Any]) -> t.Any:
    if isinstance(wanted, dict):
        name = wanted.get("setting")
        if name not in settings:
            raise ExpectationError(f"There is no setting {name!r}. There are: {', '.join(sorted(settings)) or 'none'}.")
        return settings[name]
    return wanted


def describe(value: Value, failing: t.Mapping[str, Value], unit: str = "") -> str:
    """What was measured, in one line; rows that are wrong come first."""
    if not isinstance(value, dict):
        return _shown(value, unit)
    if not value:
        return "none"
    ordered = {**failing, **{name: row for name, row in value.items() if name not in failing}}
    first = next(iter(value.values()))
    if first is not None and not failing and len(value) > 2 and all(row == first for row in value.values()):
        return f"{_shown(first, unit)} in all {len(value)}"
    # A row without a value is there for its name alone.
    shown = [
        f"{name}: {_shown(row, unit)}" if row is not None else name for name, row in list(ordered.items())[:SHOWN_ROWS]
    ]
    left = len(ordered) - len(shown)
    return "; ".join(shown) + (f"; and {left} more" if left else "")


def _shown(value: t.Any, unit: str) -> str:
    if isinstance(value, Pair):
        return _pair(value, f" {unit}" if unit else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{number(value)}{' ' + unit if unit else ''}"
    return str(value) if value != "" else "not stated"


def _pair(pair: Pair, unit: str) -> str:
    if pair.first == pair.second:
        return f"{number(pair.first)}{unit} both ways"
    gap = (
        f"{pair.percent:.3g} % apart" if pair.percent else f"{number(abs(pair.first - pair.second))} apart, on its way"
    )
    return f"{number(pair.first)} against {number(pair.second)}{unit} ({gap})"


def number(value: float) -> str:
    """A number with as many digits as help: 12,345 or 0.0123."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.1f}"
    return f"{value:.4g}"
