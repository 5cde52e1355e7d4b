# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the settings of Claude Code, said so that somebody can put it right."""

from __future__ import annotations

import dataclasses
import typing as t

# error: telemetry does not arrive, or is wrong; warning: it may be, or a secret is in danger; notice: worth knowing.
SEVERITIES = ("error", "warning", "notice")


@dataclasses.dataclass(frozen=True)
class Finding:
    """``id`` names the fault, ``where`` the file or the probe that it was found in."""

    id: str
    severity: str
    where: str
    what: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.next_step}".strip()

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


def error(name: str, where: str, what: str, next_step: str) -> Finding:
    return Finding(name, "error", where, what, next_step)


def warning(name: str, where: str, what: str, next_step: str) -> Finding:
    return Finding(name, "warning", where, what, next_step)


def notice(name: str, where: str, what: str, next_step: str) -> Finding:
    return Finding(name, "notice", where, what, next_step)


def sorted_findings(findings: t.Iterable[Finding]) -> list[Finding]:
    """The worst first, otherwise in their order, each once."""
    return sorted(dict.fromkeys(findings), key=lambda finding: SEVERITIES.index(finding.severity))
