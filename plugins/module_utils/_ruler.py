# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of a ruler, Loki's or Mimir's, that takes rule groups. It gives them back as YAML and takes JSON for YAML."""

from __future__ import annotations

import json
import typing as t
import urllib.parse
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._servers import Answer, ServerError, Web

ACCEPTED = (200, 202, 204)
# What a ruler says where the group is not there; where the whole API is not there it says something else.
NOT_THERE = ("group does not exist", "no rule groups found", "group namespace does not exist")
# What a ruler says whose rules are files.
FROM_FILES = "unsupported in rule local store"


class MissingYamlError(ServerError):
    """The Python package PyYAML is not there."""


@dataclass(frozen=True)
class Kind:
    """What one program's ruler has. ``rules`` and ``groups`` are the fields that it keeps, all others it drops."""

    name: str
    path: str
    groups: tuple[str, ...]
    rules: tuple[str, ...]
    writable: str

    @property
    def ruler(self) -> str:
        """What messages call it."""
        return f"{self.name}'s ruler"


LOKI = Kind(
    "Loki",
    "/loki/api/v1/rules",
    ("name", "interval", "limit", "rules"),
    ("alert", "record", "expr", "for", "labels", "annotations"),
    "Set storage_config.use_thanos_objstore and a ruler_storage with an object store or the backend filesystem",
)
MIMIR = Kind(
    "Mimir",
    "/prometheus/config/v1/rules",
    (
        *LOKI.groups,
        "query_offset",
        "evaluation_delay",
        "source_tenants",
        "align_evaluation_time_on_interval",
        "labels",
    ),
    (*LOKI.rules, "keep_firing_for"),
    "Set ruler_storage to an object store",
)
KINDS = {"loki": LOKI, "mimir": MIMIR}


class Ruler:
    """Reads and writes rule groups of one ruler and tenant."""

    def __init__(self, web: Web, kind: Kind) -> None:
        self.web, self.kind = web, kind

    def find(self, namespace: str, name: str) -> dict[str, t.Any] | None:
        """The group as the ruler has it, None where it has none."""
        path = self._path(namespace, name)
        answer = self.web.send("GET", path)
        if _is_missing(answer):
            return None
        if answer.status != 200:
            raise ServerError(self._refusal(answer, "read", name, path))
        found = _parsed(answer.text)
        if not isinstance(found, dict) or "rules" not in found:
            raise ServerError(
                f"What answers at {self.web.access.url}{path} is not {self.kind.ruler}: "
                f"{' '.join(answer.text.split())[:120]!r}. Check the url, its path, and the proxies on the way."
            )
        return found

    def write(self, namespace: str, group: t.Mapping[str, t.Any]) -> None:
        """Put it in the place of the one with its name."""
        path = self._path(namespace)
        # JSON is YAML, as long as no character is written as two halves.
        body = json.dumps(group, ensure_ascii=False).encode()
        answer = self.web.send("POST", path, body, "application/yaml")
        if answer.status not in ACCEPTED:
            raise ServerError(self._refusal(answer, "save", group["name"], path))

    def delete(self, namespace: str, name: str) -> None:
        path = self._path(namespace, name)
        answer = self.web.send("DELETE", path)
        if answer.status not in ACCEPTED and not _is_missing(answer):
            raise ServerError(self._refusal(answer, "delete", name, path))

    def _path(self, *names: str) -> str:
        return "/".join((self.kind.path, *(urllib.parse.quote(name, safe="") for name in names)))

    def _refusal(self, answer: Answer, verb: str, group: str, path: str) -> str:
        said = " ".join(answer.text.split())[:500].rstrip(".")
        who = f"{self.kind.ruler} at {self.web.access.url}"
        if FROM_FILES in said:
            return (
                f"{who} reads its rules from files and takes none over its API. Put them into its rules folder, or let "
                f"it store rules. {self.kind.writable}."
            )
        return (
            f'{who} refused to {verb} the rule group "{group}" ({answer.status}): {said or "it does not say why"}. '
            f"{self._next_step(answer, path)}"
        )

    def _next_step(self, answer: Answer, path: str) -> str:
        if answer.status == 401 and "org id" in answer.text:
            return "It has tenants: say as tenant whose rules they are."
        if answer.status == 404:
            return (
                f"It knows no {path}. Check kind and url, and that its ruler is on: it needs storage for rules, and "
                "enable_api."
            )
        return {
            400: "Correct what these words name.",
            401: "Give the username and password or the bearer_token that it wants.",
            403: "Give a user or token that may write rules, and the right tenant.",
            413: "Put fewer rules into the group, or raise the limit of the proxy before it.",
            429: "It is asked too often, or the tenant has too many rules: raise its limits.",
        }.get(answer.status, "Its own log says more.")


def _is_missing(answer: Answer) -> bool:
    return answer.status == 404 and any(words in answer.text for words in NOT_THERE)


def _parsed(text: str) -> t.Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingYamlError("A ruler gives its rules as YAML.") from error
    try:
        return yaml.safe_load(text)
    # Numbers too long, dates that are none, and endless brackets are no errors of YAML to it.
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
