# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus and Loki know of clients: their probes, and when each machine was seen last."""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._expressions import Last
from ansible_collections.observability.claude_code.plugins.module_utils._front_door import PROBES
from ansible_collections.observability.claude_code.plugins.module_utils._probe import EVENT, SERVICE
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Loki, Prometheus

MACHINE = "host_name"
USER = "user_name"
VERSION = "service_version"
# Of what a working client sends at least one each time.
TELLING = ("session_starts", "active_time", "cost")
# Loki refuses answers of more than 500 series.
AT_ONCE = 200
PAUSE_S = 0.5
IDENTIFIER = re.compile(r"[\w\-]+")


@dataclasses.dataclass(frozen=True)
class Seen:
    """When a user was seen last on a machine (Unix seconds), with which version of the client."""

    machine: str
    user: str
    version: str
    last: float


@dataclasses.dataclass(frozen=True)
class Sightings:
    """Asks the servers. ``days`` is how far sessions are looked for, ``wait_s`` how long probes may take to arrive."""

    prometheus: Prometheus
    loki: Loki
    catalogue: Catalogue
    delivery: str = "otlp"
    days: int = 14
    wait_s: float = 60.0

    def probes(self, wanted: t.Mapping[str, t.Sequence[str]]) -> dict[str, dict[str, bool]]:
        """Which signals of which probes are in the stores. Those that were accepted are waited for."""
        found: dict[str, dict[str, bool]] = {mark: dict.fromkeys(signals, False) for mark, signals in wanted.items()}
        deadline = time.monotonic() + self.wait_s
        while True:
            for signal, look in (("metrics", self._in_prometheus), ("logs", self._in_loki)):
                missing = [mark for mark, signals in found.items() if not signals.get(signal, True)]
                for first in range(0, len(missing), AT_ONCE):
                    for mark in look(missing[first : first + AT_ONCE]):
                        if mark in found:
                            found[mark][signal] = True
            if all(all(signals.values()) for signals in found.values()) or time.monotonic() > deadline:
                return found
            time.sleep(PAUSE_S)

    def _in_prometheus(self, marks: t.Sequence[str]) -> t.Iterator[str]:
        series = Reading(PROBES).selector(PROBES.metric("probe"), {"probe_id": list(marks)})
        query = f"count by (probe_id) (last_over_time({series}[1h]))"
        return (sample.labels.get("probe_id", "") for sample in self.prometheus.query(query))

    def _in_loki(self, marks: t.Sequence[str]) -> t.Iterator[str]:
        streams = f'{{service_name="{SERVICE}", event_name="{EVENT}"}}'
        listed = "|".join(mark for mark in marks if IDENTIFIER.fullmatch(mark))
        query = f'sum by (probe_id) (count_over_time({streams} | probe_id=~"{listed}" [1h]))'
        return (sample.labels.get("probe_id", "") for sample in self.loki.query(query))

    def sessions(self) -> list[Seen]:
        """Who was seen where, asked for day by day: a day of a thousand users is hundreds of thousands of series."""
        latest: dict[tuple[str, str, str], float] = {}
        for day in range(self.days):
            reading = Reading(self.catalogue, "24h", self.delivery, ago=f"{day * 24}h" if day else "")
            names = tuple(name for name in TELLING if name in self.catalogue.metrics)
            query = reading.promql(Last(names), (MACHINE, USER, VERSION))
            for sample in self.prometheus.query(query):
                key = (sample.labels.get(MACHINE, ""), sample.labels.get(USER, ""), sample.labels.get(VERSION, ""))
                latest[key] = max(latest.get(key, 0.0), sample.value)
        return [Seen(*key, last=moment) for key, moment in sorted(latest.items())]
