# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector on a cluster, from nothing to nothing: what each run of the playbooks says, does and leaves alone.

The tests stand in the order of its life; each run is made once and looked at from several sides.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from support.checkout import run
from support.collector_manifests import CONFIGURATION
from support.collector_program import collector_program
from support.role_variables import RoleVariables

if TYPE_CHECKING:
    from pathlib import Path

    from support.cluster import Cluster

NAMESPACE, OTHERS_NAMESPACE = "collector-life", "collector-guest"
# The collector alone: the stores may be somebody else's.
COMMON = {
    "stack_existing": ["prometheus", "loki", "grafana"],
    "stack_grafana_url": "https://grafana.example.com",
    "stack_grafana_token": "a-token-for-somebody-elses-grafana",
    "stack_prometheus_bearer_token": "the-login-to-prometheus",
    "grafana_manage_data_sources": False,
    "otel_collector_user_email": "hash",
}
# What a growing company changes: another kind of workload, more objects, and a field less.
GROWN = {
    "stack_scale": "distributed",
    "otel_collector_queue_on_volume": True,
    "otel_collector_ingress_host": "telemetry.example.com",
    "otel_collector_ingress_tls_secret": "telemetry-tls",
    "otel_collector_network_policy": False,
}
SECRETS = ("otel-collector-tokens", "otel-collector-secrets")


