# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Prometheus of its own with a year of daily rollups: those of one day, on each working day."""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from bench.recording import recorded
from support.own_prometheus import OwnPrometheus
from support.stack import Stack

DAYS, DAY_S = 365, 86400
SATURDAY = 5
# Stands for the moment in the requests that are sent again and again.
MOMENT_NS = 1_234_567_890_123_456_789


class Year(OwnPrometheus):
    """The rollups for long ranges of these metrics of the stack, made of the day that ends at ``end``."""

    def __init__(self, stack: Stack, folder: Path, catalogue: Catalogue, metrics: Iterable[str], end: float) -> None:
        super().__init__(stack, folder)
        self.stack, self.catalogue, self.end = stack, catalogue, end
        self.metrics = [catalogue.metric(name) for name in metrics]
        self.samples = self.series = 0

    @property
    def last(self) -> float:
        """The end of the last day."""
        return self.end // DAY_S * DAY_S

    def fill(self) -> None:
        """In the order of time, as it would have been recorded."""
        requests = []
        for rollup in (rollup for rollup in self.catalogue.rollups.values() if rollup.serves == "long"):
            for metric in self.metrics:
                # The day before the end, wherever the days of UTC begin.
                raw = f'sum_over_time({metric.prometheus}{{copy=""}}[{DAY_S}s])'
                query = f"sum without ({', '.join(rollup.without)}) ({raw})"
                for request, points in recorded(
                    self.stack, rollup.series(metric), query, (self.end, self.end, DAY_S), MOMENT_NS
                ):
                    requests.append(request)
                    self.series += points
        old = struct.pack("<Q", MOMENT_NS)
        with ThreadPoolExecutor(2) as pool:
            for before in range(DAYS - 1, -1, -1):
                day = self.last - before * DAY_S
                if datetime.datetime.fromtimestamp(day - 1, datetime.UTC).weekday() < SATURDAY:
                    new = struct.pack("<Q", int((day + 1) * 1e9))
                    list(pool.map(self.store, [request.replace(old, new) for request in requests]))
                    self.samples += self.series
