# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each linter is one test; what it prints is the failure message."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.checkout import CACHE, CHECKOUT, environment, files, run
from support.kubernetes_core import provide


def test_python_code_follows_the_rules_of_ruff() -> None:
    run("ruff", "check", "--quiet", ".")


def test_python_code_is_formatted_by_ruff() -> None:
    run("ruff", "format", "--check", "--diff", "--quiet", ".")


def test_yaml_files_pass_yamllint() -> None:
    run("yamllint", "--strict", *files(".yml", ".yaml"), ".ansible-lint", ".yamllint")


def test_content_passes_ansible_lint_in_the_production_profile() -> None:
    # It looks at the arguments of the modules that it finds.
    provide()
    env = environment(ANSIBLE_CONFIG=str(CHECKOUT / "ansible.cfg"), XDG_CACHE_HOME=str(CACHE))
    run("ansible-lint", "--offline", "--profile", "production", "--strict", "--nocolor", env=env)


def test_plugin_and_role_documentation_is_valid() -> None:
    env = environment(ANSIBLE_CONFIG=str(CHECKOUT / "ansible.cfg"))
    run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", ".", env=env)


def test_changelog_fragments_are_valid() -> None:
    run("antsibull-changelog", "lint")


@pytest.mark.parametrize("scenario", sorted(path.name for path in (CHECKOUT / "molecule").iterdir()))
def test_a_scenario_of_molecule_can_be_read(scenario: str, tmp_path: Path) -> None:
    run("molecule", "syntax", "-s", scenario, env=environment(MOLECULE_EPHEMERAL_DIRECTORY=str(tmp_path)))


@pytest.mark.parametrize("script", [".ci/run"])
def test_shell_scripts_parse(script: str) -> None:
    run("bash", "-n", script)
