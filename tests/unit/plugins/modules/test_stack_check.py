# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check of the catalogue passes on a healthy stack and fails on the fault that it is there for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _catalogue as catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._checks import parse, run_all
from ansible_collections.observability.claude_code.plugins.module_utils._expectations import TESTS
from ansible_collections.observability.claude_code.plugins.module_utils._front_door import FrontDoor
from ansible_collections.observability.claude_code.plugins.module_utils._measures import ServerMeasures, Stack
from ansible_collections.observability.claude_code.plugins.module_utils._measures_alerts import AlertMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._measures_cluster import ClusterMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._measures_grafana import GrafanaMeasures, Wanted
from ansible_collections.observability.claude_code.plugins.module_utils._measures_host import HostMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._measures_panels import PanelMeasures
from ansible_collections.observability.claude_code.plugins.module_utils._panels import read_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._reconciliation import Reconciliation
from ansible_collections.observability.claude_code.plugins.module_utils._servers import Web
from ansible_collections.observability.claude_code.plugins.modules import stack_check
from support.checkout import CHECKOUT
from support.cluster_objects import pod, workload
from support.modules import run_module
from support.scripted_stack import MODEL, TELEMETRY, TOKEN, ScriptedStack

FOLDER = CHECKOUT / "files" / "catalogue"
CHECKS = [
    {"group": content["group"], **check}
    for content in catalogue.read_files(FOLDER / "checks").values()
    for check in content["checks"]
]
SETTINGS = {"late_data": "24h", "queue_percent": 80, "reconcile_percent": 1.0, "clock_s": 5, "corrected_percent": 1}
COST_BY_MODEL = "sum by (model) (sum_over_time(claude_code_cost"
ALERT = {"alert": "A", "expr": "sum(x) > 1", "for": "5m", "labels": {"service": "claude-code"}, "annotations": {}}
ALERTS = {name: [{"name": "g", "interval": "1m", "rules": [ALERT]}] for name in ("prometheus", "loki")}
# The same alert as a server has it.
LOADED = {
    "name": "A",
    "query": "sum(x)>1",
    "duration": 300,
    "labels": {"service": "claude-code"},
    "type": "alerting",
    "health": "ok",
    "alerts": [],
}
SOURCES = {**catalogue.read_sources(FOLDER), "dashboards": read_dashboards(FOLDER)}


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedStack]:
    # Nobody waits for a fault to go away by itself.
    monkeypatch.setattr(Web, "pause_s", 0.0)
    monkeypatch.setattr(ServerMeasures, "watch_s", 0.0)
    monkeypatch.setattr(AlertMeasures, "patience_s", 0.0)
    with ScriptedStack() as running:
        running.alerts = {"prometheus": [LOADED], "loki": [LOADED]}
        yield running


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN} tests\n")
    file.chmod(0o600)
    return file


def check(stack: ScriptedStack, token_file: Path, *ids: str, **options: object) -> dict:
    chosen = [entry for entry in CHECKS if not ids or entry["id"] in ids]
    collector = {
        "otlp_url": f"{stack.url}/otlp",
        "telemetry_url": f"{stack.url}/telemetry",
        "health_url": f"{stack.url}/health",
        "token_file": str(token_file),
    }
    told = {
        **stack.options(),
        "checks": chosen,
        "catalogue": SOURCES,
        "collector": collector,
        "settings": SETTINGS,
        "ports": {"OTLP": 1},
        "secret_files": {"token file": str(token_file)},
        "probe_timeout": 0.0,
        "alerts": ALERTS,
    }
    return run_module(stack_check, **{**told, **options})


def only(result: dict) -> dict:
    (found,) = result["results"]
    return found


def put(**changes: object) -> Callable[[ScriptedStack], None]:
    """A fault: attributes of the stack that are something else."""

    def change(stack: ScriptedStack) -> None:
        for name, value in changes.items():
            current = getattr(stack, name)
            setattr(stack, name, {**(current or {}), **value} if isinstance(value, dict) else value)

    return change


def counter(line: str) -> Callable[[ScriptedStack], None]:
    return put(telemetry=TELEMETRY + line + "\n")


