# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One data source of Grafana: what is there, what shall be, and the request that leads from one to the other."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import (
    Grafana,
    GrafanaError,
    Refused,
    fields,
    segment,
)
from ansible_collections.observability.claude_code.plugins.module_utils._paths import differing
from ansible_collections.observability.claude_code.plugins.module_utils._secret_mark import is_mark_of, mark_of

SOURCES = "/api/datasources"
# When secrets are written that Grafana has already: never, when they are others, each time.
ON_CREATE, ON_CHANGE, ALWAYS = "on_create", "on_change", "always"
# What a save replaces: all of it is sent, or what is left out is reset.
REPLACED = (
    *("name", "type", "access", "url", "user", "database"),
    *("basicAuth", "basicAuthUser", "withCredentials", "isDefault"),
)
# Our own entry in jsonData: a mark of the secrets, and the version of the save that wrote it.
MARK = "ansibleSecrets"
PRESET = {"access": "proxy"}


class DataSource:
    """The data source with this uid, or without one that with this name.

    ``wanted`` has the fields of REPLACED that matter, as Grafana calls them; the others stay. Of ``json_data`` each
    key is set, or removed where it is None. ``secrets`` are set, or removed where they are empty.
    """

    def __init__(
        self,
        grafana: Grafana,
        uid: str | None,
        wanted: t.Mapping[str, t.Any],
        json_data: t.Mapping[str, t.Any],
        secrets: t.Mapping[str, str],
        update_secrets: str = ON_CHANGE,
    ) -> None:
        self.grafana, self.uid, self.wanted = grafana, uid, dict(wanted)
        self.json_data, self.secrets, self.update_secrets = dict(json_data), dict(secrets), update_secrets
        if MARK in self.json_data:
            raise GrafanaError(f"json_data holds {MARK}, which this module keeps itself. Leave it away.")
        self.warnings: list[str] = []
        self._stored: dict[str, t.Any] | None = None
        self._default: dict[str, t.Any] | None = None
        self._mark_holds: bool | None = None

    @property
    def exists(self) -> bool:
        return self._stored is not None

    @property
    def version(self) -> int | None:
        return (self._stored or {}).get("version")

    @property
    def title(self) -> str:
        """What messages call it."""
        return str(self.wanted.get("name") or (self._stored or {}).get("name") or self.uid)

    # --- what is there ------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Take in what Grafana has; GrafanaError where its name belongs to another one."""
        listed = self.grafana.get(SOURCES)
        if not isinstance(listed, list):
            fields(listed, self.grafana.url + SOURCES, "a list")
        known = [fields(one, self.grafana.url + SOURCES, "uid", "name") for one in listed]
        name = self.wanted.get("name")
        named = next((one for one in known if one["name"] == name), None)
        if self.uid is None and named:
            self.uid = named["uid"]
        self._default = next((one for one in known if one.get("isDefault") and one["uid"] != self.uid), None)
        self._stored = self._read() if any(one["uid"] == self.uid for one in known) else None
        self._mark_holds = None
        if named and named["uid"] != self.uid and (self._stored or {}).get("name") != name:
            raise GrafanaError(
                f'The name "{name}" belongs to the data source with the uid "{named["uid"]}" in Grafana at '
                f"{self.grafana.url}. Choose another name, or give that uid."
            )

    def differences(self) -> list[str]:
        """Paths of what a write changes; the empty one where all of it is missing."""
        if self._stored is None:
            return [""]
        stored = self._stored
        found = [name for name in REPLACED if name in self.wanted and self.wanted[name] != _value(stored, name)]
        shown, wanted = self._json_data(), self._merged()
        found += [f"jsonData.{path}" for path in differing(shown, wanted)]
        return found + [f"secureJsonData.{key}" for key in self._wrong_secrets()]

    def before(self) -> dict[str, t.Any]:
        return {} if self._stored is None else self._shown(self._stored, self._json_data(), {})

    def after(self) -> dict[str, t.Any]:
        wrong = self._wrong_secrets()
        states = {key: "to be written" if self.secrets[key] else "not set" for key in wrong}
        return self._shown({**PRESET, **(self._stored or {}), **self.wanted}, self._merged(), states)

    def check_writable(self) -> None:
        """GrafanaError where a file provides it, or where too little is known to create it."""
        missing = [name for name in ("name", "type") if not self.wanted.get(name)]
        if self._stored is None and missing:
            raise GrafanaError(
                f'Grafana at {self.grafana.url} has no data source "{self.title}". '
                f"Give {' and '.join(missing)} too, so that it can be created, or correct its uid."
            )
        if (self._stored or {}).get("readOnly"):
            raise GrafanaError(
                f'The data source "{self.title}" is provided by a file on the host of Grafana at {self.grafana.url} '
                "and cannot be changed or deleted from outside. Change that file, or set editable: true there and "
                "restart Grafana."
            )

    def former_default(self) -> str | None:
        """The uid of the data source that a write takes the flag of the default from."""
        takes = self.wanted.get("isDefault") and not (self._stored or {}).get("isDefault")
        return self._default["uid"] if takes and self._default else None

    def warn_of_default(self) -> None:
        """Say what becomes of the default, of which an organisation has one."""
        before = bool((self._stored or {}).get("isDefault"))
        if self.former_default() and self._default:
            text = f'"{self.title}" is the default data source now, in place of "{self._default["name"]}".'
            if self._default.get("readOnly"):
                text += " A file provides that one: if it says isDefault, it takes the flag back when Grafana starts."
            self.warnings.append(text)
        elif before and self.wanted.get("isDefault") is False:
            self.warnings.append(f'"{self.title}" is no longer the default data source, and no other one is.')

    def _read(self) -> dict[str, t.Any]:
        path = f"{SOURCES}/uid/{segment(self.uid or '')}"
        found = fields(self.grafana.get(path), self.grafana.url + path, "uid", "name", "type")
        if found["uid"] != self.uid:
            raise self._another(found["uid"])
        return found

    # --- what shall be ------------------------------------------------------------------------------------------------

    def write(self) -> None:
        try:
            if self._stored is None:
                answer = self.grafana.post(SOURCES, self._body())
            else:
                answer = self.grafana.put(f"{SOURCES}/uid/{segment(self.uid or '')}", self._body())
        except Refused as error:
            if error.status != 409:
                raise
            # Somebody was faster, or our first attempt was a success and its answer was lost.
            self.read()
            if [path for path in self.differences() if not (error.repeated and path.startswith("secureJsonData."))]:
                raise
            return
        found = fields(answer, self.grafana.url + SOURCES, "datasource")["datasource"]
        found = fields(found, self.grafana.url + SOURCES, "uid", "name")
        if self.uid and found["uid"] != self.uid:
            raise self._another(found["uid"])
        self.uid, self._stored = found["uid"], found

    def delete(self) -> None:
        self.grafana.delete(f"{SOURCES}/uid/{segment(self.uid or '')}")

    def _body(self) -> dict[str, t.Any]:
        stored = self._stored or {}
        kept = {name: stored[name] for name in REPLACED if name in stored}
        body = {**PRESET, **kept, **self.wanted, "jsonData": self._merged()}
        if self.uid:
            body["uid"] = self.uid
        if self._stored is not None:
            # Grafana refuses a version below its own, and counts on from the one that is sent.
            body["version"] = stored.get("version")
        sent = {key: self.secrets[key] for key in self._wrong_secrets()}
        if sent:
            body["secureJsonData"] = sent
        mark = self._mark(bool(sent))
        if mark:
            body["jsonData"][MARK] = mark
        return body

    # --- jsonData -----------------------------------------------------------------------------------------------------

    def _json_data(self) -> dict[str, t.Any]:
        """What is stored, without our own entry."""
        found = (self._stored or {}).get("jsonData") or {}
        return {key: value for key, value in found.items() if key != MARK}

    def _merged(self) -> dict[str, t.Any]:
        merged = {**self._json_data(), **self.json_data}
        return {key: value for key, value in merged.items() if value is not None or key not in self.json_data}

    # --- secrets ------------------------------------------------------------------------------------------------------

    def _wrong_secrets(self) -> list[str]:
        """Keys of the secrets that a write sends: those that lack or are too many, and others as told."""
        present = (self._stored or {}).get("secureJsonFields") or {}
        wrong = [key for key, value in self.secrets.items() if bool(value) != bool(present.get(key))]
        rewritten = self.update_secrets == ALWAYS or (self.update_secrets == ON_CHANGE and not self._still_the_same())
        if rewritten:
            wrong += [key for key, value in self.secrets.items() if value]
        return sorted({*wrong})

    def _still_the_same(self) -> bool:
        """Whether the secrets are those that we wrote, and nobody saved the data source since."""
        if not any(self.secrets.values()):
            return True
        if self._mark_holds is None:
            entry = ((self._stored or {}).get("jsonData") or {}).get(MARK)
            entry = entry if isinstance(entry, dict) else {}
            self._mark_holds = entry.get("version") == self.version and is_mark_of(entry.get("mark"), self.secrets)
        return self._mark_holds

    def _mark(self, written: bool) -> dict[str, t.Any] | None:
        """Our entry for the save that comes."""
        if self.update_secrets != ON_CHANGE:
            return None
        entry = ((self._stored or {}).get("jsonData") or {}).get(MARK)
        following = (self.version or 0) + 1
        if not self.secrets or not written:
            # Those who ask for no secrets now may do so again: what was true of them before still is.
            current = isinstance(entry, dict) and entry.get("version") == self.version
            return {**entry, "version": following} if current else None
        if not any(self.secrets.values()):
            return None
        return {"mark": mark_of(self.secrets), "version": following}

    # --- what is shown ------------------------------------------------------------------------------------------------

    def _shown(
        self, source: t.Mapping[str, t.Any], json_data: dict[str, t.Any], states: dict[str, str]
    ) -> dict[str, t.Any]:
        present = (self._stored or {}).get("secureJsonFields") or {}
        secrets = {key: "set" for key, here in present.items() if here}
        secrets.update(states)
        shown = {name: _value(source, name) for name in REPLACED if name in source}
        return {**shown, "jsonData": json_data, "secureJsonData": dict(sorted(secrets.items()))}

    def _another(self, uid: str) -> GrafanaError:
        return GrafanaError(
            f'Grafana at {self.grafana.url} answers with the data source "{uid}" instead of "{self.uid}". '
            "Look at both of them, and give each a uid and a name of its own."
        )


def _value(source: t.Mapping[str, t.Any], name: str) -> t.Any:
    """A field as it is when Grafana leaves it away."""
    value = source.get(name)
    empty: t.Any = False if name in ("basicAuth", "withCredentials", "isDefault") else ""
    return empty if value is None else value
