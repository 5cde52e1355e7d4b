# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: catalogue
author: observability.claude_code contributors (@observability)
version_added: 0.1.0
short_description: Configuration made from the catalogue of metrics
description:
  - Reads C(files/catalogue) of this collection and returns configuration that is made from it.
options:
  _terms:
    description:
      - What to return.
      - V(signal_to_metrics) are the rules with which the collector derives metrics from events.
      - V(signal_to_metrics_by_arrival) are the same without the events' times, for running totals.
      - V(marks) are the attributes by which those rules know their events, by event.
      - V(rollup_groups) are groups of recording rules for Prometheus.
      - V(rollup_parts) are the same groups in several lists, each of which fits into an object of a cluster.
      - V(labels) are the names of the resource attributes that become labels.
      - V(other_spellings) are names of labels as the stores spell them, by which clients may send them too, with the
        attributes that become these labels.
      - V(foreign_names) are names of attributes that a store would take for something else.
      - V(event_fields) are the attributes of events that queries read.
      - V(metrics) are the names of all series in Prometheus, by metric.
      - V(sources) is the catalogue of metrics and dashboards as it is written, for modules that make queries from it.
      - V(dashboards) are the dashboards for Grafana by uid, with queries for O(delivery).
      - V(pages) are the pages of C(docs) that describe the dashboards, by their path.
      - V(checks) is the list of all checks.
      - V(prometheus_alerts), V(loki_alerts) and V(grafana_alerts) are groups of alert rules, as Prometheus and Loki
        have them in their rule files, and as the provisioning API of Grafana takes them.
      - V(alert_names) are the names of all alerts, V(alert_thresholds) the values that O(thresholds) may replace.
    required: true
    type: list
    elements: str
    choices:
      - signal_to_metrics
      - signal_to_metrics_by_arrival
      - marks
      - rollup_groups
      - rollup_parts
      - labels
      - other_spellings
      - foreign_names
      - event_fields
      - metrics
      - sources
      - dashboards
      - pages
      - checks
      - prometheus_alerts
      - loki_alerts
      - grafana_alerts
      - alert_names
      - alert_thresholds
  delivery:
    description: How the metrics reach Prometheus, for recording rules, alerts and dashboards.
    type: str
    choices: [otlp, scrape, remote_write]
    default: otlp
  reads:
    description:
      - What dashboards read that are about hours and days.
      - V(raw) is exact at once. V(recent) takes rollups, which lag up to seven minutes behind, and is much faster for
        hundreds of users; with a session or user chosen it takes the raw series.
    type: str
    choices: [raw, recent]
    default: raw
  thresholds:
    description: Values for thresholds of alerts, by name. The others are those of C(files/catalogue/thresholds.yml).
    type: dict
    default: {}
  alerts_off:
    description: Names of alerts that are not wanted.
    type: list
    elements: str
    default: []
  platform:
    description: Where the stack runs. Some alerts are for V(openshift) only.
    type: str
    default: host
  programs:
    description: The programs that belong to the stack. That others are down is no alert.
    type: list
    elements: str
    choices: [collector, prometheus, loki]
    default: [collector, prometheus, loki]
  withheld:
    description: What of the events' texts is not to be stored, so that it is an alert when it is.
    type: list
    elements: str
    choices: [prompts, responses, tool_details]
    default: [prompts, responses, tool_details]
  data_sources:
    description:
      - Uids of the data sources C(prometheus) and C(loki) in Grafana, for its alerts and dashboards.
      - For alerts one that is left out is its own uid. Dashboards open with the default of its kind then.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the series' names
  ansible.builtin.debug:
    msg: "{{ lookup('observability.claude_code.catalogue', 'metrics') }}"
"""

RETURN = r"""
_raw:
  description: One value for each term; a list or a mapping.
  type: list
  elements: raw
