# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana: what an alert rule looks like after it was taken, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from support.grafana_server_folders import UID, UID_LENGTH
from support.grafana_server_http import Refusal, Request, bad_request
from support.grafana_server_state import NEVER, Rule

# Milliseconds, and whether the unit is only used where nothing is left over.
UNITS = {
    "y": (31_536_000_000, True),
    "w": (604_800_000, True),
    "d": (86_400_000, False),
    "h": (3_600_000, False),
    "m": (60_000, False),
    "s": (1000, False),
    "ms": (1, False),
}
DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+){unit})?" for unit in UNITS))
EXPRESSIONS = ("__expr__", "-100")
NAME_LENGTH = 190
# What Grafana puts into each query that does not say.
QUERY_PRESETS = {"intervalMs": 1000, "maxDataPoints": 43200}
STATES = {
    "noDataState": ("NoData", ("NoData", "Alerting", "OK")),
    "execErrState": ("Error", ("Error", "Alerting", "OK")),
}
SETTINGS_SINCE = {
    "isPaused": (9, 5),
    "notification_settings": (10, 4),
    "record": (11, 4),
    "keep_firing_for": (12, 0),
    "missingSeriesEvalsToResolve": (12, 0),
}
SETTINGS_PRESETS = {"isPaused": False, "notification_settings": None, "record": None, "keep_firing_for": "0s"}
CONFLICT = "rule title under the same organisation and folder should be unique"


def rewritten(duration: str) -> str:
    """As Prometheus writes it: ``90s`` is ``1m30s``. ValueError where it is none."""
    match = DURATION.fullmatch(duration)
    if not duration or match is None:
        if duration == "0":
            return "0s"
        raise ValueError(duration)
    left = sum(int(amount) * UNITS[unit][0] for unit, amount in match.groupdict(default="0").items())
    text = ""
    for unit, (size, exact) in UNITS.items():
        if left >= size and not (exact and left % size):
            text += f"{left // size}{unit}"
            left %= size
    return text or "0s"


def seconds(text: str) -> int:
    match = DURATION.fullmatch(text)
    amounts = match.groupdict(default="0").items() if match else ()
    return sum(int(amount) * UNITS[unit][0] for unit, amount in amounts) // 1000


def go_duration(amount_s: int) -> str:
    """As Go writes it in its messages: 600 s are ``10m0s``."""
    sign, rest = ("-", -amount_s) if amount_s < 0 else ("", amount_s)
    hours, minutes, left = rest // 3600, rest // 60 % 60, rest % 60
    text = f"{hours}h{minutes}m{left}s" if hours else f"{minutes}m{left}s" if minutes else f"{left}s"
    return sign + text


