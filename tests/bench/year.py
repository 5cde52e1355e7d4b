# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Prometheus of its own with a year of daily rollups: those of one day, on each working day.

They are written as blocks by promtool, a day at a time, and compacted by Prometheus: each sample is a chunk of its own,
as it is where rules record once a day. Histograms are left out, since promtool cannot write them.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import PASS
from support.own_prometheus import OwnPrometheus
from support.stack import HOST, Stack, until

DAYS, DAY_S = int(os.environ.get("BENCH_DAYS", "365")), 86400
SATURDAY = 5
MOMENT = "@MOMENT@"
# Blocks that Prometheus may have left when it is done with compacting a year.
BLOCKS = 40


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

    def start(self) -> None:
        if not self.data.exists():
            self._fill()
        super().start()
        until(self._compacted, 1800, lambda: f"compacted: {self._blocks()} blocks are left")

    def _fill(self) -> None:
        lines = "".join(self._day())
        self.series = lines.count("\n")
        ends = [self.last - before * DAY_S for before in range(DAYS)]
        working = [end for end in ends if datetime.datetime.fromtimestamp(end - 1, datetime.UTC).weekday() < SATURDAY]
        self.samples = self.series * len(working)

        def write(end: float) -> None:
            file = self.folder / f"{end:.0f}"
            file.write_text(lines.replace(MOMENT, f"{end + 1:.0f}") + "# EOF\n")
            promtool = [
                self.programs / "promtool",
                "tsdb",
                "create-blocks-from",
                "--quiet",
                "openmetrics",
                file,
                self.data,
            ]
            subprocess.run(promtool, check=True, stdout=subprocess.DEVNULL)
            file.unlink()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, working))

    def _day(self) -> Iterator[str]:
        """A line for each series."""
        for rollup in (rollup for rollup in self.catalogue.rollups.values() if rollup.serves == "long"):
            for metric in (metric for metric in self.metrics if metric.kind != "histogram"):
                # The day before the end, wherever the days of UTC begin.
                raw = f'sum_over_time({metric.prometheus}{{copy=""}}[{DAY_S}s])'
                query = f"sum without ({', '.join(rollup.without)}) ({raw})"
                asked = urllib.parse.urlencode({"query": query, "time": f"{self.end:.0f}"}).encode()
                url = f"http://{HOST}:{self.stack.ports['prometheus_port']}/api/v1/query"
                with urllib.request.urlopen(url, asked, timeout=300) as reply:
                    rows = json.load(reply)["data"]["result"]
                for row in rows:
                    labels = {**row["metric"], PASS: "1m"}
                    text = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
                    yield f"{rollup.series(metric)}{{{text}}} {row['value'][1]} {MOMENT}\n"

    def _blocks(self) -> int:
        return sum(1 for meta in self.data.glob("*/meta.json"))

    def _compacted(self) -> bool:
        return self._blocks() <= BLOCKS and not list(self.data.glob("*.tmp-for-creation"))
