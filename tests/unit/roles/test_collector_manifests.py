# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector's objects on a cluster keep the rules that any cluster's administrator would hold them to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from support.checkout import CHECKOUT
from support.collector_manifests import NOTHING_FOUND, CollectorManifests
from support.role_refusals import refusals
from support.role_variables import RoleVariables

TOKEN, LOGIN, SALT = "a-token-of-a-team-of-ours", "the-login-to-a-store", "salt-of-the-addresses"
INVENTORIES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "all deliveries": {"stack_delivery": ["scrape", "remote_write", "otlp"]},
    "distributed": {"stack_scale": "distributed"},
    "queue on volumes": {"otel_collector_queue_on_volume": True, "stack_storage_class": "fast"},
    "ingress": {
        "otel_collector_ingress_host": "telemetry.example.com",
        "otel_collector_ingress_tls_secret": "telemetry-tls",
        "otel_collector_ingress_class": "nginx",
        "otel_collector_tls_secret": "pods-tls",
    },
    "openshift": {
        "stack_flavor": "openshift",
        "otel_collector_ingress_host": "telemetry.apps.example.com",
        "otel_collector_queue_on_volume": True,
    },
    "secrets and a mirror": {
        "otel_collector_tokens": {"a-team": TOKEN},
        "stack_existing": ["prometheus", "loki"],
        "stack_prometheus_bearer_token": LOGIN,
        "stack_loki_username": "somebody",
        "stack_loki_password": LOGIN,
        "otel_collector_user_email": "hash",
        "otel_collector_user_email_salt": SALT,
        "stack_image_registry": "registry.example.com:5000/mirror",
        "stack_image_pull_secrets": ["mirror"],
        "otel_collector_image_digest": "sha256:" + "a" * 64,
        "otel_collector_node_selector": {"disk": "ssd"},
        "otel_collector_tolerations": [{"operator": "Exists"}],
        "otel_collector_priority_class": "high",
    },
}
OURS = {
    "app.kubernetes.io/part-of": "claude-code-observability",
    "app.kubernetes.io/managed-by": "observability.claude_code",
}


@pytest.fixture(scope="module", params=INVENTORIES.values(), ids=list(INVENTORIES))
def manifests(request: pytest.FixtureRequest) -> CollectorManifests:
    return CollectorManifests(**request.param)


def pod(manifests: CollectorManifests) -> dict[str, Any]:
    return manifests.workload()["spec"]["template"]["spec"]


def container(manifests: CollectorManifests) -> dict[str, Any]:
    (only,) = pod(manifests)["containers"]
    return only


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_every_object_is_in_the_namespace_and_known_as_ours(manifests: CollectorManifests) -> None:
    for one in [*manifests.objects, *manifests.secrets()]:
        assert one["metadata"]["namespace"] == "monitoring"
        assert OURS.items() <= one["metadata"]["labels"].items(), one["kind"]
    for claim in manifests.workload()["spec"].get("volumeClaimTemplates", []):
        assert OURS.items() <= claim["metadata"]["labels"].items()


def test_every_object_is_what_it_is_listed_as(manifests: CollectorManifests) -> None:
    """It is removed by what the list says."""
    for listed, one in zip(manifests.wanted, manifests.objects, strict=True):
        wanted = listed["object"]
        assert (one["apiVersion"], one["kind"]) == (wanted["apiVersion"], wanted["kind"])
        assert wanted["metadata"].items() <= one["metadata"].items()


def test_the_image_is_the_same_tomorrow(manifests: CollectorManifests) -> None:
    image = container(manifests)["image"]
    assert re.fullmatch(r"\S+/otel/opentelemetry-collector-contrib:\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", image)
    assert not image.endswith(":latest")


