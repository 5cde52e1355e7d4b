# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a folder of Grafana, and how it goes without taking anything with it."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import (
    Grafana,
    GrafanaError,
    segment,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_folders import FOLDERS
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_group import RULES


def rule_groups(grafana: Grafana, folder_uid: str) -> list[str]:
    """Names of the groups of alert rules in the folder."""
    listed = grafana.get(RULES)
    if not isinstance(listed, list):
        raise GrafanaError(f"The answer of {grafana.url}{RULES} is no list of rules. Check the url.")
    return sorted({str(rule.get("ruleGroup")) for rule in listed if rule.get("folderUID") == folder_uid})


def contents(grafana: Grafana, folder_uid: str) -> dict[str, int]:
    """How much of each kind is in the folder and in those within it; kinds without any stay away."""
    grafana.needs("Looking whether a folder is empty", 10, 0)
    path = f"{FOLDERS}/{segment(folder_uid)}/counts"
    counts = grafana.get(path)
    if not isinstance(counts, dict):
        raise GrafanaError(f"The answer of {grafana.url}{path} does not say what is in the folder. Check the url.")
    return {kind: number for kind, number in sorted(counts.items()) if isinstance(number, int) and number}


def delete_empty(grafana: Grafana, folder_uid: str) -> dict[str, t.Any]:
    """Delete the folder unless there is anything in it; what there is."""
    left = contents(grafana, folder_uid)
    if not left:
        grafana.delete(f"{FOLDERS}/{segment(folder_uid)}")
    return left
