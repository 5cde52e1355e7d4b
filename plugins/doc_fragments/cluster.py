# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - File on the target host that says how to reach the cluster.
      - Where neither this nor O(context) nor O(host) is set, a pod's own access is taken, else what C(KUBECONFIG) or
        C(~/.kube/config) say.
      - Taken from E(K8S_AUTH_KUBECONFIG) when not set.
    type: path
  context:
    description:
      - Context in the file. Its current one when not set.
      - Taken from E(K8S_AUTH_CONTEXT) when not set.
    type: str
  host:
    description:
      - Address of the API, such as V(https://api.example.com:6443). No file is read where this is set and
        neither O(kubeconfig) nor O(context).
      - Taken from E(K8S_AUTH_HOST) when not set.
    type: str
  api_key:
    description:
      - Token for the API.
      - Taken from E(K8S_AUTH_API_KEY) when not set.
    type: str
  ca_cert:
    description:
      - PEM file of the authority that issued the API's certificate. The system's own when nothing says which.
      - Taken from E(K8S_AUTH_SSL_CA_CERT) when not set.
    type: path
    aliases: [ssl_ca_cert]
  validate_certs:
    description:
      - Whether the API's certificate must be trusted. It is, unless the kubeconfig says otherwise, when not set.
      - Taken from E(K8S_AUTH_VERIFY_SSL) when not set.
    type: bool
    aliases: [verify_ssl]
  timeout:
    description:
      - Seconds to wait for each answer.
      - A request is sent twice where the connection fails.
    type: float
    default: 30.0
requirements:
  - The Python package C(kubernetes), 24.2.0 or newer, on the target host, where a cluster is read.
"""