SCRAPE = {"deliveries": ["scrape"]}
ALL_WAYS = {"deliveries": ["otlp", "scrape", "remote_write"]}
# The fault that each check is there for, the words that tell it, and options that the check needs to apply.
FAULTS: dict[str, tuple[Callable[[ScriptedStack], None], str, dict]] = {
    "programs-answer": (put(statuses={"/loki/ready": 500}), "loki: 500", {}),
    "versions": (put(versions={"prometheus": "3.3.1"}), "prometheus: 3.3.1", {}),
    "prometheus-takes-otlp": (put(flags={"web.enable-otlp-receiver": "false"}), "false", {}),
    "prometheus-keeps-deltas": (put(flags={"enable-feature": "otlp-deltatocumulative"}), "otlp-deltatocumulative", {}),
    "prometheus-tells-times": (put(flags={"enable-feature": "otlp-native-delta-ingestion"}), "otlp-native", {}),
    "prometheus-takes-late-data": (put(configuration="storage:\n  out_of_order_time_window: 30m\n"), "30m", {}),
    "prometheus-takes-remote-write": (
        put(flags={"web.enable-remote-write-receiver": "false"}),
        "false",
        {"deliveries": ["remote_write"]},
    ),
    "exporter-scraped": (put(targets=[]), "absent", SCRAPE),
    "collector-watched": (
        put(targets=[{"labels": {"job": "otel-collector"}, "health": "down", "lastError": "refused"}]),
        "down: refused",
        {},
    ),
    "rules-loaded": (put(rules=[]), "0", {}),
    "rules-evaluate": (
        put(rules=[{"name": "r", "type": "recording", "health": "err", "lastError": "many-to-many"}]),
        "rollups/r: many-to-many",
        {},
    ),
    "probe-metrics": (put(promql={"probe_sends": 4.75}), "4.875 against 4.75 (2.56 % apart)", {}),
    "probe-metrics-arrive": (put(promql={"probe_sends": []}), "0", SCRAPE),
    "probe-events": (put(probe_row=None), "0", {}),
    "loki-labels-events": (put(event_names=[]), "none", {}),
    "no-token-refused": (put(accepts_anyone=True), "metrics: 200; logs: 200", {}),
    "wrong-token-refused": (put(accepts_anyone=True), "metrics: 200; logs: 200", {}),
    "nothing-refused": (
        counter('otelcol_processor_memory_limiter_refused_log_records_total{processor="memory_limiter"} 7'),
        "processor_memory_limiter_refused_log_records memory_limiter: 7",
        {},
    ),
    "nothing-dropped": (
        counter('otelcol_exporter_send_failed_metric_points{exporter="otlp_http/prometheus"} 3'),
        "exporter_send_failed_metric_points otlp_http/prometheus: 3",
        {},
    ),
    "queue-has-room": (
        counter('otelcol_exporter_queue_size{data_type="logs",exporter="otlp_http/loki"} 900'),
        "otlp_http/loki logs: 90 %",
        {},
    ),
    "queue-drains": (
        counter('otelcol_exporter_queue_size{data_type="logs",exporter="otlp_http/loki"} 12'),
        "otlp_http/loki logs: 12",
        {},
    ),
    "copies-arrive": (put(promql={'copy="scrape"': []}), "scrape: 0 series", ALL_WAYS),
    "metrics-stored": (put(promql={"count(last_over_time": []}), "0 series", {}),
    "expected-metrics": (
        put(event_names=["api_request", "compaction"]),
        "claude_code_compactions_total: although there are events compaction",
        {},
    ),
    "prefix-once": (
        put(metric_names=["claude_code_claude_code_cost_usage_USD_total"]),
        "claude_code_claude_code_cost_usage_USD_total",
        {},
    ),
    "events-stored": (put(logql={"count_over_time": []}), "0 events", {}),
    "cost-readable": (put(promql={"sum(sum_over_time(claude_code_cost": float("nan")}), "not a number", {}),
    "counted-once": (put(promql={"count without": 3}), "3 series", {}),
    "cost-reconciles": (
        put(promql={COST_BY_MODEL: [({"model": MODEL}, 3.0)]}),
        f"{MODEL}: 3 against 3.5 USD (14.3 % apart)",
        {},
    ),
    "tokens-reconcile": (
        put(logql={"unwrap output_tokens": []}),
        f"{MODEL}: 1,000 against 400 tokens (60 % apart)",
        {},
    ),
    "clocks": (put(clock_offset=-90.0), "prometheus: ", {}),
    "times-plausible": (put(logql={"clock_corrected": 12.5}), "12.5 %", {}),
    "texts-dropped": (put(probe_row={"prompt": "text of a probe"}), "prompt: is stored", {}),
    "no-texts-stored": (put(logql={'!= "<REDACTED>"': 8}), "8 events", {}),
    "panels-run": (
        put(refuses={'success="false"': "unknown function"}),
        "Tool Error Rate (claude-code-metrics): query A: Prometheus at ",
        {},
    ),
    "alerts-in-prometheus": (put(alerts={"prometheus": []}), "A: is not loaded", {}),
    "alerts-in-loki": (
        put(alerts={"loki": [{**LOADED, "health": "err", "lastError": "too many series"}]}),
        "A: cannot be evaluated: too many series",
        {},
    ),
}
# Faults of the machine, which no server can play, have tests of their own below.
OF_THE_MACHINE = {"loopback-only", "secret-files"}
# And what the API of a cluster says.
SCC = {"scc": "minio", "field": "runAsUser.uid", "severity": "error", "message": "MustRunAs needs a uid."}
OF_THE_CLUSTER = {
    "workloads-ready": ({"workloads": [workload(readyReplicas=1)]}, "Deployment otel-collector: 1 of 2 pods are ready"),
    "images-pinned": ({"workloads": [workload("collector:latest")]}, "collector:latest may become another one"),
    "no-restart-loops": (
        {"pods": [pod(restartCount=4, state={"waiting": {"reason": "CrashLoopBackOff"}})]},
        "pod otel-collector-1 collector: restarts: 4",
    ),
    "scc-well-formed": ({"sccs": [SCC]}, "minio runAsUser.uid: MustRunAs needs a uid."),
}
# tests/unit/plugins/module_utils/test_measures_grafana.py.
OF_GRAFANA = {entry["id"] for entry in CHECKS if entry["group"] == "Grafana"}


