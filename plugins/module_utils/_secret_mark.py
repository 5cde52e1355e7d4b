# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark that tells whether secrets are still those that were written, where the secrets themselves cannot be read.

Whoever reads the mark may try secrets against it. So it is slow to compute, and its salt is another one each time:
about ten guesses a second on one core, for this mark alone. A long random secret is safe from that, a word is not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import typing as t

# Not scrypt, which a Python in FIPS mode lacks.
METHOD = "pbkdf2-sha256"
ITERATIONS = 600_000
# Nobody else's mark may keep us busy for longer.
MOST_ITERATIONS = 10_000_000
SALT_BYTES = 16


def mark_of(secrets: t.Mapping[str, str]) -> str:
    """A new mark of all the secrets together."""
    salt = os.urandom(SALT_BYTES)
    return "$".join((METHOD, str(ITERATIONS), _text(salt), _text(_digest(secrets, salt, ITERATIONS))))


def is_mark_of(mark: t.Any, secrets: t.Mapping[str, str]) -> bool:
    """Whether the mark was made of these secrets; False where it is none of ours."""
    try:
        method, iterations, salt, digest = mark.split("$")
        count, salt_bytes, digest_bytes = int(iterations), _bytes(salt), _bytes(digest)
    except (AttributeError, ValueError):
        return False
    if method != METHOD or not 0 < count <= MOST_ITERATIONS:
        return False
    return hmac.compare_digest(_digest(secrets, salt_bytes, count), digest_bytes)


def _digest(secrets: t.Mapping[str, str], salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", json.dumps(dict(secrets), sort_keys=True).encode(), salt, iterations)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
