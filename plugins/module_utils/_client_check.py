# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks one person's settings on one machine and what they deliver; gives all that a report needs as plain values."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils import _client_checks_places as places
from ansible_collections.observability.claude_code.plugins.module_utils import _client_checks_secrets as secrets
from ansible_collections.observability.claude_code.plugins.module_utils import _client_checks_values as values
from ansible_collections.observability.claude_code.plugins.module_utils._client_exports import (
    ATTRIBUTES,
    ENABLED,
    Export,
    attributes,
    exports,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_findings import (
    Finding,
    error,
    sorted_findings,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import Machine
from ansible_collections.observability.claude_code.plugins.module_utils._client_probe import Sender, Sent
from ansible_collections.observability.claude_code.plugins.module_utils._client_sources import HELPER, Source, sources
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import (
    Settings,
    resolve,
    secrets_in,
    tokens,
)
from ansible_collections.observability.claude_code.plugins.module_utils._probe import Probe


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What to look at. ``expected`` are variables as they were rolled out, with otelHeadersHelper among them.

    Where there are projects they are to be in force in each of these.
    """

    environment: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    projects: t.Sequence[str] = ()
    expected: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    token_files: t.Sequence[str] = ()
    name: str = ""
    probe: bool = True
    timeout: float = 10.0


class ClientCheck:
    """Reads at once; sends a probe when asked for ``report``."""

    def __init__(self, machine: Machine, wanted: Wanted) -> None:
        self.machine, self.wanted = machine, wanted
        self.sources = sources(machine, wanted.environment)
        self.settings = resolve(self.sources)
        self.exports = exports(self.settings)
        self.headers, self._script_findings = secrets.script(machine, self.settings)

    def secrets(self) -> set[str]:
        """What must show nowhere."""
        set_somewhere = [
            secrets_in({setting.name: claim.value})
            for setting in self.settings.variables.values()
            for claim in setting.claims
        ]
        return tokens(self.headers.values()).union(*set_somewhere)

    def findings(self) -> list[Finding]:
        return sorted_findings(self._findings())

    def _findings(self) -> t.Iterator[Finding]:
        machine, wanted = self.machine, self.wanted
        settings: Settings = self.settings
        for source in self.sources:
            yield from source.findings
            yield from places.misspelt(source)
        yield from places.misplaced(machine)
        yield from values.switches(settings)
        sent = [export for export in self.exports if export.sent]
        yield from values.transports(settings, self.exports)
        yield from values.headers(settings, self.exports)
        yield from values.meaning(settings)
        yield from values.conflicts(settings)
        if not wanted.projects:
            yield from values.expected(settings, wanted.expected)
        yield from self._script_findings
        yield from secrets.helper_over_grpc(settings, sent)
        yield from secrets.both_ways(settings, self.headers, sent)
        for path in wanted.token_files:
            yield from secrets.token_file(machine, os.path.expanduser(machine.expanded(path)))
        yield from secrets.open_tokens(machine, settings, sent)
        yield from secrets.certificates(machine, settings, sent)
        yield from secrets.proxies(settings, sent)
        for project in wanted.projects:
            yield from self._of_project(project)

    def _of_project(self, project: str) -> t.Iterator[Finding]:
        found = sources(self.machine, self.wanted.environment, project)
        own = [source for source in found if source.scope in ("project", "local")]
        for source in own:
            yield from source.findings
            yield from places.misspelt(source)
        yield from places.of_project(project, own)
        inside, known = resolve(found), {*values.conflicts(self.settings)}
        yield from (finding for finding in values.conflicts(inside) if finding not in known)
        yield from values.expected(inside, self.wanted.expected)

    def send(self) -> tuple[Probe, list[Sent]]:
        """One probe, each signal as the client would send it. The script's failure keeps all of it back, as there."""
        said, _faults = attributes(self.settings[ATTRIBUTES])
        if self.wanted.name:
            said.setdefault("host.name", self.wanted.name)
        said["probe.user"] = self.machine.account.name
        probe = dataclasses.replace(Probe.now(None, (1.0,)), attributes=tuple(said.items()))
        sender = Sender(self.machine, self.settings, self.headers, self.wanted.timeout)
        return probe, [sender.send(self._held_back(export), probe) for export in self.exports]

    def _held_back(self, export: Export) -> Export:
        kept = self.settings.helper and not self.headers and export.sent and export.protocol != "grpc"
        return dataclasses.replace(export, silence=f"{HELPER} gives no headers") if kept else export

    def report(self) -> dict[str, t.Any]:
        """What the module returns; see its documentation."""
        found = self.findings()
        probe: dict[str, t.Any] = {"sent": False, "accepted": False, "id": "", "signals": {}}
        if self.wanted.probe:
            mark, replies = self.send()
            probe = {
                "sent": any(sent.reply for sent in replies),
                "accepted": all(sent.accepted for sent in replies),
                "id": mark.id,
                "session_id": mark.session_id,
                "time": mark.time_ns / 1e9,
                "signals": {sent.export.signal: sent.report() for sent in replies},
            }
            found = sorted_findings([*self._of_probe(replies), *found])
        errors = [finding for finding in found if finding.severity == "error"]
        return {
            "machine": self.wanted.name,
            "user": self.machine.account.name,
            "healthy": not errors,
            "settings": [setting.report() for setting in self.settings.variables.values()],
            "since": self._since(),
            "headers_helper": {"path": self.settings.helper, "set_in": self.settings.helper_place},
            "sources": [{"scope": source.scope, "path": source.path} for source in self._relevant()],
            "in_force": not any(finding.id == "not-in-force" for finding in found),
            "findings": [finding.as_dict() for finding in found],
            "probe": probe,
            "diagnosis": self._diagnosis(errors, probe),
        }

    def _since(self) -> float | None:
        """When the file was written last that switches telemetry on."""
        claim = self.settings.claim(ENABLED)
        found = self.machine.status(claim.source.path) if claim and claim.source.path.startswith("/") else None
        return found.st_mtime if found else None

    def _of_probe(self, replies: t.Sequence[Sent]) -> t.Iterator[Finding]:
        alike: dict[tuple[str, str, str], list[Sent]] = {}
        for sent in replies:
            if sent.reply and not sent.accepted:
                alike.setdefault((sent.reply.cause, sent.reply.error, sent.next_step), []).append(sent)
        for (cause, said, step), group in alike.items():
            signals = " and ".join(sent.export.signal for sent in group)
            status = group[0].reply.status if group[0].reply else None
            shown = f"{cause.replace('_', ' ')}{'' if status is None else f' ({status})'}: {said.rstrip('.')}."
            name = f"probe-{cause.replace('_', '-')}"
            yield error(name, group[0].export.shown, f"{signals} are not accepted, {shown}", step)

    def _relevant(self) -> t.Iterator[Source]:
        named = {claim.source.path for setting in self.settings.variables.values() for claim in setting.claims}
        return (source for source in self.sources if source.path in named or source.findings or source.helper)

    def _diagnosis(self, errors: t.Sequence[Finding], probe: t.Mapping[str, t.Any]) -> str:
        if errors:
            more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
            return f"{errors[0]}{more}"
        if not probe["sent"]:
            return "The settings are sound; no probe was sent."
        slowest = max(one["latency_ms"] for one in probe["signals"].values())
        proven = " ".join(dict.fromkeys(one["unproven"] for one in probe["signals"].values() if one["unproven"]))
        return f"The settings are sound, and the collector answers within {slowest:.0f} ms. {proven}".strip()
