# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong on a client's machine is named, and a probe goes where the client's telemetry would go."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.observability.claude_code.plugins.modules import client_check
from support.answering_server import Answer, AnsweringServer
from support.certificates import Authority
from support.client_machine import MANAGED, PROJECT, ClientMachine, exports, variables
from support.modules import run_module
from support.own_collector import TOKEN, OwnCollector
from support.stack import HOST, Stack

SITUATIONS = yaml.safe_load((Path(__file__).parent / "files" / "client_situations.yml").read_text())
# Whoever answers at all does so at once; a busy machine needs more than that.
TIMEOUT_S = 5.0
SILENT_S = 0.5
PKI = "/etc/pki/company"
HTML = Answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Authority]:
    return {name: Authority(tmp_path_factory.mktemp(name)) for name in ("servers", "clients", "strangers")}


@pytest.fixture(scope="module")
def collector(
    stack: Stack, authorities: dict[str, Authority], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnCollector]:
    folder = tmp_path_factory.mktemp("collector")
    with OwnCollector(stack, folder, authorities["servers"], authorities["clients"]) as running:
        yield running


@pytest.fixture(scope="module")
def certificates(authorities: dict[str, Authority]) -> dict[str, str]:
    """What every machine has in PKI, by the names of the situations."""
    servers, strangers = authorities["servers"], authorities["strangers"]
    found = {"ca": servers.ca_file, "stranger": strangers.ca_file, "ended_ca": servers.ended()}
    found["client_cert"], found["client_key"] = authorities["clients"].issue("alex")
    found["foreign_cert"], found["foreign_key"] = strangers.issue("alex")
    return {name: path.read_text() for name, path in found.items()}


