# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kubernetes control plane on this machine: the real programs, and kwok in place of kubelets.

Nothing runs in its pods, which are ready as soon as they have a node. No logs, no exec, no network. A port-forward ends
where a ClusterPortForward says.
"""

from __future__ import annotations

import json
import secrets
import shutil
import ssl
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.certificates import Authority
from support.cluster_programs import SOURCES, Programs
from support.stack import HOST, StackError, free_ports, until

# The first address of the range is that of the Service `kubernetes`.
SERVICES = "10.96.0.0/16"
SERVICE_NAMES = ("localhost", "kubernetes.default.svc", "10.96.0.1")
ISSUER = "https://kubernetes.default.svc"
# Who may do everything, and somebody who is known and may do nothing.
ADMINISTRATOR, STRANGER = "administrator", "stranger"


def listed(name: str) -> list[dict[str, Any]]:
    """The objects of a file in tests/files/kubernetes."""
    return yaml.safe_load((SOURCES / name).read_text())


class ControlPlane:
    """Runs in ``folder`` while it is entered. ``kubeconfig`` gives the file of each user."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        self.api_port, self._etcd_port, self._peer_port, self._node_port = free_ports(4)
        self.tokens = {user: secrets.token_urlsafe(24) for user in (ADMINISTRATOR, STRANGER)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        authority = Authority(folder)
        self.ca_file = authority.ca_file
        self._certificate, self._key = authority.issue(HOST, *SERVICE_NAMES)
        self._accounts_key = folder / "accounts.key"
        _write_secret(self._accounts_key, _new_key())
        groups = {ADMINISTRATOR: "system:masters", STRANGER: "strangers"}
        rows = [f"{token},{user},{user},{groups[user]}" for user, token in self.tokens.items()]
        _write_secret(folder / "tokens.csv", "\n".join(rows))
        # Kwok wants documents, which a file of the collection may not have: ansible-test refuses them.
        self._stages = folder / "stages.yml"
        self._stages.write_text(yaml.safe_dump_all(listed("stages.yml")))
        for user in self.tokens:
            _write_secret(self.kubeconfig(user), json.dumps(self._access(user)))

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.api_port}"

    def kubeconfig(self, user: str = ADMINISTRATOR) -> Path:
        return self.folder / f"{user}.kubeconfig"

    def __enter__(self) -> ControlPlane:
        try:
            for name, command in self._commands().items():
                self._start(name, command)
                if name == "kube-apiserver":
                    # The others would end if it did not answer yet.
                    until(self._ready, 300, lambda: f"the API server is ready\n{self.log('kube-apiserver')}")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()

    def log(self, program: str, characters: int = 4000) -> str:
        """The end of what it wrote."""
        return (self.folder / f"{program}.log").read_text(errors="replace")[-characters:]

    def failed(self) -> list[str]:
        """Programs that have ended though nobody stopped them."""
        return [name for name, process in self._processes.items() if process.poll() is not None]

    def _commands(self) -> dict[str, list[str | Path]]:
        etcd, peer = (f"http://{HOST}:{port}" for port in (self._etcd_port, self._peer_port))
        kube, kubeconfig = self.programs.kube, f"--kubeconfig={self.kubeconfig()}"
        # No port of their own.
        alone: list[str | Path] = [kubeconfig, "--leader-elect=false", f"--bind-address={HOST}", "--secure-port=0"]
        return {
            "etcd": [
                *(kube, "etcd", f"--data-dir={self.folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn"),
                *(f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}"),
                *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
                f"--initial-cluster=default={peer}",
            ],
            "kube-apiserver": [
                *(kube, "kube-apiserver", f"--etcd-servers={etcd}"),
                *(f"--bind-address={HOST}", f"--advertise-address={HOST}", f"--secure-port={self.api_port}"),
                *(f"--tls-cert-file={self._certificate}", f"--tls-private-key-file={self._key}"),
                *(f"--token-auth-file={self.folder / 'tokens.csv'}", "--authorization-mode=RBAC"),
                *("--anonymous-auth=false", f"--service-account-issuer={ISSUER}"),
                f"--service-account-key-file={self._accounts_key}",
                f"--service-account-signing-key-file={self._accounts_key}",
                *(f"--service-cluster-ip-range={SERVICES}", "--endpoint-reconciler-type=none", "--profiling=false"),
                # Their names are known to nobody.
                "--kubelet-preferred-address-types=InternalIP",
            ],
            "kube-controller-manager": [
                *(kube, "kube-controller-manager", *alone, f"--root-ca-file={self.ca_file}"),
                *(f"--service-account-private-key-file={self._accounts_key}", "--profiling=false"),
            ],
            "kube-scheduler": [kube, "kube-scheduler", *alone],
            "kwok": [
                *(self.programs.kwok, kubeconfig, "--manage-all-nodes=true", "--node-lease-duration-seconds=40"),
                f"--config={self._stages}",
                # The API server reaches all nodes there, as it would their kubelets.
                *(f"--node-ip={HOST}", f"--node-port={self._node_port}"),
                *(f"--server-address={HOST}:{self._node_port}", "--enable-crds=ClusterPortForward"),
                *(f"--tls-cert-file={self._certificate}", f"--tls-private-key-file={self._key}"),
            ],
        }

    def _start(self, name: str, command: list[str | Path]) -> None:
        # Where there is setpriv they end with the tests even when those are killed.
        dying = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*dying, *command],
                cwd=self.folder,
                # Kwok reads more settings below HOME.
                env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _stop(self) -> None:
        # What they have stored goes away with the folder: no reason to let them end in good order.
        for process in reversed(self._processes.values()):
            process.kill()
        for process in self._processes.values():
            process.wait(60)
        self._processes.clear()

    def _ready(self) -> bool:
        if failed := self.failed():
            raise StackError(f"{failed[0]} ended:\n{self.log(failed[0])}")
        request = urllib.request.Request(
            f"{self.url}/readyz", headers={"Authorization": f"Bearer {self.tokens[ADMINISTRATOR]}"}
        )
        try:
            trust = ssl.create_default_context(cafile=str(self.ca_file))
            with urllib.request.urlopen(request, timeout=5, context=trust) as reply:
                return reply.status == 200
        except OSError:
            return False

    def _access(self, user: str) -> dict[str, object]:
        """A kubeconfig."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "tests",
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": user}}],
            "clusters": [
                {"name": "tests", "cluster": {"server": self.url, "certificate-authority": str(self.ca_file)}}
            ],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
        }


def _new_key() -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form).decode()


def _write_secret(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
