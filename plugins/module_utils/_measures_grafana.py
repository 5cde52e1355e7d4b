# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements of a Grafana: whether it holds what was rendered for it, and whether that works there."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.observability.claude_code.plugins.module_utils._answers import answers_of
from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, Noted, SkipCheck
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import (
    Grafana,
    GrafanaError,
    Refused,
    fields,
    segment,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_group import RuleGroup
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_stored_dashboard import StoredDashboard

# So many paths of what differs are told of one dashboard or group.
TOLD = 3
# What asks a data source's own server for nothing much, by kind.
PROBES = {"prometheus": "/api/v1/query", "loki": "/loki/api/v1/query"}
RULE_STATES = "/api/prometheus/grafana/api/v1/rules"


@dataclass(frozen=True)
class Wanted:
    """What is to be in Grafana: dashboards by uid, rendered groups of rules, uids of data sources by kind."""

    folder_uid: str = "claude-code"
    dashboards: t.Mapping[str, dict[str, t.Any]] = field(default_factory=dict)
    groups: t.Sequence[dict[str, t.Any]] = ()
    sources: t.Mapping[str, str] = field(default_factory=dict)


Measured = t.TypeVar("Measured")


def told(measure: t.Callable[..., Measured]) -> t.Callable[..., Measured]:
    """What Grafana refuses, or does not answer as Grafana does, is what the check found."""

    @functools.wraps(measure)
    def measured(self: GrafanaMeasures, *arguments: t.Any) -> Measured:
        try:
            with answers_of(f"Grafana at {self.server.url}", MeasureError):
                return measure(self, *arguments)
        except GrafanaError as error:
            raise MeasureError(str(error)) from error

    return measured


class GrafanaMeasures:
    """Measurements of ``grafana``, which is None where the stack has none."""

    def __init__(self, grafana: Grafana | None, wanted: Wanted) -> None:
        self._grafana, self.wanted = grafana, wanted

    def vocabulary(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "grafana": self.grafana,
            "grafana_dashboards": self.dashboards,
            "grafana_data_sources": self.data_sources,
            "grafana_rules": self.rules,
        }

    @property
    def server(self) -> Grafana:
        if self._grafana is None:
            raise SkipCheck("There is no Grafana in this stack.")
        return self._grafana

    # --- the server ---------------------------------------------------------------------------------------------------

    @told
    def grafana(self, what: str) -> t.Any:
        """``version``; ``strangers``: the HTTP status that it has for those who do not sign in."""
        if what == "version":
            return ".".join(map(str, self.server.version))
        if what != "strangers":
            raise MeasureError(f"grafana knows version and strangers, not {what!r}.")
        connection = replace(self.server.connection, token=None, username=None, password=None, org_id=None)
        try:
            Grafana(connection).get("/api/org")
        except Refused as error:
            return error.status
        return 200

    # --- what is in it ------------------------------------------------------------------------------------------------

    @told
    def dashboards(self, what: str) -> dict[str, str]:
        """``differing``: dashboards that are not as they were rendered, with the first places that differ."""
        if what != "differing":
            raise MeasureError(f"grafana_dashboards knows differing, not {what!r}.")
        found: dict[str, str] = {}
        for uid, model in self.wanted.dashboards.items():
            stored = StoredDashboard(self.server, uid, model, self.wanted.folder_uid)
            stored.read()
            wrong = stored.differences()
            if wrong:
                found[uid] = _told(wrong) if stored.exists else "is not there"
        return found

    @told
    def rules(self, what: str) -> t.Any:
        """``differing``: groups that are not as they were rendered; ``failing``: rules, with their errors."""
        server, groups = self.server, self.wanted.groups
        if not groups:
            raise SkipCheck("Grafana evaluates no alert rules of this stack (stack_alerts_by, stack_alerts).")
        if what == "failing":
            return self._failing()
        if what != "differing":
            raise MeasureError(f"grafana_rules knows differing and failing, not {what!r}.")
        found: dict[str, str] = {}
        for group in groups:
            stored = RuleGroup(server, self.wanted.folder_uid, group["name"], group["interval_s"], group["rules"])
            stored.read()
            change = stored.change()
            if change:
                found[group["name"]] = _told(change.paths) if stored.stored else "is not there"
        return found

    def _failing(self) -> Noted:
        path = self.server.url + RULE_STATES
        data = fields(fields(self.server.get(RULE_STATES), path, "data")["data"], path, "groups")
        ours = {rule["title"]: rule for group in self.wanted.groups for rule in group["rules"]}
        names = {group["name"] for group in self.wanted.groups}
        there = [
            rule
            for group in data["groups"]
            # Old versions name the folder by its title only; a group of ours is told by its name.
            if group["name"] in names and group.get("folderUid", self.wanted.folder_uid) == self.wanted.folder_uid
            for rule in group["rules"]
            if rule["name"] in ours
        ]
        failing: dict[str, str] = {}
        for rule in there:
            # A query that Prometheus refuses ends as one without data, which is no alert.
            words = {"error": rule.get("lastError") or "in error", "nodata": self._refused(ours[rule["name"]])}
            if words.get(rule["health"]):
                failing[rule["name"]] = words[rule["health"]]
        waiting = sum(rule["health"] not in ("ok", "error", "nodata") for rule in there)
        note = f"{len(there)} rules" + (f", {waiting} of them not evaluated yet" if waiting else "")
        return Noted(failing, note)

    def _refused(self, rule: t.Mapping[str, t.Any]) -> str:
        """Why the rule's first query does not run; empty where it does."""
        query = rule["data"][0]
        kinds = {uid: kind for kind, uid in self.wanted.sources.items()}
        return self._asked(kinds.get(query["datasourceUid"], ""), query["datasourceUid"], query["model"]["expr"])

    # --- its data sources ---------------------------------------------------------------------------------------------

    @told
    def data_sources(self, what: str) -> dict[str, str]:
        """``health``: OK for each data source whose own server answers, else why not."""
        if what != "health":
            raise MeasureError(f"grafana_data_sources knows health, not {what!r}.")
        server = self.server
        return {f"{kind} ({uid})": self._health(server, kind, uid) for kind, uid in self.wanted.sources.items()}

    def _health(self, server: Grafana, kind: str, uid: str) -> str:
        path = f"/api/datasources/uid/{segment(uid)}"
        if server.find(path) is None:
            return "is not there"
        try:
            answer = server.find(f"{path}/health")
        except Refused as error:
            return error.said or str(error)
        if answer is None:
            # Some versions have no such check of these kinds; then their servers are asked through Grafana.
            return self._asked(kind, uid, "vector(1)") or "OK"
        status = answer.get("status") if isinstance(answer, dict) else None
        return "OK" if status == "OK" else str(answer)

    def _asked(self, kind: str, uid: str, query: str) -> str:
        """What the data source's own server says against the query; empty where it answers."""
        if kind not in PROBES:
            return ""
        try:
            self.server.get(f"/api/datasources/proxy/uid/{segment(uid)}{PROBES[kind]}", query=query)
        except Refused as error:
            # The words of the data source's own server, where it has any.
            return str(error.answer.get("error") or error)
        except GrafanaError as error:
            return str(error)
        return ""


def _told(paths: t.Sequence[str]) -> str:
    more = len(paths) - TOLD
    return ", ".join(paths[:TOLD]) + (f" and {more} more" if more > 0 else "")
