# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make this checkout importable as ansible_collections.observability.claude_code, whatever its folder is called."""

from __future__ import annotations

import gc
import os
import sys

import pytest

# Ansible and the tools started by tests would otherwise leave __pycache__ folders beside the plugins.
sys.dont_write_bytecode = True

from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from support.checkout import COLLECTIONS  # noqa: E402

# Collecting makes half a million objects that stay to the end: to look for garbage among them takes as long again.
gc.disable()

# Ansible's own importer: plugins and module_utils resolve in a test exactly as they do in a play.
init_plugin_loader([str(COLLECTIONS)])

# Fixtures of all tests.
pytest_plugins = ["support.running"]

# In several processes: the first two build the programs that most others need, which what follows does without. Then
# what waits the longest, so that what is short and waits for nothing fills the end.
ORDER = (
    "tests/truth/test_truth.py",
    "tests/integration/test_collector_cluster.py",
    "tests/package",
    "tests/truth",
    "tests/integration",
    "tests",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: next(at for at, part in enumerate(ORDER) if item.nodeid.startswith(part)))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
