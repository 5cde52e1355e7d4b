# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Grafana: alert rules, one by one and by the group, as the provisioning API has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.grafana_server_http import Answer, Refusal, Request, bad_request, endpoint
from support.grafana_server_rule import check, conflict, conflicting, decoded, echoed, go_duration, shown
from support.grafana_server_state import Rule, now

READ, WRITE = "alert.provisioning:read", "alert.provisioning:write"
RULES = "/api/v1/provisioning/alert-rules"
GROUP = "/api/v1/provisioning/folder/{folder}/rule-groups/{group}"
STEP_S = 10
INTERVAL_S = 60
# Whose rules a group that is saved without provenance sets free.
FREED = ("api", "converted_prometheus")
NO_RULE = "could not find alert rule"


def _provenance(request: Request) -> str:
    """What a write leaves behind. The header counts by being there, whatever it says."""
    return "" if "x-disable-provenance" in request.headers else "api"


def provenance_of_many(request: Request) -> str:
    """The same for groups, contact points and policies: before 9.5 the header was ignored there."""
    return _provenance(request) if request.since(9, 5) else "api"


def _ordered(request: Request) -> list[Rule]:
    def place(rule: Rule) -> tuple[str, str, int, int]:
        # Version 9 did not keep the order in which the rules of a group were sent.
        return rule.folder, rule.group, rule.index if request.since(10) else 0, rule.id

    return sorted(request.org.rules.values(), key=place)


def group_of(request: Request, folder: str, group: str) -> list[Rule]:
    return [rule for rule in _ordered(request) if (rule.folder, rule.group) == (folder, group)]


@endpoint("GET", RULES, needs=READ)
def rules(request: Request) -> Answer:
    listed = [shown(request, rule, with_provenance=request.since(10)) for rule in _ordered(request)]
    return Answer(200, listed)


@endpoint("GET", RULES + "/{uid}", needs=READ)
def rule(request: Request) -> Answer:
    one = request.org.rules.get(request.named["uid"])
    if one is None:
        if request.since(10):
            return Answer(404)
        raise Refusal(500, NO_RULE)
    return Answer(200, shown(request, one, with_provenance=True))


@endpoint("POST", RULES, needs=WRITE)
def create(request: Request) -> Answer:
    body = request.json()
    fields = decoded(request, body)
    uid, folder, group = body.get("uid") or "", body.get("folderUID") or "", body.get("ruleGroup") or ""
    check(request, fields, folder, group, uid)
    _check_mixture(request, folder, group)
    told = conflict(request, uid, fields["title"], folder)
    if told:
        raise conflicting(request, told)
    return Answer(201, shown(request, _added(request, body, fields, folder, group), with_provenance=True))


def _added(
    request: Request, body: Mapping[str, Any], fields: dict[str, Any], folder: str, group: str, index: int = 0
) -> Rule:
    state = request.state
    # Version 9 stored a number that was sent, and counted on from it.
    sent = 0 if request.since(10) else body.get("id") or 0
    number = sent or state.last_rule_id + 1
    state.last_rule_id = max(number, state.last_rule_id)
    place = index or len(group_of(request, folder, group)) + 1
    new = Rule(body.get("uid") or state.new_uid(), number, folder, group, fields, _provenance(request), place)
    request.org.rules[new.uid] = new
    return new


def _check_mixture(request: Request, folder: str, group: str) -> None:
    """From 12.4 on, a single rule does not bring another provenance into a group."""
    there = {rule.provenance for rule in group_of(request, folder, group)}
    mine = _provenance(request)
    if not request.since(12, 4) or not there or mine in there:
        return
    what = f"provisioned ({mine}) rule" if mine else "non-provisioned rule"
    group_has = "non-provisioned" if mine else "provisioned"
    place = f"[{request.org.id}/{folder}/{group}]"
    told = f"invalid alert rule: cannot add {what} to group containing {group_has} rules {place}"
    raise Refusal(400, told)


@endpoint("PUT", RULES + "/{uid}", needs=WRITE)
def update(request: Request) -> Answer:
    body = request.json()
    fields = decoded(request, body)
    one = request.org.rules.get(request.named["uid"])
    if one is None:
        return Answer(404) if request.since(10) else Answer(404, None, "text/plain; charset=utf-8")
    folder, group = body.get("folderUID") or "", body.get("ruleGroup") or ""
    check(request, fields, folder, group, one.uid)
    mine = _provenance(request)
    if one.provenance not in ("", mine):
        verb = "change" if request.since(10) else "changed"
        raise Refusal(500, f"cannot {verb} provenance from '{one.provenance}' to '{mine}'")
    if not one.provenance or (one.folder, one.group) != (folder, group):
        others = [rule for rule in group_of(request, folder, group) if rule is not one]
        if others:
            _check_mixture(request, folder, group)
    told = _title_conflict(request, one.uid, fields["title"], folder)
    if told:
        raise conflicting(request, told)
    _changed(one, fields, folder, group, mine)
    return Answer(200, shown(request, one, with_provenance=True))


def _title_conflict(request: Request, uid: str, title: str, folder: str) -> str:
    """As for a new rule, but its own uid is no conflict."""
    own = request.org.rules.pop(uid)
    told = conflict(request, uid, title, folder)
    request.org.rules[uid] = own
    return told


def _changed(one: Rule, fields: dict[str, Any], folder: str, group: str, provenance: str) -> None:
    one.fields, one.folder, one.group = fields, folder, group
    one.provenance, one.updated, one.evaluation = provenance, now(), None


