# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roll the telemetry settings of one machine out, or take them back. No Ansible in here.

All is read and planned first, so that check mode and diff say exactly what would be written, and an error leaves
everything as it was. What was there before is in a record; it is written before anything else.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_document import Document, flat
from ansible_collections.observability.claude_code.plugins.module_utils._client_files import (
    Change,
    Content,
    Place,
    apply_all,
    identity,
    remove_folders,
    whose,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_record import Record, changed
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import masked

# What stands behind it is a token, in a header of a variable or of a script's output, or a passphrase, which may hold
# any sign up to the end of its line.
SECRET = re.compile(r"(?i)(authorization[\"']?\s*[=:]\s*[\"']?(?:bearer |basic )?)[A-Za-z0-9._~+/=-]{8,}")
PASSPHRASE = re.compile(r"(_PASSPHRASE[\"']?\s*[=:]\s*)\S.*")
HIDDEN = r"\1***"


@dataclasses.dataclass(frozen=True)
class WantedFile:
    """A file that is ours as a whole. Of a secret one the content shows nowhere."""

    path: str
    content: str
    mode: int = 0o644
    owner: str = ""
    group: str = ""
    secret: bool = False


@dataclasses.dataclass(frozen=True)
class WantedSettings:
    """Settings in a file that belongs to others. Without a mode the file's own stays."""

    path: str
    settings: t.Mapping[str, t.Any]
    mode: int | None = None
    owner: str = ""


@dataclasses.dataclass
class Plan:
    """What is to be written, in this order, and what stays: somebody changed it since, or its account is gone."""

    place: Place
    record: Record
    changes: list[Change] = dataclasses.field(default_factory=list)
    kept: list[str] = dataclasses.field(default_factory=list)

    @property
    def needed(self) -> list[Change]:
        return [change for change in self.changes if change.needed]

    def contents(self) -> dict[str, bytes | None]:
        """Each file afterwards, by its path on the machine."""
        return {self.place.expanded(change.path): change.after.data for change in self.changes}

    def diffs(self) -> list[dict[str, str]]:
        return [shown(change) for change in self.needed]

    def carry_out(self) -> None:
        """All or nothing. The record goes first, and last where it is no longer needed."""
        kept = changed(self.record.path, self.place, Content(self.record.content(), 0o600), "", secret=True)
        changes = self.needed
        if not changes and not kept.needed:
            return
        order = [*changes, kept] if self.record.empty else [kept, *changes]
        made = list(self.record.folders)
        apply_all([change for change in order if change.needed])
        made += [folder for change in order for folder in change.made if folder not in made]
        if self.record.empty:
            remove_folders(made)
        elif made != self.record.folders:
            self.record.folders = made
            apply_all([changed(self.record.path, self.place, Content(self.record.content(), 0o600), "", secret=True)])


def plan_present(
    place: Place, record: Record, files: t.Sequence[WantedFile], settings: t.Sequence[WantedSettings]
) -> Plan:
    """Have these, and put back what an earlier run had and is no longer wanted."""
    plan = Plan(place, record)
    _put_back(plan, {one.path for one in files}, {one.path: set(flat(one.settings)) for one in settings})
    for wanted in files:
        uid, gid = identity(wanted.owner, wanted.group)
        after = Content(wanted.content.encode(), wanted.mode, uid, gid)
        change = changed(wanted.path, place, after, wanted.owner, wanted.secret)
        record.remember_file(wanted.path, change.before, wanted.owner)
        plan.changes.append(change)
    for merged in settings:
        plan.changes.append(_merged(plan, merged))
    return plan


def plan_absent(place: Place, record: Record) -> Plan:
    """Have all of it as it was before."""
    plan = Plan(place, record)
    _put_back(plan, set(), {})
    return plan


def _merged(plan: Plan, wanted: WantedSettings) -> Change:
    earlier = next((change for change in plan.changes if change.path == wanted.path), None)
    if earlier:  # keys that are no longer wanted were taken out of it
        plan.changes.remove(earlier)
    identity(wanted.owner, "")  # says so where there is no such account
    change = changed(wanted.path, plan.place, Content(None), wanted.owner)
    data = earlier.after.data if earlier else change.before.data
    document = Document(wanted.path, data)
    plan.record.remember_document(wanted.path, change.before, wanted.owner)
    for key, value in flat(wanted.settings).items():
        plan.record.remember_key(wanted.path, key, document, value, wanted.owner)
        document.put(key, value)
    mode = change.before.mode if change.before.data is not None else 0o600
    mode = mode if wanted.mode is None else wanted.mode
    keys = {*flat(wanted.settings), *(earlier.keys if earlier else ())}
    after = Content(document.content(), mode, *whose(change.before, wanted.owner))
    return dataclasses.replace(change, after=after, keys=tuple(sorted(keys)))


def _put_back(plan: Plan, files: set[str], settings: t.Mapping[str, set[tuple[str, ...]]]) -> None:
    """What the record knows and is not in these."""
    record, place = plan.record, plan.place
    _forget_the_gone(plan)
    for path in [path for path in record.files if path not in files]:
        plan.changes.append(record.restored_file(path, place))
    for path in list(record.settings):
        gone = [key for key in record.keys(path) if key not in settings.get(path, ())]
        if not gone:
            continue
        owner = record.settings[path]["owner"]
        change = changed(path, place, Content(None), owner)
        if change.before.data is None:
            record.settings.pop(path)
            continue
        document = Document(path, change.before.data)
        plan.kept += [f"{path}: {key}" for key in record.restored_keys(path, gone, document)]
        after = Content(document.content(), change.before.mode, *whose(change.before, owner))
        if path not in settings:
            after = record.restored_document(path, document, change.before)
        plan.changes.append(dataclasses.replace(change, after=after, keys=tuple(sorted(gone))))


def _forget_the_gone(plan: Plan) -> None:
    """What belonged to an account that is no longer there can be put back for nobody, and is to hold nobody up."""
    for entries in (plan.record.files, plan.record.settings):
        for path, entry in list(entries.items()):
            account = plan.place.missing(path, entry["owner"])
            if account:
                entries.pop(path)
                plan.kept.append(f"{path}: there is no user {account} any more")


def shown(change: Change) -> dict[str, str]:
    """For a diff, without secrets: of a file of others our keys alone."""
    before, after = _text(change, change.before.data), _text(change, change.after.data)
    if change.before.data is not None and change.after.data is not None:
        if change.secret and change.before.data != change.after.data:
            after = "(not shown, another one)\n"
        if change.before.mode != change.after.mode:
            before, after = f"mode {change.before.mode:04o}\n{before}", f"mode {change.after.mode:04o}\n{after}"
    return {"before_header": change.path, "after_header": change.path, "before": before, "after": after}


def _text(change: Change, data: bytes | None) -> str:
    if data is None:
        return ""
    if change.secret:
        return "(not shown)\n"
    if not change.keys:
        return PASSPHRASE.sub(HIDDEN, SECRET.sub(HIDDEN, data.decode("utf-8", "replace")))
    document = Document(change.path, data)
    values = {".".join(key): document.get(key) for key in change.keys}
    lines = [f"{name}: {masked(name, str(value))}" for name, value in values.items() if value is not None]
    return "\n".join([*lines, ""])