def test_every_check_has_a_fault_that_it_is_tried_with() -> None:
    assert {entry["id"] for entry in CHECKS} == {*FAULTS, *OF_THE_MACHINE, *OF_THE_CLUSTER, *OF_GRAFANA}


def test_the_checks_cover_appendix_c_of_the_specification() -> None:
    named = " ".join(entry.get("spec", "") for entry in CHECKS)
    missing = [f"issue {n}" for n in range(1, 7) if f"C issue {n}" not in named]
    missing += [f"command {n}" for n in range(1, 6) if f"command {n}" not in named]
    assert missing == []


def test_the_language_of_checks_is_documented_word_by_word() -> None:
    text = (CHECKOUT / "docs" / "checks.md").read_text()
    makers = (
        ServerMeasures(None),
        Reconciliation(None),
        FrontDoor(None, "", lambda: None),
        HostMeasures({}, {}),
        ClusterMeasures([], [], {}, None),
        PanelMeasures(None, {}),
        AlertMeasures(Stack(None, None, None, None, None), {}),
        GrafanaMeasures(None, Wanted()),
    )
    words = {word for maker in makers for word in maker.vocabulary()} | {"each", "row", "none", "some", *TESTS}
    assert [word for word in sorted(words) if f"`{word}`" not in text and f"`{{{word}:" not in text] == []
    asked = {name for entry in CHECKS for name in entry.get("when", {})}
    assert [name for name in sorted(asked) if f"`{name}`" not in text] == []


