# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What identifies somebody or something in telemetry: where it stands, and other values in its place."""

from __future__ import annotations

import hashlib
import re
import typing as t
import uuid

# Attributes (and span fields) that identify something: a replay gives each of them a fresh value.
IDENTITIES = {
    "session.id": "session",
    "gen_ai.conversation.id": "session",
    "prompt.id": "prompt",
    "message.uuid": "message",
    "request_id": "request",
    "tool_use_id": "tool_use",
    "agent_id": "agent",
    "parent_agent_id": "agent",
    "traceId": "trace",
    "spanId": "span",
    "parentSpanId": "span",
    "user.id": "user",
    "user.account_uuid": "account",
    "user.account_id": "account",
    "user.email": "email",
}
PERSONAL = frozenset(("user", "account", "email"))
NAMESPACE = uuid.UUID("6f1d3a52-4f0e-5f0b-9c63-6a2f0c1f7d11")
UUID_SHAPE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
HEX_SHAPE = re.compile(r"[0-9a-f]{12,}\Z")
PREFIX_SHAPE = re.compile(r"([A-Za-z]+_)(.{8,})\Z")


def identifying(node: t.Any) -> t.Iterator[tuple[str, str]]:
    """Each identifying value in a part of a request, with the attribute or field that it is in."""
    if isinstance(node, dict):
        key, wrapped = node.get("key"), node.get("value")
        if key in IDENTITIES and isinstance(wrapped, dict) and wrapped.get("stringValue"):
            yield key, wrapped["stringValue"]
            return
        for name, child in node.items():
            if name in IDENTITIES and isinstance(child, str) and child:
                yield name, child
            elif isinstance(child, (dict, list)):
                yield from identifying(child)
    elif isinstance(node, list):
        for child in node:
            yield from identifying(child)


def replacement(kind: str, shape: str, seed: str) -> str:
    """A new value that looks like the old one, so that whatever parses it still does."""
    source = f"{kind}/{seed}"
    if UUID_SHAPE.match(shape):
        return str(uuid.uuid5(NAMESPACE, source))
    digits = hashlib.sha256(NAMESPACE.bytes + source.encode()).hexdigest()
    if HEX_SHAPE.match(shape) and len(shape) <= len(digits):
        return shape[0] + digits[1 : len(shape)] if kind == "agent" else digits[: len(shape)]
    prefix = PREFIX_SHAPE.match(shape)
    if prefix and len(prefix.group(2)) <= len(digits):
        return prefix.group(1) + digits[: len(prefix.group(2))]
    return f"{kind}-{digits[:16]}"
