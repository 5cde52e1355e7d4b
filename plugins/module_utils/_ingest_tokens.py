# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector's file of tokens: one `TOKEN name` a line, with the day of issue behind it. No Ansible in here.

The collector looks at the first word of a line and reads the file again when it changes. A name may have several
tokens, the newest first, so that a rotation has no moment in which neither the old nor the new one works.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import io
import os
import re
import secrets
import typing as t

STATES = ("present", "rotated", "settled", "absent")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,}")
UNNAMED = "(unnamed)"


class TokenError(Exception):
    """Says what is wrong, where, and the next step."""


@dataclasses.dataclass(frozen=True)
class Token:
    """``issued`` is a day such as 2026-11-27; empty where the file does not say. ``written`` is its line there."""

    value: str
    name: str
    issued: str = ""
    written: str = dataclasses.field(default="", compare=False, repr=False)

    @classmethod
    def of(cls, line: str) -> Token:
        value, name, issued, *_rest = [*line.split(), "", ""]
        return cls(value, name or UNNAMED, issued, line)

    @property
    def fingerprint(self) -> str:
        """Tells tokens apart without telling them."""
        return hashlib.sha256(self.value.encode()).hexdigest()[:8]

    @property
    def line(self) -> str:
        return self.written or f"{self.value} {self.name} {self.issued}"


@dataclasses.dataclass(frozen=True)
class Tokens:
    """The file's lines in their order: its tokens, and as texts what is none."""

    path: str
    lines: tuple[Token | str, ...] = ()

    @classmethod
    def parse(cls, path: str, text: str) -> Tokens:
        lines = [line[:-1] if line.endswith("\n") else line for line in io.StringIO(text, newline="\n")]
        return cls(path, tuple(Token.of(line) if line.strip() and line.strip()[0] != "#" else line for line in lines))

    @property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(line for line in self.lines if isinstance(line, Token))

    def text(self) -> str:
        return "".join(f"{line.line if isinstance(line, Token) else line}\n" for line in self.lines)

    def named(self, name: str) -> list[Token]:
        return [token for token in self.tokens if token.name == name]

    def report(self) -> list[dict[str, t.Any]]:
        """Each name with the day and the fingerprint of each of its tokens, the newest first."""
        names = dict.fromkeys(token.name for token in self.tokens)
        return [
            {
                "name": name,
                "issued": [token.issued for token in self.named(name)],
                "fingerprints": [token.fingerprint for token in self.named(name)],
            }
            for name in names
        ]

    # --- what may be wanted of a name ---

    def wanted(self, state: str, name: str, today: str, given: str | None = None) -> Tokens:
        """The file with this state of the name."""
        if not NAME.fullmatch(name):
            raise TokenError(f"{name!r} cannot name a token. Use letters, digits, dots, dashes and underscores.")
        there = self.named(name)
        if state == "absent":
            return self._without(there)
        if state == "settled":
            return self._without(self._known(name)[1:])
        if given is not None and not TOKEN.fullmatch(given):
            raise TokenError(
                "token has characters that no header may hold, or fewer than 16. Leave it out to have one made."
            )
        if state == "rotated":
            needed = len(self._known(name)) == 1 and there[0].value != given
        else:
            needed = not there if given is None else not there or there[0].value != given
        return self._with(Token(given or secrets.token_urlsafe(30), name, today)) if needed else self

    def _known(self, name: str) -> list[Token]:
        there = self.named(name)
        if not there:
            names = ", ".join(dict.fromkeys(token.name for token in self.tokens)) or "none"
            raise TokenError(f"{self.path} has no token named {name}. It has: {names}. Issue one with state present.")
        return there

    def _without(self, gone: t.Sequence[Token]) -> Tokens:
        left = tuple(line for line in self.lines if line not in gone)
        if gone and not any(isinstance(line, Token) for line in left):
            raise TokenError(
                f"{gone[0].name} has the last token of {self.path}. A collector keeps the tokens that it knew when "
                "its file is empty, so it would stay in force. Issue another one first."
            )
        return dataclasses.replace(self, lines=left)

    def _with(self, token: Token) -> Tokens:
        """Before those of its name, otherwise at the end: the first of the file is that of clients on this host."""
        others = [one for one in self.tokens if one.value == token.value and one.name != token.name]
        if others:
            raise TokenError(f"{others[0].name} has the same token already. Each name needs one of its own.")
        kept = [line for line in self.lines if getattr(line, "value", None) != token.value]
        place = next((number for number, one in enumerate(kept) if getattr(one, "name", None) == token.name), len(kept))
        return dataclasses.replace(self, lines=(*kept[:place], token, *kept[place:]))


@contextlib.contextmanager
def alone(path: str) -> t.Iterator[None]:
    """Lets nobody else change the file meanwhile. OSError where its folder cannot be opened."""
    # The folder, since the file itself is replaced by each write, and a file for the lock would stay behind.
    folder = os.open(os.path.dirname(os.path.realpath(path)), os.O_RDONLY)
    try:
        # Some network file systems lock no folders. A run by itself needs none.
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
