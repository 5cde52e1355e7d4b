# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test cluster: a real Kubernetes API with controllers and scheduler, whose nodes are played by kwok.

The fixture `cluster` (support.running) has one for all tests of a process. Pods are Running as soon as they have a
node, claims Bound as soon as they are made. No program ever starts in a pod: no log, exec or network. Ports of pods are
where a test says (`forwards`), so that a port-forward reaches real servers.

    def test_it(cluster: Cluster) -> None:
        with cluster.namespace("monitoring") as name:         # made, and deleted with all that is in it
            printed = cluster.playbook("site.yml", "--check", stack_scale="distributed")
            found = cluster.read("apps/v1", "Deployment", "otel-collector", name)
            cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": name}})
            with cluster.forwards(name, {3100: port}):            # kubectl port-forward service/loki :3100
                ...

    def test_on_openshift(openshift: Cluster) -> None:        # the same one, meanwhile with what OpenShift has

`cluster.playbook` runs a playbook of the checkout on localhost, with stack_platform and stack_kubeconfig set. What else
talks to the cluster, such as `ansible-playbook` run by support.checkout.run, takes `env=cluster.environment()`: it has
KUBECONFIG, and helm and kubectl in PATH with folders of their own. The collection kubernetes.core is where playbooks
look for it. A module run in this process takes `kubeconfig=str(cluster.kubeconfig)`; `cluster.stranger` is the
kubeconfig of somebody who may do nothing. `cluster.objects()` lists what there is, to show what a playbook leaves.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient, CoreV1Api
from kubernetes.config import new_client_from_config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ApiException, NotFoundError, ResourceNotFoundError
from kubernetes.dynamic.resource import ResourceList
from kubernetes.stream import portforward
from support.checkout import for_playbooks, run
from support.cluster_programs import programs
from support.control_plane import ADMINISTRATOR, STRANGER, ControlPlane, listed
from support.kubernetes_core import provide
from support.stack import HOST, until

FIELD_MANAGER = "tests"
# Whether a playbook runs long or hangs.
PLAYBOOK_S = 1200
# They come and go by themselves.
TRANSIENT = {"Event", "Lease", "EndpointSlice", "Endpoints", "ReplicaSet", "ControllerRevision", "Pod", "PodMetrics"}


