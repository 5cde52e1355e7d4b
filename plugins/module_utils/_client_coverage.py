# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the machines that telemetry was rolled out to have it: what they said of themselves against what arrived.

Plain values in and out, so that a report can be made of it without Ansible.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_sightings import Seen, Sightings

NOT_OF_CHECK = "Give what client_check returned for it, or its machine and error alone."
STATES = ("not delivered", "unreachable", "silent", "waiting", "covered")
FINDING = ("severity", "where", "what", "next_step")


@dataclasses.dataclass(frozen=True)
class Client:
    """One person on one machine, as client_check returned it; ``error`` is why it could not be asked."""

    machine: str
    user: str = ""
    error: str = ""
    in_force: bool | None = None
    since: float | None = None
    diagnosis: str = ""
    probe_id: str = ""
    sent: dict[str, bool] = dataclasses.field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, reported: t.Mapping[str, t.Any]) -> Client:
        """From what client_check returned, or ``{machine, error}`` of one that failed; otherwise ValueError."""
        name = str(reported.get("machine") or "")
        if not name:
            raise ValueError("A client has no machine. Give client_check the name of the machine as name.")
        probe = _checked(name, "probe", reported.get("probe") or {})
        signals = _checked(name, "probe.signals", probe.get("signals") or {})
        in_force, since = reported.get("in_force"), reported.get("since")
        if since is not None and not isinstance(since, (int, float)):
            raise ValueError(f"since of the client {name} is {since!r}, which is no time. {NOT_OF_CHECK}")
        return cls(
            machine=name,
            user=str(reported.get("user") or ""),
            error=str(reported.get("error") or ""),
            in_force=in_force if isinstance(in_force, bool) else None,
            since=since,
            diagnosis=str(reported.get("diagnosis") or ""),
            probe_id=str(probe.get("id") or ""),
            sent={
                signal: bool(_checked(name, f"probe.signals.{signal}", one).get("accepted"))
                for signal, one in signals.items()
            },
            faults=tuple(_faults(name, reported.get("findings") or [])),
        )


def _checked(machine: str, what: str, value: t.Any) -> t.Mapping[str, t.Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} of the client {machine} is no dictionary. {NOT_OF_CHECK}")
    return value


def _faults(machine: str, findings: t.Any) -> t.Iterator[str]:
    """Findings that are errors, each in a line."""
    if not isinstance(findings, list):
        raise ValueError(f"findings of the client {machine} is no list. {NOT_OF_CHECK}")
    for number, finding in enumerate(findings):
        missing = [part for part in FINDING if part not in _checked(machine, f"findings[{number}]", finding)]
        if missing:
            said = f"findings[{number}] of the client {machine} has no {' and no '.join(missing)}."
            raise ValueError(f"{said} {NOT_OF_CHECK}")
        if finding["severity"] == "error":
            yield f"{finding['where']}: {finding['what']} {finding['next_step']}"


@dataclasses.dataclass(frozen=True)
class Coverage:
    """The table, and what is not in it."""

    rows: list[dict[str, t.Any]]
    unknown: list[dict[str, t.Any]]
    unnamed: list[dict[str, t.Any]]

    def report(self) -> dict[str, t.Any]:
        counts = {state: sum(row["state"] == state for row in self.rows) for state in STATES}
        return {
            "clients": self.rows,
            "unknown_machines": self.unknown,
            "unnamed": self.unnamed,
            "counts": counts,
            "complete": counts["covered"] + counts["waiting"] == len(self.rows) and not self.unknown,
            "summary": self._summary(counts),
        }

    def _summary(self, counts: t.Mapping[str, int]) -> str:
        told = [f"{count} {state}" for state, count in counts.items() if count]
        text = f"{len(self.rows)} clients: {', '.join(reversed(told)) or 'none'}."
        broken = [row for row in self.rows if row["state"] in STATES[:3]]
        if broken:
            text += f" Look at {', '.join(dict.fromkeys(row['machine'] for row in broken))}."
        if self.unknown:
            text += f" Never rolled out, but reporting: {', '.join(one['machine'] for one in self.unknown)}."
        return text


