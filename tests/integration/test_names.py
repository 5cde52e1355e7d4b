# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every point and event names its user, and never by an address that is not to be stored."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import encode_json
from support.handmade import Client, post
from support.stack import COLLECTOR, Stack, until

ADDRESS = "Some.One@Example.com"
HASHED = re.compile(r"[0-9a-f]{16}")
SERIES = ("claude_code_cost_usage_USD_total", "claude_code_tool_executions_total")
NUMBERS = itertools.count(1)
RUN = f"names-{time.time_ns():x}"


@dataclass
class Sender:
    """A client of its own session: what the stores have of it, as labels of each series and each event."""

    stack: Stack
    choice: str

    def labels(
        self, attributes: dict[str, str], resource: dict[str, str] | None = None
    ) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        session = f"{RUN}-{next(NUMBERS)}"
        client = Client({"session.id": session, **attributes})
        client.resource |= resource or {}
        event = client.event("tool_result", tool_name="Bash", success="true", duration_ms="5")
        for signal, body in (("metrics", client.metrics(client.point(1.5))), ("logs", client.logs(event))):
            assert post(self.stack, signal, encode_json(body)).status == 200
        points = until(lambda: self._series(session), 30, f"the series of {session} are in Prometheus")
        return points, until(lambda: self._events(session), 30, f"the event of {session} is in Loki")

    def names(self, attributes: dict[str, str], resource: dict[str, str] | None = None) -> str | None:
        """The one name that all series and events have."""
        points, events = self.labels(attributes, resource)
        (name,) = {labels.get("user_name") for labels in (*points, *events)}
        return name

    def _series(self, session: str) -> list[dict[str, str]]:
        query = f'last_over_time({{__name__=~"{"|".join(SERIES)}", session_id="{session}", copy=""}}[1h])'
        found = [labels for labels, _value in self.stack.promql(query)]
        return found if len(found) == len(SERIES) else []

    def _events(self, session: str) -> list[dict[str, str]]:
        query, now = f'{{service_name=~".+"}} | session_id="{session}"', time.time()
        return [labels for _at, labels, _text in self.stack.rows(query, now - 120, now + 60)]


@pytest.fixture(scope="module")
def restored(stack: Stack) -> Iterator[Stack]:
    yield stack
    stack.playbook("site.yml", "--tags", "otel_collector")
    stack.ready(COLLECTOR)


@pytest.fixture(scope="module", params=["keep", "hash", "drop"])
def sender(restored: Stack, request: pytest.FixtureRequest) -> Sender:
    # The first is what the stack was set up with.
    if request.param != "keep":
        restored.playbook("site.yml", "--tags", "otel_collector", otel_collector_user_email=request.param)
        restored.ready(COLLECTOR)
    return Sender(restored, request.param)


EVERYTHING = {"user.name": "a name", "user.email": ADDRESS, "user.id": "an id"}


def test_a_name_that_was_sent_stays(sender: Sender) -> None:
    assert sender.names(EVERYTHING) == "a name"
    assert sender.names(EVERYTHING, {"user.name": "another name"}) == "a name"


def test_a_name_on_the_resource_alone_is_taken(sender: Sender) -> None:
    assert sender.names({"user.email": ADDRESS, "user.id": "an id"}, {"user.name": "a name"}) == "a name"


def test_the_address_stands_in_as_it_may_be_stored(sender: Sender) -> None:
    points, events = sender.labels({"user.email": ADDRESS, "user.id": "an id", "user.name": ""})
    for labels in (*points, *events):
        if sender.choice == "keep":
            assert (labels["user_name"], labels["user_email"]) == (ADDRESS, ADDRESS)
        elif sender.choice == "hash":
            assert HASHED.fullmatch(labels["user_name"])
            assert labels["user_email"] == labels["user_name"]
        else:
            assert labels["user_name"] == "an id"
            assert "user_email" not in labels


def test_the_same_person_keeps_the_same_name(sender: Sender) -> None:
    assert sender.names({"user.email": ADDRESS}) == sender.names({"user.email": ADDRESS})


@pytest.mark.parametrize("address", [{}, {"user.email": ""}], ids=["no address", "an empty address"])
def test_the_id_stands_in_for_the_rest(sender: Sender, address: dict[str, str]) -> None:
    assert sender.names({**address, "user.id": "an id"}) == "an id"


def test_who_tells_nothing_has_no_name(sender: Sender) -> None:
    assert sender.names({}) is None


def test_an_address_is_stored_as_chosen_also_where_the_resource_has_it(sender: Sender) -> None:
    stored = sender.labels({"user.email": ADDRESS}, {"user.email": ADDRESS, "user.name": "a name"})
    assert (ADDRESS in str(stored)) == (sender.choice == "keep")
    # Also where the client does not copy it from the resource.
    assert (ADDRESS in str(sender.labels({}, {"user.email": ADDRESS}))) == (sender.choice == "keep")


# --- what administrators call their own attributes, which clients send with everything ---


def test_a_name_as_the_stores_spell_it_is_the_same_name(sender: Sender) -> None:
    assert sender.names({"user_name": "a name", "user.id": "an id"}, {"user_name": "a name"}) == "a name"
    assert sender.names({"user_name": "another name", **EVERYTHING}) == "a name"
    points, events = sender.labels({"deployment_environment": "ci", "host_name": "a-machine"})
    for labels in (*points, *events):
        assert (labels["deployment_environment"], labels["host_name"]) == ("ci", "a-machine")


def test_an_address_is_stored_as_chosen_by_whatever_name(sender: Sender) -> None:
    stored = sender.labels({"user_email": ADDRESS}, {"user_email": ADDRESS})
    assert (ADDRESS in str(stored)) == (sender.choice == "keep")


@pytest.mark.parametrize("name", ["copy", "pass", "term", "__error__", "__error_details__"])
def test_what_queries_and_rules_use_themselves_reaches_no_store(sender: Sender, name: str) -> None:
    points, events = sender.labels({name: "theirs", "user.id": "an id"}, {name: "theirs"})
    assert all(labels.get(name, "") != "theirs" for labels in (*points, *events))


def test_an_attribute_of_the_resource_does_not_hide_what_the_event_says(sender: Sender) -> None:
    _points, events = sender.labels({"user.id": "an id"}, {"tool_name": "theirs", "success": "theirs"})
    assert [(labels["tool_name"], labels["success"]) for labels in events] == [("Bash", "true")]
