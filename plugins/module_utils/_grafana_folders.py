# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One folder of Grafana: what is there, what shall be, and the requests that lead from one to the other."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import (
    UID,
    Grafana,
    GrafanaError,
    Refused,
    fields,
    segment,
)

FOLDERS = "/api/folders"
PAGE = 1000
# The folder that is none.
GENERAL = ""


class Folder:
    """The folder with this uid, or without one the folder with this title.

    It is created where it is missing and has a title. ``parent_uid`` None leaves it in the folder that it is in.
    """

    def __init__(self, grafana: Grafana, uid: str | None, title: str | None, parent_uid: str | None = None) -> None:
        self.grafana = grafana
        self.title = title.strip() if title else None
        self.parent_uid = parent_uid
        self.uid = uid or self._derived()
        if self.uid == "general" or (self.title or "").lower() == "general":
            raise GrafanaError(
                "The folder General is none that can be named. Leave the folder's title away and give an empty uid."
            )
        if not UID.fullmatch(self.uid):
            raise GrafanaError(
                f'The uid "{self.uid}" of the folder will not do. Give one of up to 40 letters, digits, - and _.'
            )
        if parent_uid == self.uid:
            raise GrafanaError(
                f'The folder "{self.uid}" cannot be in itself. Give the uid of another one as its parent.'
            )
        self._by_title = not uid
        self._stored: dict[str, t.Any] | None = None

    @property
    def exists(self) -> bool:
        return self._stored is not None

    # --- what is there ------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Take in what Grafana has; GrafanaError where it cannot become what is wanted."""
        if self._by_title:
            self.uid = self._uid_of_title() or self.uid
        self._stored = self._find(self.uid)
        if self._stored is None and self.title is None:
            raise GrafanaError(
                f'Grafana at {self.grafana.url} has no folder "{self.uid}". '
                "Give a title for it, so that it is created, or correct its uid."
            )
        if self._by_title and self._stored and self._stored["title"] != self.title:
            raise GrafanaError(
                f'A folder "{self.title}" would get the uid "{self.uid}", which the folder "{self._stored["title"]}" '
                "has. Give the uid of the folder as well."
            )
        if self.parent_uid:
            self.grafana.needs("A folder in a folder", 11, 0)
            if self._find(self.parent_uid) is None:
                raise GrafanaError(
                    f'Grafana at {self.grafana.url} has no folder "{self.parent_uid}" that "{self.uid}" could be in. '
                    "Create it first, or correct the uid of the parent."
                )

    def differences(self) -> list[str]:
        """What a write changes: the empty path where all of it is missing, else the fields."""
        if self._stored is None:
            return [""]
        wanted = {"title": self.title, "parentUid": self.parent_uid}
        return [name for name, value in wanted.items() if value is not None and value != self._stored_value(name)]

    def before(self) -> dict[str, t.Any] | None:
        return self._shown(self._stored_value("title"), self._stored_value("parentUid")) if self.exists else None

    def after(self) -> dict[str, t.Any]:
        parent = self._stored_value("parentUid") if self.parent_uid is None else self.parent_uid
        return self._shown(self._stored_value("title") if self.title is None else self.title, parent)

    # --- what shall be ------------------------------------------------------------------------------------------------

    def write(self) -> None:
        if self._stored is None:
            self._create()
        wrong = self.differences()
        if "parentUid" in wrong:
            moved = self.grafana.post(f"{FOLDERS}/{segment(self.uid)}/move", {"parentUid": self.parent_uid})
            self._stored = self._checked(moved)
        if "title" in wrong:
            # With a version, since overwriting would rename another folder that has this title.
            body = {"title": self.title, "version": (self._stored or {}).get("version")}
            self._stored = self._checked(self.grafana.put(f"{FOLDERS}/{segment(self.uid)}", body))
        if self.differences():
            raise GrafanaError(
                f'Grafana at {self.grafana.url} took the folder "{self.uid}" and ignored {self.differences()[0]}. '
                "Check that its feature toggle nestedFolders is on."
            )

    def _create(self) -> None:
        body = {"uid": self.uid, "title": self.title}
        if self.parent_uid:
            body["parentUid"] = self.parent_uid
        try:
            self._stored = self._checked(self.grafana.post(FOLDERS, body))
        except Refused as error:
            # Somebody was faster, or an answer of ours was lost. The title then tells whose it is.
            found = self._find(self.uid) if error.status in (409, 412) else None
            if found is None or found["title"] != self.title:
                raise
            self._stored = found

    def _checked(self, answer: t.Any) -> dict[str, t.Any]:
        found = fields(answer, f"{self.grafana.url}{FOLDERS}", "uid", "title")
        if found["uid"] != self.uid:
            raise GrafanaError(
                f'Grafana at {self.grafana.url} wrote the folder "{found["uid"]}" instead of "{self.uid}", '
                "which has the same title. Choose another title for yours."
            )
        return found

    def _find(self, uid: str) -> dict[str, t.Any] | None:
        path = f"{FOLDERS}/{segment(uid)}"
        found = self.grafana.find(path)
        return None if found is None else fields(found, self.grafana.url + path, "uid", "title")

    def _uid_of_title(self) -> str | None:
        found: list[str] = []
        page, full = 1, True
        while full:
            here = self.grafana.get(FOLDERS, parentUid=self.parent_uid or None, limit=PAGE, page=page)
            if not isinstance(here, list):
                fields(here, self.grafana.url + FOLDERS, "a list")
            listed = [fields(one, self.grafana.url + FOLDERS, "uid", "title") for one in here]
            found += [one["uid"] for one in listed if one["title"] == self.title]
            page, full = page + 1, len(listed) == PAGE
        if len(found) > 1:
            raise GrafanaError(
                f'Grafana at {self.grafana.url} has {len(found)} folders "{self.title}" ({", ".join(sorted(found))}). '
                "Give the uid of the one that is meant."
            )
        return found[0] if found else None

    def _derived(self) -> str:
        """A uid made of the title."""
        return re.sub(r"[^a-zA-Z0-9_]+", "-", (self.title or "").lower()).strip("-")[:40]

    def _stored_value(self, name: str) -> t.Any:
        # In no other folder: Grafana leaves the field away.
        return (self._stored or {}).get(name) or ""

    def _shown(self, title: str, parent: str) -> dict[str, t.Any]:
        return {"uid": self.uid, "title": title, "parentUid": parent}
