# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions or users that a table is about, asked for first, so that its columns read the series of those alone.

A table of the fifty dearest sessions has several columns, and each would read all sessions to show fifty. A shortlist
is a query of its own: in Grafana that of a hidden variable, elsewhere one that is asked before the others. Its answers
are parts of a regular expression, which may match too much and never too little: the queries still choose the highest.
"""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._matchers import quoted
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Panel

SESSION, USER = "session_id", "user_name"
# The label that the answers stand in, and what Grafana takes out of one: {read="…"} 1 1700000000000.
READ = "read"
OPTION = f'/{READ}="(.*)"/'
# Values that mean little else as a regular expression. Others, and the missing one, let everything through.
PLAIN = r"([-_.@:/ 0-9A-Za-z]+)"
EVERYTHING = ".*"
# What stands there when there is none: "" would be sought among all series that lack the label.
NOTHING = "-"


def has_shortlist(panel: Panel) -> bool:
    """Whether one pays off and changes nothing: where several columns read the series of each session or user."""
    values = [column.value for column in panel.columns if column.value]
    if panel.show != "table" or not panel.top or len(values) < 2:
        return False
    return panel.labels[:1] in ((SESSION,), (USER,)) and not any(_has_own(one) for one in values)


def _has_own(expression: ex.Expression) -> bool:
    """Whether it asks for the stack's own metrics, which have no such labels."""
    return isinstance(expression, ex.Own) or any(_has_own(part) for part in expression.parts())


def variable(panel: Panel) -> str:
    """Grafana's name for it."""
    return f"top_{panel.id.replace('-', '_')}"


def in_grafana(panel: Panel) -> str:
    """What stands in a query for the answers: all of them with a bar between, as they are."""
    return f"${{{variable(panel)}:pipe}}"


def label(panel: Panel) -> str:
    """The label whose values are asked for."""
    return panel.labels[0]


def promql(panel: Panel, highest: str) -> str:
    """The query for the values among the ``highest`` of a panel, in parts of a regular expression."""
    read = f'label_replace({highest}, "{READ}", "{EVERYTHING}", "", "")'
    found = f'group by ({READ}) (label_replace({read}, "{READ}", "$1", "{label(panel)}", "{quoted(PLAIN)}"))'
    return f'{found} or on () label_replace(vector(1), "{READ}", "{NOTHING}", "", "")'


def pattern(answers: t.Iterable[t.Mapping[str, str]]) -> str:
    """The regular expression, from the labels of the answers."""
    return "|".join(labels.get(READ, EVERYTHING) for labels in answers)
