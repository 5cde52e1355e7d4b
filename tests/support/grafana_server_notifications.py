# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana: contact points and notification policies, as the provisioning API has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from support.grafana_server_http import Answer, Refusal, Request, bad_request, endpoint
from support.grafana_server_rule import rewritten
from support.grafana_server_rules import READ, WRITE, provenance_of_many
from support.grafana_server_state import DEFAULT_RECEIVER, Organisation

POINTS, POLICIES = "/api/v1/provisioning/contact-points", "/api/v1/provisioning/policies"
# The secrets of each type of integration.
SECRETS = {"email": (), "slack": ("token", "url"), "webhook": ("authorization_credentials", "password")}
REDACTED = "[REDACTED]"
NO_CONFIGURATION = "could not find an Alertmanager configuration"
WAITS = ("group_wait", "group_interval", "repeat_interval")
OPERATORS = ("=", "!=", "=~", "!~")
ROUTE = ("receiver", "group_by", "match", "match_re", "mute_time_intervals", "matchers", "object_matchers")
MATCHER = re.compile(r"\s*([^=!~\s]+)\s*(=~|!~|!=|=)\s*(.*?)\s*")


def _invalid(why: str) -> Refusal:
    return Refusal(400, f"invalid object specification: {why}")


def _provenance(request: Request) -> dict[str, str]:
    mine = provenance_of_many(request)
    return {"provenance": mine} if mine else {}


# --- contact points --------------------------------------------------------------------------------------------------


@endpoint("GET", POINTS, needs=READ)
def contact_points(request: Request) -> Answer:
    if not request.org.alertmanager:
        raise Refusal(500, NO_CONFIGURATION)
    name = request.asked("name")
    every = sorted(request.org.contact_points, key=lambda one: one["name"])
    return Answer(200, [_read(one) for one in every if name in ("", one["name"])])


