# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of metrics in files/catalogue, read and checked.

A metric is written once, in YAML. The collector's rules, the recording rules, the queries of panels and checks and
the truth tests are made from it; nothing else spells a metric name.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

UNIT_SUFFIXES = {"s": "seconds", "By": "bytes", "USD": "USD", "tokens": "tokens"}
METRIC_KEYS = {"otel", "unit", "kind", "about", "labels", "events", "derived"}
DERIVED_KEYS = {"name", "value", "scale", "where"}
EVENT_KEYS = {"name", "sum", "by"}
OWN_KEYS = {"series", "kind", "labels", "unit", "about"}
ROLLUP_KEYS = {"window", "serves", "without", "about"}


class CatalogueError(Exception):
    """A file of the catalogue that cannot be used; the message names file, entry and remedy."""


@dataclass(frozen=True)
class Label:
    """An attribute of a series. ``default`` replaces it where an event lacks it (None: the label stays away)."""

    otel: str
    default: str | None = None

    @property
    def prometheus(self) -> str:
        return self.otel.replace(".", "_")


@dataclass(frozen=True)
class Derived:
    """How the collector makes a metric from events: ``event`` is the event.name, ``value`` the summed attribute.

    Without ``value`` each event counts one. ``scale`` multiplies the value (0.001: ms to s). ``where`` maps
    attributes to the values that select an event.
    """

    event: str
    value: str | None = None
    scale: float = 1.0
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Events:
    """The second way to compute one of the client's own counters: the sum of ``fields`` over events of one name.

    ``fields`` maps the value of the label ``by`` to the event's attribute; without ``by`` its only key is "".
    """

    event: str
    fields: dict[str, str]
    by: str | None = None


@dataclass(frozen=True)
class Metric:
    """One metric: ``otel`` is its OpenTelemetry name, ``unit`` its UCUM unit ("" for a plain count)."""

    name: str
    otel: str
    about: str
    unit: str = ""
    kind: str = "sum"
    labels: tuple[Label, ...] = ()
    derived: Derived | None = None
    events: Events | None = None

    @property
    def prometheus(self) -> str:
        """The series' name after the OTLP translation with suffixes: unit unless it is in the name, then _total."""
        tokens = [token for token in self.otel.replace(".", "_").split("_") if token]
        suffix = UNIT_SUFFIXES.get(self.unit, "")
        if self.kind == "sum":
            tokens = [token for token in tokens if token != "total"]
        if suffix and suffix not in tokens:
            tokens.append(suffix)
        if self.kind == "sum":
            tokens.append("total")
        return "_".join(tokens)


@dataclass(frozen=True)
class OwnMetric:
    """What a program of the stack counts of itself; ``series`` as it is scraped, a histogram without _bucket."""

    name: str
    series: str
    kind: str
    about: str
    unit: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rollup:
    """Sums of each metric over ``window`` that Prometheus records, lacking the labels ``without``.

    ``serves`` is what reads it: ``recent`` or ``long``. Rules are evaluated ``every`` so often, in passes that come so
    long after a window's end: ``near`` ones are recorded there, ``far`` ones when they come. All are PromQL durations.
    """

    name: str
    window: str
    without: tuple[str, ...]
    serves: str
    every: str = "1m"
    near: tuple[str, ...] = ("1m",)
    far: tuple[str, ...] = ()

    def series(self, metric: Metric) -> str:
        return f"claude_code:{metric.name}:{self.name}"


