# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``grafana`` of the module stack_check, and what measures the Grafana that it names."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_api import (
    Connection,
    Grafana,
    GrafanaError,
)
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_dashboard import all_json
from ansible_collections.observability.claude_code.plugins.module_utils._measures_grafana import GrafanaMeasures, Wanted
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard


def grafana_spec() -> dict[str, t.Any]:
    return dict(
        url=dict(type="str", required=True),
        token=dict(type="str", no_log=True),
        username=dict(type="str"),
        password=dict(type="str", no_log=True),
        password_file=dict(type="path", no_log=False),
        ca_file=dict(type="path"),
        folder_uid=dict(type="str", default="claude-code"),
        data_sources=dict(type="dict", default={}),
        reads=dict(type="str", choices=["raw", "recent"], default="raw"),
        rules=dict(type="list", elements="dict", default=[]),
    )


def grafana_measures(
    params: t.Mapping[str, t.Any], catalogue: Catalogue, dashboards: t.Mapping[str, Dashboard]
) -> GrafanaMeasures:
    """Measures of the Grafana that the options name; they say that there is none where none is named."""
    asked = params["grafana"]
    if not asked:
        return GrafanaMeasures(None, Wanted())
    # An empty text is what an inventory holds where nothing is set.
    token, password = asked["token"] or None, asked["password"] or None
    if not token and not password:
        password = _password_from(asked["password_file"])
    connection = Connection(
        url=asked["url"],
        token=token,
        username=None if token else asked["username"],
        password=None if token else password,
        ca_file=asked["ca_file"] or None,
        timeout=params["timeout"],
    )
    rendered = all_json(dashboards, catalogue, params["deliveries"][0], asked["data_sources"], asked["reads"])
    wanted = Wanted(asked["folder_uid"], rendered, asked["rules"], asked["data_sources"])
    return GrafanaMeasures(Grafana(connection), wanted)


def _password_from(file: str | None) -> str:
    if not file:
        raise GrafanaError("Nothing to sign in to Grafana with is given. Give a token, a password or a password_file.")
    try:
        with open(file, encoding="utf-8") as stream:
            return stream.read().strip()
    except OSError as error:
        raise GrafanaError(
            f"The file {file} with the password of Grafana cannot be read: {error.strerror}. "
            "Run the site playbook again."
        ) from error
