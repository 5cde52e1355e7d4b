# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from the API of a cluster. How it is reached is the business of the Python package kubernetes."""

from __future__ import annotations

import json
import os
import typing as t
import urllib.parse
from dataclasses import dataclass

# Reads are sent again where a connection fails.
ATTEMPTS = 2


class ClusterError(Exception):
    """The cluster gave no usable answer; the message says which, why, and what to do."""


class MissingClientError(ClusterError):
    """The Python package kubernetes is not there."""


class ForbiddenError(ClusterError):
    """The user may not do that."""


class NotFoundError(ClusterError):
    """The API has no such path or object."""


@dataclass(frozen=True)
class ClusterAccess:
    """How to be let in. Without host, kubeconfig and context: as a pod of the cluster, or else as kubectl is."""

    kubeconfig: str | None = None
    context: str | None = None
    host: str | None = None
    api_key: str | None = None
    ca_cert: str | None = None
    validate_certs: bool | None = None
    timeout: float = 30.0


class Cluster:
    """The API of one cluster."""

    def __init__(self, access: ClusterAccess) -> None:
        """Nothing is sent yet. ClusterError where the access cannot be right."""
        try:
            import kubernetes.client
            import urllib3
        except ImportError:
            raise MissingClientError("The API of a cluster is read with it.") from None
        configuration = _configuration(access)
        self.url = _address(str(configuration.host)).rstrip("/")
        if access.timeout <= 0:
            raise ClusterError(f"timeout is {access.timeout:g} seconds; give more than 0.")
        self._timeout, self._configuration, self._exceptions = access.timeout, configuration, urllib3.exceptions
        self._retries = urllib3.Retry(total=ATTEMPTS - 1, redirect=False, status=0)
        # Its pool has the trust, the client certificate and the proxy, in old and new versions of the client.
        self._pool = kubernetes.client.ApiClient(configuration).rest_client.pool_manager

    def items(self, path: str, resource: str) -> list[t.Any]:
        """The items below a path; ``resource`` is what messages call them."""
        items = self._get(path, f"list {resource}").get("items")
        if items is not None and not isinstance(items, list):
            raise ClusterError(self._nonsense(path, 200, "its items are no list"))
        return items or []

    def find(self, path: str, what: str) -> dict[str, t.Any] | None:
        """The object at a path, None where there is none; ``what`` is what a refusal calls the right to it."""
        try:
            return self._get(path, what)
        except NotFoundError:
            return None

    def serves(self, group_version: str, plural: str) -> bool:
        """Whether the API has objects of this sort; ``group_version`` is like security.openshift.io/v1."""
        found = self.find(f"/apis/{group_version}", f"read /apis/{group_version}")
        if found is None:
            self._check_version()
        resources = (found or {}).get("resources")
        names = [one.get("name") for one in resources if isinstance(one, dict)] if isinstance(resources, list) else []
        return plural in names

    def _check_version(self) -> None:
        """What a Kubernetes API lacks is absent only where it is a Kubernetes API that says so."""
        version = self.find("/version", "read /version")
        if not version or "gitVersion" not in version:
            raise ClusterError(
                self._nonsense("/version", 200 if version else 404, "it states no version of Kubernetes")
            )

    def _get(self, path: str, what: str) -> dict[str, t.Any]:
        try:
            answer = self._pool.request(
                "GET",
                self.url + path,
                headers=self._headers(),
                timeout=self._timeout,
                retries=self._retries,
                redirect=False,
            )
        except (self._exceptions.HTTPError, OSError) as error:
            raise ClusterError(self._unreachable(error)) from None
        except ValueError:
            # The error itself may show the token.
            raise ClusterError(
                f"The token for {self.url} has characters that no HTTP header can have. Correct api_key, or the "
                "kubeconfig."
            ) from None
        try:
            found = json.loads(answer.data)
        except (ValueError, RecursionError):
            found = None
        said = (
            str(found.get("message") or "")
            if isinstance(found, dict)
            else _plain(answer.data.decode("utf-8", "replace"))
        )
        if answer.status == 401:
            raise ClusterError(
                f"The API at {self.url} does not accept the credentials (401{_said(said)}). Give an api_key that has "
                "not expired, or log in again, so that the kubeconfig has a new one."
            )
        if answer.status == 403:
            raise ForbiddenError(
                f"The API at {self.url} does not let this user {what} (403{_said(said)}). Bind a ClusterRole to the "
                f"user that allows to {what}."
            )
        if answer.status == 404:
            raise NotFoundError(f"The API at {self.url} has no {path}.")
        if answer.status != 200 or not isinstance(found, dict):
            raise ClusterError(self._nonsense(path, answer.status, said))
        return found

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "observability.claude_code"}
        for setting in self._configuration.auth_settings().values():
            if setting.get("in") == "header" and setting.get("value"):
                headers[setting["key"]] = setting["value"]
        return headers

    def _unreachable(self, error: Exception) -> str:
        reason = getattr(error, "reason", None) or error
        words = _plain(str(reason))
        if "CERTIFICATE_VERIFY_FAILED" in words:
            return (
                f"The certificate of the API at {self.url} is not trusted: {words}. Give the authority that issued it "
                "as ca_cert, or in the kubeconfig."
            )
        if isinstance(reason, self._exceptions.SSLError):
            return (
                f"TLS with the API at {self.url} fails: {words}. Check that it speaks TLS, and the certificates and "
                "keys in ca_cert and the kubeconfig."
            )
        if isinstance(reason, self._exceptions.TimeoutError) and not isinstance(
            reason, self._exceptions.NewConnectionError
        ):
            return (
                f"The API at {self.url} gave no answer in {self._timeout:g} s. Check that it is well, or raise timeout."
            )
        return (
            f"The API at {self.url} cannot be reached: {words}. Check host, kubeconfig and context, and "
            "that this machine reaches the address."
        )

    def _nonsense(self, path: str, status: int, said: str) -> str:
        return (
            f"What answers at {self.url}{path} ({status}) is not the API of a healthy cluster: {said[:200]!r}. Check "
            "host, kubeconfig and context, and the proxies on the way."
        )


