# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories in INI and -e NAME=VALUE give text, which Ansible checks and does not convert: "false" would count as
true, and "30" times 24 is text of 48 digits. So a role converts where it uses a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment
from support.checkout import CHECKOUT

Token = tuple[str, str]
FILES = sorted(
    path
    for pattern in ("roles/*/tasks/**/*.yml", "roles/*/vars/**/*.yml", "roles/*/defaults/*.yml", "playbooks/*.yml")
    for path in CHECKOUT.glob(pattern)
)
TEMPLATES = sorted(path for path in CHECKOUT.glob("roles/*/templates/*") if path.is_file())
# Their values are expressions as a whole.
EXPRESSIONS = {"when", "that", "until", "changed_when", "failed_when"}
ARITHMETIC = {"+", "-", "*", "/", "//", "%", "<", ">", "<=", ">="}
CONVERSIONS = {"bool": {"bool"}, "int": {"int", "float"}, "float": {"int", "float"}}


def types() -> dict[str, str]:
    """The type of each variable of the roles."""
    found = {}
    for path in CHECKOUT.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            found |= {name: option.get("type", "str") for name, option in entry["options"].items()}
    return found


TYPES = types()


def strings(value: Any, whole: bool = False) -> Iterator[str]:
    """Templates in a YAML document; each expression that stands without braces gets them."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from strings(one, key in EXPRESSIONS)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one, whole)
    elif isinstance(value, str):
        yield "{{ " + value + " }}" if whole else value


def unconverted(template: str) -> Iterator[str]:
    """The variables of the roles that the template uses as a boolean or a number without making one of them."""
    tokens = [
        (kind, text) for _line, kind, text in Environment().lex(template) if kind not in ("whitespace", "comment")
    ]
    edged = [("", ""), *tokens, ("", ""), ("", "")]
    for at, (kind, text) in enumerate(edged):
        wanted = TYPES.get(text, "") if kind == "name" else ""
        if wanted not in CONVERSIONS or edged[at - 1][1] == ".":
            continue
        before, after, filtered = edged[at - 1], edged[at + 1], edged[at + 2]
        if after[1] == "|" and filtered[1] in CONVERSIONS[wanted]:
            continue
        if wanted == "bool" or {before[1], after[1]} & ARITHMETIC:
            yield text


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_file_converts(path: Path) -> None:
    documents = yaml.safe_load_all(path.read_text())
    assert [name for text in strings(list(documents)) for name in unconverted(text)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_template_converts(path: Path) -> None:
    assert list(unconverted(path.read_text())) == []


@pytest.mark.parametrize(
    ("template", "wrong"),
    [
        ("{{ 1 if stack_keep_prompts else 2 }}", ["stack_keep_prompts"]),
        ("{% if not stack_authentication %}", ["stack_authentication"]),
        ("{{ 1 if stack_keep_prompts | bool else 2 }}", []),
        ("{{ loki_retention_days * 24 }}", ["loki_retention_days"]),
        ("{{ 24 + loki_retention_days }}", ["loki_retention_days"]),
        ("{{ loki_retention_days | int * 24 }}d {{ loki_retention_days }}", []),
        ("stack_keep_prompts is text here", []),
    ],
)
def test_what_is_not_converted_is_found(template: str, wrong: list[str]) -> None:
    assert list(unconverted(template)) == wrong


def test_expressions_without_braces_are_read_too() -> None:
    assert [*strings({"when": ["a", "b"], "name": "c"})] == ["{{ a }}", "{{ b }}", "c"]
