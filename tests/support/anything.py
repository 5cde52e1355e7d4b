# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever JSON can hold, for tests of what has to cope with anything. The same examples at every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import configuration, settings
from hypothesis import strategies as some
from support.checkout import CHECKOUT

# What is kept between runs is kept where all else is.
configuration.set_hypothesis_home_dir(CHECKOUT / ".cache" / "hypothesis")

SETTINGS = settings(max_examples=150, deadline=None, database=None, derandomize=True)


def leaves(words: Sequence[str]) -> some.SearchStrategy[Any]:
    """What holds nothing else; texts are often one of the words."""
    texts = some.one_of(some.sampled_from(words), some.text(max_size=5))
    return some.one_of(some.none(), some.booleans(), some.integers(), some.floats(), texts)


def anything(keys: Sequence[str], words: Sequence[str]) -> some.SearchStrategy[Any]:
    """Lists and objects of these as well; their keys are often among the keys."""
    names = some.one_of(some.sampled_from(keys), some.text(max_size=3))
    return some.recursive(
        leaves(words),
        lambda inner: some.one_of(some.lists(inner, max_size=3), some.dictionaries(names, inner, max_size=4)),
        max_leaves=12,
    )
