# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no client should send is refused clearly or mended, while the other clients' data stay whole.

All through this module other clients send good recordings; its last tests look at those.
"""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import (
    encode_json,
    encode_protobuf,
)
from support.fleet import Fleet, losses, ordinary
from support.handmade import JSON, PROTOBUF, Answer, Client, merged, now_ns, post
from support.stack import COLLECTOR, Stack, until

RUN = f"bad-{time.time_ns():x}"
BEGAN = time.time()
NUMBERS = itertools.count(1)
HOUR_NS = 3600 * 10**9
EARLIEST, LATEST = 1, 2**64 - 1


@pytest.fixture(scope="module")
def others(stack: Stack) -> Iterator[Fleet]:
    with Fleet(stack, ordinary(f"{RUN}-good"), clients=2, pace_s=0.2) as fleet:
        yield fleet


@pytest.fixture
def client(others: Fleet) -> Client:
    """A client of its own session, while others send."""
    assert others.clients
    return Client({"session.id": f"{RUN}-{next(NUMBERS)}", "department": RUN, "user.id": "somebody"})


def session(client: Client) -> str:
    return str(client.common["session.id"])


def counted(stack: Stack, client: Client, series: str) -> float:
    """What Prometheus has of this client, also where its clock is ahead."""
    query = f'sum(sum_over_time({series}{{copy="", session_id="{session(client)}"}}[49h]))'
    return sum(value for _labels, value in stack.promql(query, time.time() + 600))


def rows(stack: Stack, client: Client) -> list[dict[str, str]]:
    query = f'{{service_name=~".+"}} | session_id="{session(client)}"'
    now = time.time()
    return [labels for _at, labels, _text in stack.rows(query, BEGAN - 60, now + 600)]


def send(stack: Stack, signal: str, body: dict[str, Any], content_type: str = JSON) -> Answer:
    return post(stack, signal, encode_json(body), content_type)


def arrives(stack: Stack, client: Client, series: str, value: float) -> None:
    until(
        lambda: counted(stack, client, series) == pytest.approx(value),
        30,
        lambda: f"{series} of {session(client)} is {value:g} (it is {counted(stack, client, series):g})",
    )


def shown(stack: Stack, client: Client, count: int) -> list[dict[str, str]]:
    return until(
        lambda: (found := rows(stack, client)) and len(found) == count and found,
        30,
        lambda: f"{count} events of {session(client)} are in Loki (there are {len(rows(stack, client))})",
    )


COST = "claude_code_cost_usage_USD_total"
TOOLS = "claude_code_tool_executions_total"


@pytest.mark.parametrize("signal", ["metrics", "logs"])
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"resourceLogs": [', JSON, 400),
        (b"[1, 2, 3]", JSON, 400),
        (b'{"resourceLogs": 1, "resourceMetrics": 1}', JSON, 400),
        (b"\x0a\xff\xff\xff\xff\xff\xff", PROTOBUF, 400),
        (b"{}", "text/plain", 415),
        (b"not gzip", JSON, 400),
    ],
    ids=["half a JSON", "another JSON", "wrong types", "broken protobuf", "another content type", "broken gzip"],
)
@pytest.mark.usefixtures("others")
def test_what_is_no_otlp_is_refused_with_the_reason(
    stack: Stack, signal: str, body: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Encoding": "gzip"} if body == b"not gzip" else {}
    answer = post(stack, signal, body, content_type, headers=headers)
    assert answer.status == status
    assert answer.text


@pytest.mark.parametrize("compressed", [False, True])
def test_a_request_that_is_too_large_is_refused(stack: Stack, client: Client, compressed: bool) -> None:
    body = encode_json(client.logs(client.event("user_prompt", prompt="x" * 21 * 2**20)))
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    answer = post(stack, "logs", gzip.compress(body) if compressed else body, headers=headers)
    assert answer.status in (400, 413)
    assert "too large" in answer.text
    assert rows(stack, client) == []


@pytest.mark.parametrize("token", [None, "wrong", "x" * 10_000])
@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_who_has_no_token_is_refused(stack: Stack, client: Client, signal: str, token: str | None) -> None:
    request = client.metrics(client.point(1.0)) if signal == "metrics" else client.logs(client.event("user_prompt"))
    answer = post(stack, signal, encode_json(request), token=token)
    assert answer.status == 401
    assert counted(stack, client, COST) == 0
    assert rows(stack, client) == []


def test_another_path_or_method_is_refused(stack: Stack, client: Client) -> None:
    body = encode_json(client.logs(client.event("user_prompt")))
    assert post(stack, "nothing", body).status == 404
    assert post(stack, "logs", b"", method="GET").status == 405


@pytest.mark.parametrize("body", [b"{}", b'{"resourceMetrics": [], "resourceLogs": []}', b'{"resourceLogs": [{}]}'])
@pytest.mark.usefixtures("others")
def test_an_empty_request_is_taken(stack: Stack, body: bytes) -> None:
    assert post(stack, "logs", body).status == 200
    assert post(stack, "metrics", body).status == 200


@pytest.mark.parametrize(
    "moment",
    [EARLIEST, now_ns() - 100 * 24 * HOUR_NS, now_ns() + 24 * HOUR_NS, LATEST],
    ids=["earliest", "100 days ago", "tomorrow", "latest"],
)
def test_an_impossible_time_becomes_the_time_of_arrival(stack: Stack, client: Client, moment: int) -> None:
    event = client.event("tool_result", at=moment, tool_name="Bash", success="true", duration_ms="5")
    assert send(stack, "metrics", client.metrics(client.point(1.5, at=moment))).status == 200
    assert send(stack, "logs", client.logs(event)).status == 200
    arrives(stack, client, COST, 1.5)
    arrives(stack, client, TOOLS, 1)
    assert shown(stack, client, 1)[0]["clock_corrected"] == "true"


def test_a_point_or_event_without_time_is_counted(stack: Stack, client: Client) -> None:
    point, event = client.point(1.5), client.event("tool_result", tool_name="Bash", duration_ms="5")
    for entry in (point, event):
        del entry["timeUnixNano"]
    assert send(stack, "metrics", client.metrics(point)).status == 200
    assert send(stack, "logs", client.logs(event)).status == 200
    arrives(stack, client, COST, 1.5)
    arrives(stack, client, TOOLS, 1)


LATIN = "caf\u00e9".encode("latin-1")


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
def test_text_that_is_no_utf8_is_mended_or_refused(stack: Stack, client: Client, content_type: str) -> None:
    event = client.event("tool_result", tool_name="CAFE", success="true", duration_ms="5")
    request = client.metrics(client.point(1.5, model="CAFE"))
    logs, metrics = (
        (encode_json(body) if content_type == JSON else encode_protobuf(signal, body)).replace(b"CAFE", LATIN)
        for signal, body in (("logs", client.logs(event)), ("metrics", request))
    )
    taken = [post(stack, "logs", logs, content_type), post(stack, "metrics", metrics, content_type)]
    assert {answer.status for answer in taken} <= {200, 400}
    if taken[0].status == 200:
        arrives(stack, client, TOOLS, 1)
        shown(stack, client, 1)
    if taken[1].status == 200:
        arrives(stack, client, COST, 1.5)


def test_ten_thousand_attributes_are_cut_to_what_the_stores_take(stack: Stack, client: Client) -> None:
    many = {f"attribute{number}": str(number) for number in range(10_000)}
    event = client.event("tool_result", tool_name="Bash", success="true", duration_ms="5", **many)
    assert send(stack, "logs", client.logs(event)).status == 200
    assert send(stack, "metrics", client.metrics(client.point(1.5, **many))).status == 200
    arrives(stack, client, COST, 1.5)
    arrives(stack, client, TOOLS, 1)
    assert len(shown(stack, client, 1)[0]) < 150


def test_ten_thousand_attributes_of_a_resource_are_cut_as_well(stack: Stack, client: Client) -> None:
    client.resource |= {f"attribute{number}": str(number) for number in range(10_000)}
    event = client.event("tool_result", tool_name="Bash", success="true", duration_ms="5")
    assert send(stack, "logs", client.logs(event)).status == 200
    assert send(stack, "metrics", client.metrics(client.point(1.5))).status == 200
    arrives(stack, client, COST, 1.5)
    arrives(stack, client, TOOLS, 1)
    assert len(shown(stack, client, 1)[0]) < 250


def test_a_value_of_200_kb_is_shortened(stack: Stack, client: Client) -> None:
    event = client.event("tool_result", tool_name="Bash", success="true", duration_ms="5", note="x" * 200_000)
    assert send(stack, "logs", client.logs(event)).status == 200
    assert send(stack, "metrics", client.metrics(client.point(1.5, note="y" * 200_000))).status == 200
    arrives(stack, client, COST, 1.5)
    assert len(shown(stack, client, 1)[0]["note"]) < 10_000


@pytest.mark.parametrize("key", ["k" * 10_000, "", "with spaces and \n lines", "\u00e9"])
def test_a_strange_attribute_does_not_disturb(stack: Stack, client: Client, key: str) -> None:
    event = client.event("tool_result", tool_name="Bash", success="true", duration_ms="5", **{key: "value"})
    assert send(stack, "logs", client.logs(event)).status == 200
    assert send(stack, "metrics", client.metrics(client.point(1.5, **{key: "value"}))).status == 200
    arrives(stack, client, COST, 1.5)
    arrives(stack, client, TOOLS, 1)
    shown(stack, client, 1)


def test_an_event_whose_text_is_200_kb_does_not_disturb(stack: Stack, client: Client) -> None:
    event = client.event("tool_result", tool_name="Bash", success="true", duration_ms="5")
    event["body"] = {"stringValue": "z" * 200_000}
    assert send(stack, "logs", client.logs(event)).status == 200
    shown(stack, client, 1)


@pytest.mark.parametrize("name", ["x" * 10_000, "with spaces and \n lines", "é", ""])
def test_a_strange_event_name_does_not_disturb(stack: Stack, client: Client, name: str) -> None:
    good = client.event("tool_result", tool_name="Bash", success="true", duration_ms="5")
    assert send(stack, "logs", client.logs(client.event(name), good)).status == 200
    arrives(stack, client, TOOLS, 1)
    shown(stack, client, 2)


def test_a_strange_service_name_does_not_disturb(stack: Stack, client: Client) -> None:
    client.resource["service.name"] = "claude" * 3000
    assert send(stack, "logs", client.logs(client.event("user_prompt", prompt_length="3"))).status == 200
    assert send(stack, "metrics", client.metrics(client.point(1.5))).status == 200
    arrives(stack, client, COST, 1.5)
    shown(stack, client, 1)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", -3.0])
def test_a_number_that_cannot_be_added_is_left_out_alone(stack: Stack, client: Client, value: float | str) -> None:
    request = client.metrics(client.point(value, model="bad"), client.point(1.5, model="good"))
    assert send(stack, "metrics", request).status == 200
    arrives(stack, client, COST, 1.5)


@pytest.mark.parametrize("value", ["NaN", "Infinity", -3.0])
def test_a_number_of_an_event_that_cannot_be_added_is_left_out_alone(
    stack: Stack, client: Client, value: float | str
) -> None:
    bad = client.event("api_request", model="bad", duration_ms=str(value))
    bad["attributes"].append({"key": "cost_usd", "value": {"doubleValue": value}})
    good = client.event("api_request", model="good", cost_usd=0.5, duration_ms="250")
    assert send(stack, "logs", client.logs(bad, good)).status == 200
    arrives(stack, client, "claude_code_api_requests_total", 2)
    arrives(stack, client, "claude_code_api_cost_USD_total", 0.5)
    durations = f'claude_code_api_request_duration_seconds{{session_id="{session(client)}"}}'
    query = f"histogram_sum(sum(sum_over_time({durations}[1h])))"
    assert [value for _labels, value in stack.promql(query)] == [0.25]
    shown(stack, client, 2)


@pytest.mark.parametrize("kind", ["gauge", "histogram", "exponentialHistogram"])
def test_a_metric_of_the_same_name_and_another_type_does_not_count(stack: Stack, client: Client, kind: str) -> None:
    point = client.point(7.0)
    if kind != "gauge":
        del point["asDouble"]
        point |= {"count": "1", "sum": 7.0, "bucketCounts": ["1"], "explicitBounds": []}
    if kind == "exponentialHistogram":
        point = {key: value for key, value in point.items() if key not in ("bucketCounts", "explicitBounds")}
        point |= {"scale": 0, "zeroCount": "0", "positive": {"offset": 0, "bucketCounts": ["1"]}}
    assert send(stack, "metrics", client.metrics(point, kind=kind)).status in (200, 400)
    assert send(stack, "metrics", client.metrics(client.point(1.5, at=now_ns() + 10**6))).status == 200
    arrives(stack, client, COST, 1.5)


@pytest.mark.parametrize(
    "form", [{}, {"sum": {"isMonotonic": True}}, {"histogram": {}}, {"exponentialHistogram": {}}], ids=str
)
def test_a_metric_that_no_store_takes_is_left_out_alone(
    stack: Stack, client: Client, form: dict[str, dict[str, Any]]
) -> None:
    """Without data, or without saying whether its values are deltas or totals."""
    body = client.metrics(client.point(3.0))
    points = {"dataPoints": [{**client.point(2.0), "count": "1", "sum": 2.0}]}
    metrics = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    metrics.insert(0, {"name": "claude_code.new", **{kind: {**one, **points} for kind, one in form.items()}})
    assert send(stack, "metrics", body).status == 200
    arrives(stack, client, COST, 3.0)


def test_whole_numbers_count_like_fractions(stack: Stack, client: Client) -> None:
    point = client.point(0.0)
    del point["asDouble"]
    point["asInt"] = "3"
    assert send(stack, "metrics", client.metrics(point)).status == 200
    arrives(stack, client, COST, 3)


def test_fields_of_the_wrong_type_do_not_spoil_the_events_beside_them(stack: Stack, client: Client) -> None:
    strange = client.event("tool_result", tool_name=["a", "b"], success=1, duration_ms="soon", tool_parameters="{")
    good = client.event("tool_result", tool_name="Bash", success="true", duration_ms="5")
    assert send(stack, "logs", client.logs(strange, good)).status == 200
    arrives(stack, client, TOOLS, 2)
    shown(stack, client, 2)


def test_one_bad_point_among_many_clients_points_is_left_out_alone(stack: Stack, client: Client) -> None:
    """As behind a gateway that puts the requests of many clients together."""
    several = [client.metrics(client.point(1.0, model=f"model{number}")) for number in range(1000)]
    several.append(client.metrics(client.point("NaN", model="bad")))
    several.append(client.metrics(client.point(1.0, at=EARLIEST, model="early")))
    assert send(stack, "metrics", merged(several)).status == 200
    arrives(stack, client, COST, 1001)


def test_the_collector_has_survived_it_all(stack: Stack, others: Fleet) -> None:
    others.acknowledged(20)
    assert stack.log(COLLECTOR, 100_000).count("panic") == 0
    assert set(others.receipt.troubles) == set()


def test_the_other_clients_data_are_whole(stack: Stack, others: Fleet) -> None:
    others.dismiss()
    assert losses(others, f"{RUN}-good") == []
