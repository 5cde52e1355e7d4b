# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as users get it: built into its archive and installed into a folder of its own."""

from __future__ import annotations

import ast
import re
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from support.checkout import CACHE, CHECKOUT, environment, files, run

# ansible-test makes its own environments with a script that it fetches from an address outside of the package index,
# unless it finds one here. This one installs the pip that Python brings, and with it the wanted version.
GET_PIP = """
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade"])
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
if wanted:
    subprocess.check_call([sys.executable, "-m", "pip", "install", *wanted])
"""
GET_PIP_VERSIONS = ("24_2", "25_2")  # of ansible-core 2.19 and 2.21


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what Git would take into a folder of another name: nobody's left-overs get in or hide a gap."""
    clone = tmp_path_factory.mktemp("clone") / "any name"
    for path in files():
        target = clone / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / path, target)
    link = clone / ".collections/ansible_collections/observability/claude_code"
    link.parent.mkdir(parents=True)
    link.symlink_to((CHECKOUT / link.relative_to(clone)).readlink())
    return clone


@pytest.fixture(scope="session")
def archive(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("archive")
    run("ansible-galaxy", "collection", "build", "--output-path", output, clone, cwd=output)
    return next(output.glob("*.tar.gz"))


@pytest.fixture(scope="session")
def members(archive: Path) -> set[str]:
    with tarfile.open(archive) as opened:
        return {member.name for member in opened.getmembers() if member.isfile()}


@pytest.fixture(scope="session")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the archive; return the collection's folder inside ansible_collections."""
    home = tmp_path_factory.mktemp("installed")
    (home / "ansible_collections").mkdir()
    env = environment(ANSIBLE_COLLECTIONS_PATH=str(home))
    run("ansible-galaxy", "collection", "install", "--offline", "-p", home, archive, cwd=home, env=env)
    return home / "ansible_collections" / "observability" / "claude_code"


@pytest.fixture(scope="session")
def sanity_home() -> Path:
    """A home directory for ansible-test, kept between runs because its environments take two minutes to make."""
    home = CACHE / "ansible-test"
    scripts = home / ".ansible" / "test" / "cache"
    scripts.mkdir(parents=True, exist_ok=True)
    for version in GET_PIP_VERSIONS:
        (scripts / f"get_pip_{version}.py").write_text(GET_PIP)
    settings = home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(pip_settings())
    return home


def pip_settings() -> str:
    """Return pip's settings as a file: ansible-test hides both the environment and the user's own files from pip."""
    listed = run(sys.executable, "-m", "pip", "config", "list")
    found = re.findall(r"^(?:global|user|site|install|:env:)\.([\w-]+)=(.*)$", listed, flags=re.MULTILINE)
    # The environment comes last, and wins.
    settings = {name: str(ast.literal_eval(value)).replace("\n", "\n    ") for name, value in found}
    return "\n".join(["[global]", "quiet = 1", *(f"{name} = {value}" for name, value in settings.items()), ""])
