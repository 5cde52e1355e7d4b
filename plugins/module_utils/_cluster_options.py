# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that reads from a cluster; documented in plugins/doc_fragments/cluster.py."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback
from ansible_collections.observability.claude_code.plugins.module_utils._cluster_reading import ClusterAccess


def connection_spec() -> dict[str, t.Any]:
    """Names and environment variables are those of the collection kubernetes.core."""
    return dict(
        kubeconfig=dict(type="path", fallback=(env_fallback, ["K8S_AUTH_KUBECONFIG"])),
        context=dict(type="str", fallback=(env_fallback, ["K8S_AUTH_CONTEXT"])),
        host=dict(type="str", fallback=(env_fallback, ["K8S_AUTH_HOST"])),
        api_key=dict(type="str", no_log=True, fallback=(env_fallback, ["K8S_AUTH_API_KEY"])),
        ca_cert=dict(type="path", aliases=["ssl_ca_cert"], fallback=(env_fallback, ["K8S_AUTH_SSL_CA_CERT"])),
        validate_certs=dict(type="bool", aliases=["verify_ssl"], fallback=(env_fallback, ["K8S_AUTH_VERIFY_SSL"])),
        timeout=dict(type="float", default=30.0),
    )


def access_of(params: t.Mapping[str, t.Any]) -> ClusterAccess:
    """The access that the options describe; an empty text is what an inventory holds where nothing is set."""
    given = {name: params[name] for name in connection_spec()}
    return ClusterAccess(**{name: None if value == "" else value for name, value in given.items()})