def test_a_healthy_stack_passes_all_checks_that_apply(healthy, token_file) -> None:
    result = check(healthy, token_file)
    assert [found for found in result["results"] if found["status"] == "failed"] == []
    skipped = {found["id"] for found in result["results"] if found["status"] == "skipped"}
    assert skipped == {
        "exporter-scraped",
        "prometheus-takes-remote-write",
        "probe-metrics-arrive",
        "copies-arrive",
        *OF_THE_CLUSTER,
        *OF_GRAFANA,
    }
    assert result["failed_checks"] == 0
    assert result["passed_checks"] == len(CHECKS) - len(skipped)
    assert not result["changed"]


@pytest.mark.parametrize("name", FAULTS)
def test_a_check_fails_on_its_fault_and_says_what_it_found(name, healthy, token_file) -> None:
    fault, words, options = FAULTS[name]
    before = only(check(healthy, token_file, name, **options))
    assert before["status"] == "passed", before["measured"]
    fault(healthy)
    found = only(check(healthy, token_file, name, **options))
    assert found["status"] == "failed"
    assert words in found["measured"]
    assert found["expected"]
    assert found["remedy"]


@pytest.mark.parametrize("name", OF_THE_CLUSTER)
def test_a_check_of_the_cluster_fails_on_its_fault_and_says_what_it_found(name, healthy, token_file) -> None:
    well = {"workloads": [workload()], "pods": [pod()], "sccs": []}
    before = only(check(healthy, token_file, name, platform="kubernetes", cluster=well))
    assert before["status"] == "passed", before["measured"]
    fault, words = OF_THE_CLUSTER[name]
    found = only(check(healthy, token_file, name, platform="kubernetes", cluster={**well, **fault}))
    assert found["status"] == "failed"
    assert words in found["measured"]


def test_all_checks_run_whatever_comes_of_the_others(healthy, token_file) -> None:
    for fault, _words, _options in FAULTS.values():
        fault(healthy)
    result = check(healthy, token_file)
    assert len(result["results"]) == len(CHECKS)
    assert "failed" not in result


def test_a_store_that_is_down_fails_its_checks_and_no_others(healthy, token_file) -> None:
    result = check(healthy, token_file, loki={"url": "http://127.0.0.1:9"})
    statuses = {found["id"]: found["status"] for found in result["results"]}
    assert statuses["prometheus-takes-otlp"] == statuses["probe-metrics"] == statuses["nothing-dropped"] == "passed"
    assert statuses["programs-answer"] == statuses["probe-events"] == "failed"
    (told,) = {found["measured"] for found in result["results"] if found["status"] == "failed"}
    assert told.startswith("Loki at http://127.0.0.1:9 does not answer: ")


def test_an_empty_store_has_no_data_yet_which_is_no_failure(healthy, token_file) -> None:
    healthy.metric_names, healthy.event_names = ["claude_code_probe_sends_total"], []
    result = check(healthy, token_file, "metrics-stored", "cost-reconciles", "no-texts-stored", "expected-metrics")
    assert {found["status"] for found in result["results"]} == {"skipped"}
    assert {found["measured"].partition(":")[0] for found in result["results"]} == {"No data yet"}


@pytest.mark.parametrize("options", [{"check_mode": True}, {"probe": False}])
def test_nothing_is_sent_in_check_mode_or_without_a_probe(options, healthy, token_file) -> None:
    result = check(healthy, token_file, **options)
    # Long queries are asked for in a form.
    sent = [path for method, path, _headers in healthy.requests if method != "GET"]
    assert [path for path in sent if "/api/v1/query" not in path] == []
    skipped = {found["id"] for found in result["results"] if found["status"] == "skipped"}
    assert {"probe-metrics", "probe-events", "texts-dropped", "no-token-refused"} <= skipped
    assert result["failed_checks"] == 0


def test_the_token_is_sent_and_shown_nowhere(healthy, token_file) -> None:
    result = check(healthy, token_file)
    assert f"Bearer {TOKEN}" in {headers.get("authorization") for _method, _path, headers in healthy.requests}
    assert TOKEN not in result["printed"]