@dataclass(frozen=True)
class Catalogue:
    """All metrics by name, the labels that every series has, and those that come from client resources.

    ``own`` are the metrics of the stack's own programs, ``rollups`` what Prometheus records.
    """

    metrics: dict[str, Metric] = field(default_factory=dict)
    standard_labels: tuple[Label, ...] = ()
    resource_labels: tuple[Label, ...] = ()
    own: dict[str, OwnMetric] = field(default_factory=dict)
    rollups: dict[str, Rollup] = field(default_factory=dict)

    def metric(self, name: str) -> Metric:
        """The metric of this name; CatalogueError names those there are."""
        try:
            return self.metrics[name]
        except KeyError:
            known = ", ".join(sorted(self.metrics))
            raise CatalogueError(f"The catalogue has no metric {name!r}. Use one of: {known}.") from None

    def own_metric(self, name: str) -> OwnMetric:
        """The metric of this name in own.yml; CatalogueError names those there are."""
        if name not in self.own:
            known = ", ".join(sorted(self.own)) or "none"
            raise CatalogueError(f"own.yml has no metric {name!r}. Use one of: {known}.")
        return self.own[name]

    def has_label(self, metric: Metric, label: str) -> bool:
        """Whether series of the metric may have the label, by its name in Prometheus."""
        known = (*metric.labels, *self.standard_labels, *self.resource_labels)
        return any(one.prometheus == label for one in known)


def parse_metric(name: str, entry: object, where: str) -> Metric:
    """A metric from its YAML entry; ``where`` is the file for error messages."""
    at = f"{where}: metric {name!r}"
    if not isinstance(entry, dict):
        raise CatalogueError(f"{at} must be a mapping with at least otel and about.")
    known_keys(entry, METRIC_KEYS, at)
    for key in ("otel", "about"):
        if not isinstance(entry.get(key), str):
            raise CatalogueError(f"{at} lacks {key}. Add it as text.")
    unit = entry.get("unit", "")
    if unit and unit not in UNIT_SUFFIXES:
        raise CatalogueError(
            f"{at} has the unit {unit!r}. Use one of: {', '.join(UNIT_SUFFIXES)}, or none for a count."
        )
    kind = entry.get("kind", "sum")
    if kind not in ("sum", "histogram"):
        raise CatalogueError(f"{at} has the kind {kind!r}. Use sum or histogram.")
    if kind == "histogram" and not (entry.get("derived") or {}).get("value"):
        raise CatalogueError(f"{at} is a histogram without derived.value. Name the event's field to observe.")
    return Metric(
        name=name,
        otel=entry["otel"],
        about=entry["about"],
        unit=unit,
        kind=kind,
        labels=tuple(_label(label, at) for label in entry.get("labels", ())),
        derived=_derived(entry["derived"], at) if "derived" in entry else None,
        events=_events(entry["events"], at) if "events" in entry else None,
    )


def parse_own(name: str, entry: object) -> OwnMetric:
    """A metric of a program of the stack from its entry in own.yml."""
    at = f"own.yml: metric {name!r}"
    if not isinstance(entry, dict) or not {"series", "kind", "about"} <= set(entry):
        raise CatalogueError(f"{at} must be a mapping with at least series, kind and about.")
    known_keys(entry, OWN_KEYS, at)
    if entry["kind"] not in ("counter", "gauge", "histogram"):
        raise CatalogueError(f"{at} has the kind {entry['kind']!r}. Use counter, gauge or histogram.")
    return OwnMetric(name, **{**entry, "labels": tuple(entry.get("labels", ()))})


def parse_rollups(content: t.Mapping[str, t.Any]) -> dict[str, Rollup]:
    """The content of rollups.yml."""
    passes = {"every": content["every"], "near": tuple(content["near"]), "far": tuple(content["far"])}
    found = {}
    for name, entry in content["rollups"].items():
        at = f"rollups.yml: rollup {name!r}"
        if not isinstance(entry, dict) or set(entry) != ROLLUP_KEYS:
            raise CatalogueError(f"{at} must have exactly: {', '.join(sorted(ROLLUP_KEYS))}.")
        if not re.match(r"^[1-9][0-9]*[smhd]$", str(entry["window"])):
            raise CatalogueError(f"{at} has the window {entry['window']!r}. Write a duration such as 5m, 1h or 1d.")
        if entry["serves"] not in ("recent", "long"):
            raise CatalogueError(f"{at} serves {entry['serves']!r}. Use recent or long.")
        found[name] = Rollup(name, entry["window"], tuple(entry["without"]), entry["serves"], **passes)
    return found


