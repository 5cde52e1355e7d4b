# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make this checkout importable as ansible_collections.observability.claude_code, whatever its folder is called."""

from __future__ import annotations

import sys

# Ansible and the tools started by tests would otherwise leave __pycache__ folders beside the plugins.
sys.dont_write_bytecode = True

from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from support.checkout import COLLECTIONS  # noqa: E402

# Ansible's own importer: plugins and module_utils resolve in a test exactly as they do in a play.
init_plugin_loader([str(COLLECTIONS)])

# Fixtures of all tests.
pytest_plugins = ["support.running"]
