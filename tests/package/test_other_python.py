# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other supported pair: ansible-core 2.19 on Python 3.11, or 2.21 on 3.13, whichever does not run these tests."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
from support.checkout import CACHE, CHECKOUT, environment, files, run
from support.interpreters import find, search_path

PAIRS = {"3.11": "2.19", "3.13": "2.21"}
# What unit tests import; the linters are not needed a second time.
NEEDED = ("-r", "requirements-kubernetes.txt", "pytest", "cryptography", "grpcio", "hypothesis", "opentelemetry-proto")
# Those that a test is run with beside 11.6.
OTHER_GRAFANAS = ("9.5", "10.4", "11.2", "11.4", "12.4", "13.1", "13.2")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
# Those of ansible-test's checks whose answer changes with its version.
SANITY = ("ansible-doc", "pylint", "runtime-metadata", "validate-modules")

pytestmark = pytest.mark.parametrize("version", [version for version in PAIRS if version != RUNNING], scope="session")


@pytest.fixture(scope="session")
def python(version: str) -> Path:
    """Return the Python of an environment with that version, made once for each set of requirements."""
    interpreter = find(version)
    if interpreter is None:
        pytest.skip(f"No Python {version} on this machine")
    listed = ("constraints.txt", "requirements.txt", "requirements-kubernetes.txt")
    needed = b"".join((CHECKOUT / name).read_bytes() for name in listed) + " ".join(NEEDED).encode()
    home = CACHE / f"python-{version}-{hashlib.sha256(needed).hexdigest()[:12]}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        run(interpreter, "-m", "venv", "--clear", home)
        run(python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt", *NEEDED)
        (home / "complete").touch()
    return python


@pytest.fixture(scope="session")
def env(python: Path) -> dict[str, str]:
    return environment(PATH=search_path(python.parent), ANSIBLE_HOME=None, ANSIBLE_CONFIG=str(CHECKOUT / "ansible.cfg"))


def test_it_is_the_pair_that_is_promised(python: Path, version: str) -> None:
    core = run(python, "-c", "import ansible.release as r; print(r.__version__)")
    assert core.startswith(PAIRS[version] + ".")


def test_unit_tests_pass(python: Path, env: dict[str, str], version: str) -> None:
    # What stands there beside the folders is about the tests' own stand-ins. The roles' templates take minutes.
    chosen = ("tests/unit", "--ignore-glob=tests/unit/test_*.py", "--ignore=tests/unit/roles")
    # What depends on Python shows with one version of Grafana.
    one = ("-k", f"not ({' or '.join(OTHER_GRAFANAS)})")
    run(python, "-m", "pytest", "-o", f"cache_dir={CACHE}/pytest-{version}", *chosen, *one, env=env, timeout=1800)


def test_playbooks_parse(env: dict[str, str], version: str) -> None:
    playbooks = [path for path in files(".yml") if path.parent == Path("playbooks")]
    assert playbooks
    run("ansible-playbook", "--syntax-check", *playbooks, env=env)


def test_sanity_tests_of_its_own_version_pass(
    installed: Path, sanity_home: Path, env: dict[str, str], version: str
) -> None:
    chosen = [word for name in SANITY for word in ("--test", name)]
    settings = {**env, "HOME": str(sanity_home)}
    del settings["ANSIBLE_CONFIG"]
    run("ansible-test", "sanity", "--local", "--color", "no", *chosen, cwd=installed, env=settings, timeout=900)