def _read(one: dict[str, Any]) -> dict[str, Any]:
    secrets = SECRETS.get(one["type"], ())
    settings = {name: REDACTED if name in secrets else value for name, value in sorted(one["settings"].items())}
    return {**one, "settings": settings}


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a contact point; refused where Grafana refuses it."""
    kind, settings = body.get("type") or "", body.get("settings")
    if not kind:
        raise _invalid("type should not be an empty string")
    if settings is None:
        raise _invalid("settings should not be empty")
    if kind.lower() not in SECRETS:
        raise _invalid(f"unknown type '{kind}'")
    if kind not in SECRETS:
        raise Refusal(500, f"no secrets configured for type '{kind}'")
    why = "failed to unmarshal settings" if not isinstance(settings, dict) else _lacking(kind, settings)
    if why:
        raise _invalid(f'failed to validate receiver of type "{kind}": {why}')
    resolves = {"disableResolveMessage": bool(body.get("disableResolveMessage"))}
    return {"name": body.get("name") or "", "type": kind, "settings": dict(settings), **resolves}


def _lacking(kind: str, settings: dict[str, Any]) -> str:
    if kind == "webhook" and not settings.get("url"):
        return "required field 'url' is not specified"
    if kind == "email" and not settings.get("addresses"):
        return "could not find addresses in settings"
    if kind == "slack" and not settings.get("url"):
        for name in ("recipient", "token"):
            if not settings.get(name):
                return f"{name} must be specified when using the Slack chat API"
    return ""


@endpoint("POST", POINTS, needs=WRITE)
def create_contact_point(request: Request) -> Answer:
    body = request.json()
    wanted = _checked(body)
    uid = body.get("uid") or request.state.new_uid()
    for one in request.org.contact_points:
        if one["uid"] == uid:
            told = f"receiver configuration with UID '{uid}' already exist in contact point '{one['name']}'"
            hint = "Please use unique identifiers for receivers across all contact points"
            raise Refusal(409 if request.since(11) else 500, f"{told}. {hint}")
    made = {"uid": uid, **wanted, **_provenance(request)}
    request.org.contact_points.append(made)
    # This answer has every secret of the type, also those that were never set.
    shown = {**made["settings"], **dict.fromkeys(SECRETS[made["type"]], REDACTED)}
    return Answer(202, {**made, "settings": dict(sorted(shown.items()))})


@endpoint("PUT", POINTS + "/{uid}", needs=WRITE)
def update_contact_point(request: Request) -> Answer:
    body, uid = request.json(), request.named["uid"]
    stored = next((one for one in request.org.contact_points if one["uid"] == uid), None)
    if stored and isinstance(body.get("settings"), dict):
        # The word keeps the secret; one that is left out is gone.
        for name in SECRETS.get(body.get("type") or "", ()):
            if body["settings"].get(name) == REDACTED and name in stored["settings"]:
                body["settings"][name] = stored["settings"][name]
    wanted = _checked(body)
    if stored is None:
        raise Refusal(404, f"object not found: contact point with uid '{uid}' not found")
    renamed, stored_name = wanted["name"], stored["name"]
    stored.update(wanted, provenance="api")
    if not any(one["name"] == stored_name for one in request.org.contact_points):
        for route in _routes(request.org.policies):
            if route.get("receiver") == stored_name:
                route["receiver"] = renamed
    return Answer(202, {"message": "contactpoint updated"})


@endpoint("DELETE", POINTS + "/{uid}", needs=WRITE)
def delete_contact_point(request: Request) -> Answer:
    points = request.org.contact_points
    going = next((one for one in points if one["uid"] == request.named["uid"]), None)
    if going:
        alone = [one["name"] for one in points].count(going["name"]) == 1
        if alone and any(route.get("receiver") == going["name"] for route in _routes(request.org.policies)):
            told = f"contact point '{going['name']}' is currently used by a notification policy"
            raise Refusal(409 if request.since(11) else 500, told)
        points.remove(going)
    return Answer(202, {"message": "contactpoint deleted"})


# --- notification policies -------------------------------------------------------------------------------------------


def _routes(policies: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield policies
    for route in policies.get("routes", []):
        yield from _routes(route)


@endpoint("GET", POLICIES, needs=READ)
def policies(request: Request) -> Answer:
    if not request.org.alertmanager:
        raise Refusal(404, NO_CONFIGURATION)
    return Answer(200, request.org.policies)


@endpoint("PUT", POLICIES, needs=WRITE)
def save_policies(request: Request) -> Answer:
    body = request.json()
    if not body.get("receiver") or body.get("mute_time_intervals") or body.get("match") or body.get("match_re"):
        raise bad_request()
    tree = _route(body)
    for route in _routes(tree):
        _check_names(request.org, route)
    request.org.policies = {**tree, **_provenance(request)}
    return Answer(202, {"message": "policies updated"})


@endpoint("DELETE", POLICIES, needs=WRITE)
def reset_policies(request: Request) -> Answer:
    request.org.policies = Organisation(0, "").policies
    return Answer(202, request.org.policies)


def _route(body: dict[str, Any]) -> dict[str, Any]:
    """The route as it reads back, with the routes below it."""
    if not isinstance(body, dict):
        raise bad_request()
    kept = {name: body[name] for name in ROUTE if body.get(name)}
    _check_grouping(kept.get("group_by", []))
    if "object_matchers" in kept:
        kept["object_matchers"] = sorted(_matcher(one) for one in kept["object_matchers"])
    if "matchers" in kept:
        kept["matchers"] = [_quoted(one) for one in kept["matchers"]]
    if body.get("continue"):
        kept["continue"] = True
    for name in WAITS:
        if body.get(name) is not None:
            kept[name] = _wait(name, body[name])
    if body.get("routes"):
        kept["routes"] = [_route(one) for one in body["routes"]]
    return kept


def _check_grouping(labels: Any) -> None:
    fine = isinstance(labels, list) and all(isinstance(one, str) for one in labels)
    if not fine or len(set(labels)) < len(labels) or ("..." in labels and len(labels) > 1):
        raise bad_request()


def _matcher(one: Any) -> list[str]:
    if not isinstance(one, list) or len(one) != 3 or one[1] not in OPERATORS:
        raise bad_request()
    if "~" in one[1]:
        try:
            re.compile(one[2])
        except re.error as error:
            raise bad_request() from error
    return one


def _quoted(text: str) -> str:
    match = MATCHER.fullmatch(text)
    if match is None:
        raise bad_request()
    name, operator, value = match.groups()
    return f'{name}{operator}"{value.strip(chr(34))}"'


def _wait(name: str, value: Any) -> str:
    try:
        told = rewritten(value) if isinstance(value, str) else ""
    except ValueError:
        told = ""
    # Alerts may be sent at once, but neither again and again without a pause.
    if not told or (told == "0s" and name != "group_wait"):
        raise bad_request()
    return told


def _check_names(org: Organisation, route: dict[str, Any]) -> None:
    receiver = route.get("receiver", "")
    if receiver not in {DEFAULT_RECEIVER, *(one["name"] for one in org.contact_points)}:
        raise _invalid(f"receiver '{receiver}' does not exist")
    for timing in route.get("mute_time_intervals", []):
        if timing not in org.mute_timings:
            raise _invalid(f"mute time interval '{timing}' does not exist")
