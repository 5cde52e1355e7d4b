# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml promises an administrator, on the stack that all tests share."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.checkout import CHECKOUT, environment, for_playbooks, run
from support.machines import PLAYBOOK
from support.refusals import refusals
from support.sending import send
from support.stack import COLLECTOR, LOKI, PROMETHEUS, Stack, until

PROGRAMS = (COLLECTOR, PROMETHEUS, LOKI)
# Asks for a reply and counts nowhere.
EMPTY = {"resourceMetrics": []}


def recap(printed: str) -> dict[str, int]:
    """The counts of the play's closing line, such as changed and failed."""
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", printed.rpartition("PLAY RECAP")[2])}


@pytest.fixture(scope="module")
def again(stack: Stack) -> str:
    """What a second run prints, told to say much."""
    return stack.playbook("site.yml", "--diff", "-vv")


def test_a_second_run_changes_nothing(again: str) -> None:
    assert recap(again)["changed"] == 0, again


def test_check_mode_on_a_provisioned_host_reports_no_change_and_changes_nothing(stack: Stack) -> None:
    pids = {program: stack.pid(program) for program in PROGRAMS}
    printed = stack.playbook("site.yml", "--check", "--diff")
    assert recap(printed)["changed"] == 0, printed
    assert "+++" not in printed
    assert {program: stack.pid(program) for program in PROGRAMS} == pids


def test_check_mode_foretells_a_change_and_does_not_make_it(stack: Stack) -> None:
    configuration = stack.prefix / "etc" / "prometheus" / "prometheus.yml"
    before = configuration.read_text()
    printed = stack.playbook("site.yml", "--check", "--diff", "--tags", "prometheus", prometheus_scrape_interval="7s")
    assert "+  scrape_interval: 7s" in printed
    # The file, and the reload that it needs.
    assert recap(printed)["changed"] == 2, printed
    assert configuration.read_text() == before


def test_a_changed_setting_concerns_its_own_program_alone(stack: Stack) -> None:
    pids = {program: stack.pid(program) for program in PROGRAMS}
    stack.playbook("site.yml", "--tags", "prometheus,loki,otel_collector", otel_collector_max_request_mib=19)
    stack.ready(COLLECTOR)
    after = {program: stack.pid(program) for program in PROGRAMS}
    assert after.pop(COLLECTOR) != pids.pop(COLLECTOR)
    assert after == pids


def test_prometheus_takes_a_changed_configuration_without_a_restart(stack: Stack) -> None:
    pid = stack.pid(PROMETHEUS)
    stack.playbook("site.yml", "--tags", "prometheus", prometheus_scrape_interval="9s")
    loaded = 'prometheus_config_last_reload_successful{job="prometheus"}'
    until(lambda: [value for _labels, value in stack.promql(loaded)] == [1.0], 60, "the configuration is loaded")
    assert stack.pid(PROMETHEUS) == pid


def test_tokens_come_and_go_without_a_restart(stack: Stack) -> None:
    added = "another-token-of-another-team"
    both = {"tests": stack.token, "another-team": added}
    stack.playbook("site.yml", "--tags", "otel_collector", otel_collector_tokens=both)
    # The collector may have been restarted to undo what the test before this one set.
    pid = stack.pid(COLLECTOR)
    until(lambda: send(stack.otlp_url, EMPTY, token=added).accepted, 30, "the new token is taken")
    assert send(stack.otlp_url, EMPTY, token=stack.token).accepted
    stack.playbook("site.yml", "--tags", "otel_collector")
    until(lambda: send(stack.otlp_url, EMPTY, token=added).cause == "unauthorized", 30, "the old token is refused")
    assert send(stack.otlp_url, EMPTY, token=stack.token).accepted
    assert stack.pid(COLLECTOR) == pid


def test_a_token_shows_in_no_output_no_log_and_no_list_of_processes(stack: Stack, again: str) -> None:
    processes = subprocess.run(["ps", "axeww"], check=True, capture_output=True, text=True).stdout
    logs = "".join(stack.log(program, 10_000) for program in PROGRAMS)
    for text in (again, processes, logs):
        assert stack.token not in text


