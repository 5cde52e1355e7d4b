# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role otel_collector would put on a cluster, without a cluster."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import yaml
from support.role_variables import RoleVariables

ROLE = "otel_collector"
CONFIGURATION = "otel-collector.yaml"
# What a play would have registered before: a cluster without Secrets of ours, and no files with authorities.
NOTHING_FOUND = {
    "otel_collector_tokens_found": {"resources": []},
    "otel_collector_secrets_found": {"resources": []},
    "otel_collector_secrets_written": {"changed": False, "skipped": True},
    "otel_collector_authorities": {"results": []},
    "otel_collector_namespace": {"objects": [], "unread": []},
}
Json = dict[str, Any]


class CollectorManifests:
    """The objects of one inventory, by kind and name."""

    def __init__(self, **inventory: Any) -> None:
        self.variables = RoleVariables(ROLE, **{"stack_platform": "kubernetes", **NOTHING_FOUND, **inventory})
        self._rendered: dict[str, Json] = {}
        self.wanted = [one for one in self.variables["otel_collector_all_objects"] if one["wanted"]]

    @cached_property
    def objects(self) -> list[Json]:
        return [self.rendered(one["template"]) for one in self.wanted]

    def one(self, kind: str) -> Json:
        """The only object of its kind that is called as everything is."""
        templates = [one["template"] for one in self.wanted if one["object"]["kind"] == kind]
        return self.rendered(templates[0])

    def rendered(self, template: str) -> Json:
        if template not in self._rendered:
            self._rendered[template] = yaml.safe_load(self.variables.file(f"otel-collector-{template}.yaml.j2"))
        return self._rendered[template]

    def secrets(self) -> list[Json]:
        return [self.rendered("tokens-secret"), self.rendered("secret")]

    def configuration(self) -> str:
        return self.one("ConfigMap")["data"][CONFIGURATION]

    def workload(self) -> Json:
        return self.one(self.variables["otel_collector_workload"])
