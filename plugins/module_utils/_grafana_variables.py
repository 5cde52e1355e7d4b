# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a dashboard: data sources, filters and settings."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_fields import Json
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_targets import SOURCES
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, Setting, Variable
from ansible_collections.observability.claude_code.plugins.module_utils._queries import LOKI, PROMETHEUS

TITLES = {PROMETHEUS: "Metrics", LOKI: "Events"}
# A filter offers the values that are there with the filters before it; the other way round would be a circle.
NARROWS = ("team", "user_name", "terminal_type", "session_id")
# Label values, when the range changes, in alphabetical order.
LABEL_VALUES, ON_RANGE, ALPHABETICAL = 1, 2, 1


def variables(dashboard: Dashboard, catalogue: Catalogue) -> list[Json]:
    """All variables in the order in which Grafana shows them."""
    sources = [PROMETHEUS]
    if any(panel.rows for panel in dashboard.panels()):
        sources.append(LOKI)
    found = [_data_source(name) for name in sources]
    found += [_filter(one, dashboard.variables, catalogue) for one in dashboard.variables]
    return found + [_setting(one) for one in dashboard.settings]


def _data_source(name: str) -> Json:
    return {
        "current": {},
        "hide": 0,
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


def _filter(variable: Variable, others: t.Sequence[Variable], catalogue: Catalogue) -> Json:
    query = f"label_values({_series(variable, others, catalogue)}, {variable.label})"
    return {
        # Inserted as it is: also series without the label are among all.
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": SOURCES[PROMETHEUS],
        "definition": query,
        "description": variable.about,
        "hide": 0,
        "includeAll": True,
        "label": variable.title,
        "multi": True,
        "name": variable.name,
        "options": [],
        "query": {"qryType": LABEL_VALUES, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": ON_RANGE,
        "regex": "",
        "skipUrlSync": False,
        "sort": ALPHABETICAL,
        "type": "query",
    }


def _series(variable: Variable, others: t.Sequence[Variable], catalogue: Catalogue) -> str:
    metrics = [catalogue.metric(name) for name in variable.among]
    matchers = [f'__name__=~"{"|".join(metric.prometheus for metric in metrics)}"', 'copy=""', f'{variable.label}!=""']
    place = NARROWS.index(variable.label) if variable.label in NARROWS else len(NARROWS)
    before = NARROWS[:place]
    matchers += [
        f'{other.label}=~"${other.name}"'
        for other in others
        if other.label in before and all(catalogue.has_label(metric, other.label) for metric in metrics)
    ]
    return f"{{{', '.join(matchers)}}}"


def _setting(setting: Setting) -> Json:
    value = f"{setting.value:.15g}"
    chosen = {"selected": True, "text": value, "value": value}
    return {
        "current": chosen,
        "description": setting.about,
        "hide": 0,
        "label": f"{setting.title} ({setting.unit})" if setting.unit else setting.title,
        "name": setting.name,
        "options": [chosen],
        "query": value,
        "skipUrlSync": False,
        "type": "textbox",
    }
