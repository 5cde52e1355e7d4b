# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive holds the collection, whole and alone; in a checkout its names resolve without an installation."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from support.checkout import environment, run

# Of these a checkout has need, an installed collection has none.
CHECKOUT_ONLY = (
    ".ci/",
    ".collections/",
    ".gitattributes",
    ".gitignore",
    "Makefile",
    "ansible.cfg",
    "galaxy.yml",
    "molecule/",
    "tests/",
)
# Which versions of Python ansible-test looks at.
TEST_SETTINGS = "tests/config.yml"
NAME = "observability.claude_code"
ABOUT_OPTIONS = "missing required arguments|all of the following are missing|Unsupported parameters"


def test_archive_holds_every_file_of_the_project_but_those_of_a_checkout(clone: Path, members: set[str]) -> None:
    present = {str(path.relative_to(clone)) for path in clone.rglob("*") if path.is_file()}
    expected = {name for name in present if name == TEST_SETTINGS or not name.startswith(CHECKOUT_ONLY)}
    assert members - {"MANIFEST.json", "FILES.json"} == expected


def test_names_resolve_in_a_checkout_of_any_name(clone: Path) -> None:
    plugins = clone / "plugins"
    modules = [path.stem for path in (plugins / "modules").glob("*.py")]
    lookups = [path.stem for path in (plugins / "lookup").glob("*.py")]
    roles = [path.name for path in (clone / "roles").iterdir()]
    env = environment(ANSIBLE_CONFIG=str(clone / "ansible.cfg"))
    for kind, names in (("module", modules), ("lookup", lookups), ("role", roles)):
        listed = json.loads(run("ansible-doc", "--json", "--list", "-t", kind, NAME, cwd=clone, env=env))
        assert set(listed) == {f"{NAME}.{name}" for name in names}


def test_playbooks_parse_in_a_checkout_of_any_name(clone: Path) -> None:
    env = environment(ANSIBLE_CONFIG=str(clone / "ansible.cfg"))
    playbooks = [path.relative_to(clone) for path in sorted(clone.glob("playbooks/*.yml"))]
    assert playbooks
    run("ansible-playbook", "--syntax-check", *playbooks, cwd=clone, env=env)


def test_a_cluster_is_refused_with_what_to_do_where_its_collection_is_absent(clone: Path, tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.json"
    given = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "stack_platform": "kubernetes",
    }
    inventory.write_text(json.dumps({"claude_code_stack": {"hosts": {"localhost": {}}, "vars": given}}))
    env = environment(ANSIBLE_CONFIG=str(clone / "ansible.cfg"))
    with pytest.raises(pytest.fail.Exception, match=r"ansible-galaxy collection install -r requirements\.yml"):
        run("ansible-playbook", "-i", inventory, "playbooks/site.yml", cwd=clone, env=env)


def test_modules_start_with_all_that_they_import(clone: Path, tmp_path: Path) -> None:
    modules = [f"{NAME}.{path.stem}" for path in sorted((clone / "plugins" / "modules").glob("*.py"))]
    tasks = [{"name": one, one: {"no_such_option": 1}, "ignore_errors": True} for one in modules]
    play = tmp_path / "play.json"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    env = environment(ANSIBLE_CONFIG=str(clone / "ansible.cfg"), ANSIBLE_PYTHON_INTERPRETER=sys.executable)
    printed = run("ansible-playbook", "-i", "localhost,", "-c", "local", play, cwd=clone, env=env)
    # A module that could not import something would not come to its options.
    said = {text.partition("]")[0]: text for text in printed.split("TASK [")[1:]}
    assert {one for one in modules if re.search(ABOUT_OPTIONS, said[one])} == set(modules), printed
