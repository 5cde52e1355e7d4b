# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers, durations and texts of alert rules that an administrator may change, by name."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import CatalogueError, known_keys
from ansible_collections.observability.claude_code.plugins.module_utils._expressions import DURATION

NUMBER, PERIOD, TEXT = "number", "duration", "text"
# A text stands in queries between quotes: names of Kubernetes and the like.
PLAIN = re.compile(r"^[\w.:/-]+$")
# Beyond this a share is taken for a percentage, with which the alert would be silent for ever.
LARGEST_SHARE = 2
WANTED = {
    NUMBER: "a number",
    PERIOD: "a duration such as 30m, 24h or 7d",
    TEXT: "a text of letters, digits and any of . : / - _",
}


@dataclass(frozen=True)
class Threshold:
    """``value`` is what stands in the rules unless another is chosen: a number in ``unit``, a duration or a text."""

    name: str
    value: float | str
    about: str
    unit: str = ""

    @property
    def kind(self) -> str:
        return _kind(self.value)


def thresholds_of(
    entries: t.Mapping[str, t.Mapping[str, t.Any]], settings: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, Threshold]:
    """The content of thresholds.yml; ``settings`` is that of settings.yml, whose values some have."""
    found = {}
    for name, written in entries.items():
        at = f"thresholds.yml: {name}"
        known_keys(written, {"value", "unit", "about", "setting"}, at)
        if "setting" in written and written["setting"] not in settings:
            raise CatalogueError(f"{at} has the value of {written['setting']!r}, which settings.yml lacks.")
        entry = settings[written["setting"]] if "setting" in written else written
        if "value" not in entry or "about" not in entry:
            raise CatalogueError(f"{at} needs value and about, or setting.")
        found[name] = Threshold(name, entry["value"], entry["about"], entry.get("unit", ""))
    return found


def values_of(thresholds: t.Mapping[str, Threshold], chosen: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The value of each threshold, ``chosen`` ones before those of the catalogue."""
    unknown = sorted(set(chosen) - set(thresholds))
    if unknown:
        raise CatalogueError(f"There is no threshold {', '.join(unknown)}. There are: {', '.join(sorted(thresholds))}.")
    for name, value in chosen.items():
        kind = thresholds[name].kind
        if _kind(value) != kind:
            raise CatalogueError(f"The threshold {name} is {value!r}. Write {WANTED[kind]}.")
        if thresholds[name].unit == "share" and value > LARGEST_SHARE:
            raise CatalogueError(f"The threshold {name} is {value!r}, a share. Write {value / 100:g} for {value:g} %.")
    return {name: chosen.get(name, one.value) for name, one in thresholds.items()}


def filled(entry: t.Any, values: t.Mapping[str, t.Any], at: str) -> tuple[t.Any, tuple[str, ...]]:
    """What is written with values in the place of each ``{threshold: NAME}``, and the names of those."""
    used: list[str] = []

    def fill(tree: t.Any) -> t.Any:
        if isinstance(tree, dict):
            if set(tree) != {"threshold"}:
                return {key: fill(value) for key, value in tree.items()}
            name = tree["threshold"]
            if name not in values:
                raise CatalogueError(f"{at}: there is no threshold {name!r}. Use one of: {', '.join(sorted(values))}.")
            used.append(name)
            return values[name]
        return [fill(one) for one in tree] if isinstance(tree, list) else tree

    return fill(entry), tuple(dict.fromkeys(used))


def _kind(value: t.Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return NUMBER
    if isinstance(value, str) and DURATION.match(value):
        return PERIOD
    return TEXT if isinstance(value, str) and PLAIN.match(value) else ""
