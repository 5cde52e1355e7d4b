# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenShift writes on a namespace for its pods: the blocks of user and group ids, and the SELinux level.

Read as the API server of OpenShift 4.10 and later reads it (openshift/apiserver-library-go, sccmatching/matcher.go).
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

UID_RANGE = "openshift.io/sa.scc.uid-range"
GROUPS = "openshift.io/sa.scc.supplemental-groups"
LEVEL = "openshift.io/sa.scc.mcs"

# What Go's fmt.Sscanf takes for white space, the line feed left out.
SPACE = "[\t\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*"
SLASH = re.compile(rf"{SPACE}([0-9]+)/{SPACE}([0-9]+)")
DASH = re.compile(rf"{SPACE}([0-9]+)-{SPACE}([0-9]+)")
LARGEST = 2**32 - 1
SHOWN_NAMES = 5
SHOWN_VALUE = 40


def parse_block(text: str) -> tuple[int, int]:
    """First and last id of ``START/SIZE`` or ``START-END``, whatever follows; ValueError where it is neither."""
    found = (SLASH if "/" in text else DASH).match(text)
    numbers = [int(digits) for digits in found.groups() if len(digits.lstrip("0")) <= 10] if found else []
    if len(numbers) != 2 or max(numbers) > LARGEST:
        shown = text if len(text) <= SHOWN_VALUE else text[:SHOWN_VALUE] + "…"
        raise ValueError(f"{shown!r} is no block like 1000650000/10000 or 1000650000-1000659999")
    first, second = numbers
    return (first, (first + second - 1) % (LARGEST + 1)) if "/" in text else (first, second)


def parse_blocks(text: str) -> list[tuple[int, int]]:
    """The same for several, with commas between them."""
    return [parse_block(part) for part in text.split(",")]


@dataclass(frozen=True)
class Namespace:
    """A namespace by its annotations. ``stored``: a cluster has it, so an annotation that is missing is missing."""

    name: str
    annotations: t.Mapping[str, t.Any]
    stored: bool = True

    @classmethod
    def of(cls, thing: t.Any) -> Namespace | None:
        """From its JSON; None where it is being deleted, because no pods are made in it, or has no name."""
        metadata = mapping(mapping(thing).get("metadata"))
        name = metadata.get("name")
        if not isinstance(name, str) or metadata.get("deletionTimestamp"):
            return None
        return cls(name, mapping(metadata.get("annotations")), bool(metadata.get("uid")))

    def fault(self, source: str) -> str:
        """Why nothing can be taken from UID_RANGE, GROUPS or LEVEL, as the rest of a sentence; empty where it can."""
        # Groups are taken from the users' block where they have no annotation; an empty one is not passed over.
        if source == GROUPS and GROUPS not in self.annotations:
            if UID_RANGE in self.annotations:
                return self._fault_of(UID_RANGE, parse_blocks, f"lacks it, and its {UID_RANGE}, taken instead, ")
            return "lacks it" if self.stored else ""
        return self._fault_of(source, {UID_RANGE: parse_block, GROUPS: parse_blocks}.get(source))

    def _fault_of(self, name: str, parse: t.Callable[[str], t.Any] | None, before: str = "") -> str:
        if name not in self.annotations:
            return "lacks it" if self.stored else ""
        value = self.annotations[name]
        if not isinstance(value, str):
            return before + "is no text"
        if not value:
            return before + "is empty"
        try:
            if parse:
                parse(value)
        except ValueError as error:
            return f"{before}holds {error}" if before else str(error)
        return ""


@dataclass(frozen=True)
class Affected:
    """The namespaces that have nothing to take from an annotation; ``words`` tell why, for the first of them."""

    names: list[str]
    words: str

    @classmethod
    def of(cls, reasons: t.Mapping[str, str]) -> Affected:
        names = sorted(reasons)
        told = [f"{name} ({reasons[name]})" for name in names[:SHOWN_NAMES]]
        more = [f"{len(names) - SHOWN_NAMES} more"] if len(names) > SHOWN_NAMES else []
        return cls(names, ", ".join(told + more))


NOBODY = Affected([], "")


@dataclass(frozen=True)
class Namespaces:
    """What is wrong in many namespaces, found once for all constraints: who is affected by source."""

    count: int = 0
    by_source: t.Mapping[str, Affected] = field(default_factory=dict)

    @classmethod
    def of(cls, things: t.Iterable[t.Any], names: t.Collection[str] | None = None) -> Namespaces:
        """From their JSON, those with these names alone where some are given."""
        found = [
            namespace
            for namespace in map(Namespace.of, things)
            if namespace is not None and (names is None or namespace.name in names)
        ]
        reasons = {
            source: {one.name: reason for one in found for reason in [one.fault(source)] if reason}
            for source in (UID_RANGE, GROUPS, LEVEL)
        }
        return cls(len(found), {source: Affected.of(why) for source, why in reasons.items()})

    def affected(self, source: str) -> Affected:
        return self.by_source.get(source, NOBODY)


def mapping(value: t.Any) -> t.Mapping[str, t.Any]:
    """The value if it is a JSON object, an empty one otherwise."""
    return value if isinstance(value, dict) else {}