@pytest.fixture(scope="module")
def names(collector: OwnCollector, certificates: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What stands for {…} in the situations."""
    found = {"token": TOKEN, "certificates": certificates, "client_key.text": certificates["client_key"]}
    found |= {name: f"{PKI}/{name}.pem" for name in certificates}
    for name, door in collector.doors.items():
        for suffix, url in (("", door.url), (".grpc", door.grpc_url)):
            found |= {f"{name}{suffix}": url, f"{name}{suffix}.at": url.partition("//")[2]}
    answers = {
        "page": HTML,
        "redirect": Answer(302, b"", {"Location": "http://127.0.0.1:9/"}),
        "busy": Answer(429, b"slow down", {"Content-Type": "text/plain"}),
        "forbidden": Answer(403, b"not from here", {"Content-Type": "text/plain"}),
    }
    servers = {name: AnsweringServer() for name in answers}
    with socket.create_server((HOST, 0)) as silent:
        for name, server in servers.items():
            server.default = answers[name]
            server.__enter__()
            found[name] = server.url
        found["silent"] = f"http://{HOST}:{silent.getsockname()[1]}"
        yield found
        for server in servers.values():
            server.__exit__()


def filled(node: Any, names: dict[str, Any]) -> Any:
    """The same with values in place of {…}; a text that is nothing else becomes the value."""
    if isinstance(node, dict):
        return {filled(key, names): filled(value, names) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(value, names) for value in node]
    if not isinstance(node, str):
        return node
    whole = re.fullmatch(r"\{([a-z_.]+)\}", node)
    if whole and whole.group(1) in names:
        return names[whole.group(1)]
    return re.sub(r"\{([a-z_.]+)\}", lambda found: str(names.get(found.group(1), found.group())), node)


def arranged(situation: dict[str, Any], names: dict[str, Any], root: Path) -> ClientMachine:
    settings = variables(names["plain"]) | filled(situation.get("set", {}), names)
    settings = {name: value for name, value in settings.items() if name not in situation.get("unset", ())}
    machine = ClientMachine(root, settings, names["token"])
    for name, text in names["certificates"].items():
        machine.put(f"{PKI}/{name}.pem", text, 0o600 if name.endswith("_key") else 0o644)
    values = {**names, "variables": settings, "exports": exports(settings)}
    for path, content in filled(situation.get("files", {}), values).items():
        machine.put(path, content)
    for path, mode in situation.get("modes", {}).items():
        machine.at(path).chmod(int(mode, 8))
    return machine


def found_of(result: dict[str, Any], severity: str) -> dict[str, str]:
    """All that was found of this severity, by id."""
    texts: dict[str, str] = {}
    for finding in result["findings"]:
        if finding["severity"] == severity:
            said = f"{finding['where']}: {finding['what']} {finding['next_step']}\n"
            texts[finding["id"]] = texts.get(finding["id"], "") + said
    return texts


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one["says"])
def test_a_faulty_situation_has_its_diagnosis(situation: dict[str, Any], names: dict[str, Any], tmp_path: Path) -> None:
    machine = arranged(situation, names, tmp_path)
    result = run_module(
        client_check,
        **machine.options(
            name="laptop-1",
            probe=not situation.get("unsent"),
            projects=[PROJECT] if any(path.startswith(PROJECT) for path in situation.get("files", {})) else [],
            environment=filled(situation.get("started", {}), names),
            expected=situation.get("expected", {}),
            timeout=SILENT_S if "silent" in str(situation) else TIMEOUT_S,
        ),
    )
    assert "failed" not in result, result
    wanted = {kind: filled(situation.get(kind, {}), names) for kind in ("errors", "warnings")}
    errors, warnings = found_of(result, "error"), found_of(result, "warning")
    assert set(errors) == set(wanted["errors"]), result["diagnosis"]
    assert set(warnings) >= set(wanted["warnings"])
    assert errors or set(warnings) == set(wanted["warnings"])
    for said, texts in ((errors, wanted["errors"]), (warnings, wanted["warnings"])):
        for name, words in texts.items():
            assert words in said[name]
    assert result["healthy"] == (not errors)
    assert not errors or result["probe"]["accepted"] in (False, not any(name.startswith("probe-") for name in errors))
    assert names["token"] not in result["printed"]
    assert "secret-of-somebody" not in result["printed"]


def test_the_table_is_long_enough() -> None:
    assert len({situation["says"] for situation in SITUATIONS}) == len(SITUATIONS) >= 40


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
@pytest.mark.parametrize("door", ["plain", "tls", "mutual"])
def test_a_sound_machine_is_found_sound_and_its_probe_accepted(
    names: dict[str, Any], tmp_path: Path, door: str, protocol: str
) -> None:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": names[door], "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    if door != "plain":
        settings["NODE_EXTRA_CA_CERTS"] = names["ca"]
    if door == "mutual":
        settings |= {"CLAUDE_CODE_CLIENT_CERT": names["client_cert"], "CLAUDE_CODE_CLIENT_KEY": names["client_key"]}
    machine = arranged({"set": settings}, names, tmp_path)
    result = run_module(client_check, **machine.options(timeout=TIMEOUT_S))
    assert result["findings"] == []
    assert (result["healthy"], result["changed"]) == (True, False)
    for signal in ("metrics", "logs"):
        one = result["probe"]["signals"][signal]
        assert one["accepted"], one
        assert one["url"] == f"{names[door]}/v1/{signal}"
        assert 0 < one["latency_ms"] < TIMEOUT_S * 1000
    assert "answers within" in result["diagnosis"]
    (enabled,) = (one for one in result["settings"] if one["name"] == "CLAUDE_CODE_ENABLE_TELEMETRY")
    assert (enabled["value"], enabled["scope"], enabled["path"]) == ("1", "managed", MANAGED)


def test_what_a_project_was_given_is_in_force_in_it(names: dict[str, Any], tmp_path: Path) -> None:
    name, value = "OTEL_RESOURCE_ATTRIBUTES", "team=web,host.name=laptop-1"
    machine = arranged({"unset": [name]}, names, tmp_path)
    machine.put(f"{PROJECT}/.claude/settings.json", {"env": {name: value}})
    for wanted, in_force in ((value, True), ("team=data", False)):
        options = machine.options(projects=[PROJECT], expected={name: wanted}, probe=False)
        result = run_module(client_check, **options)
        assert (result["in_force"], result["healthy"]) == (in_force, in_force), result["diagnosis"]


def test_over_grpc_it_says_what_it_cannot_prove(names: dict[str, Any], tmp_path: Path) -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": names["plain.grpc"]}
    token = {"OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {names['token']}"}
    files = {MANAGED: {"env": "{variables}"}}
    machine = arranged({"set": endpoint | token, "files": files}, names, tmp_path)
    result = run_module(client_check, **machine.options(timeout=TIMEOUT_S))
    assert result["healthy"], result["diagnosis"]
    assert "is shown by the first real session" in result["diagnosis"]
    assert {one["status"] for one in result["probe"]["signals"].values()} == {"HTTP/2"}


def test_check_mode_sends_no_probe(names: dict[str, Any], tmp_path: Path) -> None:
    machine = arranged({}, names, tmp_path)
    result = run_module(client_check, check_mode=True, **machine.options(timeout=TIMEOUT_S))
    assert result["healthy"]
    assert not result["probe"]["sent"]
    assert "no probe was sent" in result["diagnosis"]
