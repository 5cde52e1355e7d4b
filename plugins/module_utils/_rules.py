# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of alert rules of the catalogue: files/catalogue/rules and thresholds.yml.

A rule says what is measured, over which time, beyond which bound that is an alert, and what to do about it. It spells
no query: _rules_prometheus, _rules_loki and _rules_grafana make them.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils._alert_parsing import (
    parse_alert,
    parse_duration,
)
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import (
    LOKI,
    PROMETHEUS,
    Alert,
    Choice,
    Group,
)
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    CatalogueError,
    known_keys,
    read_file,
    read_files,
)
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Rows
from ansible_collections.observability.claude_code.plugins.module_utils._thresholds import (
    Threshold,
    filled,
    thresholds_of,
    values_of,
)

GROUP_KEYS = {"group", "about", "interval", "platform", "rules"}
# Log lines of every kind: what is left of a rule for texts where all of them may be stored.
EVERYTHING = Rows(())


def read_rules(folder: Path) -> dict[str, t.Any]:
    """The rules as they are written in the catalogue of ``folder``: what build_rules takes."""
    return {
        "rules": read_files(folder / "rules"),
        "thresholds": read_file(folder / "thresholds.yml"),
        "settings": read_file(folder / "settings.yml"),
    }


def load_rules(folder: Path, catalogue: Catalogue, choice: Choice | None = None) -> tuple[Group, ...]:
    """The groups of the catalogue in ``folder`` that are wanted, in the order of its files."""
    return build_rules(read_rules(folder), catalogue, choice)


def load_thresholds(folder: Path) -> dict[str, Threshold]:
    """What the rules of ``folder`` compare with, by name."""
    sources = read_rules(folder)
    return thresholds_of(sources["thresholds"], sources["settings"])


def build_rules(
    sources: t.Mapping[str, t.Any], catalogue: Catalogue, choice: Choice | None = None
) -> tuple[Group, ...]:
    """The groups that are wanted, from what read_rules gives; CatalogueError says what is wrong and where."""
    choice = choice or Choice()
    values = values_of(thresholds_of(sources["thresholds"], sources["settings"]), choice.thresholds)
    groups, names = [], []
    for file, content in sorted(sources["rules"].items()):
        at = f"rules/{file}"
        known_keys(content, GROUP_KEYS, at)
        alerts = [parse_alert(entry, catalogue, choice, values, at) for entry in content["rules"]]
        names += [alert.name for alert in alerts]
        wanted = tuple(alert for alert in alerts if _is_wanted(alert, choice))
        platform = content.get("platform", "")
        if not wanted or platform not in ("", choice.platform):
            continue
        source = {LOKI if isinstance(alert.value, Rows) else PROMETHEUS for alert in alerts}
        if len(source) > 1:
            raise CatalogueError(f"{at} has rules over metrics and over log lines. Give each its own group.")
        interval = filled(content["interval"], values, at)[0]
        groups.append(
            Group(content["group"], content["about"], parse_duration(interval, at), *source, wanted, platform)
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CatalogueError(f"rules: the alert {', '.join(twice)} is written twice. Rename one.")
    unknown = sorted(set(choice.off) - set(names))
    if unknown:
        raise CatalogueError(f"There is no alert {', '.join(unknown)} to switch off. There are: {', '.join(names)}.")
    return tuple(groups)


def alert_names(folder: Path) -> list[str]:
    """Every alert of the catalogue in ``folder``, wanted or not."""
    return [entry["alert"] for content in read_files(folder / "rules").values() for entry in content["rules"]]


def _is_wanted(alert: Alert, choice: Choice) -> bool:
    if alert.name in choice.off or alert.value == EVERYTHING:
        return False
    return not alert.program or alert.program in choice.programs
