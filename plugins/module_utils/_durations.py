# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as Prometheus, Loki, Mimir and Grafana's alert rules read and write them."""

from __future__ import annotations

import re
import typing as t

# Milliseconds in each unit, and whether a server writes it only where nothing remains below it: 90d, never 12w6d.
UNITS = (
    ("y", 365 * 86_400_000, True),
    ("w", 7 * 86_400_000, True),
    ("d", 86_400_000, False),
    ("h", 3_600_000, False),
    ("m", 60_000, False),
    ("s", 1_000, False),
    ("ms", 1, False),
)
PATTERN = re.compile("".join(f"(?:([0-9]+){unit})?" for unit, _milliseconds, _alone in UNITS))


def milliseconds(duration: t.Any) -> int:
    """How long it is; ValueError with what to write instead, where it is none."""
    found = PATTERN.fullmatch(duration) if isinstance(duration, str) else None
    if duration == "0":
        return 0
    if not found or not duration:
        raise ValueError(f"{duration!r} is no duration: write it as text, such as 90s, 5m or 1h30m")
    return sum(int(number or 0) * unit[1] for number, unit in zip(found.groups(), UNITS))


def shortest(length: int) -> str:
    """As a server writes so many milliseconds: 60m comes back as 1h, and 24h as 1d."""
    written = ""
    for unit, size, alone in UNITS:
        if length >= size and not (alone and length % size):
            written += f"{length // size}{unit}"
            length %= size
    return written or "0s"


def as_written(duration: t.Any) -> t.Any:
    """A duration as a server gives it back; what is none stays as it is."""
    try:
        return shortest(milliseconds(duration))
    except ValueError:
        return duration


def whole_seconds(duration: t.Any) -> int:
    """Seconds in a duration, or in a plain number of them; ValueError where it is neither or has parts of a second."""
    text = str(duration)
    found = int(text) * 1000 if text.isdecimal() else milliseconds(text)
    if found % 1000:
        raise ValueError(f"{text!r} is no whole number of seconds")
    return found // 1000
