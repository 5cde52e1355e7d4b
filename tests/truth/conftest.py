# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All recordings, played into the stack once."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture, read_all
from support.clients import Receipt
from support.comparison import Comparison
from support.stack import Stack
from truth.playing import play

RECORDINGS = Path(__file__).parent / "captures"


@pytest.fixture(scope="session")
def recordings() -> list[Capture]:
    return read_all([RECORDINGS])


@pytest.fixture(scope="session")
def played(stack: Stack, recordings: list[Capture]) -> tuple[Comparison, Receipt]:
    """What the stack says of the recordings beside what is true, and how their sending went."""
    return play(stack, recordings, "truth")