class Cluster:
    """``helm``, ``kubectl`` and ``kubeconfig`` are files, ``client`` is the kubernetes package's."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self.folder = plane, plane.folder
        self.helm: Path = plane.programs.helm
        self.kubectl: Path = plane.programs.kubectl
        self.kubeconfig = plane.kubeconfig(ADMINISTRATOR)
        self.stranger = plane.kubeconfig(STRANGER)
        self.client: ApiClient = new_client_from_config(str(self.kubeconfig))
        # A file of its own: by default it would be shared by all clusters that ever had this port.
        self._dynamic = DynamicClient(self.client, cache_file=str(self.folder / "discovery.json"))

    def environment(self, **changes: str | None) -> dict[str, str]:
        """For programs that talk to the cluster; no setting of the user's own reaches them."""
        env = for_playbooks()
        env["PATH"] = f"{self.helm.parent}{os.pathsep}{env['PATH']}"
        env["KUBECONFIG"] = str(self.kubeconfig)
        folders = {f"HELM_{name}_HOME": self.folder / f"helm-{name.lower()}" for name in ("CACHE", "CONFIG", "DATA")}
        # kubernetes.core keeps there what it has found out about a server, by its address.
        for name, folder in {**folders, "TMPDIR": self.folder / "temporary"}.items():
            folder.mkdir(exist_ok=True)
            env[name] = str(folder)
        return {name: value for name, value in {**env, **changes}.items() if value is not None}

    def playbook(self, name: str, *arguments: str, **variables: Any) -> str:
        """What playbooks/``name`` printed."""
        given = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            # Files for servers that others run.
            "stack_prefix": str(self.folder / "stack"),
            "stack_platform": "kubernetes",
            "stack_kubeconfig": str(self.kubeconfig),
            **variables,
        }
        inventory = self.folder / f"inventory-{secrets.token_hex(4)}.json"
        inventory.write_text(json.dumps({"claude_code_stack": {"hosts": {"localhost": {}}, "vars": given}}))
        command = ("ansible-playbook", "-i", inventory, f"playbooks/{name}", *arguments)
        return run(*command, env=self.environment(), timeout=PLAYBOOK_S)

    # --- objects ---

    def apply(self, *objects: dict[str, Any]) -> list[dict[str, Any]]:
        """Server-side, as the field manager of the tests; the objects as they are stored."""
        return [self._applied(one) for one in objects]

    def _applied(self, one: dict[str, Any]) -> dict[str, Any]:
        where = one["metadata"].get("namespace")
        kind = self._kind(one["apiVersion"], one["kind"])
        stored = kind.server_side_apply(one, namespace=where, field_manager=FIELD_MANAGER, force_conflicts=True)
        return stored.to_dict()

    def create(self, one: dict[str, Any]) -> dict[str, Any]:
        """As it stands here, nulls included; it must not be there."""
        kind = self._kind(one["apiVersion"], one["kind"])
        return kind.create(one, namespace=one["metadata"].get("namespace")).to_dict()

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        return self._kind("v1", "Pod").get(namespace=namespace, label_selector=selector).to_dict()["items"]

    def read(self, version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """The object; None where there is none."""
        try:
            return self._kind(version, kind).get(name=name, namespace=namespace).to_dict()
        except NotFoundError:
            return None

    def delete(self, version: str, kind: str, name: str, namespace: str | None = None, wait: bool = True) -> None:
        """And ``wait`` until it is gone; it need not be there."""
        try:
            self._kind(version, kind).delete(name=name, namespace=namespace)
        except NotFoundError:
            return
        if wait:
            until(lambda: self.read(version, kind, name, namespace) is None, 120, f"{kind} {name} is gone")

    def objects(self, selector: str = "", namespace: str | None = None) -> list[dict[str, Any]]:
        """What people and charts make, of all kinds, with these labels; of all namespaces if none is named."""
        # There may be other kinds than before.
        self._dynamic.resources.invalidate_cache()
        found, options = [], {} if namespace is None else {"namespace": namespace}
        for kind in self._dynamic.resources.search(preferred=True):
            subordinate = isinstance(kind, ResourceList) or "/" in kind.name or kind.kind in TRANSIENT
            if subordinate or "list" not in kind.verbs or (options and not kind.namespaced):
                continue
            known = {"apiVersion": kind.group_version, "kind": kind.kind}
            listed = kind.get(label_selector=selector, **options).to_dict()["items"]
            found += [{**known, **one} for one in listed]
        return found

    def wait(self, version: str, kind: str, name: str, namespace: str, seconds: float = 60) -> dict[str, Any]:
        """The Deployment or StatefulSet once all its pods are ready, or the claim once it is bound."""

        def there() -> dict[str, Any] | None:
            found = self.read(version, kind, name, namespace)
            return found if found and _settled(found) else None

        return until(there, seconds, lambda: f"{kind} {name} is ready: {self.read(version, kind, name, namespace)}")

    def _kind(self, version: str, kind: str) -> Any:
        try:
            return self._dynamic.resources.get(api_version=version, kind=kind)
        except ResourceNotFoundError:
            # It may have come since.
            self._dynamic.resources.invalidate_cache()
            return self._dynamic.resources.get(api_version=version, kind=kind)

    @contextmanager
    def forwards(self, namespace: str, ports: Mapping[int, int]) -> Iterator[None]:
        """Let a port-forward to a port of the namespace's pods, of which there must be one, end at one of this machine.

        Servers that speak HTTP must listen there.
        """
        kind = {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterPortForward"}
        ends = [{"ports": [port], "target": {"address": HOST, "port": own}} for port, own in ports.items()]
        self.apply(
            {
                **kind,
                "metadata": {"name": namespace},
                "spec": {"selector": {"matchNamespaces": [namespace]}, "forwards": ends},
            }
        )
        pod, port = self.pods(namespace)[0]["metadata"]["name"], min(ports)
        try:
            until(lambda: self._answers(pod, namespace, port), 60, lambda: f"{pod} answers\n{self.plane.log('kwok')}")
            yield
        finally:
            self.delete(kind["apiVersion"], kind["kind"], namespace)

    def _answers(self, pod: str, namespace: str, port: int) -> bool:
        call = CoreV1Api(self.client).connect_get_namespaced_pod_portforward
        with closing(portforward(call, pod, namespace, ports=str(port)).socket(port)) as connection:
            connection.settimeout(5)
            try:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return bool(connection.recv(65536))
            except OSError:
                return False

    # --- namespaces and OpenShift ---

    @contextmanager
    def namespace(self, name: str = "", create: bool = True, restricted: bool = True) -> Iterator[str]:
        """A namespace, of another name each time unless one is given, that holds its pods to the restricted level.

        Where a playbook makes it, ``create`` is false. It is deleted in any case, with all that is in it.
        """
        # That takes five seconds, which only who takes the same name again has to wait.
        wait = bool(name)
        name = name or f"tests-{secrets.token_hex(4)}"
        labels = {"pod-security.kubernetes.io/enforce": "restricted"} if restricted else {}
        if create:
            self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
            until(lambda: self.read("v1", "ServiceAccount", "default", name), 60, f"{name} has an account for its pods")
        try:
            yield name
        finally:
            self.delete("v1", "Namespace", name, wait=wait)

    @contextmanager
    def as_openshift(self) -> Iterator[None]:
        """What tests/files/kubernetes/openshift.yml says; gone again afterwards."""
        objects = listed("openshift.yml")
        try:
            self.apply(*objects)
            for one in objects:
                if one["kind"] == "CustomResourceDefinition":
                    self.served(one)
            # Policies take effect a moment after they are stored.
            until(self._gives_ranges, 60, "namespaces get the annotations of openshift.yml")
            with self.namespace(restricted=False) as name:
                until(lambda: self._holds_to_range(name), 60, "pods are judged by the policy of openshift.yml")
            yield
        finally:
            for one in reversed(objects):
                self.delete(one["apiVersion"], one["kind"], one["metadata"]["name"])
            until(lambda: not self._gives_ranges(), 60, "namespaces are without the annotations of openshift.yml again")
            self._dynamic.resources.invalidate_cache()

    def served(self, definition: dict[str, Any]) -> None:
        """Wait until the API has the kind that this CustomResourceDefinition defines."""
        group, kind = definition["spec"]["group"], definition["spec"]["names"]["kind"]

        def known() -> bool:
            try:
                self._kind(f"{group}/v1", kind).get()
            except (ApiException, ResourceNotFoundError):
                return False
            return True

        until(known, 60, f"the API has {kind}")

    def _gives_ranges(self) -> bool:
        made = self._kind("v1", "Namespace").create({"metadata": {"name": "tried"}}, dry_run="All").to_dict()
        return "openshift.io/sa.scc.uid-range" in made["metadata"].get("annotations", {})

    def _holds_to_range(self, namespace: str) -> bool:
        context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsUser": 1}
        context |= {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        container = {"name": "tried", "image": "registry.invalid/tried", "securityContext": context}
        pod = {"metadata": {"name": "tried"}, "spec": {"containers": [container]}}
        try:
            self._kind("v1", "Pod").create(pod, namespace=namespace, dry_run="All")
        except ApiException as error:
            if "ValidatingAdmissionPolicy" not in str(error.body):
                raise
            return True
        return False

    def nodes_ready(self) -> bool:
        """Whether pods can be placed on them: a node is tainted until it is ready."""
        nodes = self._kind("v1", "Node").get().to_dict()["items"]
        return bool(nodes) and not any(node["spec"].get("taints") for node in nodes)


def _settled(found: dict[str, Any]) -> bool:
    status = found.get("status", {})
    if found["kind"] == "PersistentVolumeClaim":
        return status.get("phase") == "Bound"
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return False
    wanted = found["spec"]["replicas"]
    return status.get("readyReplicas", 0) == status.get("updatedReplicas", 0) == status.get("replicas", 0) == wanted


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """The cluster while it is entered."""
    provide()
    with ControlPlane(programs(), folder) as plane:
        cluster = Cluster(plane)
        cluster.apply(*listed("cluster.yml"))
        until(cluster.nodes_ready, 60, lambda: f"the nodes are ready\n{plane.log('kwok')}")
        yield cluster
