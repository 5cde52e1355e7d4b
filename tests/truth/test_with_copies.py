# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With redundant copies the primary stays exact, and each copy is as exact as docs/deliveries.md says."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture
from support.checkout import CHECKOUT
from support.comparison import Comparison
from support.stack import COLLECTOR, PROMETHEUS, Stack, StackError, catalogue, until
from truth.playing import play

CATALOGUE = catalogue()
METRICS = sorted(CATALOGUE.metrics)
COPIES = ("scrape", "remote_write")
# Copies concern these alone.
CHANGED = ("--tags", "prometheus,otel_collector")
DOCUMENT = CHECKOUT / "docs" / "deliveries.md"


def promised(delivery: str, kind: str) -> float:
    """The largest error that the document's table allows: `| delivery | sums | histograms |`."""
    row = re.search(rf"^\| `{delivery}` \| ([\d.]+) % \| ([\d.]+) % \|", DOCUMENT.read_text(), re.MULTILINE)
    assert row, f"{DOCUMENT.name} says nothing of {delivery}"
    return float(row.group(1 if kind == "sum" else 2)) / 100


def error(comparison: Comparison, name: str) -> float:
    """How far a metric's total is from the truth, as a share of it."""
    wanted = sum(comparison.truth.total(name, (), comparison.where).values())
    return abs(sum(comparison.found(ex.Total(name, comparison.where)).values()) - wanted) / wanted


def of(comparison: Comparison, copy: str) -> Comparison:
    return replace(comparison, delivery=copy, copy=copy)


@pytest.fixture(scope="module")
def with_copies(stack: Stack, recordings: list[Capture]) -> Iterator[Comparison]:
    stack.playbook("site.yml", *CHANGED, stack_delivery=["otlp", *COPIES])
    for program in (COLLECTOR, PROMETHEUS):
        stack.ready(program)
    comparison, _receipt = play(stack, recordings, "copies")
    # The last to arrive is what is scraped.
    with contextlib.suppress(StackError):
        until(lambda: all(error(of(comparison, copy), "tokens") < 0.02 for copy in COPIES), 60, "all is scraped")
    yield comparison
    stack.playbook("site.yml", *CHANGED)


@pytest.mark.parametrize("name", METRICS)
def test_the_primary_stays_exact(with_copies: Comparison, name: str) -> None:
    assert with_copies.total(name, ("session_id",)) == []


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("name", METRICS)
def test_a_copy_is_as_exact_as_documented(with_copies: Comparison, name: str, copy: str) -> None:
    assert error(of(with_copies, copy), name) <= promised(copy, CATALOGUE.metric(name).kind)
