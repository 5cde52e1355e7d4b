# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How scc_info is let in to a cluster, and what it says where it is not."""

from __future__ import annotations

import base64
import builtins
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.answering_server import AnsweringServer
from support.certificates import Authority
from support.scc_api import NOT_FOUND, TOKEN, VERSION, ask, kubeconfig, nowhere


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere(monkeypatch, tmp_path)


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    with AnsweringServer() as running:
        yield running


def test_a_kubeconfig_is_read_with_its_context(server, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", server.url)
    result = ask(server, NOT_FOUND, VERSION, host=None, api_key=None, kubeconfig=str(file), context="this")
    assert result["available"] is False
    assert server.received[0].headers["authorization"] == f"Bearer {TOKEN}"
    other = ask(server, host=None, api_key=None, kubeconfig=str(file), context="")
    assert "The API at http://127.0.0.1:1 cannot be reached" in other["msg"]


def test_a_token_with_a_line_break_is_taken_without_it_and_an_impossible_one_is_not_shown(server) -> None:
    assert ask(server, NOT_FOUND, VERSION, api_key=f"{TOKEN}\n")["available"] is False
    assert server.received[0].headers["authorization"] == f"Bearer {TOKEN}"
    for token in (f"{TOKEN}\nX: y", f"{TOKEN}✓"):
        assert "has characters that no HTTP header can have" in ask(server, api_key=token)["msg"]


def test_variables_of_the_environment_say_it_as_well(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", str(kubeconfig(tmp_path / "config", server.url)))
    monkeypatch.setenv("K8S_AUTH_CONTEXT", "this")
    assert ask(server, NOT_FOUND, VERSION, host=None, api_key=None)["available"] is False


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_an_authority_of_its_own_is_trusted_where_it_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    ca_file = str(authority.ca_file)
    with AnsweringServer(tls=context) as server:
        assert ask(server, NOT_FOUND, VERSION, ca_cert=ca_file)["available"] is False
        assert ask(server, NOT_FOUND, VERSION, validate_certs=False)["available"] is False
        untrusted = ask(server)
        assert f"The certificate of the API at {server.url} is not trusted" in untrusted["msg"]
        assert "Give the authority that issued it as ca_cert" in untrusted["msg"]
        data = base64.b64encode(authority.ca_file.read_bytes()).decode()
        file = kubeconfig(tmp_path / "config", server.url, **{"certificate-authority-data": data})
        options = {"host": None, "api_key": None, "kubeconfig": str(file), "context": "this"}
        assert ask(server, NOT_FOUND, VERSION, **options)["available"] is False
        assert "There is no file /none.pem with a certificate authority" in ask(server, ca_cert="/none.pem")["msg"]
        (tmp_path / "no.pem").write_text("nothing")
        broken = ask(server, ca_cert=str(tmp_path / "no.pem"))
        assert f"TLS with the API at {server.url} fails" in broken["msg"]
        assert "the certificates and keys in ca_cert and the kubeconfig" in broken["msg"]


def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca_file))
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    context.verify_mode = ssl.CERT_REQUIRED
    certificate, key = authority.issue("client")
    with AnsweringServer(tls=context) as server:
        file = kubeconfig(tmp_path / "config", server.url, **{"certificate-authority": str(authority.ca_file)})
        options = {"host": None, "api_key": None, "kubeconfig": str(file), "context": "this"}
        assert f"TLS with the API at {server.url} fails" in ask(server, **options)["msg"]
        content = yaml.safe_load(file.read_text())
        content["users"][0]["user"] = {"client-certificate": str(certificate), "client-key": str(key)}
        file.write_text(yaml.safe_dump(content))
        assert ask(server, NOT_FOUND, VERSION, **options)["available"] is False
        key.write_text("nothing")
        assert f"TLS with the API at {server.url} fails: [SSL] PEM lib" in ask(server, **options)["msg"]


def test_a_pod_has_access_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setattr("kubernetes.config.incluster_config.SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr("kubernetes.config.incluster_config.SERVICE_CERT_FILENAME", str(authority.ca_file))
    with AnsweringServer(tls=context) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        assert ask(server, NOT_FOUND, VERSION, host=None, api_key=None)["available"] is False
        assert server.received[0].headers["authorization"].lower() == f"bearer {TOKEN}"


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (None, {}, "There is no kubeconfig {file}, and this is no pod with access of its own."),
        ("", {}, "The kubeconfig {file} cannot be used"),
        ("[", {}, "The kubeconfig {file} cannot be used"),
        ("- 1\n", {}, "The kubeconfig {file} cannot be used"),
        ("{}", {}, "The kubeconfig {file} cannot be used"),
        ("a", {"context": "none"}, "The kubeconfig {file} cannot be used"),
        ("kubeconfig", {"context": "none"}, "The kubeconfig {file} has no context 'none'. It has this, other."),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_named(
    server, tmp_path: Path, content: str | None, options: dict[str, Any], words: str
) -> None:
    file = tmp_path / "config"
    if content == "kubeconfig":
        kubeconfig(file, server.url)
    elif content is not None:
        file.write_text(content)
    result = ask(server, host=None, api_key=None, kubeconfig=str(file), **options)
    assert words.format(file=file) in result["msg"]
    assert result["sent"] == []


def test_a_machine_without_any_access_is_told_how_to_give_it(server) -> None:
    result = ask(server, host=None, api_key=None)
    assert "Name one in kubeconfig, or give host and api_key." in result["msg"]


@pytest.mark.parametrize(
    ("package", "options"), [("kubernetes.client", {}), ("yaml", {"definition": "kind: A", "host": None})]
)
def test_a_host_is_told_what_it_lacks(
    server, monkeypatch: pytest.MonkeyPatch, package: str, options: dict[str, Any]
) -> None:
    load = builtins.__import__

    def without(name: str, *details: Any, **more: Any) -> Any:
        if name == package:
            raise ImportError(name)
        return load(name, *details, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    wanted = {"kubernetes.client": "kubernetes", "yaml": "PyYAML"}[package]
    assert f"Failed to import the required Python library ({wanted})" in ask(server, **options)["msg"]
