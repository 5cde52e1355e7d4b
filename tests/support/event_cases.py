# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of alert rules over events, and the events as Loki is given them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.observability.claude_code.plugins.module_utils._durations import milliseconds


@dataclass(frozen=True)
class EventCase:
    """``given`` are events with their attributes as Loki names them, ``then`` the alerts: labels and a summary."""

    alert: str
    says: str
    proves: tuple[str, ...]
    given: Sequence[Mapping[str, Any]]
    then: Sequence[Mapping[str, str]]


def read_event_cases(folder: Path) -> list[EventCase]:
    """All cases in the files of a folder."""
    contents = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yml"))]
    return [
        EventCase(**{**entry, "alert": alert, "proves": tuple(entry["proves"])})
        for content in contents
        for alert, entries in content.items()
        for entry in entries
    ]


def stored(events: Sequence[Mapping[str, Any]]) -> bytes:
    """An OTLP request with the events, as of a collector that drops nothing; ``times`` and ``ago``: how many, when."""
    records = [record for event in events for record in _records(dict(event))]
    resource = {"attributes": [_pair("service.name", "claude-code")]}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}).encode()


def _records(event: dict[str, Any]) -> list[dict[str, Any]]:
    times, ago = event.pop("times", 1), milliseconds(event.pop("ago", "2s"))
    # A label of Loki's streams, which knows it by its own name.
    attributes = [_pair("event.name" if name == "event_name" else name, text) for name, text in event.items()]
    first = (time.time_ns() // 1_000_000 - ago) * 1_000_000
    return [
        {
            "timeUnixNano": str(first + number * 1_000_000),
            "body": {"stringValue": f"claude_code.{event['event_name']}"},
            "attributes": attributes,
        }
        for number in range(times)
    ]


def _pair(name: str, text: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": text}}
