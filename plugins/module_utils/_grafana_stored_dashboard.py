# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One dashboard in Grafana: what is there, what shall be, and the request that leads from one to the other."""

from __future__ import annotations

import typing as t
import urllib.parse

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import (
    Grafana,
    GrafanaError,
    Refused,
    fields,
    segment,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_model import comparable, uid_of
from ansible_collections.observability.claude_code.plugins.module_utils._paths import differing

# What to do about a dashboard that somebody saves between our reading and our writing.
FAIL, OVERWRITE = "fail", "overwrite"
CONFLICTS = (409, 412)
ATTEMPTS = 3


class StoredDashboard:
    """The dashboard ``uid``, in the folder ``folder_uid`` ("" is General; None: where it is, and General if new).

    ``model`` is the classic JSON; None where it shall not be. ``conflict`` is FAIL or OVERWRITE.
    """

    def __init__(
        self,
        grafana: Grafana,
        uid: str,
        model: dict[str, t.Any] | None,
        folder_uid: str | None = None,
        conflict: str = FAIL,
        message: str = "",
    ) -> None:
        self.grafana, self.uid, self.conflict, self.message = grafana, uid_of(uid), conflict, message
        self.model = None if model is None else {**model, "uid": self.uid, "title": model["title"].strip()}
        self.wanted_folder = folder_uid
        self.version: int | None = None
        self.warnings: list[str] = []
        self._stored: dict[str, t.Any] = {}
        self._meta: dict[str, t.Any] = {}
        self._newer: str | None = None

    @property
    def exists(self) -> bool:
        return self.version is not None

    @property
    def folder_uid(self) -> str:
        return self._stored_folder if self.wanted_folder is None else self.wanted_folder

    @property
    def url(self) -> str:
        """Where people find it."""
        # Grafana's own has the path of its root_url in it already.
        return urllib.parse.urljoin(self.grafana.url + "/", self._meta.get("url") or f"d/{self.uid}")

    @property
    def _stored_folder(self) -> str:
        return self._meta.get("folderUid") or ""

    # --- what is there ------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Take in what Grafana has; GrafanaError where the uid is that of something else."""
        path = f"/api/dashboards/uid/{segment(self.uid)}"
        found = self.grafana.find(path)
        if found is None:
            self.version, self._stored, self._meta, self._newer = None, {}, {}, None
            return
        where = self.grafana.url + path
        found = fields(found, where, "dashboard", "meta")
        self._meta = fields(found["meta"], f"{where} (meta)")
        self._stored = fields(found["dashboard"], f"{where} (dashboard)", "uid", "version")
        if self._meta.get("isFolder"):
            raise GrafanaError(
                f'The uid "{self.uid}" is that of the folder "{self._stored.get("title")}" in Grafana at '
                f"{self.grafana.url}, and no dashboard. Give the uid of a dashboard, or another one to create it."
            )
        if self._stored["uid"] != self.uid:
            raise self._taken(self._stored["uid"])
        self.version = self._stored["version"]
        self._newer = None
        if self.model is not None and self._differing():
            self._newer = self._newer_format()

    def differences(self) -> list[str]:
        """Paths of what a write changes: the empty one where all of it is missing, ``folderUid`` for a move."""
        if self.version is None:
            return [""]
        moved = ["folderUid"] if self.folder_uid != self._stored_folder else []
        # What was converted to be read differs in places that nobody changed.
        return (["apiVersion"] if self._newer else self._differing()) + moved

    def before(self) -> dict[str, t.Any]:
        if self.version is None:
            return {}
        shown = {"apiVersion": self._newer} if self._newer else comparable(self._stored, self.model or {})
        return {"dashboard": shown, "folderUid": self._stored_folder}

    def after(self) -> dict[str, t.Any]:
        if self.model is None:
            return {}
        return {"dashboard": comparable(self.model, self.model), "folderUid": self.folder_uid}

    def check_writable(self) -> None:
        """GrafanaError where a file provides it: nothing from outside changes it, or not for long."""
        if not self.exists:
            return
        file = self._meta.get("provisionedExternalId") or ""
        if self._meta.get("provisioned"):
            raise GrafanaError(
                f'The dashboard "{self.uid}" is provided by the file {file or "of a provider"} on the host of Grafana '
                f"at {self.grafana.url} and cannot be changed or deleted from outside. Change that file, or take it "
                "out of the provider's folder first."
            )
        if file:
            self.warnings.append(
                f'The dashboard "{self.uid}" is provided by the file {file} on Grafana\'s host, which allows changes '
                "(allowUiUpdates): the next change of that file undoes this one."
            )

    def _differing(self) -> list[str]:
        model = self.model or {}
        return list(differing(comparable(self._stored, model), comparable(model, model)))

    # --- what shall be ------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Save it. Never by force: that would replace another dashboard that has the same title in the folder."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._saved(self.grafana.post("/api/dashboards/db", self._body()))
                return
            except Refused as error:
                if error.status not in CONFLICTS:
                    raise
                before = self.version
                self.read()
                if not self.differences():
                    return  # an answer of ours was lost, or somebody else saved the same
                if self.version == before or attempt == ATTEMPTS:
                    raise  # it is not about the version, but about a title that is taken
                if self.conflict == FAIL:
                    raise GrafanaError(self._conflict(before)) from error

    def delete(self) -> None:
        self.grafana.delete(f"/api/dashboards/uid/{segment(self.uid)}")

    def _body(self) -> dict[str, t.Any]:
        # A number of another Grafana would be looked for in this one.
        model = {name: value for name, value in (self.model or {}).items() if name not in ("id", "version")}
        if self.version is not None:
            model["version"] = self.version
        # Without a folder it would be moved to General.
        body = {"dashboard": model, "folderUid": self.folder_uid, "overwrite": False}
        return {**body, "message": self.message} if self.message else body

    def _saved(self, answer: t.Any) -> None:
        found = fields(answer, f"{self.grafana.url}/api/dashboards/db", "uid", "version")
        if found["uid"] != self.uid:
            raise self._taken(found["uid"])
        self.version = found["version"]
        self._meta = {**self._meta, "url": found.get("url"), "folderUid": self.folder_uid}

    def _taken(self, uid: str) -> GrafanaError:
        return GrafanaError(
            f'Grafana at {self.grafana.url} answers with the dashboard "{uid}" instead of "{self.uid}". '
            "Give yours another title if they are in the same folder, or that uid if it is the one you mean."
        )

    def _conflict(self, before: int | None) -> str:
        if self.version is None:
            happened = f"was deleted while version {before} was compared"
        else:
            who, when = self._meta.get("updatedBy") or "somebody", self._meta.get("updated") or "now"
            was = "was not there" if before is None else f"was at version {before}"
            happened = f"{was} when it was compared, and {who} saved version {self.version} at {when}"
        return (
            f'The dashboard "{self.uid}" in Grafana at {self.grafana.url} {happened}. '
            "Look at what was changed, then run it again; with conflict set to overwrite it is replaced."
        )

    # --- newer formats ------------------------------------------------------------------------------------------------

    def _newer_format(self) -> str | None:
        """The format that it is stored in, if that is one which is only converted for us to read."""
        if self.grafana.version < (12, 0, 0):
            return None
        stated = str(self._meta.get("apiVersion") or "")
        if not stated.startswith("v2"):
            stated = self._stored_version()
        if not stated.startswith("v2"):
            return None
        self.warnings.append(
            f'The dashboard "{self.uid}" was saved on Grafana\'s pages in its newer format {stated}. What can be read '
            "of it is converted and not compared; writing it stores the classic format again, without what was "
            "changed on the pages."
        )
        return stated

    def _stored_version(self) -> str:
        number = self.grafana.organisation
        namespace = "default" if number == 1 else f"org-{number}"
        path = f"/apis/dashboard.grafana.app/v1beta1/namespaces/{namespace}/dashboards/{segment(self.uid)}"
        try:
            found: t.Any = self.grafana.find(path)
        except Refused:
            return ""  # who may not read it there learns nothing more, and need not
        for name in ("status", "conversion", "storedVersion"):
            found = found.get(name) if isinstance(found, dict) else None
        return str(found or "")
