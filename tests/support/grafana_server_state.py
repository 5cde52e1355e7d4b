# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in for Grafana keeps: organisations with folders, dashboards, data sources and rules; who may ask."""

from __future__ import annotations

import itertools
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

NEVER = "0001-01-01T00:00:00Z"
ANONYMOUS = "Anonymous"
# So many wrong passwords lock a login: the right one is then refused too.
WRONG_PASSWORDS = 5
# A data source's own server: method, path below the proxy, parameters as they came, body -> status and body.
Upstream = Callable[[str, str, str, str], tuple[int, Any]]


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def slug(title: str) -> str:
    """The title as it stands in a URL."""
    text = title.lower()
    for letter, letters in {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "&": "and"}.items():
        text = text.replace(letter, letters)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9_]+", "-", text).strip("-")


@dataclass
class Caller:
    """Who asks. ``login`` is the name that a write is signed with, ``kind`` how the caller proved it."""

    role: str
    login: str = ANONYMOUS
    org_id: int = 1
    kind: str = "nobody"  # nobody | user | token


@dataclass
class Folder:
    uid: str
    title: str
    id: int
    version: int = 1
    parent: str = ""
    created_by: str = "admin"
    updated_by: str = "admin"
    created: str = field(default_factory=now)
    updated: str = field(default_factory=now)

    @property
    def url(self) -> str:
        return f"/dashboards/f/{self.uid}/{slug(self.title)}"


@dataclass
class Dashboard:
    model: dict[str, Any]  # as it was sent, with id, uid and version
    folder: str  # uid; empty for General
    file: str = ""  # the file that provisions it
    created_by: str = "admin"
    updated_by: str = "admin"
    created: str = field(default_factory=now)
    updated: str = field(default_factory=now)

    @property
    def uid(self) -> str:
        return self.model["uid"]

    @property
    def id(self) -> int:
        return self.model["id"]

    @property
    def title(self) -> str:
        return self.model["title"]

    @property
    def version(self) -> int:
        return self.model["version"]

    @property
    def url(self) -> str:
        return f"/d/{self.uid}/{slug(self.title)}"


@dataclass
class DataSource:
    uid: str
    id: int
    fields: dict[str, Any]  # name, type, access, url, user, ...: what is no secret
    secrets: dict[str, str] = field(default_factory=dict)
    version: int = 1
    read_only: bool = False
    unhealthy: str = ""  # what its health check complains of
    upstream: Upstream | None = None

    @property
    def name(self) -> str:
        return self.fields["name"]


@dataclass
class Evaluation:
    """How a rule's last evaluation ended: with ``instances`` (the labels of each series, and whether it breaches), with
    an ``error``, or ``without_data`` (for each data source that gave none its uid and the queries)."""

    instances: list[tuple[dict[str, str], bool]] = field(default_factory=list)
    error: str = ""
    error_labels: dict[str, str] = field(default_factory=dict)
    without_data: list[dict[str, str]] = field(default_factory=list)
    pending: bool = False
    annotations: dict[str, str] = field(default_factory=dict)  # where templates in them were filled in
    at: str = field(default_factory=now)


@dataclass
class Rule:
    uid: str
    id: int
    folder: str
    group: str
    fields: dict[str, Any]  # title, condition, data, for, ...: as they read back
    provenance: str = ""
    index: int = 1  # place in the group
    updated: str = field(default_factory=now)
    evaluation: Evaluation | None = None

    @property
    def title(self) -> str:
        return self.fields["title"]


DEFAULT_RECEIVER = "grafana-default-email"


def _first_contact_point() -> dict[str, Any]:
    """The one that is always there; it has no uid, and its own name is not its receiver's."""
    settings = {"addresses": "<example@email.com>"}
    named = {"uid": "", "name": "email receiver", "type": "email"}
    return {**named, "settings": settings, "disableResolveMessage": False}


def _first_policies() -> dict[str, Any]:
    return {"receiver": DEFAULT_RECEIVER, "group_by": ["grafana_folder", "alertname"]}


@dataclass
class Organisation:
    id: int
    name: str
    folders: dict[str, Folder] = field(default_factory=dict)
    dashboards: dict[str, Dashboard] = field(default_factory=dict)
    sources: dict[str, DataSource] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    intervals: dict[tuple[str, str], int] = field(default_factory=dict)  # folder uid and group: seconds
    alertmanager: bool = True  # a new organisation has no configuration of it for a while
    contact_points: list[dict[str, Any]] = field(default_factory=lambda: [_first_contact_point()])
    policies: dict[str, Any] = field(default_factory=_first_policies)
    mute_timings: set[str] = field(default_factory=set)


@dataclass
class Account:
    """A service account; its tokens by name."""

    id: int
    name: str
    login: str
    role: str = "Viewer"
    disabled: bool = False
    org_id: int = 1
    created: str = field(default_factory=now)
    updated: str = field(default_factory=now)


@dataclass
class Token:
    id: int
    name: str
    key: str
    account: int
    expires: float | None = None  # unix time
    created: str = field(default_factory=now)


@dataclass
class Login:
    password: str
    role: str = "Viewer"
    wrong: int = 0

    @property
    def locked(self) -> bool:
        return self.wrong >= WRONG_PASSWORDS


@dataclass
class State:
    version: str
    organisations: dict[int, Organisation] = field(default_factory=lambda: {1: Organisation(1, "Main Org.")})
    logins: dict[str, Login] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)
    deleted_keys: set[str] = field(default_factory=set)
    hide_version: bool = False
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))  # of dashboards and folders together
    source_ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    user_ids: Iterator[int] = field(default_factory=lambda: itertools.count(2))
    token_ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    last_rule_id: int = 0
    uids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def since(self, *version: int) -> bool:
        """Whether the Grafana that this stands for is that version or a later one."""
        numbers = [int(number) for number in re.findall(r"\d+", self.version)[:3]]
        return tuple(numbers) >= version

    def new_uid(self) -> str:
        return f"generated{next(self.uids)}"

    # --- the main organisation, which most tests are about -----------------------------------------------------------

    @property
    def main(self) -> Organisation:
        return self.organisations[1]

    @property
    def folders(self) -> dict[str, Folder]:
        return self.main.folders

    @property
    def dashboards(self) -> dict[str, Dashboard]:
        return self.main.dashboards

    @property
    def sources(self) -> dict[str, DataSource]:
        return self.main.sources

    @property
    def rules(self) -> dict[str, Rule]:
        return self.main.rules

    def add_folder(self, uid: str, title: str, parent: str = "") -> Folder:
        folder = self.folders[uid] = Folder(uid, title, next(self.ids), parent=parent)
        return folder

    def add_dashboard(self, model: dict[str, Any], folder: str = "", file: str = "") -> Dashboard:
        """``file`` makes it a provisioned one."""
        whole = {**model, "id": next(self.ids), "version": 1}
        dashboard = self.dashboards[model["uid"]] = Dashboard(whole, folder, file=file)
        return dashboard

    def add_source(self, uid: str, name: str, kind: str, url: str, read_only: bool = True, **fields: Any) -> DataSource:
        """``read_only`` as one that a file provisions. Its ``upstream`` and ``unhealthy`` may be set by the test."""
        blank = {"user": "", "database": "", "basicAuth": False, "basicAuthUser": "", "withCredentials": False}
        plain = {"name": name, "type": kind, "access": "proxy", "url": url, "isDefault": False, "jsonData": {}}
        whole = {**plain, **blank, **fields}
        source = self.sources[uid] = DataSource(uid, next(self.source_ids), whole, read_only=read_only)
        return source
