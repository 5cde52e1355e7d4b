# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as people read them."""

from __future__ import annotations

import datetime as dt

NOTHING = "\N{EN DASH}"
STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
BYTES = ((1024**4, "TiB"), (1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
MINUTE, HOUR, DAY = 60, 3600, 86400
# Units that are part of how a number is written; all others are words for what is counted.
SELF_EVIDENT = ("share", "s", "ms", "By", "time")


def quantity(value: float | None, unit: str = "", decimals: int | None = None, zone: dt.tzinfo | None = None) -> str:
    """A number with its unit, short: $1.37, 1.33 M tokens, 19.4 %, 2 min 5 s. Times are those of ``zone``."""
    number, beside = parts(value, unit, decimals, zone)
    return f"{number}{beside}" if beside.startswith("/") else f"{number} {beside}".strip()


def figure(value: float | None, unit: str = "", decimals: int | None = None, zone: dt.tzinfo | None = None) -> str:
    """The same in the cell of a table, whose heading says what is counted."""
    if unit.startswith("USD") or unit in SELF_EVIDENT:
        return quantity(value, unit, decimals, zone)
    return parts(value, unit, decimals)[0]


def parts(
    value: float | None, unit: str = "", decimals: int | None = None, zone: dt.tzinfo | None = None
) -> tuple[str, str]:
    """A number and what is written smaller beside it."""
    if value is None:
        return NOTHING, ""
    if unit.startswith("USD"):
        return money(value, decimals), unit.removeprefix("USD").strip()
    if unit == "share":
        return f"{100 * value:.{1 if decimals is None else decimals}f}", "%"
    if unit in ("s", "ms"):
        return duration(value / 1000 if unit == "ms" else value), ""
    if unit == "By":
        return size(value), ""
    if unit == "time":
        return moment(value, zone), ""
    text = short(value) if decimals is None else f"{value:,.{decimals}f}"
    return text, singular(unit) if text == "1" else unit


def short(value: float) -> str:
    """A plain number with three or four digits: 12, 9,876, 1.33 M."""
    if abs(value) >= 9_999.5:
        for size_, letter in STEPS:
            if abs(value) >= 0.9995 * size_:
                return f"{_three(value / size_)} {letter}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def money(value: float, decimals: int | None = None) -> str:
    sign, value = ("\N{MINUS SIGN}" if value < 0 else ""), abs(value)
    if decimals is None:
        decimals = 2 if value >= 0.1 or value < 0.00005 else 4
    if round(value, decimals) == 0:
        sign = ""
    if value >= 99_999.5:
        return f"{sign}${short(value)}"
    return f"{sign}${value:,.{decimals}f}"


def duration(seconds: float) -> str:
    """Two units at most: 4 ms, 1.2 s, 3 min 5 s, 2 h 10 min, 3 d 4 h."""
    if seconds < 0:
        return "\N{MINUS SIGN}" + duration(-seconds)
    if 0 < seconds < 0.9995:
        return f"{_three(1000 * seconds)} ms" if seconds < 0.00995 else f"{1000 * seconds:.0f} ms"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if round(seconds) < MINUTE:
        return f"{seconds:.0f} s"
    if round(seconds) < HOUR:
        large, small, words = MINUTE, 1, "min s"
    elif round(seconds / MINUTE) * MINUTE < DAY:
        large, small, words = HOUR, MINUTE, "h min"
    else:
        large, small, words = DAY, HOUR, "d h"
    whole, rest = divmod(round(seconds / small), large // small)
    one, two = words.split()
    return f"{whole} {one} {rest} {two}" if rest else f"{whole} {one}"


def size(value: float) -> str:
    for unit, letters in BYTES:
        if abs(value) >= 0.9995 * unit:
            return f"{_three(value / unit)} {letters}"
    return f"{value:.0f} B"


def moment(at: float, zone: dt.tzinfo | None = None) -> str:
    """A unix time on the clock of ``zone`` (None: this machine's)."""
    return f"{clock(at, zone):%-d %b %H:%M}"


def clock(at: float, zone: dt.tzinfo | None = None) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, dt.UTC).astimezone(zone)


def singular(unit: str) -> str:
    """One of what ``unit`` counts: sessions, retries, searches, pull requests."""
    before, space, word = unit.rpartition(" ")
    if not word.isalpha():
        return unit
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("ches", "shes", "sses", "xes")):
        word = word[:-2]
    elif word.endswith("s") and len(word) > 2 and not word.endswith("ss"):
        word = word[:-1]
    return before + space + word


def _three(value: float) -> str:
    """Three digits, without an exponent and without zeros at the end."""
    places = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