def build_catalogue(
    files: t.Mapping[str, object],
    labels: object,
    own: t.Mapping[str, object] | None = None,
    rollups: t.Mapping[str, t.Any] | None = None,
) -> Catalogue:
    """A catalogue from parsed YAML: ``files`` maps a file's name to its content.

    ``labels``, ``own`` and ``rollups`` are the contents of labels.yml, own.yml and rollups.yml.
    """
    metrics: dict[str, Metric] = {}
    series: dict[str, str] = {}
    for where, content in sorted(files.items()):
        if not isinstance(content, dict):
            raise CatalogueError(f"{where} must map metric names to their entries.")
        for name, entry in content.items():
            if name in metrics:
                raise CatalogueError(f"{where}: metric {name!r} is written twice. Remove one of the two.")
            metric = parse_metric(name, entry, where)
            if metric.otel in series:
                raise CatalogueError(f"{where}: {metric.otel} is already the metric {series[metric.otel]!r}.")
            series[metric.otel] = name
            metrics[name] = metric
    if not isinstance(labels, dict):
        raise CatalogueError("labels.yml must have the lists standard and resource.")
    return Catalogue(
        metrics=metrics,
        standard_labels=tuple(_label(label, "labels.yml") for label in labels.get("standard", ())),
        resource_labels=tuple(_label(label, "labels.yml") for label in labels.get("resource", ())),
        own={name: parse_own(name, entry) for name, entry in (own or {}).items()},
        rollups=parse_rollups(rollups) if rollups else {},
    )


def load_catalogue(folder: Path) -> Catalogue:
    """Reads the files of ``folder`` but its dashboards. Needs PyYAML, which every Ansible controller has."""
    sources = read_sources(folder)
    return build_catalogue(sources["metrics"], sources["labels"], sources["own"], sources["rollups"])


def read_sources(folder: Path) -> dict[str, t.Any]:
    """The content of metrics/*.yml by file, and of the other files: what build_catalogue takes."""
    return {
        "metrics": read_files(folder / "metrics"),
        "labels": read_file(folder / "labels.yml"),
        "own": read_file(folder / "own.yml"),
        "rollups": read_file(folder / "rollups.yml"),
    }


def read_files(folder: Path) -> dict[str, t.Any]:
    """The content of all YAML files of ``folder``, by name."""
    files = {path.name: read_file(path) for path in sorted(folder.glob("*.yml"))}
    if not files:
        raise CatalogueError(f"{folder} has no *.yml file. Is the collection complete?")
    return files


def read_file(path: Path) -> t.Any:
    import yaml

    # libyaml, where PyYAML was built with it, reads the catalogue in a sixth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except (OSError, yaml.YAMLError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}") from error


def known_keys(entry: t.Mapping[str, t.Any], known: t.Collection[str], at: str) -> None:
    """Refuses an entry with keys that mean nothing; ``at`` is the place for the message."""
    unknown = sorted(set(entry) - known)
    if unknown:
        raise CatalogueError(f"{at} has unknown keys: {', '.join(unknown)}. Known are: {', '.join(sorted(known))}.")


def _label(entry: object, at: str) -> Label:
    if isinstance(entry, str):
        return Label(entry)
    if isinstance(entry, dict) and isinstance(entry.get("otel"), str):
        known_keys(entry, {"otel", "default", "about"}, f"{at}, label {entry['otel']}")
        return Label(entry["otel"], entry.get("default"))
    raise CatalogueError(f"{at} has the label {entry!r}. Write the attribute's name, or a mapping with otel.")


def _derived(entry: dict[str, t.Any], at: str) -> Derived:
    known_keys(entry, DERIVED_KEYS, f"{at}, derived")
    if "name" not in entry:
        raise CatalogueError(f"{at}, derived lacks name. Add the event's name.")
    where = tuple(
        (key, tuple(str(value) for value in values) if isinstance(values, list) else (str(values),))
        for key, values in entry.get("where", {}).items()
    )
    return Derived(entry["name"], entry.get("value"), float(entry.get("scale", 1.0)), where)


def _events(entry: dict[str, t.Any], at: str) -> Events:
    known_keys(entry, EVENT_KEYS, f"{at}, events")
    fields = entry["sum"] if isinstance(entry["sum"], dict) else {"": entry["sum"]}
    return Events(entry["name"], dict(fields), entry.get("by"))
