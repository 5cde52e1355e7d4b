# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions on labels, which PromQL and LogQL write alike."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._expressions import Matching


def matcher(label: str, values: Matching) -> str:
    """``model="a"``, ``model=~"a|b"``, ``model!="a"`` or ``model!~"a|b"``; values cannot leave their quotes."""
    refused = isinstance(values, t.Mapping)
    wanted = values["not"] if refused else values
    if isinstance(wanted, str):
        return f'{label}{"!=" if refused else "="}"{quoted(wanted)}"'
    pattern = "|".join(re.escape(value) for value in wanted)
    return f'{label}{"!~" if refused else "=~"}"{quoted(pattern)}"'


def quoted(value: str) -> str:
    """The value as it stands between double quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
