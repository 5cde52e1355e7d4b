# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rule group of Grafana: what is there, what shall be, and the fewest requests that lead from one to the other.

Rules are told apart by their uids, which an organisation has once. So a rule of another group that carries a uid of
ours would be moved by a write, and is looked for first.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.observability.claude_code.plugins.module_utils._durations import shortest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import (
    Grafana,
    GrafanaError,
    Refused,
    fields,
    segment,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule import (
    Rule,
    derived_uid,
    normalised,
    payload,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_checks import (
    group_problems,
    rule_problems,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_conflicts import (
    API,
    FAIL,
    KEEP,
    NONE,
    refuse_conflicts,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_versions import (
    DELETES_GROUPS,
    TAKES_NEW_UIDS,
    check_versions,
)
from ansible_collections.observability.claude_code.plugins.module_utils._paths import differing

RULES = "/api/v1/provisioning/alert-rules"
# That the header is there counts, whatever its value.
UNPROVISIONED = {"X-Disable-Provenance": "true"}
# What Grafana evaluates a group by that came into being with its first rule.
PRESET_INTERVAL_S = 60


@dataclass(frozen=True)
class Change:
    """What a write changes: uids of rules, and the paths that differ. ``texts`` are (what, before, after)."""

    created: list[str]
    updated: list[str]
    removed: list[str]
    paths: list[str]
    texts: list[tuple[str, str, str]]

    def __bool__(self) -> bool:
        return bool(self.paths)


@dataclass(frozen=True)
class Step:
    """One request that writes."""

    method: str
    path: str
    body: t.Any = None
    headers: t.Mapping[str, str] = field(default_factory=dict)


class RuleGroup:
    """The group ``name`` in a folder as it shall be: exactly ``rules``, evaluated every ``interval_s`` seconds.

    Without rules it shall not be. ``provenance`` is API or NONE, ``unmanaged`` one of FAIL, KEEP and REMOVE.
    """

    def __init__(
        self,
        grafana: Grafana,
        folder_uid: str,
        name: str,
        interval_s: int,
        rules: t.Sequence[Rule],
        provenance: str = API,
        unmanaged: str = FAIL,
    ) -> None:
        self.grafana, self.folder_uid, self.name, self.interval_s = grafana, folder_uid, name, interval_s
        self.provenance, self.unmanaged = provenance, unmanaged
        problems = [*group_problems(folder_uid, name, interval_s)]
        problems += [problem for rule in rules for problem in rule_problems(rule, folder_uid, name)]
        if problems:
            raise GrafanaError(f'The rule group "{name}" would not work in Grafana. {" ".join(problems)}')
        self.wanted = {
            uid: payload({**rule, "uid": uid}, folder_uid, name)
            for uid, rule in ((rule.get("uid") or derived_uid(folder_uid, name, rule["title"]), rule) for rule in rules)
        }
        if len(self.wanted) < len(rules):
            raise GrafanaError(
                f'The rule group "{name}" has rules that share a uid, or a title where no uid is given. '
                "Give each rule a uid of its own."
            )
        self.stored: dict[str, dict[str, t.Any]] = {}
        self.stored_interval_s: int | None = None
        self.elsewhere: list[dict[str, t.Any]] = []

    @property
    def path(self) -> str:
        return f"/api/v1/provisioning/folder/{segment(self.folder_uid)}/rule-groups/{segment(self.name)}"

    # --- what is there ------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Take in what Grafana has; GrafanaError where it cannot become what is wanted."""
        listed = self.grafana.get(RULES)
        if not isinstance(listed, list):
            raise GrafanaError(f"The answer of {self.grafana.url}{RULES} is no list of rules. Check the url.")
        rules = [fields(rule, f"{self.grafana.url}{RULES}", "uid", "title") for rule in listed]
        mine = [rule for rule in rules if self._is_in(rule)]
        self.elsewhere = [rule for rule in rules if not self._is_in(rule)]
        group = self.grafana.find(self.path) if mine else None
        self.stored_interval_s = group.get("interval") if isinstance(group, dict) else None
        if not any("provenance" in rule for rule in rules):
            # Old versions tell it of a single rule only. What is in no answer is none.
            mine = [self.grafana.find(f"{RULES}/{segment(rule['uid'])}") or rule for rule in mine]
        self.stored = {rule["uid"]: rule for rule in mine}
        check_versions(self.grafana, self.wanted.values(), self.provenance)
        refuse_conflicts(self)

    def _is_in(self, rule: Rule) -> bool:
        return (rule.get("folderUID"), rule.get("ruleGroup")) == (self.folder_uid, self.name)

    def foreign(self) -> list[dict[str, t.Any]]:
        """Rules of the group that nobody asked for and that the API did not write."""
        return [
            rule
            for uid, rule in self.stored.items()
            if uid not in self.wanted
            and not rule.get("provenance")
            and uid != derived_uid(self.folder_uid, self.name, rule["title"])
        ]

    def kept(self) -> list[dict[str, t.Any]]:
        """Those of them that stay."""
        return self.foreign() if self.unmanaged == KEEP else []

    # --- what differs -------------------------------------------------------------------------------------------------

    def change(self) -> Change:
        """What a write would change; nothing where the group is as it shall be."""
        kept = {rule["uid"] for rule in self.kept()}
        after = {uid: self._compared(rule, self.provenance, rule) for uid, rule in self.wanted.items()}
        before = {
            uid: self._compared(rule, rule.get("provenance") or NONE, self.wanted.get(uid, {}))
            for uid, rule in self.stored.items()
            if uid not in kept
        }
        paths: list[str] = []
        texts: list[tuple[str, str, str]] = []
        if after and self.interval_s != self.stored_interval_s:
            paths.append("interval")
            texts.append(("interval", _interval(self.stored_interval_s), _interval(self.interval_s)))
        updated = []
        for uid in {**after, **before}:
            old, new = before.get(uid), after.get(uid)
            found = [*differing(old, new)] if old and new else [""]
            if found:
                title = (new or old or {})["title"]
                paths += [f"rules[{title}]{'.' if path else ''}{path}" for path in found]
                texts.append((f"rule {title} ({uid})", text(old), text(new)))
                updated += [uid] if old and new else []
        return Change(
            created=[uid for uid in after if uid not in before],
            updated=updated,
            removed=[uid for uid in before if uid not in after],
            paths=paths,
            texts=texts,
        )

    @staticmethod
    def _compared(rule: Rule, provenance: str, wanted: Rule) -> dict[str, t.Any]:
        return {**normalised(rule, wanted.keys()), "provenance": provenance}

    # --- how it gets there --------------------------------------------------------------------------------------------

    def steps(self) -> list[Step]:
        """The requests to send, in order; none where nothing differs."""
        change, kept = self.change(), self.kept()
        if not change:
            return []
        if not self.wanted:
            if not kept and self.grafana.version >= DELETES_GROUPS:
                return [Step("DELETE", self.path)]
            return [self._removal(uid) for uid in change.removed]
        replacement = [self._replacement([*self.wanted.values(), *map(self._again, kept)])]
        if self.grafana.version >= TAKES_NEW_UIDS:
            return replacement
        # These versions delete last, so that a title would not be free yet.
        titles = {self.wanted[uid]["title"] for uid in change.updated}
        first = [self._removal(uid) for uid in change.removed if self.stored[uid]["title"] in titles]
        if not change.created:
            return [*first, *replacement]
        # Only rules that are there may be in a group with their uids. They go before the new ones, for titles again.
        staying = [*(self.wanted[uid] for uid in self.wanted if uid in self.stored), *map(self._again, kept)]
        creations = [Step("POST", RULES, self.wanted[uid], self._headers) for uid in change.created]
        if staying:
            differs = change.updated or change.removed or "interval" in change.paths
            return [*first, *([self._replacement(staying)] if differs else []), *creations]
        interval = Step("PUT", self.path, {"interval": self.interval_s}, self._headers)
        return [
            *map(self._removal, change.removed),
            *creations,
            *([interval] if self.interval_s != PRESET_INTERVAL_S else []),
        ]

    def write(self) -> None:
        """Make it so. May be called where nothing differs, and then writes nothing."""
        steps = self.steps()
        while steps:
            step = steps.pop(0)
            try:
                self._send(step)
            except Refused as error:
                if not error.repeated:
                    raise
                # It may be the first attempt, carried out with its answer lost, that is in the way now.
                self.read()
                steps = self.steps()
                if step in steps:
                    raise

    def unsettled(self) -> list[str]:
        """What differs still after a write: Grafana dropped it, or somebody was faster. Reads again."""
        self.read()
        return self.change().paths

    @property
    def _headers(self) -> t.Mapping[str, str]:
        return UNPROVISIONED if self.provenance == NONE else {}

    def _replacement(self, rules: list[dict[str, t.Any]]) -> Step:
        body = {"title": self.name, "folderUid": self.folder_uid, "interval": self.interval_s, "rules": rules}
        return Step("PUT", self.path, body, self._headers)

    @staticmethod
    def _removal(uid: str) -> Step:
        return Step("DELETE", f"{RULES}/{segment(uid)}")

    def _again(self, rule: Rule) -> dict[str, t.Any]:
        """A rule that stays as it is."""
        return payload(rule, self.folder_uid, self.name)

    def _send(self, step: Step) -> None:
        if step.method == "DELETE":
            self.grafana.delete(step.path, step.headers)
        elif step.method == "POST":
            self.grafana.post(step.path, step.body, step.headers)
        else:
            self.grafana.put(step.path, step.body, step.headers)


def _interval(seconds: int | None) -> str:
    return "" if seconds is None else shortest(seconds * 1000) + "\n"


def text(thing: t.Mapping[str, t.Any] | None) -> str:
    """JSON as a diff shows it; nothing where there is nothing."""
    return "" if thing is None else json.dumps(thing, indent=2, sort_keys=True) + "\n"