class Life:
    """One collector in one namespace, and what the playbooks printed about it."""

    def __init__(self, cluster: Cluster, namespace: str, **variables: Any) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.variables = {**COMMON, "stack_namespace": namespace, **variables}

    def site(self, *arguments: str, **variables: Any) -> str:
        return self.cluster.playbook(
            "site.yml", "--tags", "otel_collector", *arguments, **{**self.variables, **variables}
        )

    def remove(self, **variables: Any) -> str:
        return self.cluster.playbook("remove.yml", **{**self.variables, **variables})

    def read(self, version: str, kind: str, name: str = "otel-collector") -> dict[str, Any] | None:
        return self.cluster.read(version, kind, name, self.namespace)

    def secrets(self) -> dict[str, dict[str, str]]:
        """What is in its Secrets, in clear."""
        found = {name: self.read("v1", "Secret", name) for name in SECRETS}
        return {
            name: {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
            for name, secret in found.items()
            if secret
        }

    def names(self) -> set[str]:
        """Kind and name of what people and playbooks have put into the namespace."""
        return {
            f"{one['kind']} {one['metadata']['name']}"
            for one in self.cluster.objects(namespace=self.namespace)
            if one["metadata"]["name"] not in ("default", "kube-root-ca.crt")
        }


def recap(printed: str) -> dict[str, int]:
    """The counts of the play's closing line, such as changed and failed."""
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", printed.rpartition("PLAY RECAP")[2])}


# --- a namespace that is made for it ---


@pytest.fixture(scope="module")
def life(cluster: Cluster) -> Iterator[Life]:
    with cluster.namespace(NAMESPACE, create=False):
        yield Life(cluster, NAMESPACE)


@pytest.fixture(scope="module")
def foretold(life: Life) -> str:
    return life.site("--check", "--diff")


@pytest.fixture(scope="module")
def installed(life: Life, foretold: str) -> str:
    printed = life.site("-v", "--diff")
    life.cluster.wait("apps/v1", "Deployment", "otel-collector", NAMESPACE)
    return printed


def test_check_mode_tells_of_every_object_before_there_is_a_namespace(life: Life, foretold: str) -> None:
    for name in ("Secret otel-collector-tokens", "ConfigMap otel-collector", "Deployment otel-collector"):
        assert f"{name} would be made in the namespace {NAMESPACE}" in " ".join(foretold.split())
    assert recap(foretold)["changed"] > 0
    assert life.cluster.read("v1", "Namespace", NAMESPACE) is None


def test_the_collectors_are_ready_at_the_restricted_level(life: Life, installed: str) -> None:
    labels = life.cluster.read("v1", "Namespace", NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    deployment = life.read("apps/v1", "Deployment")
    assert deployment["status"]["availableReplicas"] == 1
    assert life.names() == {
        *(f"{kind} otel-collector" for kind in ("ServiceAccount", "ConfigMap", "Service", "Deployment")),
        *(f"{kind} otel-collector" for kind in ("NetworkPolicy", "PodDisruptionBudget")),
        "Service otel-collector-headless",
        *(f"Secret {name}" for name in SECRETS),
    }


def test_tokens_and_the_salt_are_made_and_shown_nowhere(life: Life, installed: str) -> None:
    secrets = life.secrets()
    assert re.fullmatch(r"[A-Za-z0-9]{40} default\n", secrets[SECRETS[0]]["ingest-tokens"])
    assert re.fullmatch(r"salt-[A-Za-z0-9]{32}", secrets[SECRETS[1]]["email-salt"])
    assert secrets[SECRETS[1]]["prometheus"] == "Bearer the-login-to-prometheus"
    shown = installed + str([life.read(*one) for one in (("v1", "ConfigMap"), ("apps/v1", "Deployment"))])
    for values in secrets.values():
        for value in values.values():
            for word in (
                value.split()[0] if value.endswith("\n") else value,
                base64.b64encode(value.encode()).decode(),
            ):
                assert word not in shown


def test_a_second_run_changes_nothing(life: Life, installed: str) -> None:
    printed = life.site("--diff")
    assert recap(printed)["changed"] == 0, printed


@pytest.fixture(scope="module")
def kept(life: Life, installed: str) -> dict[str, dict[str, str]]:
    """The secrets, before anything is changed."""
    return life.secrets()


@pytest.fixture(scope="module")
def growth_foretold(life: Life, kept: dict[str, dict[str, str]]) -> str:
    return life.site("--check", "--diff", **GROWN)


@pytest.fixture(scope="module")
def grown(life: Life, growth_foretold: str) -> str:
    return life.site(**GROWN)


def test_check_mode_foretells_changes_and_makes_none(life: Life, growth_foretold: str) -> None:
    assert re.findall(r"changed: .*\(item=(.*?)\)", growth_foretold) == [
        # Loki has another address.
        "ConfigMap otel-collector",
        "StatefulSet otel-collector",
        "HorizontalPodAutoscaler otel-collector",
        "Ingress otel-collector",
        # These go.
        "NetworkPolicy otel-collector",
        "Deployment otel-collector",
    ]
    assert "StatefulSet otel-collector" not in life.names()
    assert "Deployment otel-collector" in life.names()


def test_another_kind_of_workload_takes_the_place_of_the_first(life: Life, grown: str) -> None:
    there = life.names()
    assert {"StatefulSet otel-collector", "HorizontalPodAutoscaler otel-collector", "Ingress otel-collector"} <= there
    assert not {"Deployment otel-collector", "NetworkPolicy otel-collector"} & there
    life.cluster.wait("apps/v1", "StatefulSet", "otel-collector", NAMESPACE)
    claim = "data-otel-collector-0"
    assert life.read("v1", "PersistentVolumeClaim", claim)["status"]["phase"] == "Bound"


def test_what_was_made_once_stays(life: Life, grown: str, kept: dict[str, dict[str, str]]) -> None:
    assert life.secrets() == kept


@pytest.fixture(scope="module")
def removed(life: Life, grown: str) -> str:
    return life.remove(**GROWN)


def test_removal_leaves_data_and_secrets_alone_unless_told(life: Life, removed: str, kept: dict) -> None:
    assert {name for name in life.names() if not name.startswith("PersistentVolumeClaim")} == {
        f"Secret {name}" for name in SECRETS
    }
    assert "PersistentVolumeClaim data-otel-collector-0" in life.names()
    assert life.secrets() == kept
    assert f"The namespace {NAMESPACE} stays" in " ".join(removed.split())


def test_removal_of_the_data_leaves_nothing(life: Life, removed: str) -> None:
    before = {one["metadata"]["name"] for one in life.cluster.objects() if one["kind"] == "Namespace"}
    life.remove(**GROWN, stack_remove_data=True)
    assert life.cluster.objects("app.kubernetes.io/managed-by=observability.claude_code") == []
    after = {one["metadata"]["name"] for one in life.cluster.objects() if one["kind"] == "Namespace"}
    assert before - after == {NAMESPACE}


# --- a namespace of others, on OpenShift ---


@pytest.fixture(scope="module")
def guest(openshift: Cluster) -> Iterator[Life]:
    with openshift.namespace(OTHERS_NAMESPACE):
        theirs = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "theirs", "namespace": OTHERS_NAMESPACE},
        }
        openshift.apply(theirs)
        host = {"otel_collector_ingress_host": "telemetry.apps.example.com"}
        guest = Life(openshift, OTHERS_NAMESPACE, stack_flavor="openshift", **host)
        guest.site(otel_collector_node_selector={"kubernetes.io/os": "linux"})
        yield guest


