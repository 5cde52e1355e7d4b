# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else on a machine has a say in the telemetry settings, so that what is rolled out would not be in force."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import (
    LARGEST,
    Account,
    Machine,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_sources import Source, sources
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import (
    OTLP,
    SIGNALS,
    Settings,
    masked,
    resolve,
)


@dataclasses.dataclass(frozen=True)
class Planned(Machine):
    """The machine as it will be: ``contents`` by path, None for a file that will be gone."""

    contents: t.Mapping[str, bytes | None] = dataclasses.field(default_factory=dict)

    def read(self, path: str, largest: int = LARGEST) -> bytes:
        place = self.shown(self.at(path))
        if place not in self.contents:
            return super().read(path, largest)
        content = self.contents[place]
        if content is None:
            raise FileNotFoundError(2, "it is not there")
        return content

    def exists(self, path: str) -> bool:
        place = self.shown(self.at(path))
        return self.contents[place] is not None if place in self.contents else super().exists(path)

    def names(self, path: str) -> list[str]:
        folder = self.shown(self.at(path)) + "/"
        planned = {name[len(folder) :]: data for name, data in self.contents.items() if name.startswith(folder)}
        there = {name for name in super().names(path) if name not in planned}
        return sorted(there | {name for name, data in planned.items() if data is not None and "/" not in name})


@dataclasses.dataclass(frozen=True)
class Conflict:
    """``user`` would have ``value`` of ``name``, since ``path`` says so, instead of ``wanted``. Both are masked."""

    user: str
    name: str
    path: str
    value: str
    wanted: str

    def __str__(self) -> str:
        instead = f", not {self.wanted}" if self.wanted else ""
        return (
            f"{self.path} sets {self.name} to {self.value}, which {self.user} would have{instead}. Take it out there."
        )

    def as_dict(self) -> dict[str, str]:
        return {**dataclasses.asdict(self), "msg": str(self)}


@dataclasses.dataclass(frozen=True)
class Expected:
    """What shall be in force, and the files that say so."""

    variables: t.Mapping[str, str]
    helper: str
    paths: t.AbstractSet[str]


def conflicts(machine: Machine, expected: Expected, project: str | None = None) -> list[Conflict]:
    """Everything that would win over what is expected."""
    settings = resolve(sources(machine, {}, project))
    found = list(_others(settings, expected, machine.account))
    if expected.helper and settings.helper and settings.helper != expected.helper:
        found.append(
            Conflict(machine.account.name, "otelHeadersHelper", settings.helper_place, settings.helper, expected.helper)
        )
    return found


def broken(machine: Machine, project: str | None = None) -> list[str]:
    """Settings files that cannot be read, each with what is wrong and the next step."""
    said = [finding for source in sources(machine, {}, project) for finding in source.findings]
    return [str(finding) for finding in said if finding.severity == "error"]


def _others(settings: Settings, expected: Expected, account: Account) -> t.Iterator[Conflict]:
    for name, wanted in expected.variables.items():
        claim = settings.claim(name)
        if claim and claim.value != wanted and claim.source.path not in expected.paths:
            yield _conflict(account, name, claim.source, claim.value, masked(name, wanted))
        if not name.startswith(OTLP) or name[len(OTLP) :].startswith(tuple(f"{signal}_" for signal in SIGNALS)):
            continue
        for signal in SIGNALS[:2]:
            own = f"{OTLP}{signal}_{name[len(OTLP) :]}"
            claim = settings.claim(own)
            if claim and own not in expected.variables and claim.value != wanted and claim.value.strip():
                yield _conflict(account, own, claim.source, claim.value, "")


def _conflict(account: Account, name: str, source: Source, value: str, wanted: str) -> Conflict:
    return Conflict(account.name, name, source.path, masked(name, value), wanted)
