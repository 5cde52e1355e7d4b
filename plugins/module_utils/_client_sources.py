# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Claude Code takes settings from, each place read by itself.

Places and names are those of the client's documentation; which file of a folder counts was read in client 2.1.330.
"""

from __future__ import annotations

import collections
import dataclasses
import errno
import json
import plistlib
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_findings import (
    Finding,
    error,
    warning,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import (
    LARGEST,
    MIB,
    Machine,
    reason,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_shell import assignments

# What the client itself keeps in ~/.claude.json grows with its use.
LARGEST_STATE = 128 * MIB
HELPER = "otelHeadersHelper"
MANAGED = {"Linux": "/etc/claude-code", "Darwin": "/Library/Application Support/ClaudeCode"}
PREFERENCES = "/Library/Managed Preferences/com.anthropic.claudecode.plist"
SHELL_FILES = (".profile", ".bash_profile", ".bashrc", ".zshenv", ".zprofile", ".zshrc")
WITHOUT_EFFECT = "Nothing in it has any effect."
STOPPED = "Claude Code does not start before it is mended: it reports the file and ends."


@dataclasses.dataclass
class Source:
    """One place: the variables that it sets, the script for headers that it names, and what is wrong with it."""

    scope: str
    path: str
    values: dict[str, str] = dataclasses.field(default_factory=dict)
    helper: str = ""
    findings: list[Finding] = dataclasses.field(default_factory=list)
    keys: tuple[str, ...] = ()


def managed_folder(machine: Machine) -> str:
    return MANAGED["Darwin" if machine.mac else "Linux"]


def is_drop_in(name: str) -> bool:
    """Whether the client reads a file of this name in managed-settings.d."""
    return name.endswith(".json") and not name.startswith(".")


def sources(machine: Machine, environment: t.Mapping[str, str], project: str | None = None) -> list[Source]:
    """All places that there are, those that count more later."""
    found = [*_environment(machine, environment)]
    configuration = next((one.values["CLAUDE_CONFIG_DIR"] for one in reversed(found) if _moves(one)), "")
    folder = configuration or "~/.claude"
    state = f"{configuration}/.claude.json" if configuration else "~/.claude.json"
    found += _json(machine, "state", state)
    found += _json(machine, "user", f"{folder}/settings.json")
    if project:
        found += _json(machine, "project", f"{project}/.claude/settings.json")
        found += _json(machine, "local", f"{project}/.claude/settings.local.json")
    return found + _managed(machine)


def _moves(source: Source) -> bool:
    return bool(source.values.get("CLAUDE_CONFIG_DIR"))


def _managed(machine: Machine) -> list[Source]:
    folder = managed_folder(machine)
    drop_ins = [name for name in machine.names(f"{folder}/managed-settings.d") if is_drop_in(name)]
    paths = [f"{folder}/managed-settings.json", *(f"{folder}/managed-settings.d/{name}" for name in drop_ins)]
    found = [source for path in paths for source in _json(machine, "managed", path)]
    return found + (_preferences(machine) if machine.mac else [])


# --- JSON --------------------------------------------------------------------------------------------------------


def _json(machine: Machine, scope: str, path: str) -> list[Source]:
    if not machine.exists(path):
        return []
    source = Source(scope, machine.shown(machine.expanded(path)))
    consequence = STOPPED if scope == "managed" else WITHOUT_EFFECT
    try:
        content = machine.read(path, LARGEST_STATE if scope == "state" else LARGEST).decode("utf-8-sig")
        pairs = _Pairs()
        document = json.loads(content, object_pairs_hook=pairs) if content.strip() else {}
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno}, column {fault.colno}"
        source.findings.append(
            error("invalid-json", source.path, f"This is no JSON: {fault.msg} at {place}. {consequence}", "Mend it.")
        )
        return [source]
    except UnicodeDecodeError:
        source.findings.append(
            error("invalid-json", source.path, f"This is no text in UTF-8. {consequence}", "Save it as UTF-8.")
        )
        return [source]
    except OSError as fault:
        source.findings.append(_unreadable(source.path, fault, machine, scope))
        return [source]
    except (ValueError, RecursionError):
        said = "A number in it has too many digits, or it is nested too deep, so that what it sets is not known here."
        source.findings.append(error("invalid-json", source.path, said, "Take that out."))
        return [source]
    if not isinstance(document, dict):
        said = f"This is JSON, but no object with settings in it. {consequence}"
        source.findings.append(error("not-an-object", source.path, said, 'Write {"env": {…}}.'))
        return [source]
    for name in pairs.repeated:
        said = f"{name} stands in it more than once, and the last one counts."
        source.findings.append(warning("duplicate-key", source.path, said, "Leave one."))
    _fill(source, document)
    return [source]


class _Pairs:
    """Makes an object of its pairs and notes the names that are there twice, which JSON allows."""

    def __init__(self) -> None:
        self.repeated: list[str] = []

    def __call__(self, pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
        counts = collections.Counter(name for name, _value in pairs)
        self.repeated += [name for name, count in counts.items() if count > 1]
        return dict(pairs)


def _fill(source: Source, document: dict[str, t.Any]) -> None:
    source.keys = tuple(document)
    helper = document.get(HELPER)
    if isinstance(helper, str):
        source.helper = helper.strip()
    elif helper is not None:
        said = f"{HELPER} is {_kind(helper)}, where the path of a script is wanted."
        source.findings.append(error("wrong-type", source.path, said, "Write it in quotation marks."))
    environment = document.get("env", {})
    if not isinstance(environment, dict):
        said = "env holds no names and values, so none of its variables is set."
        source.findings.append(error("wrong-type", source.path, said, 'Write {"env": {"NAME": "value"}}.'))
        return
    for name, value in environment.items():
        if isinstance(value, (str, bool, int, float)):
            source.values[name] = value if isinstance(value, str) else json.dumps(value)
        else:
            said = f"{name} is {_kind(value)}, where a text is wanted."
            source.findings.append(error("wrong-type", source.path, said, "Write its value in quotation marks."))


def _kind(value: t.Any) -> str:
    """What it is. The value itself may be a token."""
    kinds = ((dict, "an object"), (list, "a list"), (bool, "true or false"), ((int, float), "a number"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null" if value is None else "no text")


def _preferences(machine: Machine) -> list[Source]:
    """What an MDM delivers to a Mac: the same keys, in a property list."""
    if not machine.exists(PREFERENCES):
        return []
    source = Source("managed", PREFERENCES)
    try:
        document = plistlib.loads(machine.read(PREFERENCES))
    except OSError as fault:
        source.findings.append(_unreadable(PREFERENCES, fault, machine, "managed"))
        return [source]
    except Exception as fault:  # plistlib lets errors of three XML and binary parsers through
        said = f"This is no property list: {fault}. {WITHOUT_EFFECT}"
        source.findings.append(error("invalid-plist", PREFERENCES, said, "Deliver the profile again."))
        return [source]
    if isinstance(document, dict):
        _fill(source, document)
    return [source]


def _unreadable(path: str, fault: OSError, machine: Machine, scope: str) -> Finding:
    name = machine.account.name
    if fault.errno == errno.EFBIG:
        said = f"This is too large: {reason(fault)}. What it sets is not known here."
        return warning("too-large", path, said, "Take out of it what is no setting.")
    said = f"{name} cannot read it: {reason(fault)}. {WITHOUT_EFFECT}"
    mode = "0644" if scope in ("managed", "environment") else "0600, and its owner"
    return error("unreadable-file", path, said, f"Set its mode to {mode if mode == '0644' else f'{mode} to {name}'}.")


# --- the environment of log-ins ------------------------------------------------------------------------------------


def _environment(machine: Machine, given: t.Mapping[str, str]) -> t.Iterator[Source]:
    home = "~"
    folders = ["/etc/environment.d", f"{home}/.config/environment.d"]
    paths = ["/etc/environment"]
    paths += [f"{folder}/{name}" for folder in folders for name in machine.names(folder) if name.endswith(".conf")]
    paths += [f"/etc/profile.d/{name}" for name in machine.names("/etc/profile.d") if name.endswith(".sh")]
    paths += [f"{home}/{name}" for name in SHELL_FILES]
    for path in paths:
        if machine.exists(path):
            source = _shell(machine, path)
            if source.values or source.findings:
                yield source
    if given:
        yield Source("environment", "the given process environment", dict(given))


def _shell(machine: Machine, path: str) -> Source:
    source = Source("environment", machine.shown(machine.expanded(path)))
    try:
        text = machine.read(path).decode("utf-8", "replace")
    except OSError as fault:
        source.findings.append(_unreadable(source.path, fault, machine, "environment"))
        return source

    def included(name: str) -> str | None:
        try:
            return machine.read(name).decode("utf-8", "replace")
        except (OSError, ValueError):
            return None

    for name, value in assignments(text, machine.account.home, included):
        if value is None:
            source.values.pop(name, None)
        else:
            source.values[name] = value
    return source
