# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of attributes that mean something to the stack, and that clients may send with another meaning.

What an administrator puts into OTEL_RESOURCE_ATTRIBUTES reaches every point and event, whatever it is called.
"""

from __future__ import annotations

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._rollups import PASS

# Labels by which queries and rules tell their own terms and copies apart, and those by which Loki tells of errors.
RESERVED = ("copy", PASS, "term", "__error__", "__error_details__", "__preserve_error__")


def other_spellings(catalogue: Catalogue) -> dict[str, str]:
    """The names of labels as the stores spell them, with the attributes that become these labels: ``user_name`` and
    ``user.name``. Where a point has both, Prometheus joins their values.
    """
    labels = (*catalogue.standard_labels, *catalogue.resource_labels)
    return {label.prometheus: label.otel for label in labels if label.prometheus != label.otel}


def foreign_names(catalogue: Catalogue) -> list[str]:
    """The attributes that may not reach a store under this name, since there they would be taken for another."""
    return [*RESERVED, *other_spellings(catalogue)]


def event_fields(catalogue: Catalogue) -> list[str]:
    """The attributes of events that queries read; in Loki one of the resource would hide that of the event."""
    found = {"user.name"}
    for metric in catalogue.metrics.values():
        found |= {label.otel for label in metric.labels}
        if metric.events:
            found |= {*metric.events.fields.values(), *filter(None, [metric.events.by])}
        if metric.derived:
            found |= {*dict(metric.derived.where), *filter(None, [metric.derived.value])}
    return sorted(found)
