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

if TYPE_CHECKING:
    # It takes a second to load, which most runs can do without.
    from support.cluster import Cluster


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A collector, a Prometheus and a Loki, as the defaults have them, of this run alone."""
    with running(*prepared(tmp_path_factory.mktemp("stack"))) as found:
        yield found


@contextmanager
def running(found: Stack, stays: bool, *arguments: str) -> Iterator[Stack]:
    """What `prepared` gives, installed where it is not, and removed at the end unless it stays.

    The arguments go to site.yml, such as tags of what is needed of it.
    """
    try:
        if not found.installed:
            found.install(*arguments)
        for program in (COLLECTOR, PROMETHEUS, LOKI):
            found.ready(program)
        yield found
    finally:
        if not stays:
            found.remove()


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
