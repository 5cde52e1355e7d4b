# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real servers as fixtures: set up once for the whole run, when the first test asks, and taken away at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from support.stack import COLLECTOR, LOKI, PROMETHEUS, Stack, prepared
from support.supervisor import end, processes

if TYPE_CHECKING:
    # It takes a second to load, which most runs can do without.
    from support.cluster import Cluster

SERVERS = "prometheus,loki,otel_collector"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A collector, a Prometheus and a Loki, as the defaults have them, of this run alone."""
    found, stays = prepared(tmp_path_factory.mktemp("stack"))
    # With the files for Grafana.
    with running(found, stays, "all"):
        yield found
        if not stays:
            found.remove()
            assert processes(found.prefix) == []


@contextmanager
def running(found: Stack, stays: bool, tags: str = SERVERS) -> Iterator[Stack]:
    """What `prepared` gives, installed by these tags of site.yml where it is not, and ended unless it stays."""
    try:
        if not found.installed:
            found.install("--tags", tags)
        for program in (COLLECTOR, PROMETHEUS, LOKI):
            found.ready(program)
        yield found
    finally:
        if not stays:
            end(found.prefix)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Kubernetes cluster of this run alone, as support.cluster describes it."""
    from support import cluster as clusters

    with clusters.running(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture(scope="module")
def openshift(cluster: Cluster) -> Iterator[Cluster]:
    """The same cluster, for the tests of one file with what OpenShift has beside Kubernetes."""
    with cluster.as_openshift():
        yield cluster
