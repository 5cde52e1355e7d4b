# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements made by sending to the collector as a client would, and by looking for it in the stores."""

from __future__ import annotations

import dataclasses
import functools
import time
import typing as t
import uuid

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, Metric
from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, Noted
from ansible_collections.observability.claude_code.plugins.module_utils._expectations import Pair
from ansible_collections.observability.claude_code.plugins.module_utils._measures import Stack
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import OtlpClient
from ansible_collections.observability.claude_code.plugins.module_utils._probe import (
    EVENT,
    METRIC,
    SERVICE,
    SIGNALS,
    Probe,
    send,
)
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.module_utils._servers import ServerError

# Binary fractions: however they are added up, an exact store gives exactly their sum.
POINTS = (0.25, 1.5, 3.0, 0.125)
PROBES = Catalogue({"probe": Metric(name="probe", otel=METRIC, about="What probes have sent")})
# Where clients tell of their users' work the probe says this, which harms nobody where it is kept.
TEXT = "text of a probe"
PAUSE_S = 0.25


@dataclasses.dataclass(frozen=True)
class ProbeWithTexts(Probe):
    """A probe whose event carries what is not to be stored."""

    fields: tuple[str, ...] = ()

    def body(self, signal: str) -> dict[str, t.Any]:
        body = super().body(signal)
        if signal == "logs":
            record = body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
            record["attributes"] += [{"key": field, "value": {"stringValue": TEXT}} for field in self.fields]
        return body


@dataclasses.dataclass
class Sighting:
    """What one store has of the probe: ``value`` once it is ``wanted``, after how many seconds."""

    read: t.Callable[[], t.Any]
    wanted: t.Any
    value: t.Any = 0
    after_s: float = 0.0
    error: ServerError | None = None
    asked: bool = False

    @property
    def found(self) -> bool:
        return self.value == self.wanted

    @property
    def settled(self) -> bool:
        return self.found or self.error is not None

    def look(self, began: float) -> None:
        self.asked = True
        # That one store is down says nothing of the other.
        try:
            self.value, self.after_s = self.read(), time.monotonic() - began
        except ServerError as error:
            self.error = error

    def result(self) -> t.Any:
        if self.error:
            raise self.error
        return self.value

    def note(self) -> str:
        return f"after {self.after_s:.1f} s" if self.found else f"still so after {self.after_s:.0f} s"


class FrontDoor:
    """Sends one probe through the collector's own endpoint, however many checks ask about it."""

    def __init__(
        self,
        stack: Stack,
        endpoint: str,
        token: t.Callable[[], str | None],
        ca_file: str | None = None,
        limit_s: float = 60.0,
    ) -> None:
        self.stack, self.endpoint, self.token, self.ca_file, self.limit_s = stack, endpoint, token, ca_file, limit_s
        self._probe: Probe | None = None
        self._began = 0.0
        self._sightings: dict[str, Sighting] = {}
        self._rows: list[dict[str, str]] = []

    def vocabulary(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"probe": self.probe, "refused": self.refused}

    def probe(self, what: str) -> Noted:
        """``metrics``: what was sent against what is read back; ``arrival``: how many series of it there are;
        ``copies``: the same for each redundant delivery; ``events``: how many times its event is found;
        ``texts``: which texts of its event were stored.
        """
        probe = self._send()
        exact = self.stack.delivery == "otlp"
        primary = (
            Sighting(lambda: self._read_sum(probe), probe.sum)
            if exact
            else Sighting(lambda: self._count_series(probe), 1)
        )
        found = self._look({"metrics": primary, "events": Sighting(lambda: self._count_events(probe), 1)})
        metrics, events = found["metrics"], found["events"]
        if what == "metrics":
            return Noted(Pair(probe.sum, metrics.result()), metrics.note())
        if what == "arrival":
            return Noted(metrics.result(), metrics.note())
        if what == "events":
            return Noted(events.result(), events.note())
        if what == "copies":
            copies = self._look(
                {
                    copy: Sighting(functools.partial(self._count_series, probe, copy), 1)
                    for copy in self.stack.deliveries[1:]
                }
            )
            slowest = max(copies.values(), key=lambda one: one.after_s)
            return Noted({name: one.result() for name, one in copies.items()}, slowest.note())
        if what != "texts":
            raise MeasureError(f"probe knows metrics, arrival, copies, events and texts, not {what!r}.")
        if not events.result():
            raise MeasureError("The probe's event was not found in Loki, so nothing can be said of what it holds.")
        fields = self.stack.private_fields
        return Noted({field: "is stored" for field in fields for row in self._rows if TEXT in row.get(field, "")})

    def refused(self, how: str) -> dict[str, t.Any]:
        """The status of each signal's answer to a send with no token (``none``) or with a ``wrong`` one."""
        token = None if how == "none" else f"wrong-{uuid.uuid4().hex}"
        with self._client(token) as client:
            outcome = send(client, Probe.now(None, (1.0,)), SIGNALS, "refused")
        return {
            signal: str(reply) if reply.status is None else reply.status for signal, reply in outcome.replies.items()
        }

    def _client(self, token: str | None) -> OtlpClient:
        return OtlpClient(self.endpoint, token=token, ca_file=self.ca_file)

    def _send(self) -> Probe:
        if self._probe is None:
            probe = dataclasses.replace(ProbeWithTexts.now(None, POINTS), fields=tuple(self.stack.private_fields))
            self._began = time.monotonic()
            with self._client(self.token()) as client:
                outcome = send(client, probe, SIGNALS, "accepted")
            if not outcome.as_expected:
                raise MeasureError(outcome.diagnosis(self.endpoint))
            self._probe = probe
        return self._probe

    def _look(self, wanted: dict[str, Sighting]) -> dict[str, Sighting]:
        """Asks for all that is wanted until it is found or time is up; what was asked for before is known."""
        sightings = {name: self._sightings.setdefault(name, sighting) for name, sighting in wanted.items()}
        open_ones = [sighting for sighting in sightings.values() if not sighting.asked]
        while True:
            for sighting in open_ones:
                sighting.look(self._began)
            open_ones = [sighting for sighting in open_ones if not sighting.settled]
            if not open_ones or time.monotonic() - self._began >= self.limit_s:
                return sightings
            time.sleep(PAUSE_S)

    def _read_sum(self, probe: Probe) -> float:
        query = Reading(PROBES, "10m", self.stack.delivery).total("probe", where={"probe_id": probe.id})
        return sum(sample.value for sample in self.stack.prometheus.query(query))

    def _count_series(self, probe: Probe, copy: str = "") -> float:
        series = Reading(PROBES, copy=copy).selector(PROBES.metric("probe"), {"probe_id": probe.id})
        found = self.stack.prometheus.query(f"count(last_over_time({series}[10m]))")
        return sum(sample.value for sample in found)

    def _count_events(self, probe: Probe) -> int:
        moment = probe.time_ns / 1e9
        query = f'{{service_name="{SERVICE}", event_name="{EVENT}"}} | probe_id="{probe.id}"'
        self._rows = self.stack.loki.rows(query, moment - 3600, moment + 3600)
        return len(self._rows)
