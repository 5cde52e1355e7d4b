# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that reads from a whole stack; documented in plugins/doc_fragments/stack.py."""

from __future__ import annotations

import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import (
    Catalogue,
    CatalogueError,
    build_catalogue,
)
from ansible_collections.observability.claude_code.plugins.module_utils._expectations import seconds
from ansible_collections.observability.claude_code.plugins.module_utils._measures import Stack
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Dashboard, build_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._promql import DELIVERIES
from ansible_collections.observability.claude_code.plugins.module_utils._servers import (
    Access,
    Collector,
    Loki,
    Prometheus,
    Web,
)


def server_spec() -> dict[str, t.Any]:
    """How to read from one server."""
    return dict(
        url=dict(type="str", required=True),
        username=dict(type="str"),
        password=dict(type="str", no_log=True),
        bearer_token=dict(type="str", no_log=True),
        ca_file=dict(type="path"),
        tenant=dict(type="str"),
    )


def argument_spec() -> dict[str, t.Any]:
    server = server_spec()
    return dict(
        prometheus=dict(type="dict", required=True, options=server),
        loki=dict(type="dict", required=True, options=server),
        catalogue=dict(type="dict", required=True),
        deliveries=dict(type="list", elements="str", choices=list(DELIVERIES), default=["otlp"]),
        range=dict(type="str", default="24h"),
        timeout=dict(type="float", default=30.0),
    )


def web_of(name: str, server: t.Mapping[str, t.Any], timeout: float) -> Web:
    """The server that an option names; messages call it ``name``."""
    # An empty text is what an inventory holds where nothing is set.
    return Web(
        Access(name, **{key: value or None for key, value in server.items() if key != "url"}, url=server["url"]),
        timeout,
    )


def catalogue_of(params: t.Mapping[str, t.Any]) -> Catalogue:
    """The metrics that the option catalogue holds."""
    missing = [part for part in ("metrics", "labels") if not isinstance(params["catalogue"].get(part), dict)]
    if missing:
        raise CatalogueError(
            f"catalogue has no {' and no '.join(missing)}. Give what "
            "lookup('observability.claude_code.catalogue', 'sources') returns."
        )
    return build_catalogue(*(params["catalogue"].get(part) for part in ("metrics", "labels", "own", "rollups")))


def stack_of(params: t.Mapping[str, t.Any]) -> Stack:
    """The servers that the options name."""
    timeout = params["timeout"]
    if not params["deliveries"]:
        raise ValueError(f"deliveries is empty. Name at least one of {', '.join(DELIVERIES)}, the primary one first.")
    collector = params.get("collector") or {}
    return Stack(
        prometheus=Prometheus(web_of("Prometheus", params["prometheus"], timeout)),
        loki=Loki(web_of("Loki", params["loki"], timeout)),
        collector=Collector(
            web_of("The collector", {"url": collector.get("telemetry_url", "http://127.0.0.1:8888")}, timeout)
        ),
        health=web_of("The collector", {"url": collector.get("health_url", "http://127.0.0.1:13133")}, timeout),
        catalogue=catalogue_of(params),
        deliveries=tuple(params["deliveries"]),
        window=params["range"],
        window_s=seconds(params["range"]),
        withheld=tuple(params.get("withheld") or ()),
    )


def dashboards_of(params: t.Mapping[str, t.Any], catalogue: Catalogue) -> dict[str, Dashboard]:
    """The dashboards that the option catalogue holds, by uid; none where it has metrics alone."""
    sources = params["catalogue"].get("dashboards")
    return build_dashboards(sources, catalogue) if sources else {}
