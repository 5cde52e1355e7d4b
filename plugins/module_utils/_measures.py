# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of measurements that checks may use, as far as they ask the servers."""

from __future__ import annotations

import re
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, Events
from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, SkipCheck
from ansible_collections.observability.claude_code.plugins.module_utils._expectations import number
from ansible_collections.observability.claude_code.plugins.module_utils._private_texts import (
    TEXTS,
    WITHHELD,
    private_fields,
)
from ansible_collections.observability.claude_code.plugins.module_utils._probe import EVENT
from ansible_collections.observability.claude_code.plugins.module_utils._promql import Reading
from ansible_collections.observability.claude_code.plugins.module_utils._servers import (
    Collector,
    Loki,
    Prometheus,
    Sample,
    ServerError,
    Web,
)

# The streams of the clients, whatever name people gave to the service; what is no event has no name of one.
EVENTS = f'{{service_name=~".+", event_name=~".+", event_name!="{EVENT}"}}'
# A client sends its events every 5 s and its counters every 60 s, unless it is told otherwise. So what happened near
# the two ends of the range may be in one of them only.
SETTLING_S = 120.0
# Longer than any sensible scrape interval.
SCRAPE_PATIENCE_S = 65.0
PAUSE_S = 0.5


@dataclass(frozen=True)
class Stack:
    """The servers to look at, and over which range of time. ``deliveries``: the first is the primary."""

    prometheus: Prometheus
    loki: Loki
    collector: Collector
    health: Web
    catalogue: Catalogue
    deliveries: tuple[str, ...] = ("otlp",)
    window: str = "24h"
    window_s: float = 86400.0
    now: float = field(default_factory=time.time)
    withheld: tuple[str, ...] = tuple(TEXTS)

    @property
    def private_fields(self) -> list[str]:
        """The attributes of events that are not to be stored."""
        return private_fields(self.withheld)

    @property
    def delivery(self) -> str:
        return self.deliveries[0]

    @property
    def start(self) -> float:
        return self.now - self.window_s


def events_summed(stack: Stack, events: Events, by: tuple[str, ...], window: str, at: float) -> list[Sample]:
    """What each field of these events adds up to in the window that ends ``at``, by labels."""
    selected = EVENTS.replace(f'event_name=~".+", event_name!="{EVENT}"', f'event_name="{events.event}"')
    grouped = f"sum by ({', '.join(by)})" if by else "sum"
    found = []
    for attribute in events.fields.values():
        field = attribute.replace(".", "_")
        query = f'{grouped} (sum_over_time({selected} | unwrap {field} | __error__="" [{window}]))'
        found += stack.loki.query(query, at)
    return found


