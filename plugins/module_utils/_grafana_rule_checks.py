# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with alert rules before Grafana sees them.

Grafana says "bad request data" to most of it, or takes it and fails at every evaluation.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._durations import milliseconds
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import UID
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule import (
    EXEC_ERR_STATE,
    NO_DATA_STATE,
    Rule,
    is_expression,
)

NAME_LIMIT = 190
# Groups are evaluated in steps of so many seconds.
STEP_S = 10
STATES = {
    "noDataState": ("NoData", "Alerting", "OK", "KeepLast"),
    "execErrState": ("Error", "Alerting", "OK", "KeepLast"),
}
# How files and exports of Grafana, or people, spell what its API spells otherwise; it drops unknown fields silently.
SPELLINGS = {
    "keepFiringFor": "keep_firing_for",
    "notificationSettings": "notification_settings",
    "missing_series_evals_to_resolve": "missingSeriesEvalsToResolve",
    "is_paused": "isPaused",
    "paused": "isPaused",
    "no_data_state": "noDataState",
    "exec_err_state": "execErrState",
    "name": "title",
    "alert": "title",
    "dashboardUid": "annotations.__dashboardUid__",
    "panelId": "annotations.__panelId__",
}
DASHBOARD, PANEL = "__dashboardUid__", "__panelId__"
REFERENCE = re.compile(r"\$(?:\{([^}]+)\}|(\w+))")


def group_problems(folder_uid: str, name: str, interval_s: int) -> t.Iterator[str]:
    """What is wrong with the group itself, a sentence or two each."""
    if not UID.fullmatch(folder_uid):
        yield f"The folder uid {folder_uid!r} is none: a uid has 1 to 40 letters, digits, - and _."
    if not 1 <= len(name) <= NAME_LIMIT or {"/", "\\"} & {*name}:
        yield f"The name of the group {name!r} must have 1 to {NAME_LIMIT} characters, none of them / or \\."
    if interval_s <= 0 or interval_s % STEP_S:
        yield f"The interval is {interval_s} s. Choose a multiple of {STEP_S} s: Grafana evaluates in steps of that."


def rule_problems(rule: Rule, folder_uid: str, group: str) -> t.Iterator[str]:
    """What is wrong with one rule, beginning with which one it is."""
    about = f'Rule "{str(rule.get("title") or rule.get("uid") or "")[:80]}":'
    for problem in (
        *_names(rule, folder_uid, group),
        *_texts(rule),
        *_times_and_states(rule),
        *_queries(rule),
        *_condition(rule),
    ):
        yield f"{about} {problem}"


def _names(rule: Rule, folder_uid: str, group: str) -> t.Iterator[str]:
    title, uid = rule.get("title"), rule.get("uid")
    if not isinstance(title, str) or not 1 <= len(title) <= NAME_LIMIT:
        yield f"title must be a text of 1 to {NAME_LIMIT} characters."
    if uid is not None and not (isinstance(uid, str) and UID.fullmatch(uid)):
        yield f"the uid {uid!r} is none: a uid has 1 to 40 letters, digits, - and _."
    for field, here in (("folderUID", folder_uid), ("ruleGroup", group)):
        if rule.get(field) not in (None, "", here):
            yield f"its {field} is {rule[field]!r}, but it is pushed to {here!r}. Take {field} out of the rule."
    for field in rule:
        if field in SPELLINGS:
            yield f"Grafana's API knows no {field}. Write it as {SPELLINGS[field]}."


def _texts(rule: Rule) -> t.Iterator[str]:
    for field in ("labels", "annotations"):
        values = rule.get(field) or {}
        if not isinstance(values, dict):
            yield f"{field} must map names to texts."
            continue
        for name, value in values.items():
            if not isinstance(value, str):
                yield f'{field}.{name} is {value!r}. Put it in quotes: only text is allowed, such as "{value}".'
    annotations = rule.get("annotations")
    if isinstance(annotations, dict) and (DASHBOARD in annotations) != (PANEL in annotations):
        yield f"the annotations {DASHBOARD} and {PANEL} go together. Set both or none."
    elif isinstance(annotations, dict) and not re.fullmatch(r"[0-9]+", str(annotations.get(PANEL, "0"))):
        yield f"the annotation {PANEL} is {annotations[PANEL]!r}. It is the number of a panel."


