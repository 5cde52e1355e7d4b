# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's argument specification says of its variables is what its defaults do.

Ansible takes a value from defaults/main.yml alone; the one in the specification is what ansible-doc tells people.
A default that is computed cannot be told as a value, so its description says in words what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.checkout import CHECKOUT

ROLES = sorted(path.parent.parent for path in (CHECKOUT / "roles").glob("*/meta/argument_specs.yml"))
IN_WORDS = "By default "


def read(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.is_file() else {}


def is_computed(value: Any) -> bool:
    return "{{" in str(value) or "{%" in str(value)


def in_words(option: dict[str, Any]) -> bool:
    description = option.get("description", "")
    text = description if isinstance(description, str) else " ".join(description)
    return IN_WORDS in text


def same(specified: Any, default: Any) -> bool:
    """As YAML values: 1 is neither 1.0 nor true."""
    return type(specified) is type(default) and specified == default


def complaint(option: dict[str, Any], defaults: dict[str, Any], name: str) -> str | None:
    """What is wrong with an option of one entry point."""
    if name not in defaults:
        return None if option.get("required") else "has no default, so it must be required"
    default = defaults[name]
    if option.get("required"):
        return "is required and has a default"
    if is_computed(default):
        if "default" in option:
            return f"has a computed default, {default!r}, so the specification cannot tell it as a value"
        return None if in_words(option) else f'must describe its computed default in words, as "{IN_WORDS}..."'
    if "default" not in option:
        return f"lacks default: {default!r}"
    if not same(option["default"], default):
        return f"has the default {default!r}, not {option['default']!r}"
    return f'must not say "{IN_WORDS}...", since its default is a value' if in_words(option) else None


def complaints(defaults: dict[str, Any], entries: dict[str, Any]) -> Iterator[str]:
    options = [(entry, name, option) for entry, spec in entries.items() for name, option in spec["options"].items()]
    for entry, name, option in options:
        if wrong := complaint(option, defaults, name):
            yield f"{entry}: {name} {wrong}"
    known = {name for _entry, name, _option in options}
    yield from (f"{name} is in defaults/main.yml and not specified" for name in defaults if name not in known)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_specification_and_defaults_agree(role: Path) -> None:
    entries = read(role / "meta" / "argument_specs.yml")["argument_specs"]
    assert list(complaints(read(role / "defaults" / "main.yml"), entries)) == []


@pytest.mark.parametrize(
    ("default", "option", "wrong"),
    [
        (1, {"default": 1}, None),
        (1, {"default": 1.0}, "has the default 1, not 1.0"),
        (True, {"default": 1}, "has the default True, not 1"),
        ([], {}, "lacks default: []"),
        ("", {"default": "", "required": True}, "is required and has a default"),
        ("{{ a }}", {"description": ["An address.", "By default that of a."]}, None),
        ("{{ a }}", {"description": "An address."}, "must describe its computed default in words"),
        (["{{ a }}"], {"default": ["{{ a }}"]}, "cannot tell it as a value"),
    ],
)
def test_a_difference_is_told(default: Any, option: dict[str, Any], wrong: str | None) -> None:
    found = complaint(option, {"name": default}, "name")
    assert (found is None) if wrong is None else (wrong in str(found))