def _configuration(access: ClusterAccess) -> t.Any:
    """A configuration of the client."""
    import kubernetes.client

    configuration = kubernetes.client.Configuration()
    if access.kubeconfig or access.context or not access.host:
        _load(access, configuration)
    if access.host:
        configuration.host = _address(access.host)
    if access.api_key:
        _set_token(configuration, access.api_key)
    if access.ca_cert:
        if not os.path.isfile(access.ca_cert):
            raise ClusterError(f"There is no file {access.ca_cert} with a certificate authority. Correct ca_cert.")
        configuration.ssl_ca_cert = access.ca_cert
    if access.validate_certs is not None:
        configuration.verify_ssl = access.validate_certs
        configuration.assert_hostname = None if access.validate_certs else False
    return configuration


def _set_token(configuration: t.Any, token: str) -> None:
    # The name of the only credential that there is differs between versions of the client.
    for name in ("BearerToken", "authorization"):
        configuration.api_key[name] = f"Bearer {token.strip()}"
    # A kubeconfig's own credential is not to come back when it would be renewed.
    configuration.refresh_api_key_hook = None


def _load(access: ClusterAccess, configuration: t.Any) -> None:
    """As kubernetes.core does: what is named, else a pod's own access, else what kubectl would take."""
    import kubernetes.config
    import yaml

    trouble = (
        kubernetes.config.ConfigException,
        yaml.YAMLError,
        OSError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    )
    if not access.kubeconfig and not access.context:
        try:
            kubernetes.config.load_incluster_config(client_configuration=configuration)
        except kubernetes.config.ConfigException:
            pass
        else:
            return
    try:
        kubernetes.config.load_kube_config(
            access.kubeconfig, access.context, client_configuration=configuration, persist_config=False
        )
    except trouble as error:
        raise ClusterError(_broken(access, error)) from None


def _broken(access: ClusterAccess, error: Exception) -> str:
    import kubernetes.config
    import yaml

    file = os.path.expanduser(access.kubeconfig or kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION)
    if not any(os.path.exists(os.path.expanduser(one)) for one in file.split(os.pathsep)):
        return (
            f"There is no kubeconfig {file}, and this is no pod with access of its own. Name one in kubeconfig, "
            "or give host and api_key."
        )
    try:
        with open(file, encoding="utf-8") as opened:
            content = yaml.safe_load(opened)
        contexts = [one["name"] for one in content["contexts"]]
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError):
        contexts = []
    if access.context and contexts and access.context not in contexts:
        return f"The kubeconfig {file} has no context {access.context!r}. It has {', '.join(map(str, contexts))}."
    return f"The kubeconfig {file} cannot be used: {_plain(str(error))}. Correct it, or name another in kubeconfig."


def _address(url: str) -> str:
    """The same, if it is one."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        parts = urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ClusterError(f"The address {url!r} is none. Write it like https://api.example.com:6443.")
    return url


def _said(words: str) -> str:
    return f": {words}" if words else ""


def _plain(text: str) -> str:
    """On one line, and not longer than a reader takes in."""
    return " ".join(text.split())[:300]