def test_no_privilege_is_asked_for(manifests: CollectorManifests) -> None:
    """The restricted pod-security level, and OpenShift's restricted-v2, which chooses users and groups itself."""
    spec, security = pod(manifests), container(manifests)["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    forbidden = {"runAsUser", "runAsGroup", "privileged", "hostPath", "hostNetwork", "hostPID", "hostIPC", "hostPort"}
    assert forbidden.isdisjoint(keys(spec))
    if manifests.variables["stack_flavor"] == "openshift":
        assert "fsGroup" not in set(keys(spec))


def test_processors_memory_and_disk_are_bounded(manifests: CollectorManifests) -> None:
    resources = container(manifests)["resources"]
    for amounts in (resources["requests"], resources["limits"]):
        assert set(amounts) == {"cpu", "memory", "ephemeral-storage"}
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    for volume in pod(manifests)["volumes"]:
        assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"]


def test_nobody_gives_it_a_token_of_the_cluster(manifests: CollectorManifests) -> None:
    assert manifests.one("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod(manifests)["automountServiceAccountToken"] is False
    assert pod(manifests)["serviceAccountName"] == manifests.one("ServiceAccount")["metadata"]["name"]


def test_every_probe_and_every_service_leads_to_a_port_of_the_container(manifests: CollectorManifests) -> None:
    ports = {port["name"] for port in container(manifests)["ports"]}
    probed = {container(manifests)[f"{name}Probe"]["httpGet"]["port"] for name in ("startup", "liveness", "readiness")}
    services = [one for one in manifests.objects if one["kind"] == "Service"]
    assert len(services) == 2
    assert probed | {port["targetPort"] for one in services for port in one["spec"]["ports"]} <= ports


def test_every_mounted_volume_is_there_and_none_is_in_another(manifests: CollectorManifests) -> None:
    claims = {claim["metadata"]["name"] for claim in manifests.workload()["spec"].get("volumeClaimTemplates", [])}
    mounts = container(manifests)["volumeMounts"]
    assert {mount["name"] for mount in mounts} == {volume["name"] for volume in pod(manifests)["volumes"]} | claims
    paths = [mount["mountPath"] for mount in mounts]
    assert [(a, b) for a in paths for b in paths if b.startswith(f"{a}/")] == []
    # A single file of a Secret would never be renewed.
    assert "subPath" not in set(keys(mounts))


def test_everything_that_chooses_pods_chooses_these(manifests: CollectorManifests) -> None:
    labels = manifests.workload()["spec"]["template"]["metadata"]["labels"]
    selectors = [
        manifests.workload()["spec"]["selector"]["matchLabels"],
        manifests.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifests.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(one["spec"]["selector"] for one in manifests.objects if one["kind"] == "Service"),
        *(one["labelSelector"]["matchLabels"] for one in pod(manifests)["topologySpreadConstraints"]),
    ]
    for selector in selectors:
        assert selector
        assert selector.items() <= labels.items()


def test_secrets_are_in_secrets_alone(manifests: CollectorManifests) -> None:
    shown = json.dumps(manifests.objects)
    for secret in (TOKEN, LOGIN, SALT):
        assert secret not in shown


def test_the_program_keeps_to_the_memory_that_the_container_has(manifests: CollectorManifests) -> None:
    limit = int(container(manifests)["resources"]["limits"]["memory"].removesuffix("Mi"))
    (soft,) = [
        int(one["value"].removesuffix("MiB")) for one in container(manifests)["env"] if one["name"] == "GOMEMLIMIT"
    ]
    assert soft == int(limit * 0.8)
    assert f"limit_mib: {soft}\n" in manifests.configuration()


def test_a_number_of_collectors_that_follows_the_load_is_not_set_each_time() -> None:
    manifests = CollectorManifests(stack_scale="distributed")
    assert "replicas" not in manifests.workload()["spec"]
    spec = manifests.one("HorizontalPodAutoscaler")["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "otel-collector"}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 10)
    assert CollectorManifests().workload()["spec"]["replicas"] == 1


def test_the_queues_and_room_to_compact_one_fit_on_the_disk() -> None:
    for on_volume in (False, True):
        found = CollectorManifests(otel_collector_queue_on_volume=on_volume, otel_collector_queue_size_mib=10240)
        size = int(found.variables["otel_collector_queue_volume_gib"])
        assert size >= 3 * 10
        if on_volume:
            (claim,) = found.workload()["spec"]["volumeClaimTemplates"]
            assert claim["spec"]["resources"]["requests"]["storage"] == f"{size}Gi"
        else:
            (queue,) = [volume["emptyDir"] for volume in pod(found)["volumes"] if volume["name"] == "data"]
            assert queue["sizeLimit"] == f"{size}Gi"
            # Beyond it the pod would be evicted, and its queues with it.
            assert int(container(found)["resources"]["limits"]["ephemeral-storage"].removesuffix("Gi")) > size


def checksums(**inventory: Any) -> dict[str, str]:
    return CollectorManifests(**inventory).workload()["spec"]["template"]["metadata"]["annotations"]


SECRET = {"metadata": {"uid": "8c1f"}, "data": {"loki": "YQ=="}}


@pytest.mark.parametrize(
    ("changed", "restarts"),
    [
        ({"otel_collector_max_request_mib": 19}, True),
        ({"otel_collector_authorities": {"results": [{"item": {"key": "loki-ca.crt"}, "content": "YQ=="}]}}, True),
        ({"otel_collector_secrets_found": {"resources": [{**SECRET, "data": {"loki": "Yg=="}}]}}, True),
        ({"otel_collector_tokens": {"a-team": TOKEN}}, False),
        ({"otel_collector_secrets_found": {"resources": [SECRET]}}, False),
    ],
    ids=["configuration", "authority", "login", "token", "nothing"],
)
def test_a_change_that_the_program_reads_at_its_start_replaces_the_pods(
    changed: dict[str, Any], restarts: bool
) -> None:
    before = {"otel_collector_secrets_found": {"resources": [SECRET]}}
    assert (checksums(**before) != checksums(**{**before, **changed})) is restarts


def test_what_tells_secrets_apart_does_not_tell_what_they_are() -> None:
    """Whoever reads the Deployment could try passwords otherwise."""
    another = {**SECRET, "metadata": {"uid": "another"}}
    first, second = (checksums(otel_collector_secrets_found={"resources": [one]}) for one in (SECRET, another))
    assert first["checksum/secrets"] != second["checksum/secrets"]


def egress(**inventory: Any) -> list[dict[str, Any]]:
    """What it may send to, beside names."""
    return CollectorManifests(**inventory).one("NetworkPolicy")["spec"]["egress"][1:]


def own(name: str, port: int) -> dict[str, Any]:
    selector = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}}
    return {"to": [selector], "ports": [{"port": port, "protocol": "TCP"}]}


EXISTING = {"stack_existing": ["prometheus", "loki"]}


@pytest.mark.parametrize(
    ("inventory", "allowed"),
    [
        ({}, [own("prometheus", 9090), own("loki", 3100)]),
        ({"stack_scale": "distributed"}, [own("prometheus", 9090), own("loki", 8080)]),
        ({"stack_delivery": ["scrape"]}, [own("loki", 3100)]),
        (
            {**EXISTING, "stack_prometheus_url": "https://a.example.com", "stack_loki_url": "http://b.example.com:81"},
            [{"ports": [{"port": 443, "protocol": "TCP"}]}, {"ports": [{"port": 81, "protocol": "TCP"}]}],
        ),
        (
            {
                **EXISTING,
                "stack_prometheus_url": "http://mimir.metrics.svc:8080",
                "stack_loki_url": "http://loki.logs.svc.cluster.local",
            },
            [
                {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}]}
                for name in ("metrics", "logs")
            ],
        ),
    ],
    ids=["ours", "distributed", "scraped", "elsewhere", "in other namespaces"],
)
def test_it_may_send_to_its_stores_alone(inventory: dict[str, Any], allowed: list[dict[str, Any]]) -> None:
    assert egress(**inventory) == allowed


