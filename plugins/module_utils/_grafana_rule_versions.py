# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What alert rules may use from which version of Grafana on. Older ones drop an unknown field without a word."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._durations import as_written
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import Grafana
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule import Rule

# A PUT of a group creates rules that carry a uid (before: 500, "could not find alert rule").
TAKES_NEW_UIDS = (11, 5, 2)
# DELETE of a whole group.
DELETES_GROUPS = (11, 0, 0)
# Two rules of a folder may have the same title.
REPEATS_TITLES = (12, 0, 0)
# The header that disables provenance counts for a PUT of a group.
UNPROVISIONED_GROUPS = (9, 5)
KEEP_LAST = "KeepLast"


def _inner(field: str, name: str) -> t.Callable[[Rule], bool]:
    def used(rule: Rule) -> bool:
        return bool((rule.get(field) or {}).get(name))

    return used


FIELDS: tuple[tuple[str, tuple[int, ...], t.Callable[[Rule], bool]], ...] = (
    ("isPaused", (9, 5), lambda rule: bool(rule.get("isPaused"))),
    ("notification_settings", (10, 4), lambda rule: bool(rule.get("notification_settings"))),
    ("The state KeepLast", (10, 4, 1), lambda rule: KEEP_LAST in (rule.get("noDataState"), rule.get("execErrState"))),
    ("record", (11, 4), lambda rule: bool(rule.get("record"))),
    ("record.target_datasource_uid", (12, 0), _inner("record", "target_datasource_uid")),
    ("keep_firing_for", (12, 0), lambda rule: as_written(rule.get("keep_firing_for") or "0s") != "0s"),
    ("missingSeriesEvalsToResolve", (12, 0), lambda rule: rule.get("missingSeriesEvalsToResolve") is not None),
    (
        "notification_settings.active_time_intervals",
        (12, 1),
        _inner("notification_settings", "active_time_intervals"),
    ),
)


def check_versions(grafana: Grafana, rules: t.Collection[Rule], provenance: str) -> None:
    """GrafanaError where this Grafana is too old for what the rules use."""
    if rules and provenance == "none":
        grafana.needs("A rule group with provenance none", *UNPROVISIONED_GROUPS)
    for rule in rules:
        for what, version, used in FIELDS:
            if used(rule):
                grafana.needs(f'{what} of rule "{rule["title"]}"', *version)


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
