# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What events may hold of what people write and run, and how an event that holds any of it is told from others."""

from __future__ import annotations

import typing as t

# The attributes, by what an administrator may choose to keep.
TEXTS = {
    "prompts": ("prompt", "prompt_text"),
    "responses": ("response",),
    "tool_details": ("tool_input", "tool_parameters", "full_command", "bash_command"),
}
# What the client sends instead of a prompt that it may not tell.
WITHHELD = ("", "<REDACTED>")


def private_fields(withheld: t.Iterable[str]) -> list[str]:
    """The attributes that are not to be stored, where the kinds of texts ``withheld`` are not."""
    return [name for kind in withheld for name in TEXTS[kind]]
