# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module in this process, as Ansible would, and gives what it answers."""

from __future__ import annotations

import contextlib
import io
import json
import typing as t
from types import ModuleType

from ansible.module_utils.testing import patch_module_args


def run_module(module: ModuleType, *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    """Return the module's result; result["printed"] is the text itself, in which secrets must not stand."""
    printed = io.StringIO()
    arguments = {**options, "_ansible_check_mode": check_mode}
    with patch_module_args(arguments), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        module.main()
    result = json.loads(printed.getvalue())
    result.pop("invocation", None)  # the options that were given, without secrets
    return {**result, "printed": printed.getvalue()}
