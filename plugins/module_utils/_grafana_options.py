# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that talks to Grafana; documented in plugins/doc_fragments/grafana.py."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._answers import answers_of
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import (
    Connection,
    Grafana,
    GrafanaError,
)

MUTUALLY_EXCLUSIVE = [("token", "username"), ("token", "password")]
REQUIRED_TOGETHER = [("username", "password")]
REQUIRED_ONE_OF = [("token", "username")]
REQUIRED_BY = {"client_key": "client_cert"}


def connection_spec() -> dict[str, t.Any]:
    return dict(
        url=dict(type="str", required=True),
        token=dict(type="str", no_log=True),
        username=dict(type="str"),
        password=dict(type="str", no_log=True),
        org_id=dict(type="int"),
        ca_file=dict(type="path"),
        client_cert=dict(type="path"),
        client_key=dict(type="path", no_log=False),
        timeout=dict(type="float", default=30.0),
    )


def grafana_of(params: t.Mapping[str, t.Any]) -> Grafana:
    """The client that the options describe; GrafanaError where they cannot be right. Nothing is sent yet."""
    return Grafana(Connection(**{name: params[name] for name in connection_spec()}))


def answers(grafana: Grafana) -> t.ContextManager[None]:
    """GrafanaError where something in its answers is not as Grafana has it."""
    return answers_of(f"Grafana at {grafana.url}", GrafanaError)
