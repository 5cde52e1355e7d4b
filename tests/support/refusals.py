# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook says to settings that it refuses, each of a host of its own, so that one run tells of all."""

from __future__ import annotations

import re

import yaml

FAILED = re.compile(r"^(?:fatal|\[ERROR\]).*?\[([\w-]+)\]: FAILED! => ?\n(.*?)(?=^\S)", re.MULTILINE | re.DOTALL)


def refusals(printed: str) -> dict[str, str]:
    """By host the message of its failed task, on one line. No host may have been changed."""
    recap = printed.rpartition("PLAY RECAP")[2]
    changed = dict(re.findall(r"^([\w-]+)\s+: ok=\d+\s+changed=(\d+)", recap, re.MULTILINE))
    assert changed, printed
    assert set(changed.values()) == {"0"}, printed
    return {host: " ".join(yaml.safe_load(text)["msg"].split()) for host, text in FAILED.findall(printed)}
