# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles give to Helm charts: names that the charts know, and the settings that a host has."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import yaml
from support.charts import (
    CASES,
    CHARTS,
    NAMES,
    STORAGE,
    chart_folder,
    paths,
    recorded,
    role,
    rule_objects,
    unknown,
    values,
)
from support.collector_manifests import CollectorManifests
from support.role_refusals import refusals
from support.role_variables import RoleVariables

DELIVERIES = ("otlp", "scrape", "remote_write")
IDS = {"runAsUser", "runAsGroup", "fsGroup"}
OPERATED = {
    "stack_existing": ["prometheus"],
    "prometheus_rules_as": "prometheusrule",
    "stack_alerts_by": "servers",
}


def at(values: Any, *names: str) -> Any:
    for name in names:
        values = values[name]
    return values


# --- names ---


@pytest.mark.parametrize("case", CASES, ids=NAMES)
@pytest.mark.parametrize("chart", CHARTS)
def test_values_have_names_that_the_chart_knows(chart: str, case: dict[str, Any]) -> None:
    assert unknown(values(chart, **case), recorded(chart)) == []


@pytest.mark.parametrize("chart", CHARTS)
def test_a_name_that_is_written_wrongly_is_noticed(chart: str) -> None:
    found = values(chart, **{f"{chart}_extra_helm_values": {"persistance": {"enabled": True}, "sidecar": {"rule": 1}}})
    assert unknown(found, recorded(chart)) == ["persistance/enabled", "sidecar/rule"]


@pytest.mark.parametrize("chart", CHARTS)
def test_what_is_recorded_of_a_chart_is_what_it_has(chart: str) -> None:
    folder, record = chart_folder(chart), recorded(chart)
    there = {"/".join(path) for path in every_name(yaml.safe_load((folder / "values.yaml").read_text()))}
    assert [name for name in record["keys"] if name not in there] == []


