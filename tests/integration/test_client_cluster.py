# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roll-out to a machine whose collector is on a cluster, of which this machine does not reach the stores."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.cluster import Cluster

TOKEN = "the-token-of-the-platform-team"


def test_a_team_gets_its_token_from_the_secret_and_is_told_how_it_went(cluster: Cluster, tmp_path: Path) -> None:
    root = tmp_path / "laptop"
    (root / "home" / "dev").mkdir(parents=True)
    machine = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "client_env_root": str(root),
        "client_env_users": ["dev"],
        "client_env_homes": {"dev": "/home/dev"},
        "client_env_token_name": "platform",
        "client_env_endpoint": "http://127.0.0.1:9",
    }
    inventory = tmp_path / "clients.json"
    inventory.write_text(json.dumps({"claude_code_clients": {"hosts": {"laptop": machine}}}))
    with cluster.namespace() as namespace:
        metadata = {"name": "otel-collector-tokens", "namespace": namespace}
        tokens = {"ingest-tokens": f"the-token-of-all-the-others default\n{TOKEN} platform\n"}
        cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": tokens})
        with pytest.raises(pytest.fail.Exception) as failure:
            cluster.playbook("client.yml", "-i", str(inventory), stack_namespace=namespace)
    printed = " ".join(str(failure.value).split())
    (file,) = root.rglob("otel-token")
    assert file.read_text() == f"{TOKEN}\n"
    assert TOKEN not in printed
    assert "laptop (dev): faulty" in printed
    assert f"What arrived could not be looked up: Prometheus at http://prometheus-server.{namespace}.svc" in printed
