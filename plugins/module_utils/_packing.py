# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Things of different sizes in rows of a limited one, in their order: panels of a dashboard, rules of an object."""

from __future__ import annotations

import typing as t

Item = t.TypeVar("Item")


def packed(items: t.Iterable[Item], size: t.Callable[[Item], int], most: int) -> list[list[Item]]:
    """The items in lists of at most ``most`` in all; one that is larger has a list of its own."""
    found: list[list[Item]] = []
    free = 0
    for item in items:
        taken = size(item)
        if taken > free or not found:
            found.append([])
            free = most
        found[-1].append(item)
        free -= taken
    return found
