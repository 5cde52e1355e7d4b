# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which attributes are renamed, dropped, or taken off the resource."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._attribute_names import (
    event_fields,
    foreign_names,
    other_spellings,
)
from ansible_collections.observability.claude_code.plugins.module_utils._captures import read
from support.checkout import CHECKOUT
from support.stack import catalogue

CATALOGUE = catalogue()
SAMPLES = sorted((CHECKOUT / "files" / "samples").glob("*.jsonl*"))


def test_a_label_with_a_dot_has_another_spelling() -> None:
    spellings = other_spellings(CATALOGUE)
    assert spellings["user_name"] == "user.name"
    assert spellings["deployment_environment"] == "deployment.environment"
    assert "team" not in spellings


def test_the_labels_of_the_recording_rules_and_of_copies_are_ours_alone() -> None:
    assert {"copy", "pass", "term"} <= {*foreign_names(CATALOGUE)}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_nothing_that_the_client_itself_sends_is_dropped(path: Path) -> None:
    assert names(read(path).requests) & {*foreign_names(CATALOGUE)} == set()


def names(told: object) -> set[str]:
    """Of all attributes, wherever they stand."""
    if isinstance(told, dict):
        own = {told["key"]} if "key" in told and "value" in told else set()
        return own.union(*map(names, told.values()))
    if isinstance(told, (list, tuple)):
        return set().union(*map(names, told))
    return names(told.body) if hasattr(told, "body") else set()


def test_what_an_event_says_of_itself_is_not_asked_of_the_resource() -> None:
    fields = event_fields(CATALOGUE)
    assert {"model", "tool_name", "cost_usd", "user.name"} <= {*fields}
    # These may stand on the resource alone.
    assert {label.otel for label in (*CATALOGUE.standard_labels, *CATALOGUE.resource_labels)} & {*fields} == {
        "user.name"
    }