def test_credentials_of_the_stores_are_sent_and_shown_nowhere(healthy, token_file) -> None:
    prometheus = {"url": f"{healthy.url}/prometheus", "username": "reader", "password": "a-password"}
    loki = {"url": f"{healthy.url}/loki", "bearer_token": "a-bearer-token", "tenant": "team-a"}
    result = check(healthy, token_file, "programs-answer", prometheus=prometheus, loki=loki)
    sent = {path: headers for _method, path, headers in healthy.requests}
    assert sent["/prometheus/-/ready"]["authorization"] == "Basic cmVhZGVyOmEtcGFzc3dvcmQ="
    assert sent["/loki/ready"]["authorization"] == "Bearer a-bearer-token"
    assert sent["/loki/ready"]["x-scope-orgid"] == "team-a"
    assert "a-password" not in result["printed"]
    assert "a-bearer-token" not in result["printed"]


def test_texts_that_are_kept_on_purpose_are_not_looked_for(healthy, token_file) -> None:
    healthy.probe_row = {"prompt": "text of a probe"}
    assert only(check(healthy, token_file, "texts-dropped", withheld=["responses"]))["status"] == "passed"
    found = only(check(healthy, token_file, "texts-dropped", withheld=[]))
    assert (found["status"], found["measured"]) == (
        "skipped",
        "Prompts, answers and commands are stored, by configuration.",
    )


def test_alerts_that_are_switched_off_are_not_looked_for(healthy, token_file) -> None:
    found = only(check(healthy, token_file, "alerts-in-loki", alerts={}))
    assert (found["status"], found["measured"]) == (
        "skipped",
        "Prometheus and Loki have no alert rules, by configuration.",
    )
    found = only(check(healthy, token_file, "alerts-in-loki", components=["prometheus"]))
    assert found["status"] == "skipped"


def test_a_file_with_secrets_that_others_may_read_is_found(healthy, token_file) -> None:
    token_file.chmod(0o644)
    found = only(check(healthy, token_file, "secret-files"))
    assert (found["status"], found["measured"]) == ("failed", f"token file {token_file}: mode 0644")
    os.unlink(token_file)
    found = only(check(healthy, token_file, "secret-files"))
    assert found["status"] == "failed"
    assert "cannot be looked at: No such file or directory" in found["measured"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"range": "a day"}, "'a day' is no duration. Write it like 24h or 1h30m."),
        ({"prometheus": {"url": "prometheus:9090"}}, "The address of Prometheus, 'prometheus:9090', is none."),
        ({"checks": [{"id": "half"}]}, "The check 'half' lacks title, guards, measure, expect, remedy."),
        ({"checks": [CHECKS[0], CHECKS[0]]}, "Two checks have the id 'programs-answer'."),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(changes, words, healthy, token_file) -> None:
    result = check(healthy, token_file, **changes)
    assert result["failed"]
    assert words in result["msg"]


@pytest.mark.parametrize("error", [KeyError("data"), OverflowError("too big"), RecursionError("deep")])
def test_an_answer_that_nobody_thought_of_fails_its_own_check_alone(error: Exception) -> None:
    def measure(fails: bool) -> int:
        if fails:
            raise error
        return 1

    told = {"title": "A check", "guards": "a fault", "expect": {"equals": 1}, "remedy": "mend it"}
    entries = [{"id": f"fails {fails}", "measure": {"odd": fails}, **told} for fails in (True, False)]
    first, second = run_all(parse(entries), {"odd": measure}, {}, {})
    assert f"The answer is not what was expected ({type(error).__name__}: " in first.measured
    assert (first.status, second.status) == ("failed", "passed")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"deliveries": []}, "deliveries is empty. Name at least one of otlp"),
        ({"ports": {"OTLP": "x"}}, "ports: OTLP is 'x', which is no port. Give a number such as 9090."),
        ({"ports": {"OTLP": None}}, "ports: OTLP is None, which is no port"),
        ({"catalogue": {}}, "catalogue has no metrics and no labels. Give what lookup("),
        ({"timeout": "nan"}, "timeout is nan"),
        ({"probe_timeout": "nan"}, "probe_timeout is nan"),
        ({"prometheus": {"url": "http://a..b"}}, "The address of Prometheus, 'http://a..b', is none"),
    ],
)
def test_options_that_cannot_be_right_are_told(healthy, token_file, options: dict, words: str) -> None:
    assert words in check(healthy, token_file, "versions", **options)["msg"]
