# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert that a server lacks, has otherwise or cannot evaluate is named with the reason; others are no fault."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError
from ansible_collections.observability.claude_code.plugins.module_utils._measures_alerts import AlertMeasures

WANTED = {"alert": "A", "expr": "sum(x) > 1", "for": "5m", "labels": {"service": "claude-code"}}
LOADED = {
    "name": "A",
    "query": "sum(x)>1",
    "duration": 300,
    "labels": {"service": "claude-code"},
    "type": "alerting",
    "health": "ok",
}


class Server:
    """A Prometheus or Loki that gives one list of rules after the other, and then stays with the last."""

    def __init__(self, *looks: list[dict[str, Any]]) -> None:
        self.looks = list(looks)

    def rules(self) -> list[dict[str, Any]]:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    @staticmethod
    def formatted(query: str) -> str:
        return query.replace(" ", "")


def measured(*looks: list[dict[str, Any]], patience: float = 0.0, wanted: dict[str, Any] = WANTED) -> Any:
    server = Server(*looks)
    rendered = {"loki": [{"name": "g", "rules": [wanted]}]}
    measures = AlertMeasures(SimpleNamespace(prometheus=server, loki=server), rendered)
    measures.patience_s = patience
    return measures.alerts("loki")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"health": "unknown"}, None),
        ({"query": "sum( x ) > 1"}, None),
        ({"query": "sum(x) > 2"}, "asks something else"),
        ({"duration": 60.0}, "waits 60 s instead of 5m"),
        ({"health": "err", "lastError": "parse error"}, "cannot be evaluated: parse error"),
        ({"name": "B"}, "is not loaded"),
    ],
    ids=str,
)
def test_the_reason_of_a_fault_is_told(changes: dict[str, Any], reason: str | None) -> None:
    found = measured([{**LOADED, **changes}]).value
    assert found.get("A") == reason


def test_alerts_of_ours_that_nobody_wants_are_named_and_those_of_others_are_not() -> None:
    left, others = {**LOADED, "name": "Left"}, {**LOADED, "name": "Others", "labels": {}}
    recording = {"name": "claude_code:x", "query": "x", "type": "recording", "health": "ok"}
    assert measured([LOADED, left, others, recording]).value == {"Left": "is loaded and not wanted"}


def test_an_alert_without_a_wait_is_compared_as_such() -> None:
    wanted = {key: value for key, value in WANTED.items() if key != "for"}
    assert measured([{**LOADED, "duration": 0}], wanted=wanted).value == {}


def test_it_is_told_how_many_there_are_and_which_are_active() -> None:
    assert measured([LOADED]).note == "1 alerts, none active"
    firing, pending = {"state": "firing"}, {"state": "pending"}
    assert measured([{**LOADED, "alerts": [pending, firing]}]).note == "1 alerts, active: A"
    assert measured([{**LOADED, "alerts": [pending]}]).note == "1 alerts, none active, pending: A"


def test_rules_that_are_read_again_in_a_moment_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "ansible_collections.observability.claude_code.plugins.module_utils._measures_alerts.time.sleep"
    monkeypatch.setattr(module, lambda _seconds: None)
    assert measured([], [], [LOADED], patience=60).value == {}


def test_a_server_that_has_no_alerts_is_refused() -> None:
    with pytest.raises(MeasureError, match="alerts knows prometheus and loki, not 'tempo'"):
        AlertMeasures(SimpleNamespace(prometheus=None, loki=None), {}).alerts("tempo")
