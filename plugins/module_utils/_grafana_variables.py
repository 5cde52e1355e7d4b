# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a dashboard: data sources, filters, settings and shortlists."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, Rollup
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_fields import Json
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_targets import SOURCES
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, Setting, Variable
from ansible_collections.observability.claude_code.plugins.module_utils._queries import (
    LOKI,
    PROMETHEUS,
    Asking,
    Query,
    shortlist,
)
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import LONG, rollups_for
from ansible_collections.observability.claude_code.plugins.module_utils._shortlists import OPTION

TITLES = {PROMETHEUS: "Metrics", LOKI: "Events"}
# A filter offers the values that are there with the filters before it; the other way round would be a circle.
NARROWS = ("team", "user_name", "terminal_type", "session_id")
SHOWN, HIDDEN = 0, 2
LABEL_VALUES, QUERY_RESULT = 1, 3
# Asked again when the range changes, as that of the last 24 hours does with every refresh.
ON_RANGE = 2
UNSORTED, ALPHABETICAL = 0, 1


def variables(dashboard: Dashboard, asking: Asking, sources: t.Mapping[str, str] | None = None) -> list[Json]:
    """All variables in the order in which Grafana shows them. ``sources`` are uids of data sources to begin with."""
    chosen = sources or {}
    firsts = [shortlist(panel, asking) for panel in dashboard.panels()]
    # Without events their source is hidden and there for the links, which take it along to other dashboards.
    events = any(panel.rows for panel in dashboard.panels())
    found = [
        _data_source(PROMETHEUS, chosen.get(PROMETHEUS)),
        _data_source(LOKI, chosen.get(LOKI), HIDDEN if not events else SHOWN),
    ]
    found += [_filter(one, dashboard, asking.catalogue) for one in dashboard.variables]
    found += [_setting(one) for one in dashboard.settings]
    return found + [_shortlist(first) for first in firsts if first]


def _data_source(name: str, uid: str | None, hide: int = SHOWN) -> Json:
    return {
        # Without one it is the default of its kind, or the first. Grafana replaces the text by the name.
        "current": {"selected": False, "text": uid, "value": uid} if uid else {},
        "hide": hide,
        "includeAll": False,
        "label": TITLES[name],
        "multi": False,
        "name": name,
        "options": [],
        "query": name,
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }


def _filter(variable: Variable, dashboard: Dashboard, catalogue: Catalogue) -> Json:
    query = f"label_values({_series(variable, dashboard, catalogue)}, {variable.label})"
    return {
        **_asked(variable.name, LABEL_VALUES, query),
        # Inserted as it is: also series without the label are among all.
        "allValue": ".*",
        "description": variable.about,
        "hide": SHOWN,
        "label": variable.title,
        "regex": f"/^([^\\{variable.up_to}]+)/" if variable.up_to else "",
        "skipUrlSync": False,
        "sort": ALPHABETICAL,
    }


def _shortlist(first: Query) -> Json:
    """Nobody chooses from it; all of its values are always chosen."""
    return {
        **_asked(first.ref, QUERY_RESULT, f"query_result({first.text})"),
        "hide": HIDDEN,
        "regex": OPTION,
        "skipUrlSync": True,
        "sort": UNSORTED,
    }


def _asked(name: str, kind: int, query: str) -> Json:
    """What the variables have in common whose values Prometheus knows; they stand at All."""
    return {
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": SOURCES[PROMETHEUS],
        "includeAll": True,
        "multi": True,
        "name": name,
        "options": [],
        "query": {"qryType": kind, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": ON_RANGE,
        "type": "query",
    }


def _series(variable: Variable, dashboard: Dashboard, catalogue: Catalogue) -> str:
    metrics = [catalogue.metric(name) for name in variable.among]
    place = NARROWS.index(variable.label) if variable.label in NARROWS else len(NARROWS)
    before = [
        other
        for other in dashboard.variables
        if other.label in NARROWS[:place] and all(catalogue.has_label(metric, other.label) for metric in metrics)
    ]
    names = [metric.prometheus for metric in metrics]
    rollup = _rollup(dashboard, catalogue, {variable.label, *(other.label for other in before)})
    if rollup:
        names = [rollup.series(metric) for metric in metrics]
    matchers = [f'__name__=~"{"|".join(names)}"', 'copy=""', f'{variable.label}!=""']
    matchers += [f'{other.label}=~"${other.name}"' for other in before]
    return f"{{{', '.join(matchers)}}}"


def _rollup(dashboard: Dashboard, catalogue: Catalogue, labels: t.Collection[str]) -> Rollup | None:
    """Where a dashboard of months finds the labels: its raw series are too many to be looked through."""
    if dashboard.reads != LONG:
        return None
    having = [one for one in rollups_for(catalogue, LONG) if not {*labels} & {*one.without}]
    return having[0] if having else None


def _setting(setting: Setting) -> Json:
    value = f"{setting.value:.15g}"
    chosen = {"selected": True, "text": value, "value": value}
    return {
        "current": chosen,
        "description": setting.about,
        "hide": SHOWN,
        "label": f"{setting.title} ({setting.unit})" if setting.unit else setting.title,
        "name": setting.name,
        "options": [chosen],
        "query": value,
        "skipUrlSync": False,
        "type": "textbox",
    }