@endpoint("DELETE", RULES + "/{uid}", needs=WRITE)
def delete(request: Request) -> Answer:
    one = request.org.rules.get(request.named["uid"])
    if one:
        mine = _provenance(request)
        # Version 9 looked at files alone.
        if one.provenance == "file" or (request.since(10) and one.provenance not in ("", mine)):
            raise _mismatch(request, "delete", mine, one.provenance)
        del request.org.rules[one.uid]
    return Answer(204)


def _mismatch(request: Request, doing: str, mine: str, needed: str) -> Refusal:
    told = f"cannot {doing} with provided provenance '{mine}', needs '{needed}'"
    if request.since(12):
        return Refusal(409, told, messageId="alerting.provenanceMismatch", statusCode=409)
    return Refusal(500, told)


# --- groups ----------------------------------------------------------------------------------------------------------


@endpoint("GET", GROUP, needs=READ)
def group(request: Request) -> Answer:
    folder, name = request.named["folder"], request.named["group"]
    there = group_of(request, folder, name)
    if not there:
        raise Refusal(404, "rulegroup not found")
    interval = request.org.intervals.get((folder, name), INTERVAL_S)
    listed = [shown(request, rule, with_provenance=False) for rule in there]
    return Answer(200, {"title": name, "folderUid": folder, "interval": interval, "rules": listed})


@endpoint("PUT", GROUP, needs=WRITE)
def save_group(request: Request) -> Answer:
    folder, name = request.named["folder"], request.named["group"]
    body = request.typed(title=str, folderUid=str, interval=int, rules=list)
    interval, sent = body.get("interval") or 0, body.get("rules")
    if any(not isinstance(one, dict) for one in sent or ()):
        raise bad_request()
    wanted = [(one, decoded(request, one)) for one in sent or ()]
    if interval <= 0 or interval % STEP_S:
        told = f"interval ({go_duration(interval)}) should be non-zero and divided exactly by scheduler interval"
        raise Refusal(400, f"invalid alert rule: {told}: {STEP_S}")
    there = group_of(request, folder, name)
    mine = provenance_of_many(request)
    for one in there:
        _check_group_provenance(request, one, mine)
    # No rules, or none in the list: only the interval changes.
    if wanted:
        _replace(request, wanted, there)
    elif request.since(10) and folder not in request.org.folders:
        raise Refusal(400, "invalid alert rule: folder does not exist")
    for one in group_of(request, folder, name):
        # Every save writes every rule of the group.
        one.provenance, one.updated = mine, now()
        request.org.intervals[folder, name] = interval
    rules_told = None if sent is None else [echoed(request, one, fields) for one, fields in wanted]
    return Answer(200, {"title": name, "folderUid": folder, "interval": interval, "rules": rules_told})


def _check_group_provenance(request: Request, one: Rule, mine: str) -> None:
    """A group may take rules of the API out of its hands, but nothing from files."""
    freed = mine == "" and one.provenance in FREED
    if one.provenance not in ("", mine) and not freed:
        raise _mismatch(request, "update", mine, one.provenance)


def _replace(request: Request, wanted: list[tuple[dict[str, Any], dict[str, Any]]], there: list[Rule]) -> None:
    """Make the group hold these rules and no others; a rule of another group that is among them moves."""
    folder, name = request.named["folder"], request.named["group"]
    org = request.org
    kept = {one["uid"] for one, _fields in wanted if one.get("uid")}
    unknown = [uid for uid in kept if uid not in org.rules]
    # Rules with a uid of their own can be made so from 11.5.2 on.
    if unknown and not request.since(11, 5, 2):
        first = next(one["uid"] for one, _fields in wanted if one.get("uid") in unknown)
        why = f"failed to update rule with UID {first} because {NO_RULE}"
        told = f"failed to calculate diff for alert rules: {why}"
        raise Refusal(500, "Internal Server Error" if request.since(10) else told)
    for one, fields in wanted:
        check(request, fields, folder, name, one.get("uid") or "")
    for uid in kept & set(org.rules):
        _check_group_provenance(request, org.rules[uid], provenance_of_many(request))
    going = [rule for rule in there if rule.uid not in kept]
    before = dict(org.rules)
    if request.since(10):
        # Version 9 deleted last, so that a rule sent without its uid was in conflict with itself.
        org.rules = {uid: rule for uid, rule in org.rules.items() if rule not in going}
    try:
        for index, (one, fields) in enumerate(wanted, 1):
            _put(request, one, fields, index)
    except Refusal:
        org.rules = before
        raise
    org.rules = {uid: rule for uid, rule in org.rules.items() if rule not in going}


def _put(request: Request, one: dict[str, Any], fields: dict[str, Any], index: int) -> None:
    folder, name = request.named["folder"], request.named["group"]
    stored = request.org.rules.get(one.get("uid") or "")
    if stored is None:
        told = conflict(request, one.get("uid") or "", fields["title"], folder)
        if told:
            raise conflicting(request, told, "" if request.since(10) else "failed to insert alert rules: ")
        _added(request, one, fields, folder, name, index)
        return
    told = _title_conflict(request, stored.uid, fields["title"], folder)
    if told:
        raise conflicting(request, told, "" if request.since(10) else "failed to update alert rules: ")
    _changed(stored, fields, folder, name, provenance_of_many(request))
    stored.index = index


@endpoint("DELETE", GROUP, needs=WRITE, since=(11,))
def delete_group(request: Request) -> Answer:
    there = group_of(request, request.named["folder"], request.named["group"])
    if not there:
        raise Refusal(404, "rule group not found", messageId="alerting.alert-rule.notFound", statusCode=404)
    mine = _provenance(request)
    for one in there:
        if one.provenance not in ("", mine):
            raise _mismatch(request, "delete", mine, one.provenance)
    for one in there:
        del request.org.rules[one.uid]
    return Answer(204)
