# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana answers as the real one did when it was recorded.

tests/files/grafana/exchanges.jsonl holds, in their order, all recorded exchanges with the endpoints that ENDPOINTS
names, each with its request and its answer. The recorded Grafana was a build of 9.4 with SQLite and without feature
toggles.
"""

from __future__ import annotations

import json
import re

import pytest
from support.checkout import CHECKOUT
from support.grafana_replay import SAID_OTHERWISE, Exchange, Replay, recorded
from support.grafana_replay_steps import BEFORE
from support.grafana_server import GrafanaServer

EXCHANGES = recorded(CHECKOUT / "tests" / "files" / "grafana" / "exchanges.jsonl")
# What the stand-in answers. Not in it, and so not in the file either: other APIs of alerting (the Alertmanager's, the
# ruler's, mute timings, templates, evaluation), permissions, versions and import of dashboards, queries through
# Grafana, users, API keys, reading the provisioning files again, and pages for people.
ENDPOINTS = re.compile(
    r"/api/(health|frontend/settings|org|orgs(/.*)?|search|rec-no-such-endpoint"
    r"|folders(/(?!.*permissions).*)?"
    r"|dashboards/(db|uid/[^/]*)"
    r"|datasources(/.*)?"
    r"|serviceaccounts(/.*)?"
    r"|v1/provisioning/(alert-rules|contact-points|policies|folder)(/.*)?"
    r"|prometheus/grafana/api/v1/rules)"
)
COUNT = 858


@pytest.fixture(scope="module")
def problems() -> dict[str, list[str]]:
    """By case, what the stand-in answers otherwise when all of it is played."""
    found: dict[str, list[str]] = {}
    with GrafanaServer(version="9.4.0", token="") as server:
        for case, told in Replay(server, EXCHANGES, BEFORE).problems():
            found.setdefault(case, []).append(told)
    return found


def test_the_recordings_are_those_of_the_endpoints_and_none_is_missing() -> None:
    assert len(EXCHANGES) == COUNT
    assert [one.path for one in EXCHANGES if not ENDPOINTS.fullmatch(one.path.partition("?")[0])] == []
    cases = [one.case for one in EXCHANGES]
    assert len(set(cases)) == COUNT
    assert {*BEFORE, *SAID_OTHERWISE} <= {*cases}


def test_the_recordings_hold_no_secret() -> None:
    text = json.dumps([[one.request, one.response] for one in EXCHANGES])
    values = re.findall(r'"(?:key|password|token|secret\w*|\w+Value1|basicAuthPassword)": "([^"]*)"', text)
    assert len(values) > 40
    assert [one for one in values if not re.fullmatch(r"|\[?REDACTED\]?|example-secret-\d", one)] == []


@pytest.mark.parametrize("part", sorted({one.case.partition(".")[0] for one in EXCHANGES}))
def test_every_recorded_exchange_gets_the_recorded_answer(part: str, problems: dict[str, list[str]]) -> None:
    differing = {case: told for case, told in problems.items() if case.partition(".")[0] == part}
    assert not differing, json.dumps(differing, indent=2)


@pytest.mark.parametrize(
    ("case", "changes", "told"),
    [
        ("folder.create", {"status": 201}, "status 200 instead of 201"),
        ("folder.get-missing", {"response": {"message": "gone", "status": "not-found"}}, "'folder not found' instead"),
        ("folder.create", {"response": {"id": 1, "uid": "rec-f1"}}, "title is there, and should not be"),
        ("health.get", {"response": {"commit": "NA", "database": "ok", "version": "1", "x": 1}}, "x is missing"),
        ("health.get", {"response": {"commit": 1, "database": "ok", "version": "1"}}, "commit is 'NA' instead of 1"),
        ("folder.list-empty", {"response": [{}]}, "has 0 items instead of 1"),
    ],
)
def test_a_difference_from_the_recording_is_told(case: str, changes: dict[str, object], told: str) -> None:
    (exchange,) = [one for one in EXCHANGES if one.case == case]
    altered = Exchange(**{**vars(exchange), **changes})
    with GrafanaServer(version="9.4.0", token="") as server:
        problems = [problem for _case, problem in Replay(server, [altered], {}).problems()]
    assert told in "\n".join(problems)
