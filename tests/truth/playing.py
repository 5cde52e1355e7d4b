# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays all recordings into a stack, as of many clients in the last hours."""

from __future__ import annotations

import random
import time

from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture, moved
from support.clients import Receipt, play_all
from support.comparison import Comparison, marked
from support.stack import Stack, catalogue
from truth.interpreter import Truth

# The recordings are spread over this time, so that late and early data arrive in any order.
SPREAD_H = 23


def placed(captures: list[Capture], run: str) -> list[Capture]:
    """The recordings in the last hours, in no order, each by another client and person, whose name is known or not."""
    now = time.time()
    order = random.Random(run)
    mixed = [
        moved(capture, end=now - order.uniform(60, SPREAD_H * 3600), seed=run, user=f"{run}-{number}")
        for number, capture in enumerate(order.sample(captures, len(captures)))
    ]
    signed_in, named, named_once, others = (mixed[first::4] for first in range(4))
    return [
        *(marked([capture], **{"user.email": f"{n}@example.com"})[0] for n, capture in enumerate(signed_in)),
        *marked(named, **{"user.name": "a team's robot", "user.email": "robot@example.com"}),
        *marked(named_once, entries=False, **{"user.name": "another robot"}),
        *others,
    ]


def play(stack: Stack, recordings: list[Capture], name: str) -> tuple[Comparison, Receipt]:
    """What the stack says of the recordings beside what is true, and how their sending went."""
    run = f"{name}-{time.time_ns():x}"
    captures = marked(placed(recordings, run), department=run)
    receipt = play_all(stack.otlp_url, stack.token, captures)
    metrics = catalogue()
    comparison = Comparison(stack, metrics, Truth(metrics, captures), {"department": run})
    comparison.settle()
    return comparison, receipt
