# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where two JSON values differ, as paths that people can follow."""

from __future__ import annotations

import typing as t

# What tells the members of a list apart, where all of them have it.
NAMES = ("refId", "uid", "alert", "record", "name", "id")


def differing(before: t.Any, after: t.Any, path: str = "") -> t.Iterator[str]:
    """Paths such as ``data[A].model.expr``; the empty one where both values differ as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}, key=str):
            inner = f"{path}.{key}" if path else str(key)
            if key in before and key in after:
                yield from differing(before[key], after[key], inner)
            else:
                yield inner
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_lists(before, after, path)
    # True equals 1 to Python, not to JSON.
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):
        yield path


def _in_lists(before: list[t.Any], after: list[t.Any], path: str) -> t.Iterator[str]:
    old, new = _members(before), _members(after)
    if [*old] != [*new] and sorted(old) == sorted(new):
        yield path  # the same ones in another order
        return
    for name in {**old, **new}:
        if name in old and name in new:
            yield from differing(old[name], new[name], f"{path}[{name}]")
        else:
            yield f"{path}[{name}]"


def _members(values: list[t.Any]) -> dict[str, t.Any]:
    """Each by its name, or by its place where names do not tell them apart."""
    for key in NAMES:
        names = [value.get(key) if isinstance(value, dict) else None for value in values]
        if all(isinstance(name, (str, int)) for name in names) and len({*names}) == len(names):
            return dict(zip(map(str, names), values))
    return {str(place): value for place, value in enumerate(values)}