def every_name(values: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Names that lead to mappings as well."""
    if not isinstance(values, dict):
        return []
    return [
        path for name, value in values.items() for path in [(*above, name), *every_name(value, (*above, str(name)))]
    ]


@pytest.mark.parametrize("chart", CHARTS)
def test_the_chart_that_is_installed_is_the_one_that_the_values_are_written_for(chart: str) -> None:
    assert role(chart)[f"{chart}_chart_version"] == recorded(chart)["version"]


@pytest.mark.parametrize("chart", CHARTS)
def test_whoever_knows_better_has_the_last_word(chart: str) -> None:
    further = {"fullnameOverride": "other", "server": {"retention": "1d"}, "loki": {"limits_config": {"volume": 1}}}
    found = values(chart, **{f"{chart}_extra_helm_values": further})
    for path in paths(further):
        assert at(found, *path) == at(further, *path)
    assert len(found) > len(further), "the others stay"


# --- the same settings as on a host ---


@pytest.mark.parametrize("delivery", [[one] for one in DELIVERIES] + [list(DELIVERIES)], ids="+".join)
def test_prometheus_has_the_flags_and_the_configuration_of_a_host(delivery: list[str]) -> None:
    host = RoleVariables("prometheus", stack_delivery=delivery)
    configuration = yaml.safe_load(host.file("prometheus.yml.j2"))
    server = values("prometheus", stack_delivery=delivery)["server"]
    assert [server["global"], server["tsdb"], server["otlp"]] == [
        configuration["global"],
        configuration["storage"]["tsdb"],
        configuration["otlp"],
    ]
    own = {"config.file", "storage.tsdb.path", "storage.tsdb.retention.time", "web.listen-address"}
    flags = {flag.removeprefix("--") for flag in host["prometheus_command"][1:]}
    flags = {flag for flag in flags if flag.split("=")[0] not in own}
    assert {*server["extraFlags"]} == flags | {"web.enable-lifecycle"}
    assert ("enable-feature=otlp-native-delta-ingestion" in flags) == ("otlp" in delivery)
    assert ("web.enable-remote-write-receiver" in flags) == ("remote_write" in delivery)
    assert server["retention"] == "400d"


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_prometheus_scrapes_what_it_does_on_a_host_and_nothing_of_the_cluster(delivery: str) -> None:
    found = values("prometheus", stack_delivery=[delivery])
    on_host = yaml.safe_load(RoleVariables("prometheus", stack_delivery=[delivery]).file("prometheus.yml.j2"))
    jobs = yaml.safe_load(found["extraScrapeConfigs"])
    assert [settings(job) for job in jobs] == [settings(job) for job in on_host["scrape_configs"]]
    assert ("otel-collector-exporter" in [job["job_name"] for job in jobs]) == (delivery == "scrape")
    assert {job["enabled"] for job in found["scrapeConfigs"].values()} == {False}
    for job in jobs:
        if job["job_name"].startswith("otel-collector"):
            (where,) = job["dns_sd_configs"]
            assert where["names"] == ["otel-collector-headless.monitoring.svc"], "each collector by itself"


def settings(job: dict[str, Any]) -> dict[str, Any]:
    """All of a scrape job but where its targets are."""
    return {name: value for name, value in job.items() if name not in ("static_configs", "dns_sd_configs")}


def groups_of(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What Prometheus evaluates of ConfigMaps with rules, or of an operator's objects."""
    contents = [yaml.safe_load(text) for one in objects for text in one.get("data", {}).values()]
    return [group for content in contents or [one["spec"] for one in objects] for group in content["groups"]]


@pytest.mark.parametrize("inventory", [{}, OPERATED], ids=["ours", "operated"])
def test_prometheus_evaluates_the_rules_of_a_host(inventory: dict[str, Any]) -> None:
    host, objects = RoleVariables("prometheus", **inventory), rule_objects(**inventory)
    rollups, alerts = (yaml.safe_load(host.file(f"{name}.yml.j2"))["groups"] for name in ("rollups", "alerts"))
    *others, last = objects
    assert len(others) > 1, "one object cannot hold the rollups"
    assert groups_of(others) == rollups
    assert groups_of([last]) == alerts
    assert "{{ $labels" in json.dumps(last), "templates of alerts arrive as they are"


def test_prometheus_and_its_reloader_see_all_files_with_rules_in_one_folder() -> None:
    found, objects = values("prometheus"), rule_objects()
    server, reloader = found["server"], found["configmapReload"]["prometheus"]
    (volume,), (mount,) = server["extraVolumes"], server["extraVolumeMounts"]
    names = [source["configMap"]["name"] for source in volume["projected"]["sources"]]
    assert names == [one["metadata"]["name"] for one in objects]
    assert len({name for one in objects for name in one["data"]}) == len(objects), "no file hides another"
    assert mount["name"] == volume["name"]
    assert reloader["extraVolumeMounts"] == [mount]
    assert reloader["extraVolumeDirs"] == [mount["mountPath"]]
    assert found["serverFiles"]["prometheus.yml"]["rule_files"][0] == f"{mount['mountPath']}/*.yml"


def test_rules_without_rollups_are_one_object() -> None:
    (alerts,) = rule_objects(prometheus_rollups=False)
    assert alerts["metadata"]["name"] == "claude-code-alerts"


def test_no_label_of_the_inventory_hides_rules_from_their_removal() -> None:
    labels = {"app.kubernetes.io/component": "other", "release": "operator"}
    own = role("prometheus")["prometheus_rules_own_labels"]
    for one in rule_objects(**OPERATED, prometheus_rules_labels=labels):
        assert one["metadata"]["labels"] == {**labels, **own}


def test_alerts_that_grafana_evaluates_are_not_in_prometheus_or_loki() -> None:
    assert groups_of(rule_objects(stack_alerts_by="grafana", prometheus_rollups=False)) == []
    (rules,) = yaml.safe_load(role("loki", stack_alerts_by="grafana").file("rules-configmap.yaml.j2"))["data"].values()
    assert yaml.safe_load(rules) == {"groups": []}


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_loki_has_the_limits_and_the_retention_of_a_host(case: dict[str, Any]) -> None:
    changed = {"stack_late_hours": 36, "loki_retention_days": 30, "loki_ingestion_rate_mib": 8, **case}
    host = yaml.safe_load(RoleVariables("loki", **{**changed, "stack_platform": "host"}).file("loki.yaml.j2"))
    loki = values("loki", **changed)["loki"]
    assert loki["limits_config"] == host["limits_config"]
    assert loki["limits_config"]["otlp_config"]["log_attributes"][0]["attributes"] == ["event.name", "success"]
    assert loki["limits_config"]["retention_period"] == "720h"
    assert moved(loki["ingester"], "wal", dir="/var/loki/wal") == moved(host["ingester"], "wal", dir="/var/loki/wal")
    assert loki["ingester"]["max_chunk_age"] == "72h"
    assert {**loki["rulerConfig"], "storage": None} == {**host["ruler"], "storage": None}
    store = "s3" if case.get("stack_scale") == "distributed" else "filesystem"
    assert (loki["compactor"]["retention_enabled"], loki["compactor"]["delete_request_store"]) == (True, store)
    (schema,), (on_host,) = loki["schemaConfig"]["configs"], host["schema_config"]["configs"]
    assert schema == {**on_host, "from": str(on_host["from"]), "object_store": store}


def moved(values: dict[str, Any], name: str, **changes: str) -> dict[str, Any]:
    return {**values, name: {**values[name], **changes}}


def test_loki_finds_its_rules_where_the_sidecar_puts_them() -> None:
    found, rules = values("loki"), yaml.safe_load(role("loki").file("rules-configmap.yaml.j2"))
    sidecar = found["sidecar"]["rules"]
    assert rules["metadata"]["labels"][sidecar["label"]] == sidecar["labelValue"]
    directory = found["loki"]["rulerConfig"]["storage"]["local"]["directory"]
    assert sidecar["folder"] == f"{directory}/fake", "the tenant's folder"
    assert rules["data"] == {"claude-code.yaml": RoleVariables("loki").file("alerts.yml.j2")}


def test_grafana_has_the_settings_of_a_host() -> None:
    further = {"smtp": {"enabled": True, "from_name": "{{ .X }}"}, "users": {"viewers_can_edit": True}}
    found = values("grafana", grafana_extra_settings=further)["grafana.ini"]
    host = RoleVariables("grafana", grafana_extra_settings=further, service_result={})["grafana_host_ini"]
    for section, wanted in found.items():
        if section not in ("app_mode", "server", "smtp"):
            assert wanted == {name: value for name, value in host[section].items() if name in wanted}, section
    assert {*host} - {*found} == {"paths"}
    assert found["auth.anonymous"] == {"enabled": False}
    assert found["users"]["viewers_can_edit"] is True
    assert found["smtp"]["from_name"] == "{{ `{{` }} .X }}", "the chart makes a template of it"


# --- what is in Grafana ---


def dashboards(**inventory: Any) -> dict[str, dict[str, Any]]:
    """Objects by dashboard, and what a host would push."""
    variables = role("grafana", **inventory)
    found = {}
    for uid, dashboard in variables["grafana_dashboards"].items():
        own = role("grafana", **inventory, item={"key": uid, "value": dashboard})
        found[uid] = yaml.safe_load(own.file("dashboard-configmap.yaml.j2"))
        assert json.loads(found[uid]["data"][f"{uid}.json"]) == dashboard, "as it is pushed"
    return found


def test_dashboards_fit_into_objects_that_the_sidecar_reads() -> None:
    found, variables = dashboards(), role("grafana")
    sidecar = values("grafana")["sidecar"]["dashboards"]
    assert [one["metadata"]["name"] for one in found.values()] == variables["grafana_dashboard_objects"]
    for one in found.values():
        assert len(json.dumps(one)) < 1024 * 1024, "what a ConfigMap holds"
        assert one["metadata"]["labels"][sidecar["label"]] == sidecar["labelValue"]
        assert one["metadata"]["annotations"]["grafana_folder"] == sidecar["provider"]["folder"]
    assert sidecar["provider"]["folderUid"] == variables["grafana_folder_uid"]


def test_rules_that_are_not_wanted_any_more_are_deleted() -> None:
    def uids(**inventory: Any) -> tuple[set[str], set[str]]:
        data = yaml.safe_load(role("grafana", **inventory).file("rules-configmap.yaml.j2"))["data"]
        groups = yaml.safe_load(data["claude-code-rules.yaml"])["groups"] or []
        gone = yaml.safe_load(data.get("claude-code-rules-gone.yaml", "{}")).get("deleteRules", [])
        return {rule["uid"] for group in groups for rule in group["rules"]}, {one["uid"] for one in gone}

    none, all_gone = uids(stack_alerts_by="servers")
    wanted, gone = uids(stack_alerts_by="grafana", stack_alerts_off=["HighHourlyCost"])
    assert none == set()
    assert "claude-code-high-hourly-cost" in gone - wanted
    assert wanted | gone == all_gone
    assert not wanted & gone


def test_data_sources_are_those_of_the_api() -> None:
    variables = role("grafana", stack_loki_bearer_token="a$b-token-of-loki")
    secret = yaml.safe_load(variables.file("data-sources-secret.yaml.j2"))
    text = variables.expression(f"'{secret['data']['claude-code.yaml']}' | b64decode")
    assert secret["kind"] == "Secret"
    assert "Bearer a$$b-token-of-loki" in text
    assert [one["url"] for one in yaml.safe_load(text)["datasources"]] == [
        "http://prometheus-server.monitoring.svc",
        "http://loki.monitoring.svc:3100",
    ]


def test_a_password_that_is_there_is_kept_and_one_is_made_otherwise() -> None:
    def secret(kept: dict[str, str], **inventory: Any) -> dict[str, str]:
        return yaml.safe_load(role("grafana", grafana_secret_kept=kept, **inventory).file("admin-secret.yaml.j2"))[
            "data"
        ]

    made, again = secret({}), secret({})
    assert made["admin-password"] != again["admin-password"]
    assert made["secret-key"] != again["secret-key"]
    assert secret(made) == made
    given = secret(made, stack_grafana_password="twelve-letters")
    assert given == {**made, "admin-password": "dHdlbHZlLWxldHRlcnM="}


# --- what must not happen ---


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_everything_is_smaller_than_what_the_api_takes(delivery: str) -> None:
    """A ConfigMap and a Secret hold 1 MiB; in a Secret Helm keeps the values of a release."""
    given = {"stack_delivery": [delivery]}
    objects = [*rule_objects(**given), *rule_objects(**OPERATED, **given), *dashboards(**given).values()]
    for by in ("servers", "grafana"):
        objects += [
            yaml.safe_load(role(name, stack_alerts_by=by, **given).file("rules-configmap.yaml.j2"))
            for name in ("loki", "grafana")
        ]
    objects += CollectorManifests(**given).objects
    objects += [{"kind": "values of the chart", "metadata": {"name": name}, **values(name, **given)} for name in CHARTS]
    sizes = {f"{one['kind']} {one['metadata']['name']}": len(json.dumps(one)) for one in objects}
    assert {name: size for name, size in sizes.items() if size > 1_000_000} == {}


def test_rules_fit_into_the_config_maps_that_an_operator_makes_of_them() -> None:
    """It takes half of what one may hold, and writes them as YAML."""
    for one in rule_objects(**OPERATED):
        assert len(yaml.safe_dump(one["spec"], width=math.inf)) < 512 * 1024, one["metadata"]["name"]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
@pytest.mark.parametrize("chart", CHARTS)
def test_openshift_chooses_users_and_groups_and_nobody_is_root(chart: str, case: dict[str, Any]) -> None:
    all_values = values(chart, **case)
    found = {path: at(all_values, *path) for path in paths(all_values) if path[-1] in IDS}
    if case.get("stack_flavor") == "openshift":
        assert found
        assert {*found.values()} == {None}
    else:
        assert found == {}, "the chart's own, which are not root"


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_no_minio_and_no_security_context_constraints(case: dict[str, Any]) -> None:
    found = values("loki", **case)
    assert found["minio"] == {"enabled": False, "securityContextConstraints": {"enabled": False}}
    assert found["rbac"] == {"sccEnabled": False, "namespaced": True}


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_data_outlive_the_release(case: dict[str, Any]) -> None:
    keep = {"helm.sh/resource-policy": "keep"}
    assert values("prometheus", **case)["server"]["persistentVolume"]["annotations"] == keep
    assert values("grafana", **case)["persistence"]["annotations"] == keep
    for name, part in values("loki", **case).items():
        if isinstance(part, dict) and part.get("persistence", {}).get("enabled"):
            assert part["persistence"]["enableStatefulSetAutoDeletePVC"] is False, name


def test_no_secret_is_among_the_values() -> None:
    secrets = {
        "loki_s3_access_key_id": "key-of-the-store",
        "loki_s3_secret_access_key": "secret-of-the-store",
        "stack_grafana_password": "password-of-grafana",
        "stack_loki_password": "password-of-loki",
        "stack_prometheus_bearer_token": "token-of-prometheus",
    }
    for chart in CHARTS:
        text = json.dumps(values(chart, stack_scale="distributed", **STORAGE, **secrets))
        assert [value for value in secrets.values() if value in text] == []
    text = role("loki", **secrets).file("s3-secret.yaml.j2")
    assert yaml.safe_load(text)["data"]["AWS_ACCESS_KEY_ID"] == "a2V5LW9mLXRoZS1zdG9yZQ=="


@pytest.mark.parametrize(("name", "port"), [("prometheus", 9090), ("loki", 3100)])
def test_only_our_own_servers_and_who_is_named_may_reach_a_store(name: str, port: int) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}
    policy = yaml.safe_load(role(name, **{f"{name}_network_policy_from": [peer]}).file("network-policy.yaml.j2"))
    rule = next(one for one in policy["spec"]["ingress"] if port in [each["port"] for each in one.get("ports", [])])
    assert peer in rule["from"]
    names = {one["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for one in rule["from"] if one != peer}
    assert names == {"otel-collector", "grafana", "prometheus", "loki"} - {"loki", name}
    assert policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == name


# --- what is refused ---


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("prometheus", {"stack_scale": "distributed"}, "store that takes OTLP with deltas, such as Mimir"),
        ("prometheus", {"prometheus_extra_rule_files": ["/a"]}, "are for a host"),
        ("loki", {"loki_tls_certificate": "/a", "loki_tls_key": "/b"}, "are for a host"),
        ("loki", {"stack_scale": "distributed"}, "Give loki_s3_url"),
        ("loki", {"stack_scale": "distributed", **STORAGE, "loki_s3_url": "s3.example.com"}, "http:// or https://"),
        ("loki", {"stack_scale": "distributed", **STORAGE, "loki_s3_access_key_id": "a"}, "both or none"),
        ("grafana", {"grafana_tls_certificate": "/a", "grafana_tls_key": "/b"}, "give grafana_host"),
    ],
)
def test_what_a_cluster_cannot_have_is_refused(name: str, settings: dict[str, Any], words: str) -> None:
    login = {"loki_s3_found": {"resources": [{"data": {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}}]}}
    (refused,) = refusals(name, "preflight_kubernetes.yml", **login, **settings)
    assert words in refused


@pytest.mark.parametrize("name", CHARTS)
def test_defaults_are_not_refused(name: str) -> None:
    assert refusals(name, "preflight_kubernetes.yml") == []


def test_rules_as_objects_need_a_cluster_that_knows_them() -> None:
    settings = {"stack_existing": ["prometheus"], "prometheus_rules_as": "prometheusrule"}
    unknown, known = {"resources": []}, {"resources": [{}]}
    (refused,) = refusals("prometheus", "preflight_kubernetes.yml", prometheus_rule_kind=unknown, **settings)
    assert "has no CustomResourceDefinition prometheusrules" in refused
    assert refusals("prometheus", "preflight_kubernetes.yml", prometheus_rule_kind=known, **settings) == []


def test_object_storage_needs_a_login_that_is_there_or_given() -> None:
    distributed = {"stack_scale": "distributed", **STORAGE, "loki_s3_found": {"resources": []}}
    (refused,) = refusals("loki", "preflight_kubernetes.yml", **distributed)
    assert "has no Secret loki-s3 with AWS_ACCESS_KEY_ID" in refused
    given = {"loki_s3_access_key_id": "a", "loki_s3_secret_access_key": "b"}
    assert refusals("loki", "preflight_kubernetes.yml", **distributed, **given) == []
