# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether servers have exactly the alert rules that they are to have, and evaluate them."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._alert_texts import SERVICE
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import LOKI, PROMETHEUS
from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, Noted
from ansible_collections.observability.claude_code.plugins.module_utils._durations import milliseconds
from ansible_collections.observability.claude_code.plugins.module_utils._measures import Stack
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Loki, Prometheus

Rule = t.Mapping[str, t.Any]
PAUSE_S = 1.0


class AlertMeasures:
    """``rendered`` are the groups that each server is to have, as its rule files have them."""

    # Loki reads its files once a minute.
    patience_s = 70.0

    def __init__(self, stack: Stack, rendered: t.Mapping[str, t.Any]) -> None:
        self.servers: dict[str, Prometheus | Loki] = {PROMETHEUS: stack.prometheus, LOKI: stack.loki}
        self.rendered = rendered

    def vocabulary(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"alerts": self.alerts}

    def alerts(self, where: str) -> Noted:
        """The alerts that ``prometheus`` or ``loki`` lacks, has otherwise or cannot evaluate, with the reason.

        Beside them, how many there are, which are active, and which wait to become so.
        """
        if where not in self.servers:
            raise MeasureError(f"alerts knows {' and '.join(self.servers)}, not {where!r}.")
        ends = time.monotonic() + self.patience_s
        while True:
            there = self._there(where)
            wrong = self._wrong(where, there)
            if not wrong or time.monotonic() >= ends:
                break
            time.sleep(PAUSE_S)
        return Noted(wrong, f"{len(there)} alerts, {_lively(there)}")

    def _there(self, where: str) -> dict[str, Rule]:
        """The alerts of ours that the server has. Others may have theirs in it too."""
        rules = self.servers[where].rules()
        ours = [rule for rule in rules if rule.get("labels", {}).get("service") == SERVICE]
        return {rule["name"]: rule for rule in ours if rule.get("type") == "alerting"}

    def _wrong(self, where: str, there: t.Mapping[str, Rule]) -> dict[str, str]:
        wanted = {rule["alert"]: rule for group in self.rendered.get(where) or () for rule in group["rules"]}
        found = {name: self._fault(where, there.get(name), rule) for name, rule in wanted.items()}
        found.update(dict.fromkeys(sorted(set(there) - set(wanted)), "is loaded and not wanted"))
        return {name: fault for name, fault in found.items() if fault}

    def _fault(self, where: str, there: Rule | None, wanted: Rule) -> str:
        if there is None:
            return "is not loaded"
        if there.get("health") == "err":
            return f"cannot be evaluated: {there.get('lastError') or 'no reason given'}"
        if round(1000 * float(there.get("duration", 0))) != milliseconds(wanted.get("for", "0s")):
            return f"waits {there.get('duration', 0):g} s instead of {wanted.get('for', '0s')}"
        server = self.servers[where]
        if server.formatted(there["query"]) != server.formatted(wanted["expr"]):
            return "asks something else"
        return ""


def _lively(there: t.Mapping[str, Rule]) -> str:
    """Which alerts fire, and which may yet: those of a stack that has just started are pending for a minute."""
    states = {name: {alert.get("state") for alert in rule.get("alerts") or ()} for name, rule in there.items()}
    active = sorted(name for name, found in states.items() if "firing" in found)
    pending = sorted(name for name, found in states.items() if "pending" in found and "firing" not in found)
    told = f"active: {', '.join(active)}" if active else "none active"
    return f"{told}, pending: {', '.join(pending)}" if pending else told
