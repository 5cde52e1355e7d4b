# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector's program alone, from the same cache as the stack's: to ask it what it thinks of a configuration."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.observability.claude_code.plugins.action.go_build import read_recipe
from ansible_collections.observability.claude_code.plugins.module_utils._go_build import Cache, Recipe, build
from support.cluster_programs import PROGRAMS
from support.role_variables import ROLES, RoleVariables


def collector_program() -> Path:
    """Built where it is missing, which takes minutes."""
    recipe = Recipe(
        name="claude-code-otel-collector",
        version=RoleVariables("otel_collector")["otel_collector_version"],
        files=read_recipe(str(ROLES / "otel_collector" / "files" / "go")),
        programs=["otelcol"],
    )
    return Path(build(recipe, Cache(str(PROGRAMS))).programs["otelcol"])