def _times_and_states(rule: Rule) -> t.Iterator[str]:
    for field in ("for", "keep_firing_for"):
        try:
            milliseconds(rule.get(field, "0s"))
        except ValueError as error:
            yield f"{field}: {error}."
    presets = {"noDataState": NO_DATA_STATE, "execErrState": EXEC_ERR_STATE}
    for field, known in STATES.items():
        state = rule.get(field, presets[field])
        if state not in known:
            meant = {one.lower(): one for one in known}.get(str(state).lower())
            choice = f"Write {meant}" if meant else f"Choose one of {', '.join(known)}"
            yield f"{field} {state!r} is unknown. {choice}."
    if not isinstance(rule.get("isPaused") or False, bool):
        yield f"isPaused is {rule['isPaused']!r}. Write true or false."
    evaluations = rule.get("missingSeriesEvalsToResolve")
    if evaluations is not None and (
        isinstance(evaluations, bool) or not isinstance(evaluations, int) or evaluations < 1
    ):
        yield f"missingSeriesEvalsToResolve is {evaluations!r}. It counts evaluations, from 1 on."
    settings = rule.get("notification_settings")
    if settings is not None and not (isinstance(settings, dict) and settings.get("receiver")):
        yield "notification_settings need a receiver, the name of a contact point."


def _queries(rule: Rule) -> t.Iterator[str]:
    queries = rule.get("data")
    if not isinstance(queries, list) or not queries:
        yield "data holds no query. Give at least one."
        return
    names: list[t.Any] = []
    for place, query in enumerate(queries):
        name = query.get("refId") if isinstance(query, dict) else None
        if not isinstance(name, str) or not name:
            yield f"data[{place}] has no refId. Give each query one, such as A."
            continue
        if name in names:
            yield f"the refId {name} occurs twice. Give each query its own."
        names.append(name)
        yield from _query(query)
    yield from _references(queries, names)


def _query(query: Rule) -> t.Iterator[str]:
    about = f"query {query['refId']}"
    if not isinstance(query.get("datasourceUid"), str) or not query["datasourceUid"]:
        yield f"{about} has no datasourceUid. Give the uid of a data source, or __expr__ for an expression."
    if not isinstance(query.get("model"), dict) or not query["model"]:
        yield f"{about} has no model. It holds the query itself."
    span = query.get("relativeTimeRange") or {}
    if not isinstance(span, dict):
        yield f"{about} has the relativeTimeRange {span!r}. Write it as two numbers, such as {{from: 600, to: 0}}."
        return
    if is_expression(query):
        return
    since, until = span.get("from", 0), span.get("to", 0)
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in (since, until)) or not since > until >= 0:
        yield (
            f"{about} reads from {since!r} to {until!r}. Both count seconds into the past as whole numbers, "
            "and from is the larger one, such as {from: 600, to: 0}."
        )


def _references(queries: list[t.Any], names: list[t.Any]) -> t.Iterator[str]:
    """Expressions that read what no query gives."""
    for query in queries:
        if not isinstance(query, dict) or not is_expression(query) or not isinstance(query.get("model"), dict):
            continue
        try:
            unknown = [read for read in _read_by(query["model"]) if read not in names]
        except (AttributeError, LookupError, TypeError):
            yield (
                f"the expression {query.get('refId')} has conditions of no known form. Write a list of them, each with "
                "what it reads, such as query: {params: [A]}."
            )
            continue
        for read in unknown:
            yield f"the expression {query.get('refId')} reads {read}. {_choose(names)}"


def _read_by(model: Rule) -> t.Iterator[str]:
    kind, expression = model.get("type"), model.get("expression")
    if kind == "math":
        for braced, plain in REFERENCE.findall(str(expression)):
            yield braced or plain
    elif kind == "classic_conditions":
        for condition in model.get("conditions") or ():
            yield from ((condition.get("query") or {}).get("params") or ())[:1]
    elif kind in ("reduce", "resample", "threshold"):
        yield str(expression).lstrip("$")


def _condition(rule: Rule) -> t.Iterator[str]:
    queries = rule.get("data") if isinstance(rule.get("data"), list) else []
    names = [query["refId"] for query in queries if isinstance(query, dict) and isinstance(query.get("refId"), str)]
    if not names:
        return
    record = rule.get("record")
    if record:
        if not isinstance(record, dict) or not record.get("metric") or record.get("from") not in names:
            yield f"record needs a metric, and from, the query that gives its value. {_choose(names)}"
        return
    condition = rule.get("condition")
    if not condition:
        yield f"it has no condition. {_choose(names)}"
    elif condition not in names:
        yield f'condition "{condition}" names no query. {_choose(names)} Set condition to one of them.'


def _choose(names: t.Sequence[t.Any]) -> str:
    if len(names) == 1:
        return f"The rule's only query is {names[0]}."
    return f"The rule's queries are {', '.join(map(str, names[:-1]))} and {names[-1]}."