"""

import typing as t
from pathlib import Path

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.observability.claude_code.plugins.module_utils import _attribute_names as names
from ansible_collections.observability.claude_code.plugins.module_utils import _collector_rules as rules
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_grafana as grafana
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_loki as loki
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_prometheus as prometheus
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import Choice, Group
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    CatalogueError,
    load_catalogue,
    read_files,
    read_sources,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_dashboard import all_json
from ansible_collections.observability.claude_code.plugins.module_utils._panels import (
    Dashboard,
    load_dashboards,
    read_dashboards,
)
from ansible_collections.observability.claude_code.plugins.module_utils._rules import (
    alert_names,
    load_rules,
    load_thresholds,
)
from ansible_collections.observability.claude_code.plugins.plugin_utils._pages import all_pages

COLLECTION = Path(__file__).resolve().parents[2]
FOLDER = COLLECTION / "files" / "catalogue"


class LookupModule(LookupBase):
    """Returns what the terms name, made from the collection's own catalogue."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        self.set_options(var_options=variables, direct=kwargs)
        delivery, reads = self.get_option("delivery"), self.get_option("reads")
        makers: dict[str, t.Callable[[Catalogue], t.Any]] = {
            "signal_to_metrics": rules.signal_to_metrics,
            "signal_to_metrics_by_arrival": lambda catalogue: rules.signal_to_metrics(catalogue, event_time=False),
            "marks": rules.marks,
            "rollup_groups": lambda catalogue: rules.rollup_groups(catalogue, delivery),
            "rollup_parts": lambda catalogue: rules.parts(rules.rollup_groups(catalogue, delivery)),
            "labels": lambda catalogue: [label.otel for label in catalogue.resource_labels],
            "other_spellings": names.other_spellings,
            "foreign_names": names.foreign_names,
            "event_fields": names.event_fields,
            "metrics": lambda catalogue: {name: metric.prometheus for name, metric in catalogue.metrics.items()},
            "sources": lambda _catalogue: {**read_sources(FOLDER), "dashboards": read_dashboards(FOLDER)},
            "dashboards": lambda catalogue: all_json(
                load_dashboards(FOLDER, catalogue), catalogue, delivery, self.get_option("data_sources"), reads
            ),
            "pages": lambda catalogue: all_pages(COLLECTION, catalogue),
            "checks": lambda _catalogue: _checks(read_files(FOLDER / "checks")),
            "prometheus_alerts": lambda catalogue: prometheus.rule_groups(*self._alerts(catalogue), delivery),
            "loki_alerts": lambda catalogue: loki.rule_groups(*self._alerts(catalogue)),
            "grafana_alerts": lambda catalogue: grafana.rule_groups(
                *self._alerts(catalogue), delivery, self.get_option("data_sources")
            ),
            "alert_names": lambda _catalogue: alert_names(FOLDER),
            "alert_thresholds": lambda _catalogue: {name: one.value for name, one in load_thresholds(FOLDER).items()},
        }
        unknown = [term for term in terms if term not in makers]
        if unknown:
            raise AnsibleLookupError(
                f"The lookup catalogue has no {', '.join(unknown)}. Use one of: {', '.join(makers)}."
            )
        try:
            catalogue = load_catalogue(FOLDER)
            return [makers[term](catalogue) for term in terms]
        except CatalogueError as error:
            raise AnsibleLookupError(str(error)) from error

    def _alerts(self, catalogue: Catalogue) -> tuple[tuple[Group, ...], Catalogue, dict[str, Dashboard]]:
        """The rules that are wanted, and what makes queries and links of them."""
        names = {"off": "alerts_off", **{name: name for name in ("thresholds", "platform", "programs", "withheld")}}
        choice = Choice(**{field: self.get_option(option) for field, option in names.items()})
        return load_rules(FOLDER, catalogue, choice), catalogue, load_dashboards(FOLDER, catalogue)


def _checks(files: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """The checks of all files, each with the group that its file names."""
    return [
        {"group": content["group"], **check} for _name, content in sorted(files.items()) for check in content["checks"]
    ]