def test_openshift_admits_it_and_has_a_route(guest: Life) -> None:
    guest.cluster.wait("apps/v1", "Deployment", "otel-collector", OTHERS_NAMESPACE)
    assert guest.read("route.openshift.io/v1", "Route")["spec"]["tls"]["termination"] == "edge"
    assert "Ingress otel-collector" not in guest.names()


def test_a_setting_that_is_taken_back_is_gone(guest: Life) -> None:
    before = guest.read("apps/v1", "Deployment")
    assert before["spec"]["template"]["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
    printed = guest.site("--diff")
    assert recap(printed)["changed"] == 1, printed
    assert "nodeSelector" not in guest.read("apps/v1", "Deployment")["spec"]["template"]["spec"]


def test_check_mode_on_what_is_there_tells_no_change(guest: Life) -> None:
    before = guest.cluster.objects(namespace=OTHERS_NAMESPACE)
    printed = guest.site("--check", "--diff")
    assert recap(printed)["changed"] == 0, printed
    assert guest.cluster.objects(namespace=OTHERS_NAMESPACE) == before


def test_collectors_that_do_not_become_ready_are_told_with_the_reason(guest: Life) -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        guest.site(otel_collector_node_selector={"nowhere": "true"}, otel_collector_rollout_timeout_s=5)
    printed = " ".join(str(failure.value).split())
    assert "were not ready within 5 s" in printed
    assert "didn't match Pod's node affinity/selector" in printed


def test_removal_leaves_what_others_have_in_their_namespace(guest: Life) -> None:
    guest.remove(stack_remove_data=True)
    assert guest.names() == {"ConfigMap theirs"}


# --- what the program says of the configuration ---


@pytest.mark.parametrize(
    "delivery", [["otlp"], ["scrape"], ["remote_write"], ["otlp", "scrape", "remote_write"]], ids="+".join
)
def test_the_program_takes_the_configuration_of_the_config_map(delivery: list[str], tmp_path: Path) -> None:
    variables = RoleVariables(
        "otel_collector",
        stack_platform="kubernetes",
        stack_delivery=delivery,
        stack_loki_bearer_token="a-login",
        otel_collector_user_email="hash",
    )
    # Where the pod has volumes.
    text = variables.file("otel-collector.yaml.j2").replace("/etc/otelcol/", f"{tmp_path}/")
    for name in ("email-salt", "loki"):
        (tmp_path / "secrets").mkdir(exist_ok=True)
        (tmp_path / "secrets" / name).write_text("a-secret")
    (tmp_path / CONFIGURATION).write_text(text)
    arguments = [one for one in variables["otel_collector_arguments"] if not one.startswith("--config")]
    run(collector_program(), "validate", f"--config={tmp_path / CONFIGURATION}", *arguments)