def test_only_the_owner_can_read_secrets(stack: Stack) -> None:
    for path in (stack.prefix / "etc" / "otel_collector").rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_every_server_listens_on_loopback_alone(stack: Stack) -> None:
    listening = subprocess.run(["ss", "-Hltn"], check=True, capture_output=True, text=True).stdout
    addresses = {line.split()[3] for line in listening.splitlines()}
    # The exporter is there only where metrics are scraped.
    ports = {port for name, port in stack.ports.items() if name != "exporter_port"}
    ours = {address for address in addresses if int(address.rpartition(":")[2]) in ports}
    assert len(ours) == len(ports)
    assert {address.rpartition(":")[0] for address in ours} == {"127.0.0.1"}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "delivery-twice": ({"stack_delivery": ["otlp", "otlp"]}, "each at most once"),
    "no-delivery": ({"stack_delivery": ["pigeon"]}, "value of stack_delivery must be one or more of"),
    "one-port": ({"stack_loki_port": 9999, "stack_prometheus_port": 9999}, "Two of the ports"),
    "two-logins": (
        {"stack_prometheus_bearer_token": "x", "stack_prometheus_username": "y"},
        "both a bearer token and a user",
    ),
    "open-prometheus": ({"prometheus_listen_address": "0.0.0.0"}, "Prometheus would ask for no login"),
    "late": ({"prometheus_out_of_order_hours": 24}, "must exceed stack_late_hours (24)"),
    "short": ({"prometheus_retention_days": 1}, "late data would be deleted as they arrive"),
    "old": ({"prometheus_version": "3.5.0"}, "3.16.0 and later"),
    "open-loki": ({"loki_listen_address": "0.0.0.0"}, "Loki asks for no login"),
    "half-a-certificate": (
        {"loki_tls_certificate": "/x.pem"},
        "loki_tls_certificate and loki_tls_key go together",
    ),
    "open-collector": ({"otel_collector_listen_address": "0.0.0.0"}, "without TLS"),
    "weak-token": ({"otel_collector_tokens": {"a": "short"}}, "at least 16 printable characters"),
    "little-memory": ({"otel_collector_memory_limit_mib": 100}, "It needs at least 128"),
    "address": ({"stack_loki_url": "localhost:3100"}, "must begin with http:// or https://"),
    "no-alert": (
        {"stack_alerts_off": ["HighCost"]},
        "stack_alerts_off: HighCost: there is none of that name. The alerts are",
    ),
    "no-threshold": (
        {"stack_alert_thresholds": {"cost": 3}},
        "stack_alert_thresholds: cost: there is none of that name.",
    ),
    "no-number": (
        {"stack_alert_thresholds": {"hourly_cost": "3h"}},
        "The threshold hourly_cost is '3h'. Write a number.",
    ),
    "alertmanager-of-prometheus": (
        {"prometheus_alertmanagers": ["alerts:9093"]},
        "prometheus_alertmanagers has alerts:9093. Write",
    ),
    "alertmanager-of-loki": (
        {"loki_alertmanagers": ["alerts:9093"]},
        "loki_alertmanagers has alerts:9093. Write each as a URL",
    ),
    "no-choice": (
        {"otel_collector_user_email": "hashed"},
        "value of otel_collector_user_email must be one of: keep, hash, drop",
    ),
    "no-days": ({"loki_retention_days": "90d"}, "argument 'loki_retention_days' is of type str"),
    "no-names": ({"otel_collector_tokens": ["a"]}, "argument 'otel_collector_tokens' is of type list"),
    "misspelt": (
        {"prometheus_retention_day": 5, "somebodys_own": 1},
        "has prometheus_retention_day (did you mean prometheus_retention_days?)",
    ),
}


@pytest.fixture(scope="module")
def refused(stack: Stack) -> dict[str, str]:
    """What site.yml says to each of the settings. It must fail, and before it changes anything."""
    with pytest.raises(pytest.fail.Exception) as failure:
        stack.playbook("site.yml", hosts={name: given for name, (given, _reason) in REFUSED.items()})
    return refusals(str(failure.value))


