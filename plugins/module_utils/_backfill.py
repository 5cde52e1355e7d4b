# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollups of a past that had none: what lacks in their windows, as blocks that Prometheus takes into its storage.

The rules' own expressions say what lacks, so that nothing is there twice, however often this runs.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._collector_rules import (
    BACKFILL,
    backfill_groups,
)
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import PASS, seconds
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Prometheus, ServerError

# What is asked for at once: a day or, of long windows, a month. Prometheus answers with at most 11,000 points a series.
CHUNK_S = 86400
FEWEST_WINDOWS, MOST_WINDOWS = 30, 10_000
# Prometheus looks for new blocks once a minute.
LOADED_WITHIN_S = 300
# The longest blocks that Prometheus itself makes in three steps of compaction; few files for a long past.
BLOCKS = "162h"
ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n"}

# What runs a program: its arguments to return code, output and errors.
Runner = t.Callable[[list[str]], tuple[int, str, str]]


class BackfillError(Exception):
    """What keeps the past from being filled in; the message says what to do."""


class Rule(t.NamedTuple):
    """A recorded series: its name, expression, labels, and the seconds of its window."""

    record: str
    expression: str
    labels: dict[str, str]
    window_s: int


class Backfill:
    """What the rollups of ``prometheus`` lack between ``start`` and the windows whose last pass is still to come."""

    def __init__(self, prometheus: Prometheus, catalogue: Catalogue, delivery: str, days: float) -> None:
        self.prometheus, self.now = prometheus, time.time()
        self.start = self.now - days * 86400
        latest = max(seconds(late) for rollup in catalogue.rollups.values() for late in (*rollup.near, *rollup.far))
        every = max(seconds(rollup.every) for rollup in catalogue.rollups.values())
        # Younger windows are completed by the rules. Blocks must not reach into what Prometheus still has in memory.
        self.end = min(self.now - latest - 2 * every, self._memory() - every)
        self.rules = [
            # A name of its own, since two samples of a series cannot stand at one moment.
            Rule(rule["record"], rule["expr"], {PASS: f"{BACKFILL}-{self.now:.0f}"}, seconds(rollup.window))
            for rollup, group in zip(catalogue.rollups.values(), backfill_groups(catalogue, delivery))
            for rule in group["rules"]
        ]

    def _memory(self) -> float:
        """Unix time from which on Prometheus keeps samples in memory."""
        with self.prometheus.web.reading("/api/v1/status/tsdb") as answer:
            return min(float(answer["data"]["headStats"]["minTime"]) / 1000, self.now)

    def lacking(self) -> t.Iterator[tuple[Rule, float, str]]:
        """Each missing sample: its rule, the end of its window, and its line in OpenMetrics."""
        for rule in self.rules:
            span = rule.window_s * max(FEWEST_WINDOWS, min(MOST_WINDOWS, CHUNK_S // rule.window_s))
            first = math.ceil(self.start / rule.window_s) * rule.window_s
            while first <= self.end:
                last = min(first + span - rule.window_s, self.end // rule.window_s * rule.window_s)
                for moment, line in self._lines(rule, first, last):
                    yield rule, moment, line
                first += span

    def _lines(self, rule: Rule, first: float, last: float) -> t.Iterator[tuple[float, str]]:
        for series in self.prometheus.query_range(rule.expression, first, last, rule.window_s):
            labels = {**series.labels, **rule.labels}
            text = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))
            for moment, value in series.points:
                # Just after the window's end, as the rules' own samples stand.
                yield moment, f"{rule.record}{{{text}}} {value!r} {moment + 1:.0f}\n"

    def write(self, promtool: str, data: str, run: Runner) -> int:
        """Put what lacks into Prometheus' data, and wait until it is read; the number of samples."""
        # Prometheus leaves folders alone whose name is not that of a block; renaming within the folder is one step.
        folder = tempfile.mkdtemp(prefix="backfill-", dir=data)
        try:
            lines, blocks = os.path.join(folder, "samples"), os.path.join(folder, "blocks")
            count, known = 0, None
            with open(lines, "w", encoding="utf-8") as file:
                for rule, moment, line in self.lacking():
                    file.write(line)
                    count, known = count + 1, (rule, moment)
                file.write("# EOF\n")
            if known:
                options = [f"--max-block-duration={BLOCKS}", "--quiet", "openmetrics", lines, blocks]
                code, said, error = run([promtool, "tsdb", "create-blocks-from", *options])
                if code:
                    raise BackfillError(f"{promtool} could not make blocks ({code}): {(error or said).strip()[-400:]}")
                self._move(blocks, data)
                self._wait(*known)
            return count
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _move(blocks: str, data: str) -> None:
        owner = os.stat(data)
        for name in os.listdir(blocks):
            source = os.path.join(blocks, name)
            if os.path.isfile(os.path.join(source, "meta.json")):
                for folder, _folders, files in os.walk(source):
                    for path in (folder, *(os.path.join(folder, file) for file in files)):
                        os.chown(path, owner.st_uid, owner.st_gid)
                os.rename(source, os.path.join(data, name))

    def _wait(self, rule: Rule, moment: float) -> None:
        deadline = time.monotonic() + LOADED_WITHIN_S
        while self.prometheus.query(rule.expression, moment):
            if time.monotonic() > deadline:
                raise BackfillError(
                    f"Prometheus did not read the new blocks within {LOADED_WITHIN_S} s. Its log says why; "
                    "is the data folder that of this Prometheus?"
                )
            time.sleep(2)


def _escaped(value: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in value)


__all__ = ["Backfill", "BackfillError", "Rule", "ServerError"]
