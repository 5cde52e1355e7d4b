# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads dashboards into the types that Grafana publishes, and prints what these do not know or do not take.

A program of its own, because only one version of the types can be imported at a time:
``PYTHONPATH=folder-of-a-version python grafana_schema.py a.json b.json``
"""

from __future__ import annotations

import enum
import json
import sys
import types
import typing as t
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def findings(dashboard: dict[str, t.Any]) -> t.Iterator[str]:
    """What is lost when the types read and write the dashboard, and the values that are not of the declared type."""
    read = Dashboard.from_json(dashboard)
    yield from lost(dashboard, json.loads(JSONEncoder().encode(read)), "")
    yield from wrong_attributes(read, "")


def lost(given: t.Any, kept: t.Any, at: str) -> t.Iterator[str]:
    """Entries of ``given`` that ``kept`` has not, or has otherwise. Types may add their defaults."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key in kept:
                yield from lost(value, kept[key], f"{at}/{key}")
            elif value is not None:
                yield f"{at}/{key}: unknown, its value {value!r} is lost"
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from lost(one, other, f"{at}/{number}")
    elif given != kept:
        yield f"{at}: {given!r} becomes {kept!r}"


def wrong_attributes(model: object, at: str) -> t.Iterator[str]:
    hints = t.get_type_hints(type(model), vars(sys.modules[type(model).__module__]))
    for name, hint in hints.items():
        if hasattr(model, name):
            yield from wrong(getattr(model, name), hint, f"{at}/{name}")


def wrong(value: t.Any, hint: t.Any, at: str) -> t.Iterator[str]:
    """The parts of ``value`` that are not of the type ``hint``."""
    kind, parts = t.get_origin(hint), t.get_args(hint)
    if kind in (t.Union, types.UnionType):
        tried = [list(wrong(value, part, at)) for part in parts]
        if all(tried):
            # The alternative that was followed deepest is the one that was meant.
            yield from max(tried, key=lambda one: len(one[0].split(": ")[0]))
    elif kind is list and isinstance(value, list):
        for number, one in enumerate(value):
            yield from wrong(one, parts[0], f"{at}/{number}")
    elif kind is dict and isinstance(value, dict):
        for key, one in value.items():
            yield from wrong(one, parts[1], f"{at}/{key}")
    elif is_model(value) and (hint in (object, t.Any) or isinstance(value, hint)):
        yield from wrong_attributes(value, at)
    elif isinstance(value, dict) and hasattr(hint, "from_json"):
        # The types leave some of their parts as they were read.
        model = hint.from_json(value)
        yield from lost(value, json.loads(JSONEncoder().encode(model)), at)
        yield from wrong_attributes(model, at)
    else:
        yield from wrong_plain(value, hint, at)


def wrong_plain(value: object, hint: t.Any, at: str) -> t.Iterator[str]:
    """The same for values without parts."""
    allowed: t.Sequence[object] | None = None
    if t.get_origin(hint) is t.Literal:
        allowed = t.get_args(hint)
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        allowed = [one.value for one in hint]
    if allowed is not None:
        if value not in allowed:
            yield f"{at}: {value!r} is none of {allowed}"
    elif not is_plain(value, t.get_origin(hint) or hint):
        yield f"{at}: {str(value)[:80]} is no {hint}"


def is_model(value: object) -> bool:
    return type(value).__module__.startswith("grafana_foundation_sdk.models.")


def is_plain(value: object, hint: t.Any) -> bool:
    if hint in (object, t.Any):
        return True
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


if __name__ == "__main__":
    register_default_plugins()
    for name in sys.argv[1:]:
        for finding in findings(json.loads(Path(name).read_text(encoding="utf-8"))):
            print(f"{Path(name).name}{finding}")