def decoded(request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a rule that this Grafana knows, in the form in which they read back."""
    _check_types(body)
    fields = {name: body.get(name) or "" for name in ("title", "condition", "noDataState", "execErrState")}
    try:
        fields["for"] = rewritten("0s" if body.get("for") is None else body["for"])
        for name, since in SETTINGS_SINCE.items():
            if request.since(*since):
                value = body.get(name, SETTINGS_PRESETS.get(name))
                fields[name] = rewritten(value) if name == "keep_firing_for" else value
    except ValueError as error:
        raise bad_request() from error
    # Empty labels and annotations vanish, and so does the other setting of which nothing is known.
    for name in ("annotations", "labels"):
        if body.get(name):
            fields[name] = dict(sorted(body[name].items()))
    if fields.get("missingSeriesEvalsToResolve") is None:
        fields.pop("missingSeriesEvalsToResolve", None)
    return {**fields, "data": [dict(query) for query in body.get("data") or []]}


def _check_types(body: Mapping[str, Any]) -> None:
    texts = ("uid", "title", "folderUID", "ruleGroup", "condition", "noDataState", "execErrState", "for")
    if any(not isinstance(body.get(name) or "", str) for name in texts):
        raise bad_request()
    for name in ("annotations", "labels"):
        values = body.get(name) or {}
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise bad_request()
    queries = body.get("data")
    if queries is None:
        return
    if not isinstance(queries, list) or not all(isinstance(query, dict) for query in queries):
        raise bad_request()


def check(request: Request, fields: dict[str, Any], folder: str, group: str, uid: str) -> None:
    """Refuse what Grafana refuses, and put in what it puts in."""
    if not fields["data"]:
        raise _invalid("no queries or expressions are found")
    if not fields["title"]:
        raise _invalid("title is empty")
    if len(fields["title"]) > NAME_LENGTH:
        raise _invalid(f"name length should not be greater than {NAME_LENGTH}")
    if len(group) > NAME_LENGTH:
        raise _invalid(f"rule group name length should not be greater than {NAME_LENGTH}")
    if request.since(10):
        _check_place(request, folder, uid)
    for name in STATES:
        _check_state(request, name, fields[name])
    _check_panel(request, fields.get("annotations", {}))
    fields["data"] = [_stored_query(request, query) for query in fields["data"]]
    known = [query["refId"] for query in fields["data"]]
    if request.since(11) and fields["condition"] not in known and not fields.get("record"):
        raise _invalid(f"condition {fields['condition']} does not exist, must be one of [{' '.join(known)}]")


def _invalid(why: str) -> Refusal:
    return Refusal(400, f"invalid alert rule: {why}")


def _check_place(request: Request, folder: str, uid: str) -> None:
    """Version 9 took any folder and any uid."""
    if not folder:
        raise _invalid("folderUID must be set")
    if folder not in request.org.folders:
        raise _invalid("folder does not exist")
    if len(uid) > UID_LENGTH:
        raise _invalid(f"cannot create rule with UID '{uid}': UID is longer than {UID_LENGTH} symbols")
    if not UID.fullmatch(uid):
        raise _invalid(f"cannot create rule with UID '{uid}': invalid format of UID")


def _check_state(request: Request, name: str, state: str) -> None:
    word, known = STATES[name]
    if state not in known and not (state == "KeepLast" and request.since(10, 4, 1)):
        told = f"unknown {word} state option {state}"
        raise _invalid(told) if request.since(10) else Refusal(500, told)


def _check_panel(request: Request, annotations: Mapping[str, str]) -> None:
    dashboard, panel = annotations.get("__dashboardUid__"), annotations.get("__panelId__")
    told = ""
    if (dashboard is None) != (panel is None):
        told = "both annotations __dashboardUid__ and __panelId__ must be specified"
    elif panel is not None and not panel.isdigit():
        told = "annotation __panelId__ must be a valid integer Panel ID"
    if told:
        raise _unplanned(request, told)


def _unplanned(request: Request, told: str) -> Refusal:
    """A failure that was no decision: from version 10 on, Grafana keeps to itself what it was."""
    return Refusal(500, "Internal Server Error" if request.since(10) else told)


def _stored_query(request: Request, query: Mapping[str, Any]) -> dict[str, Any]:
    reference = query.get("refId", "")
    model, span = query.get("model"), query.get("relativeTimeRange") or {}
    begins, ends = span.get("from") or 0, span.get("to") or 0
    told = ""
    if not isinstance(model, dict):
        told = "failed to set query type to query model: failed to unmarshal query model: unexpected end of JSON input"
    elif query.get("datasourceUid") not in EXPRESSIONS and begins <= ends:
        told = f"invalid relative time range: {{From:{go_duration(begins)} To:{go_duration(ends)}}}"
    if told:
        raise Refusal(400 if request.since(10) else 500, f"invalid alert query {reference}: {told}")
    whole = dict(model or {})
    for name, preset in QUERY_PRESETS.items():
        if isinstance(whole.get(name), bool) or not isinstance(whole.get(name), int | float) or not whole[name]:
            whole[name] = preset
    return {
        "refId": reference,
        "queryType": whole.get("queryType") or query.get("queryType") or "",
        "relativeTimeRange": {"from": begins, "to": ends},
        "datasourceUid": query.get("datasourceUid", ""),
        "model": dict(sorted(whole.items())),
    }


def conflict(request: Request, uid: str, title: str, folder: str) -> str:
    """The words for a rule that cannot be beside those that are there, or nothing."""
    same_uid = uid in request.org.rules
    others = [rule for rule in request.org.rules.values() if rule.folder == folder and rule.uid != uid]
    # From 12 on a folder may hold two rules of one title.
    same_title = any(rule.title == title for rule in others) and not request.since(12)
    if not same_uid and not same_title:
        return ""
    if not request.since(10):
        return f"a conflicting alert rule is found: {CONFLICT}"
    found = f"rule_uid: {uid}, title: {title}, namespace_uid: {folder}"
    return f"[alerting.alert-rule.conflict] conflicting alert rule found [{found}]: {CONFLICT}"


def conflicting(request: Request, told: str, doing: str = "") -> Refusal:
    return Refusal(400 if request.since(10) else 500, doing + told)


def shown(request: Request, rule: Rule, *, with_provenance: bool) -> dict[str, Any]:
    provenance = {"provenance": rule.provenance} if with_provenance and rule.provenance else {}
    return {
        "id": rule.id,
        "uid": rule.uid,
        "orgID": request.org.id,
        "folderUID": rule.folder,
        "ruleGroup": rule.group,
        **rule.fields,
        "updated": rule.updated,
        **provenance,
    }


def echoed(request: Request, body: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """A rule in the answer to the save of its group: the request once more, not what was stored."""
    return {
        "id": body.get("id") or 0,
        "uid": body.get("uid") or "",
        "orgID": request.org.id,
        "folderUID": body.get("folderUID") or "",
        "ruleGroup": body.get("ruleGroup") or "",
        **fields,
        "updated": body.get("updated") or NEVER,
    }
