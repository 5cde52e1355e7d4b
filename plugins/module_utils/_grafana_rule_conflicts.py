# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a rule group: rules that belong to somebody else.

Grafana would move or swallow some of them without a word, and says of others only that something conflicts.
"""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import GrafanaError
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule import Rule
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_versions import (
    REPEATS_TITLES,
    dotted,
)

if t.TYPE_CHECKING:
    from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_group import RuleGroup

# Whom Grafana takes a rule for; rules made on its pages have none.
API, NONE = "api", "none"
# What becomes of rules in the group that are neither wanted nor written through the API before.
FAIL, KEEP, REMOVE = "fail", "keep", "remove"
# What cannot be changed through this API, by its provenance.
OWNERS = {
    "file": (
        "a file on Grafana's host provides it, and only that file can change or remove it (deleteRules). "
        "Take it out there, or choose another group"
    ),
    "converted_prometheus": (
        "it was imported as a rule of Prometheus, and only an import can change or remove it. "
        "Remove the imported group, or choose another one"
    ),
}


def refuse_conflicts(group: RuleGroup) -> None:
    """GrafanaError where the group cannot become what is wanted without harm to others."""
    _refuse_moves(group)
    _refuse_titles(group)
    for rule in group.stored.values():
        owner = OWNERS.get(rule.get("provenance") or "")
        if owner:
            raise GrafanaError(
                f'Rule "{rule["title"]}" ({rule["uid"]}) of the group "{group.name}" has provenance '
                f'"{rule["provenance"]}": {owner}.'
            )
    _refuse_foreign(group, group.foreign())


def _refuse_moves(group: RuleGroup) -> None:
    for rule in group.elsewhere:
        if rule["uid"] in group.wanted:
            raise GrafanaError(
                f'The uid {rule["uid"]} of rule "{group.wanted[rule["uid"]]["title"]}" belongs to rule '
                f'"{rule["title"]}" in the group "{rule.get("ruleGroup")}" of folder {rule.get("folderUID")}, '
                f'which would be moved to "{group.name}". Give yours another uid, or remove that one first.'
            )


def _refuse_titles(group: RuleGroup) -> None:
    version = group.grafana.version
    if version >= REPEATS_TITLES:
        return
    others = [rule for rule in group.elsewhere if rule.get("folderUID") == group.folder_uid]
    taken = {rule["title"]: rule.get("ruleGroup") for rule in (*others, *group.kept())}
    for rule in group.wanted.values():
        title = rule["title"]
        if title in taken:
            raise GrafanaError(
                f'The title "{title}" is taken by a rule of the group "{taken[title]}". Before Grafana 12.0 a folder '
                f"has each title once, this is {dotted(version)}. Choose another title."
            )
        taken[title] = group.name


def _refuse_foreign(group: RuleGroup, foreign: t.Sequence[Rule]) -> None:
    if foreign and group.unmanaged == FAIL:
        raise GrafanaError(
            f'The group "{group.name}" of folder {group.folder_uid} holds rules that were not made from here: '
            f"{', '.join(sorted(rule['title'] for rule in foreign))}. Move them to another group, add them to "
            "the rules, or say with unmanaged_rules whether to keep or remove them."
        )
    if foreign and group.unmanaged == KEEP and group.wanted and group.provenance == API:
        raise GrafanaError(
            f'The group "{group.name}" cannot keep rules that were made in Grafana beside provisioned ones: a group '
            "is written as a whole, which would lock them as well. Set provenance to none, or move them."
        )