class ServerMeasures:
    """Measurements made by reading from the servers of one stack."""

    # How long a queue may take to show that it drains, and half of what a server may take to become ready.
    watch_s = 10.0

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._has_data: bool | None = None

    def vocabulary(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "answers": self.answers,
            "versions": self.versions,
            "flag": self.flag,
            "setting": self.setting,
            "target": self.target,
            "rules": self.rules,
            "promql": self.promql,
            "logql": self.logql,
            "total": self.total,
            "metric_names": self.metric_names,
            "event_names": self.event_names_with_probes,
            "stored_texts": self.stored_texts,
            "collector_counters": self.collector_counters,
            "queue": self.queue,
            "clocks": self.clocks,
        }

    # --- are they there, and how are they set up -----------------------------------------------------------------

    def answers(self, paths: dict[str, str]) -> dict[str, int]:
        """HTTP status of each program's own address of health."""
        return {name: self._health(name, path) for name, path in paths.items()}

    def _health(self, name: str, path: str) -> int:
        # Loki says for 15 s after it was first asked that it is not ready yet.
        ends = time.monotonic() + 2 * self.watch_s
        while True:
            status = self._webs()[name].get(path).status
            if status != 503 or time.monotonic() >= ends:
                return status

    def versions(self, programs: list[str]) -> dict[str, str]:
        stack = self.stack
        readers = {"collector": stack.collector, "prometheus": stack.prometheus, "loki": stack.loki}
        return {program: readers[program].version() for program in programs}

    def flag(self, name: str) -> str:
        """A command line flag of the running Prometheus."""
        flags = self.stack.prometheus.flags()
        if name not in flags:
            raise MeasureError(f"Prometheus has no flag --{name}. It may be too old: look at its version.")
        return flags[name]

    def setting(self, name: str) -> str:
        """A setting of the running Prometheus."""
        return self.stack.prometheus.setting(name) or "0s"

    def target(self, what: str) -> str:
        """Health of the scrape target whose series have the label job=``what``: up, down, unknown or absent.

        What Prometheus says of a target is as old as its last scrape, which may have been before the target started;
        so one that is not up is looked at again until it was scraped once more.
        """
        first = self._targets(what)
        if not first:
            return "absent"
        scraped = {target["scrapeUrl"]: target.get("lastScrape") for target in first if "scrapeUrl" in target}
        deadline = time.monotonic() + SCRAPE_PATIENCE_S
        while True:
            bad = [target for target in self._targets(what) if target["health"] != "up"]
            if not bad:
                return "up"
            stale = [target for target in bad if scraped.get(target.get("scrapeUrl"), "") == target.get("lastScrape")]
            if not stale or time.monotonic() > deadline:
                return f"{bad[0]['health']}: {bad[0]['lastError']}" if bad[0]["lastError"] else bad[0]["health"]
            time.sleep(PAUSE_S)

    def _targets(self, job: str) -> list[dict[str, t.Any]]:
        return [target for target in self.stack.prometheus.targets() if target["labels"].get("job") == job]

    def rules(self, what: str) -> t.Any:
        """``loaded``: how many record something; ``failing``: those that did not evaluate, with the error."""
        rules = self.stack.prometheus.rules()
        if what == "loaded":
            return sum(rule["type"] == "recording" for rule in rules)
        return {
            f"{rule['group']}/{rule['name']}": rule.get("lastError", "") for rule in rules if rule["health"] == "err"
        }

    # --- what is stored ------------------------------------------------------------------------------------------

    def promql(self, query: str) -> float:
        return self._one(self.stack.prometheus.query(self._filled(query), self.stack.now))

    def logql(self, query: str) -> float:
        return self._one(self.stack.loki.query(self._filled(query), self.stack.now))

    def total(self, asked: dict[str, t.Any]) -> t.Any:
        """What a metric of the catalogue counted in the range: ``{metric: NAME, by: LABEL}``; by may be left out."""
        stack = self.stack
        by = (asked["by"],) if "by" in asked else ()
        query = Reading(stack.catalogue, stack.window, stack.delivery).total(asked["metric"], by)
        samples = stack.prometheus.query(query, stack.now)
        if not samples:
            raise SkipCheck("No data yet: the metric has no points in the range.")
        return {sample.labels.get(by[0], ""): sample.value for sample in samples} if by else samples[0].value

    def metric_names(self, what: str) -> dict[str, str | None]:
        """``doubled``: names with the prefix twice; ``missing``: metrics that must be there, as their events are."""
        stack = self.stack
        if what == "doubled":
            return dict.fromkeys(stack.prometheus.names("claude_code_claude_code_.+", stack.start, stack.now))
        if what != "missing":
            raise MeasureError(f"metric_names knows doubled and missing, not {what!r}.")
        there = set(stack.prometheus.names("claude_code_.+", stack.start, stack.now))
        seen = set(self.event_names(""))
        wanted = {
            metric.prometheus: f"although there are events {metric.derived.event}"
            for metric in stack.catalogue.metrics.values()
            # Only events that always carry the value tell that the metric must be there.
            if metric.derived and not metric.derived.value and not metric.derived.where and metric.derived.event in seen
        }
        for metric in stack.catalogue.metrics.values():
            # A client sends its first counters a while after its first events, and no zeros.
            if (
                metric.prometheus not in there
                and metric.events
                and metric.events.event in seen
                and self._summed(metric.events)
            ):
                wanted[metric.prometheus] = f"although there are events {metric.events.event}"
        return {name: reason for name, reason in wanted.items() if name not in there}

    def _summed(self, events: Events) -> float:
        """What the fields of the events add up to that are old enough for their counters to be there."""
        stack = self.stack
        found = events_summed(stack, events, (), stack.window, stack.now - SETTLING_S)
        return sum(sample.value for sample in found)

    def event_names(self, _all: str) -> dict[str, None]:
        """The events that Loki has, by its stream label event_name."""
        stack = self.stack
        return dict.fromkeys(stack.loki.label_values("event_name", EVENTS, stack.start, stack.now))

    def event_names_with_probes(self, _all: str) -> dict[str, None]:
        """The same, probes included: enough to see that the label is there."""
        stack = self.stack
        streams = EVENTS.replace(f', event_name!="{EVENT}"', "")
        return dict.fromkeys(stack.loki.label_values("event_name", streams, stack.start, time.time()))

    def stored_texts(self, _all: str) -> dict[str, float]:
        """How many events of the range hold each private field with more in it than the client's own placeholder."""
        told = {
            name: "(" + " and ".join(f'{name} != "{text}"' for text in WITHHELD) + ")"
            for name in self.stack.private_fields
        }
        # Loki reads every event for such a question, so it is asked once for all fields as long as there is none.
        if not self._events_with(" or ".join(told.values())):
            return dict.fromkeys(told, 0.0)
        return {name: self._events_with(condition) for name, condition in told.items()}

    def _events_with(self, condition: str) -> float:
        return self.logql(f"sum(count_over_time({EVENTS} | {condition} [$range]))")

    def has_data(self) -> bool:
        """Whether any client has sent anything in the range; probes do not count."""
        if self._has_data is None:
            self._has_data = self._any_data()
        return self._has_data

    def _any_data(self) -> bool:
        stack = self.stack
        own = {metric.prometheus for metric in stack.catalogue.metrics.values()}
        if own & set(stack.prometheus.names("claude_code_.+", stack.start, stack.now)):
            return True
        return bool(self.event_names(""))

    # --- the collector -------------------------------------------------------------------------------------------

    def collector_counters(self, asked: dict[str, t.Any]) -> dict[str, float]:
        """Counters of the collector since it started, by name and what they belong to.

        ``{losses: [PATTERN...], beside: PATTERN}``: many counters of losses are there after the first loss only, so
        that others must be there (``beside``) shows that their absence means something.
        """
        samples = self.stack.collector.metrics()
        beside = [sample.value for name, sample in samples if re.fullmatch(asked["beside"], name)]
        if not sum(beside):
            raise SkipCheck("Nothing has passed through the collector since it started.")
        names = re.compile("|".join(f"(?:{pattern})" for pattern in asked["losses"]))
        found = {_titled(name, sample): sample.value for name, sample in samples if names.fullmatch(name)}
        return found or {f"losses among {number(sum(beside))} entries": 0}

    def queue(self, what: str) -> dict[str, float]:
        """``filled``: percent of each exporter's queue in use; ``stuck``: what is in those that do not drain."""
        if what == "filled":
            capacity = self._queues("otelcol_exporter_queue_capacity")
            sizes = self._queues("otelcol_exporter_queue_size")
            return {name: round(100 * size / capacity[name], 1) for name, size in sizes.items() if capacity.get(name)}
        if what != "stuck":
            raise MeasureError(f"queue knows filled and stuck, not {what!r}.")
        before = latest = self._queues("otelcol_exporter_queue_size")
        stuck = {name for name, size in before.items() if size}
        ends = time.monotonic() + self.watch_s
        # An idle stack answers at once; a busy one gets the time to show that it drains.
        while stuck and time.monotonic() < ends:
            time.sleep(min(1.0, self.watch_s / 10))
            latest = self._queues("otelcol_exporter_queue_size")
            stuck = {name for name in stuck if latest.get(name, 0) >= before[name]}
        return {name: latest.get(name, 0) if name in stuck else 0 for name in before}

    def _queues(self, metric: str) -> dict[str, float]:
        found = {_titled("", sample): sample.value for name, sample in self.stack.collector.metrics() if name == metric}
        if not found:
            raise MeasureError(f"The collector has no metric {metric}. Do its exporters have a sending_queue?")
        return found

    # --- the rest ------------------------------------------------------------------------------------------------

    def clocks(self, programs: list[str]) -> dict[str, float]:
        """Seconds by which each server's clock differs from this machine's."""
        paths = {"prometheus": "/-/ready", "loki": "/ready", "collector": "/"}
        offsets = {}
        for name in programs:
            offset = self._webs()[name].get(paths[name]).clock_offset
            if offset is None:
                raise MeasureError(
                    f"{name} states no time in its answers. Look at a proxy between it and this machine."
                )
            offsets[name] = round(abs(offset), 1)
        return offsets

    def _webs(self) -> dict[str, Web]:
        stack = self.stack
        return {"collector": stack.health, "prometheus": stack.prometheus.web, "loki": stack.loki.web}

    def _filled(self, query: str) -> str:
        """``$range`` becomes the range looked at, ``$series_NAME`` the series' name of a metric of the catalogue."""

        def fill(found: re.Match[str]) -> str:
            word = found.group(1)
            if word == "range":
                return self.stack.window
            if word == "events":
                return EVENTS
            if word.startswith("series_"):
                return self.stack.catalogue.metric(word.removeprefix("series_")).prometheus
            raise MeasureError(f"${word} in a query stands for nothing. Use $range, $events or $series_METRIC.")

        return re.sub(r"\$([a-z_]+)", fill, query)

    @staticmethod
    def _one(samples: list[Sample]) -> float:
        """The value of a query with one result; none means that nothing was counted."""
        if len(samples) > 1:
            raise ServerError(f"The query gave {len(samples)} series where one is expected. Sum them up in the query.")
        return samples[0].value if samples else 0


def _titled(name: str, sample: Sample) -> str:
    """A counter's name without its prefix, and what it belongs to."""
    owner = [
        sample.labels[key]
        for key in ("receiver", "processor", "exporter", "transport", "data_type")
        if key in sample.labels
    ]
    return " ".join([name.removeprefix("otelcol_"), *owner]).strip()
