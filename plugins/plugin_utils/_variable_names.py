# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables of an inventory are meant for a role and have no name that it knows. No Ansible in here."""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml

# Names that are less alike may well be somebody's own, such as another role's.
ALIKE = 0.85
# The one in C takes a tenth of the time.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Names:
    """What a role calls its options, and all of its variables."""

    prefix: str
    options: frozenset[str]
    known: frozenset[str]

    @classmethod
    def of(cls, role: Path) -> Names:
        entries = _read(role / "meta" / "argument_specs.yml")["argument_specs"]
        options = frozenset(name for entry in entries.values() for name in entry.get("options", {}))
        files = [path for kind in ("defaults", "vars") for path in (role / kind).rglob("*.yml")]
        return cls(f"{role.name}_", options, options.union(*map(_read, files)))

    def meant(self, name: str) -> str:
        """The option that is nearly called so; empty where the name is right, or like none."""
        if name in self.known or not name.startswith(self.prefix):
            return ""
        # Without what all of them begin with, which would make any two alike.
        rest = {option.removeprefix(self.prefix): option for option in self.options}
        near = difflib.get_close_matches(name.removeprefix(self.prefix), rest, 1, ALIKE)
        return rest[near[0]] if near else ""


def misspelt(names: t.Iterable[str], roles: t.Iterable[Path]) -> dict[str, str]:
    """The names that are nearly an option of one of the roles, with that option."""
    asked = sorted(names)
    found: dict[str, str] = {}
    for role in roles:
        mine = [name for name in asked if name.startswith(f"{role.name}_")]
        if mine:
            known = Names.of(role)
            found.update({name: meant for name in mine if (meant := known.meant(name))})
    return found


def _read(path: Path) -> dict[str, t.Any]:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER) or {}
