# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection kubernetes.core in the checkout, where the playbooks look for it.

It is taken out of the Python package `ansible`, whose version constraints.txt fixes: so the tests need the package
index alone, and no server of collections.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from support.checkout import CACHE, CHECKOUT, COLLECTIONS, run

CONSTRAINTS = CHECKOUT / "constraints.txt"
PLACE = COLLECTIONS / "ansible_collections" / "kubernetes" / "core"
# In it: the package that it was taken from.
STAMP = ".taken-from"


def provide() -> Path:
    """The collection's folder; fetched if it is not there, or from another version than the wanted."""
    wanted = next(line for line in CONSTRAINTS.read_text().splitlines() if line.startswith("ansible=="))
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "kubernetes-core.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = PLACE / STAMP
        if not stamp.is_file() or stamp.read_text() != wanted:
            _fetch(wanted)
    return PLACE


def _fetch(wanted: str) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        folder = Path(work)
        run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, wanted)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            names = [name for name in wheel.namelist() if name.startswith("ansible_collections/kubernetes/core/")]
            wheel.extractall(folder, names)
        taken = folder / "ansible_collections" / "kubernetes" / "core"
        (taken / STAMP).write_text(wanted)
        shutil.rmtree(PLACE, ignore_errors=True)
        PLACE.parent.mkdir(parents=True, exist_ok=True)
        taken.rename(PLACE)


if __name__ == "__main__":
    print(provide())