def test_only_prometheus_reaches_its_metrics() -> None:
    clients = [{"namespaceSelector": {}}]
    found = CollectorManifests(stack_delivery=["scrape"], otel_collector_network_policy_clients=clients)
    everybody, scrapes = found.one("NetworkPolicy")["spec"]["ingress"]
    assert everybody["from"] == clients
    assert {port["port"] for port in everybody["ports"]} == {4317, 4318}
    assert scrapes["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}]
    assert {port["port"] for port in scrapes["ports"]} == {8888, 8889}


def test_a_route_has_the_routers_certificate_or_passes_on_to_that_of_the_pods() -> None:
    openshift = INVENTORIES["openshift"]
    assert CollectorManifests(**openshift).one("Route")["spec"]["tls"]["termination"] == "edge"
    own_tls = CollectorManifests(**openshift, otel_collector_tls_secret="pods-tls")
    assert own_tls.one("Route")["spec"]["tls"]["termination"] == "passthrough"
    assert "cert_file: /etc/otelcol/tls/tls.crt" in own_tls.configuration()


@pytest.mark.parametrize(("example", "kind"), [("kubernetes", "Ingress"), ("openshift", "Route")])
def test_the_example_of_an_inventory_is_one_that_works(example: str, kind: str) -> None:
    inventory = yaml.safe_load((CHECKOUT / "playbooks" / "inventory" / f"{example}.yml").read_text())
    variables = inventory["claude_code_stack"]["vars"]
    # These are in a vault.
    variables["otel_collector_tokens"] = {name: TOKEN + name for name in variables["otel_collector_tokens"]}
    assert refusals("otel_collector", "preflight_kubernetes.yml", **{**NOTHING_FOUND, **variables}) == []
    assert variables["stack_otlp_url"] == f"https://{variables['otel_collector_ingress_host']}"
    assert variables["otel_collector_ingress_host"] in json.dumps(CollectorManifests(**variables).one(kind)["spec"])


def test_what_was_made_once_is_kept() -> None:
    kept = {"resources": [{"metadata": {"uid": "8c1f"}, "data": {"email-salt": "a2VwdA=="}}]}
    for choice in ("hash", "keep"):
        found = CollectorManifests(otel_collector_secrets_found=kept, otel_collector_user_email=choice)
        assert found.rendered("secret")["data"] == {"email-salt": "a2VwdA=="}
    first, second = (
        CollectorManifests(**inventory).rendered("secret")["data"]
        for inventory in [{"otel_collector_user_email": "hash"}] * 2
    )
    assert first != second


THEIRS = {"api_version": "v1", "kind": "Service", "name": "otel-collector", "managed_by": ""}
DELIVERIES = [["otlp"], ["scrape"], ["remote_write"], ["otlp", "scrape", "remote_write"]]
STORES = {
    "stack_prometheus_url": "https://prometheus.example.com",
    "stack_loki_url": "https://loki.example.com",
    "stack_prometheus_ca_file": "/etc/ssl/a.pem",
    "stack_loki_ca_file": "/etc/ssl/b.pem",
    "stack_loki_bearer_token": LOGIN,
    "otel_collector_user_email": "hash",
}


def normalised(platform: str, **inventory: Any) -> str:
    """The configuration with names in place of addresses and paths."""
    variables = RoleVariables("otel_collector", **{"stack_platform": platform, **inventory})
    text = variables.file("otel-collector.yaml.j2")
    places = variables["otel_collector_place"]
    for name, place in sorted(places.items(), key=lambda item: -len(item[1])):
        text = text.replace(place, f"<{name}>") if place else text
    return text.replace(f' "{variables["otel_collector_listen_address"]}', ' "<address>')


@pytest.mark.parametrize("delivery", DELIVERIES, ids="+".join)
def test_the_configuration_is_that_of_a_host_but_for_addresses_and_paths(delivery: list[str]) -> None:
    certificate = {"otel_collector_tls_certificate": "/etc/ssl/c.pem", "otel_collector_tls_key": "/etc/ssl/c.key"}
    host = normalised("host", stack_delivery=delivery, **STORES, **certificate)
    cluster = normalised("kubernetes", stack_delivery=delivery, **STORES, otel_collector_tls_secret="tls")
    assert host == cluster
    assert {"<token_file>", "<tls_key>", "<data_dir>", "<loki_ca_file>", "<address>"} <= set(
        re.findall("<[a-z_]+>", cluster)
    )


@pytest.mark.parametrize(
    ("inventory", "reason"),
    [
        ({}, None),
        *((inventory, None) for inventory in INVENTORIES.values() if inventory.get("stack_delivery") is None),
        ({"otel_collector_tls_certificate": "/a.pem"}, "are files of a host"),
        ({"otel_collector_ingress_host": "a.example.com"}, "which others can reach, without TLS"),
        ({"otel_collector_ingress_host": "a.example.com", "otel_collector_allow_plaintext": True}, None),
        ({"stack_flavor": "openshift", "otel_collector_ingress_tls_secret": "tls"}, "the router has a certificate"),
        ({"stack_authentication": False}, "every pod of the cluster can reach the collector"),
        ({"stack_authentication": False, "otel_collector_network_policy_clients": [{"podSelector": {}}]}, None),
        ({"stack_delivery": ["otlp", "remote_write"], "otel_collector_replicas": 2}, "into one series"),
        ({"otel_collector_replicas": 0}, "must be at least 1"),
        ({"otel_collector_replicas": 11, "otel_collector_autoscale": True}, "the second not below it"),
        ({"otel_collector_image": "registry.example.com:5000/otelcol"}, "Give a version as the tag"),
        ({"otel_collector_image": "otelcol:latest"}, "Give a version as the tag"),
        ({"otel_collector_image": "otelcol", "otel_collector_image_digest": "sha256:12"}, "sha256:12. Give a version"),
        ({"otel_collector_queue_volume_gib": 12}, "need 12288 MiB"),
        ({"otel_collector_namespace": {"objects": [THEIRS]}}, "has Service otel-collector that is not from here"),
        ({"otel_collector_namespace": {"objects": [THEIRS]}, "stack_existing": ["collector"]}, None),
        ({"otel_collector_namespace": {"objects": [{**THEIRS, "managed_by": "observability.claude_code"}]}}, None),
        (
            {"otel_collector_namespace": {"objects": [{**THEIRS, "kind": "Ingress"}, {**THEIRS, "name": "theirs"}]}},
            None,
        ),
    ],
)
def test_impossible_settings_are_refused_with_the_reason(inventory: dict[str, Any], reason: str | None) -> None:
    found = refusals("otel_collector", "preflight_kubernetes.yml", **{**NOTHING_FOUND, **inventory})
    assert len(found) == (reason is not None), found
    assert reason is None or reason in found[0]
