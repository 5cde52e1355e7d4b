# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a collector's HTTP receiver: answers what a test tells it to, and remembers what came in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from support.answering_server import Answer as AnyAnswer
from support.answering_server import AnsweringServer


@dataclass
class Answer(AnyAnswer):
    body: bytes = b'{"partialSuccess":{}}'


class OtlpServer(AnsweringServer):
    """Use as ``with OtlpServer() as server``. Accepts everything unless it is told otherwise."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.default = Answer()
