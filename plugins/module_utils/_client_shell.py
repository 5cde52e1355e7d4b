# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads files that set environment variables: those of shells, and those of systemd and PAM."""

from __future__ import annotations

import re
import shlex
import typing as t

ASSIGNMENT = re.compile(r"(?s)([A-Za-z_]\w*)=(.*)")
HOME = re.compile(r"\$HOME\b|\$\{HOME\}")
NESTING = 5


def assignments(
    text: str, home: str, included: t.Callable[[str], str | None] = lambda path: None, nesting: int = NESTING
) -> t.Iterator[tuple[str, str | None]]:
    """Names and values in their order; None where the name is unset. A value with ``$`` in it is left as it is.

    What stands in conditions is taken for true. ``included`` gives the text of a file that is sourced.
    """
    for line in text.replace("\\\n", "").splitlines():
        for command in _commands(line):
            words = command[1:] if command[0] == "export" else command
            if command[0] == "unset":
                yield from ((name, None) for name in words[1:])
                continue
            if command[0] in (".", "source") and len(words) > 1 and nesting:
                yield from assignments(included(HOME.sub(home, words[1])) or "", home, included, nesting - 1)
                continue
            for word in words:
                found = ASSIGNMENT.fullmatch(word)
                if not found:
                    break
                yield found.group(1), HOME.sub(home, found.group(2))


def computed(value: str) -> bool:
    """Whether a shell makes something else of it."""
    return "$" in value or "`" in value


def _commands(line: str) -> t.Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:  # a quotation that ends on another line holds none of what is looked for
        return
    command: list[str] = []
    for word in words:
        if word.startswith("#"):
            break
        if word[0] in ";&|" or word in ("then", "do", "else"):
            if command:
                yield command
            command = []
        else:
            command.append(word)
    if command:
        yield command
