# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of Grafana for servers that answer what a test tells them to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _grafana_api as api
from support.answering_server import Answer

TOKEN = "glsa_of_a_test"
PASSWORD = "right horse"
HEALTH = {"database": "ok", "version": "11.6.3"}
PAGE = b"<!DOCTYPE html><html><head><title>Sign in - Gate</title></head><body>Please sign in</body></html>"
ALICE = {"token": None, "username": "alice", "password": PASSWORD}


def says(status: int, body: Any = None, **headers: str) -> Answer:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, content, {"Content-Type": "application/json", **headers})


def client(url: str, **options: Any) -> api.Grafana:
    return api.Grafana(api.Connection(**{"url": url, "token": TOKEN, **options}))


def complaint(ask: Any) -> str:
    with pytest.raises(api.GrafanaError) as caught:
        ask()
    text = str(caught.value)
    assert TOKEN not in text
    assert PASSWORD not in text
    return text
