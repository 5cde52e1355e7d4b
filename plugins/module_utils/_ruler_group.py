# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rule group of a ruler: what is there, and what shall be."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._durations import as_written, milliseconds
from ansible_collections.observability.claude_code.plugins.module_utils._paths import differing
from ansible_collections.observability.claude_code.plugins.module_utils._ruler import Kind, Ruler
from ansible_collections.observability.claude_code.plugins.module_utils._servers import ServerError

Group = t.Mapping[str, t.Any]
# Durations, which a ruler rewrites.
DURATIONS = ("interval", "query_offset", "evaluation_delay", "for", "keep_firing_for")
# What says the same as nothing.
EMPTY: tuple[t.Any, ...] = (None, "", "0s", {}, [])


class RulerGroup:
    """The group in a namespace as it shall be; without ``group`` it shall not be."""

    def __init__(self, ruler: Ruler, namespace: str, name: str, group: Group | None) -> None:
        self.ruler, self.namespace, self.name = ruler, namespace, name
        self.wanted = None if group is None else dict(group)
        self.stored: dict[str, t.Any] | None = None
        problems = [*_names(namespace, name), *(() if group is None else group_problems(group, ruler.kind))]
        if problems:
            raise ServerError(f'The rule group "{name}" will not do. {" ".join(problems)}')

    def read(self) -> None:
        self.stored = self.ruler.find(self.namespace, self.name)

    def before(self) -> dict[str, t.Any] | None:
        """What is there, in the form in which it is compared."""
        return None if self.stored is None else normalised(self.stored)

    def after(self) -> dict[str, t.Any] | None:
        return None if self.wanted is None else normalised(self.wanted)

    def differences(self) -> list[str]:
        """Paths that differ: the empty one where all of it comes or goes."""
        before, after = self.before(), self.after()
        if before is None or after is None:
            return [] if before is after else [""]
        # A field of a later version that nobody asked for is its own business.
        known = {*self.ruler.kind.groups, *after}
        return [*differing({key: value for key, value in before.items() if key in known}, after)]

    def write(self) -> None:
        """Make it so. May be called where nothing differs, and then writes nothing."""
        if not self.differences():
            return
        if self.wanted is None:
            self.ruler.delete(self.namespace, self.name)
        else:
            self.ruler.write(self.namespace, self.wanted)


def normalised(group: Group) -> dict[str, t.Any]:
    """Without what says nothing, durations as a ruler writes them."""
    found = _filled(group)
    if not found.get("limit"):
        found.pop("limit", None)
    found["rules"] = [_filled(rule) if isinstance(rule, dict) else rule for rule in group.get("rules") or ()]
    return found


def _filled(thing: Group) -> dict[str, t.Any]:
    written = {key: as_written(value) if key in DURATIONS else value for key, value in thing.items()}
    return {key: value for key, value in written.items() if value not in EMPTY}


def _names(namespace: str, name: str) -> t.Iterator[str]:
    for what, text in (("namespace", namespace), ("name of the group", name)):
        # A ruler that keeps groups as files makes paths of them.
        if not text or {"/", "\\"} & {*text} or text in (".", ".."):
            yield f"The {what} {text!r} must have at least one character, none of them / or \\, and be no . or ..."


def group_problems(group: Group, kind: Kind) -> t.Iterator[str]:
    """What is wrong with it, a sentence or two each."""
    for problem in (*_unknown(group, kind.groups, kind), *_durations(group), *_limit(group.get("limit") or 0)):
        yield problem[:1].upper() + problem[1:]
    rules = group.get("rules")
    if not isinstance(rules, list) or not rules or not all(isinstance(rule, dict) for rule in rules):
        yield "It has no rules. Give at least one, or state: absent to remove the group."
        return
    for place, rule in enumerate(rules):
        named = rule.get("alert") or rule.get("record") or ""
        about = f'Rule "{named}":' if named else f"rules[{place}]:"
        for problem in _rule_problems(rule, kind):
            yield f"{about} {problem}"


def _limit(limit: t.Any) -> t.Iterator[str]:
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        yield f"its limit is {limit!r}. It counts alerts or series, 0 for any number."


def _rule_problems(rule: Group, kind: Kind) -> t.Iterator[str]:
    yield from _unknown(rule, kind.rules, kind)
    if bool(rule.get("alert")) == bool(rule.get("record")):
        yield "it needs either alert or record, the name of the alert or of the series."
    if not isinstance(rule.get("expr"), str) or not rule["expr"].strip():
        yield "it needs expr, the query."
    yield from _durations(rule)
    if rule.get("record"):
        for field in ("for", "keep_firing_for", "annotations"):
            if rule.get(field) not in EMPTY:
                yield f"a recording rule has no {field}. Take it out."
    for field in ("labels", "annotations"):
        values = rule.get(field) or {}
        if not isinstance(values, dict):
            yield f"{field} must map names to texts."
            continue
        for name, value in values.items():
            if not isinstance(value, str):
                yield f'{field}.{name} is {value!r}. Put it in quotes: only text is allowed, such as "{value}".'


def _unknown(thing: Group, known: t.Sequence[str], kind: Kind) -> t.Iterator[str]:
    for field in thing:
        if field not in known:
            yield f"it has {field}, which {kind.ruler} would drop without a word. Take it out."


def _durations(thing: Group) -> t.Iterator[str]:
    for field in DURATIONS:
        if thing.get(field) is not None:
            try:
                milliseconds(thing[field])
            except ValueError as error:
                yield f"its {field}: {error}."
