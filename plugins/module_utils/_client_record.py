# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was on a machine before telemetry was rolled out to it, so that it can be put back. No Ansible in here."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_document import ENV, Document, Key, flat
from ansible_collections.observability.claude_code.plugins.module_utils._client_files import (
    Change,
    ClientFilesError,
    Content,
    Place,
    read,
    refusal,
    whose,
)

VERSION = 1


@dataclasses.dataclass
class Record:
    """``files``: each whole file and what was there; ``settings``: each key that was put into a file of others."""

    path: str
    files: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    settings: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    folders: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def load(cls, path: str, place: Place) -> Record:
        try:
            found = read(place.at(path)).data
        except OSError as error:
            raise ClientFilesError(
                f"{path} cannot be read: {error.strerror}. It says what was there before. Run the playbook as the "
                "account that rolled out."
            ) from error
        if found is None:
            return cls(path)
        try:
            document = json.loads(found)
            _check_types(document, files=dict, settings=dict, folders=list)
            # Older records say less.
            less = {"owner": "", "uid": -1, "gid": -1}
            settings = {name: {**less, **entry} for name, entry in document["settings"].items()}
            record = cls(path, document["files"], settings, document["folders"])
            record.check()
            return record
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ClientFilesError(
                f"{path} says what was there before, and is damaged. Nothing was changed. Move it away; what it "
                "held can then no longer be put back by itself."
            ) from error

    def check(self) -> None:
        """An error where it is not made as records are: its contents and modes are going to be written."""
        for entry in self.files.values():
            _check_types(entry, was=(dict, type(None)), owner=str)
            if entry["was"] is not None:
                _check_types(entry["was"], text=str, mode=int, uid=int, gid=int)
        for entry in self.settings.values():
            _check_types(entry, text=(str, type(None)), mode=int, uid=int, gid=int, owner=str, keys=dict)
            for key in entry["keys"].values():
                _check_types(key, was=object, wrote=object)
        if not all(isinstance(folder, str) for folder in self.folders):
            raise TypeError("a folder is no text")

    @property
    def empty(self) -> bool:
        return not self.files and not self.settings

    def content(self) -> bytes | None:
        if self.empty:
            return None
        kept = {"version": VERSION, "files": self.files, "settings": self.settings, "folders": self.folders}
        return (json.dumps(kept, indent=2, sort_keys=True) + "\n").encode()

    def remember_file(self, path: str, found: Content, owner: str) -> None:
        """Once: what is there at the second time is ours."""
        was = (
            None
            if found.data is None
            else {"text": kept_text(found.data), "mode": found.mode, "uid": found.uid, "gid": found.gid}
        )
        self.files.setdefault(path, {"was": was})["owner"] = owner

    def remember_key(self, path: str, key: Key, document: Document, wrote: t.Any, owner: str) -> None:
        """Once for each key, as for a file."""
        entry = self.settings[path]
        entry["owner"] = owner
        entry["keys"].setdefault("\0".join(key), {"was": document.get(key)})["wrote"] = wrote

    def remember_document(self, path: str, found: Content, owner: str) -> None:
        """The file of others, as it is before any key is put into it."""
        text = None if found.data is None else kept_text(found.data)
        entry = {"text": text, "mode": found.mode, "uid": found.uid, "gid": found.gid, "owner": owner, "keys": {}}
        self.settings.setdefault(path, entry)

    # --- putting back ---

    def restored_file(self, path: str, place: Place) -> Change:
        """The file as it was before, and no word of it any more."""
        entry = self.files.pop(path)
        was = entry["was"]
        before = Content(None) if was is None else Content(kept_bytes(was["text"]), was["mode"], was["uid"], was["gid"])
        return changed(path, place, before, entry["owner"], secret=True)

    def restored_keys(self, path: str, keys: t.Iterable[Key], document: Document) -> list[str]:
        """Put the keys of the document back; those that somebody changed since stay, and are returned."""
        entry, kept = self.settings[path], []
        for key in keys:
            was = entry["keys"].pop("\0".join(key))
            if document.get(key) == was["wrote"]:
                document.put(key, was["was"])
            else:
                kept.append(".".join(key))
        return kept

    def restored_document(self, path: str, document: Document, found: Content) -> Content:
        """The file without our keys: as it was to the letter, unless others have changed something in it since."""
        entry = self.settings.pop(path)
        if entry["text"] is None:
            left = document.settings not in ({}, {ENV: {}})
            return Content(document.content() if left else None, found.mode, *whose(found, entry["owner"]))
        original = kept_bytes(entry["text"])
        same = flat(Document(path, original).settings) == flat(document.settings)
        known = -1 not in (entry["uid"], entry["gid"])
        was = dataclasses.replace(found, uid=entry["uid"], gid=entry["gid"]) if known else found
        return Content(original if same else document.content(), entry["mode"], *whose(was, entry["owner"]))

    def keys(self, path: str) -> list[Key]:
        return [tuple(key.split("\0")) for key in self.settings.get(path, {}).get("keys", ())]


def _check_types(entry: t.Mapping[str, t.Any], **kinds: t.Any) -> None:
    for name, kind in kinds.items():
        if not isinstance(entry[name], kind):
            raise TypeError(f"{name} is something else")


def changed(path: str, place: Place, after: Content, owner: str, secret: bool = False) -> Change:
    """From what is there to this."""
    where = place.at(path)
    try:
        before = read(where, owner)
    except OSError as error:
        raise refusal(path, error) from error
    return Change(path, where, before, after, owner, secret)


def kept_text(data: bytes) -> str:
    """Bytes as JSON can hold them, also such as are no text."""
    return data.decode("utf-8", "surrogateescape")


def kept_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
