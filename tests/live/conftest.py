# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Grafana that the promises of this folder are tested on: its stand-in, and a live one where there is one.

GRAFANA_URL and GRAFANA_TOKEN name it; the token is one of an Admin. All that is made there has a uid of its own and is
deleted at the end; nothing else is touched.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import Grafana
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_transport import Connection
from support.grafana_server import GrafanaServer

NOT_RUN = "not run: set GRAFANA_URL and GRAFANA_TOKEN (of an Admin) to test on a live Grafana"

# What the tests call their folders, those within another one first.
FOLDERS = ("inner", "folder", "all")


@dataclass(frozen=True)
class Target:
    """``prefix`` begins the uid of everything that a test makes."""

    url: str
    token: str
    prefix: str

    @property
    def connection(self) -> dict[str, Any]:
        return {"url": self.url, "token": self.token}

    @property
    def api(self) -> Grafana:
        """For what somebody else does, and to look."""
        return Grafana(Connection(url=self.url, token=self.token))

    def clean_up(self) -> None:
        for folder in FOLDERS:
            # With the dashboards and the rules in it.
            self.api.delete(f"/api/folders/{self.prefix}{folder}", forceDeleteRules="true")
        for source in self.api.get("/api/datasources"):
            if source["uid"].startswith(self.prefix):
                self.api.delete(f"/api/datasources/uid/{source['uid']}")


@pytest.fixture(scope="session", params=["stand-in", "live"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Its URL and its token."""
    if request.param == "stand-in":
        with GrafanaServer() as stand_in:
            yield stand_in.url, stand_in.token
        return
    url, token = os.environ.get("GRAFANA_URL", ""), os.environ.get("GRAFANA_TOKEN", "")
    if not url or not token:
        pytest.skip(NOT_RUN)
    yield url, token


@pytest.fixture
def target(server: tuple[str, str]) -> Iterator[Target]:
    made = Target(*server, f"t{secrets.token_hex(4)}-")
    try:
        yield made
    finally:
        made.clean_up()
