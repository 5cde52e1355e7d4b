# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON model of a dashboard: whether Grafana can take it, and what of it tells two of them apart."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import UID, GrafanaError

Json = dict[str, t.Any]
# What Grafana counts itself.
COUNTED = ("id", "version", "iteration")
# What opening a dashboard fills in for a variable.
CHOSEN = ("current", "options")


def uid_of(given: t.Any) -> str:
    """The uid as Grafana keeps it; GrafanaError where it would refuse it."""
    uid = given.strip() if isinstance(given, str) else ""
    if not UID.fullmatch(uid):
        raise GrafanaError(
            f"The uid {given!r} of the dashboard will not do. Give one of up to 40 letters, digits, - and _."
        )
    return uid


def model_of(definition: t.Any, source: str = "The definition") -> Json:
    """The classic model; GrafanaError where ``definition`` is something else. ``source`` begins what is said of it."""
    if not isinstance(definition, dict):
        raise GrafanaError(f"{source} is no JSON object. Give the JSON model of one dashboard.")
    if {"apiVersion", "kind", "spec"} <= set(definition):
        raise GrafanaError(
            f"{source} is a resource ({definition['apiVersion']}), not the classic JSON model. "
            'Export the dashboard as "Classic".'
        )
    if isinstance(definition.get("dashboard"), dict) and "title" not in definition:
        raise GrafanaError(f"{source} is an answer of Grafana's API. Give what it has under dashboard.")
    title = definition.get("title")
    if not isinstance(title, str) or not title.strip():
        raise GrafanaError(f"{source} has no title. Give the JSON model of one dashboard, with its title.")
    inputs = [one.get("name") for one in definition.get("__inputs") or [] if isinstance(one, dict)]
    if inputs:
        raise GrafanaError(
            f"{source} was exported for sharing and wants values for {', '.join(map(str, inputs))}, which only "
            "Grafana's import page asks for. Export it without that option, or replace them and leave __inputs away."
        )
    return definition


def comparable(model: Json, wanted: Json) -> Json:
    """``model`` without what Grafana counts itself, and without what ``wanted`` leaves to it or to those who look on.

    That is the number of a panel, and what is chosen in a variable and offered by it.
    """
    found = {name: value for name, value in model.items() if name not in COUNTED}
    if isinstance(found.get("panels"), list):
        found["panels"] = _panels(found["panels"], wanted.get("panels"))
    templating = found.get("templating")
    if isinstance(templating, dict) and isinstance(templating.get("list"), list):
        asked = wanted.get("templating")
        asked = asked.get("list") if isinstance(asked, dict) else None
        found["templating"] = {**templating, "list": _variables(templating["list"], asked)}
    return found


def _panels(panels: list[t.Any], wanted: t.Any) -> list[t.Any]:
    return [_panel(one, _at(wanted, place)) if isinstance(one, dict) else one for place, one in enumerate(panels)]


def _panel(panel: Json, asked: Json) -> Json:
    found = {name: value for name, value in panel.items() if name != "id" or "id" in asked or not asked}
    if isinstance(found.get("panels"), list):
        found["panels"] = _panels(found["panels"], asked.get("panels"))
    return found


def _variables(variables: list[t.Any], wanted: t.Any) -> list[t.Any]:
    asked = [one for one in wanted if isinstance(one, dict)] if isinstance(wanted, list) else []
    # As text, since nobody has looked yet whether a name is one.
    named = {str(one.get("name")): one for one in asked}
    return [_variable(one, named.get(str(one.get("name")), {})) if isinstance(one, dict) else one for one in variables]


def _variable(variable: Json, asked: Json) -> Json:
    found = {name: value for name, value in variable.items() if name not in CHOSEN or asked.get(name)}
    if isinstance(found.get("current"), dict):
        found["current"] = {name: value for name, value in found["current"].items() if name != "selected"}
    return found


def _at(values: t.Any, place: int) -> Json:
    found = values[place] if isinstance(values, list) and place < len(values) else None
    return found if isinstance(found, dict) else {}
