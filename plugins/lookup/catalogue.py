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
      - V(labels) are the names of the resource attributes that become labels.
      - V(metrics) are the names of all series in Prometheus, by metric.
      - V(sources) is the catalogue of metrics and dashboards as it is written, for modules that make queries from it.
      - V(dashboards) are the dashboards for Grafana by uid, with queries for O(delivery).
      - V(pages) are the pages of C(docs) that describe the dashboards, by their path.
      - V(checks) is the list of all checks.
    required: true
    type: list
    elements: str
    choices:
      - signal_to_metrics
      - signal_to_metrics_by_arrival
      - marks
      - rollup_groups
      - labels
      - metrics
      - sources
      - dashboards
      - pages
      - checks
  delivery:
    description: How the metrics reach Prometheus, for the recording rules and the dashboards.
    type: str
    choices: [otlp, scrape, remote_write]
    default: otlp
  reads:
    description:
      - What dashboards read that are about hours and days.
      - V(raw) is exact at once. V(recent) takes rollups, which lag a minute or two behind, and is much faster for
        hundreds of users; with a session or user chosen it takes the raw series.
    type: str
    choices: [raw, recent]
    default: raw
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
from dataclasses import replace
from pathlib import Path

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.observability.claude_code.plugins.module_utils import _collector_rules as rules
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
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import RAW
from ansible_collections.observability.claude_code.plugins.plugin_utils._dashboard_docs import pages

COLLECTION = Path(__file__).resolve().parents[2]
FOLDER = COLLECTION / "files" / "catalogue"
DIFFERENCES = COLLECTION / "docs" / "differences.md"


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
            "labels": lambda catalogue: [label.otel for label in catalogue.resource_labels],
            "metrics": lambda catalogue: {name: metric.prometheus for name, metric in catalogue.metrics.items()},
            "sources": lambda _catalogue: {**read_sources(FOLDER), "dashboards": read_dashboards(FOLDER)},
            "dashboards": lambda catalogue: all_json(_dashboards(catalogue, reads), catalogue, delivery),
            "pages": lambda catalogue: pages(load_dashboards(FOLDER, catalogue), catalogue, _text(DIFFERENCES)),
            "checks": lambda _catalogue: _checks(read_files(FOLDER / "checks")),
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


def _dashboards(catalogue: Catalogue, reads: str) -> dict[str, Dashboard]:
    found = load_dashboards(FOLDER, catalogue)
    return {uid: replace(one, reads=reads) if one.reads == RAW else one for uid, one in found.items()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read: {error}. Pages are made in a checkout of the project.") from error


def _checks(files: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """The checks of all files, each with the group that its file names."""
    return [
        {"group": content["group"], **check} for _name, content in sorted(files.items()) for check in content["checks"]
    ]