@pytest.mark.parametrize("name", REFUSED)
def test_impossible_settings_are_refused_with_the_reason(refused: dict[str, str], name: str) -> None:
    assert REFUSED[name][1] in refused.get(name, "nothing was said")


def test_a_configuration_that_the_program_refuses_never_replaces_the_old_one(stack: Stack) -> None:
    configuration = stack.prefix / "etc" / "prometheus" / "prometheus.yml"
    before = configuration.read_text()
    broken = [{"job_name": "broken", "scrape_interval": "often"}]
    with pytest.raises(pytest.fail.Exception, match="not a valid duration string"):
        stack.playbook("site.yml", "--tags", "prometheus", prometheus_extra_scrape_configs=broken)
    assert configuration.read_text() == before


def test_a_component_that_another_one_replaces_is_stopped_and_comes_back_to_its_data(stack: Stack) -> None:
    others = {program: stack.pid(program) for program in (COLLECTOR, PROMETHEUS)}
    etc, data = stack.prefix / "etc" / "loki", stack.prefix / "data" / "loki"
    try:
        printed = " ".join(stack.playbook("site.yml", "--tags", "loki", stack_existing=["loki"]).split())
        assert LOKI not in stack.control("avail")
        assert [path.name for path in etc.iterdir()] == ["rules"], "what whoever runs the other one is given"
        assert any(data.iterdir())
        assert "does not answer" in printed.rpartition("PLAY RECAP")[2]
    finally:
        stack.playbook("site.yml", "--tags", "loki")
    stack.ready(LOKI)
    assert {program: stack.pid(program) for program in (COLLECTOR, PROMETHEUS)} == others


def failed(*command: str | Path, **changes: str) -> str:
    """What a command printed that must fail, on one line."""
    env = for_playbooks(MAKEFLAGS=None, ARGS=None, **changes)
    with pytest.raises(pytest.fail.Exception) as failure:
        run(*command, env=env)
    return " ".join(str(failure.value).split())


def test_an_inventory_that_is_missing_fails_in_any_locale(tmp_path: Path) -> None:
    inventory = tmp_path / "none.yml"
    words = ("verify", f"INVENTORY={inventory}", f"PLAYBOOK={PLAYBOOK}", "-o", ".venv/.for-playbooks")
    assert f"The inventory ({inventory}) has no host in claude_code_stack" in failed("make", *words, LC_ALL="C")


def test_an_inventory_without_the_group_fails(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"claude_code_stack": {"hosts": {"stack": {}}}}))
    printed = failed(PLAYBOOK, "-i", inventory, "playbooks/client.yml")
    assert "has no host in claude_code_clients or claude_code_mdm" in printed


def test_make_shows_what_a_task_says_while_it_runs_and_has_modules_read_at_once(tmp_path: Path) -> None:
    shown, play = tmp_path / "shown", tmp_path / "play.json"
    tasks = [
        {"ansible.builtin.assert": {"that": "lookup('env', 'PYTHONUNBUFFERED') == ''"}},
        {
            "ansible.builtin.stat": {"path": str(shown)},
            "register": "it",
            "until": "it.stat.exists",
            "retries": 20,
            "delay": 1,
        },
    ]
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    target = f"play: ; @$(PLAYBOOK) -i localhost, -c local -e ansible_python_interpreter={sys.executable} {play}"
    env = for_playbooks(MAKEFLAGS=None, PYTHONUNBUFFERED="1")
    command = ["make", f"VENV={sys.prefix}", "--eval", target, "play"]
    with subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert any("RETRYING" in line for line in process.stdout or ())
        shown.touch()
        rest = process.communicate()[0]
    assert process.returncode == 0, rest


def test_the_report_of_the_demo_goes_with_its_data() -> None:
    env = environment(MAKEFLAGS=None, ARGS=None)
    deletion = "rm -rf .demo/report/"
    assert deletion in run("make", "-n", "down", "DATA=1", env=env)
    assert deletion not in run("make", "-n", "down", env=env)
    assert deletion not in run("make", "-n", "down", "DATA=1", "ARGS=--check", env=env)
