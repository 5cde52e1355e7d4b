# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that stand where Claude Code does not look for them, or under a name that it does not know."""

from __future__ import annotations

import difflib
import json
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_document import KNOWN, TRANSPORT
from ansible_collections.observability.claude_code.plugins.module_utils._client_findings import (
    Finding,
    error,
    notice,
    warning,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import Machine
from ansible_collections.observability.claude_code.plugins.module_utils._client_sources import (
    HELPER,
    MANAGED,
    Source,
    is_drop_in,
    managed_folder,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import (
    NOT_FOR_PROJECTS,
    OTLP,
    masked,
    matters,
)

NAMES = KNOWN | NOT_FOR_PROJECTS | {f"{OTLP}METRICS_TEMPORALITY_PREFERENCE"}
KEYS = ("env", HELPER)
# Folders that are nearly right.
NEARLY_MANAGED = ("/etc/claude", "/etc/claude_code", "/etc/claudecode", "/etc/ClaudeCode", "/etc/anthropic")
ALIKE = 0.88


def misplaced(machine: Machine) -> t.Iterator[Finding]:
    """Files whose place or name keeps them from being read."""
    folder = managed_folder(machine)
    others = [path for path in (*NEARLY_MANAGED, *MANAGED.values()) if path != folder]
    wrong = [f"{path}/managed-settings.json" for path in others]
    wrong += [f"{path}/managed-settings.d" for path in others]
    wrong += ["~/.claude/managed-settings.json", "~/.claude/managed-settings.d", f"{folder}/managed_settings.json"]
    for path in wrong:
        if machine.exists(path):
            shown = machine.shown(machine.expanded(path))
            said = "Claude Code does not look here for managed settings."
            yield error("misplaced-file", shown, said, f"Move it to {folder}/.")
    for path in (f"{folder}/settings.json", f"{folder}/settings.local.json"):
        if machine.exists(path):
            yield error("misplaced-file", path, "A file of this name is not read.", "Call it managed-settings.json.")
    for path in ("~/.config/claude/settings.json", "~/.claude-code/settings.json", "~/settings.json"):
        if machine.exists(path) and _is_about_telemetry(machine, path):
            shown = machine.shown(machine.expanded(path))
            yield error("misplaced-file", shown, "Claude Code does not read it.", "Move it to ~/.claude/settings.json.")
    for name in machine.names(f"{folder}/managed-settings.d"):
        if not is_drop_in(name):
            path = f"{folder}/managed-settings.d/{name}"
            said = "Only names that end in .json and begin with no dot are read here."
            yield warning("ignored-file", path, said, "Give it such a name, or take it away.")


def _is_about_telemetry(machine: Machine, path: str) -> bool:
    try:
        return b"OTEL_" in machine.read(path)
    except (OSError, ValueError):
        return False


def misspelt(source: Source) -> t.Iterator[Finding]:
    """Names that nearly are those of telemetry, and variables beside env instead of in it."""
    for key in source.keys:
        if matters(key):
            said = f"{key} stands beside env, where it has no effect."
            yield error("variable-outside-env", source.path, said, f"Move it into env: {_example(key)}.")
        elif key not in KEYS:
            meant = difflib.get_close_matches(key, KEYS, 1, ALIKE) or [one for one in KEYS if one == key.lower()]
            if meant:
                said = f"{key} is no key that Claude Code knows; {meant[0]} is."
                yield error("unknown-key", source.path, said, f"Write {meant[0]}.")
    for name in source.values:
        if name in NAMES or TRANSPORT.fullmatch(name) or not name.upper().startswith(("OTEL", "CLAUDE_CODE_")):
            continue
        meant = [name.upper()] if name.upper() in NAMES else difflib.get_close_matches(name, NAMES, 1, ALIKE)
        if meant:
            said = f"{name} is no variable that Claude Code knows; {meant[0]} is."
            yield error("unknown-variable", source.path, said, f"Write {meant[0]}.")


def _example(key: str) -> str:
    return json.dumps({"env": {key: "…"}}, ensure_ascii=False)


def of_project(project: str, sources: t.Iterable[Source]) -> t.Iterator[Finding]:
    """What the settings of a folder do to telemetry in it, or try to."""
    for source in sources:
        if source.scope not in ("project", "local"):
            continue
        for name, value in source.values.items():
            if name in NOT_FOR_PROJECTS:
                continue
            if matters(name):
                said = f"In {project} {name} is {masked(name, value)}, whatever the user's own settings say."
                yield notice("project-setting", source.path, said, "Managed settings would win over it.")
        if source.helper:
            said = f"In {project} headers come from {source.helper}, once the folder is trusted."
            yield warning("project-setting", source.path, said, f"Set {HELPER} in managed settings, which win over it.")