def coverage(
    clients: t.Sequence[Client], sightings: Sightings, silent_days: float, now: float | None = None
) -> Coverage:
    """Look for all probes and for the last sessions, and judge each client by them."""
    moment = time.time() if now is None else now
    wanted = {client.probe_id: [signal for signal, taken in client.sent.items() if taken] for client in clients}
    probes = sightings.probes({mark: signals for mark, signals in wanted.items() if mark and signals})
    seen = sightings.sessions()
    by_machine: dict[str, list[Seen]] = {}
    for one in seen:
        by_machine.setdefault(one.machine, []).append(one)
    rows = [_row(client, probes, by_machine.get(client.machine, []), silent_days, moment) for client in clients]
    known = {client.machine for client in clients}
    return Coverage(
        rows,
        unknown=[
            {"machine": name, **_told(found, moment)}
            for name, found in sorted(by_machine.items())
            if name and name not in known
        ],
        unnamed=[_told([one], moment) for one in by_machine.get("", [])],
    )


def _row(
    client: Client,
    probes: t.Mapping[str, t.Mapping[str, bool]],
    seen: t.Sequence[Seen],
    silent_days: float,
    now: float,
) -> dict[str, t.Any]:
    arrived = {signal: _arrival(client, probes, signal) for signal in ("metrics", "logs")}
    found = _told(seen, now)
    gaps = _gaps(client, arrived, found, silent_days)
    return {
        "machine": client.machine,
        "user": client.user,
        "state": _state(client, arrived, found, silent_days, now),
        "settings": _settings(client),
        "probe_metrics": arrived["metrics"],
        "probe_logs": arrived["logs"],
        "last_session": found["last_session"],
        "days_silent": found["days_silent"],
        "reporting_users": found["reporting_users"],
        "client_version": found["client_version"],
        "gaps": gaps,
    }


def _arrival(client: Client, probes: t.Mapping[str, t.Mapping[str, bool]], signal: str) -> str:
    """found, lost (the collector took it, and it is in no store), refused, or not sent."""
    if signal not in client.sent:
        return "not sent"
    if not client.sent[signal]:
        return "refused"
    return "found" if probes.get(client.probe_id, {}).get(signal) else "lost"


def _settings(client: Client) -> str:
    if client.error:
        return "unknown"
    return {True: "in force", False: "overridden"}.get(t.cast(bool, client.in_force), "unknown")


def _told(seen: t.Sequence[Seen], now: float) -> dict[str, t.Any]:
    latest = max(seen, key=lambda one: one.last, default=None)
    return {
        "last_session": latest.last if latest else None,
        "days_silent": round((now - latest.last) / 86400, 1) if latest else None,
        "reporting_users": sorted({one.user for one in seen if one.user}),
        "client_version": latest.version if latest else "",
    }


def _state(
    client: Client, arrived: t.Mapping[str, str], found: t.Mapping[str, t.Any], silent_days: float, now: float
) -> str:
    if client.error:
        return "unreachable"
    asked = [state for state in arrived.values() if state != "not sent"]
    if client.faults or client.in_force is False or any(state != "found" for state in asked):
        return "not delivered"
    if found["days_silent"] is None:
        return "silent" if _days(client.since, now) > silent_days else "waiting"
    return "silent" if found["days_silent"] > silent_days else "covered"


def _days(since: float | None, now: float) -> float:
    return 0.0 if since is None else (now - since) / 86400


def _gaps(client: Client, arrived: t.Mapping[str, str], found: t.Mapping[str, t.Any], silent_days: float) -> list[str]:
    gaps = [client.error] if client.error else list(client.faults)
    for signal, state in arrived.items():
        if state == "lost":
            gaps.append(f"The collector took the probe's {signal}, but no store has them: look at its queue and log.")
    if found["days_silent"] is None:
        gaps.append("No session was ever seen in the time that was looked at.")
    elif found["days_silent"] > silent_days:
        gaps.append(f"No session for {found['days_silent']:g} days.")
    return gaps
