# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as people read them."""

from __future__ import annotations

NOTHING = "\N{EN DASH}"
STEPS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


def quantity(value: float | None, unit: str = "") -> str:
    """A number with its unit, short: $1.37, 1.33 M tokens, 19.4 %."""
    if value is None:
        return NOTHING
    if unit == "USD":
        return f"${value:,.2f}" if abs(value) >= 0.1 or value == 0 else f"${value:.4f}"
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{short(value)} {unit}".strip()


def short(value: float) -> str:
    """A plain number with three or four digits: 12, 9,876, 1.33 M."""
    for size, letter in STEPS:
        if abs(value) >= max(size, 10_000):
            return f"{value / size:.3g} {letter}"
    return f"{int(value):,}" if value == int(value) else f"{value:.3g}"


def duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 0.1 else f"{1000 * seconds:.0f} ms"
