# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # For modules that read from Prometheus alone.
    PROMETHEUS = r"""
options:
  prometheus:
    description: How to read from Prometheus.
    type: dict
    required: true
    suboptions:
      url:
        description: Address, such as V(http://127.0.0.1:9090). The environment's proxies
          apply, except to this machine's own addresses. Redirects are not followed.
        type: str
        required: true
      username:
        description: User, where the server wants one.
        type: str
      password:
        description: The user's password.
        type: str
      bearer_token:
        description: Token, where the server wants one instead of a user.
        type: str
      ca_file:
        description: PEM file on the target host of the authority that issued the server's certificate. The
          system's own when not set.
        type: path
      tenant:
        description: Tenant, where the server has several.
        type: str
  catalogue:
    description: The catalogue of metrics and dashboards, as C(lookup('observability.claude_code.catalogue', 'sources'))
      gives it.
    type: dict
    required: true
"""

    # What a module wants besides that reads from the whole stack. A fragment cannot refer to another one's options.
    DOCUMENTATION = r"""
options:
  loki:
    description: How to read from Loki.
    type: dict
    required: true
    suboptions:
      url:
        description: Address, such as V(http://127.0.0.1:3100).
        type: str
        required: true
      username:
        description: User, where the server wants one.
        type: str
      password:
        description: The user's password.
        type: str
      bearer_token:
        description: Token, where the server wants one instead of a user.
        type: str
      ca_file:
        description: PEM file on the target host of the authority that issued the server's certificate. The
          system's own when not set.
        type: path
      tenant:
        description: Tenant, where the server has several.
        type: str
  deliveries:
    description: How metrics reach Prometheus. The first is the primary; each further one is a redundant copy.
    type: list
    elements: str
    choices: [otlp, scrape, remote_write]
    default: [otlp]
  range:
    description: How far to look back, as a duration of Prometheus such as V(24h).
    type: str
    default: 24h
  timeout:
    description: Seconds to wait for each answer.
    type: float
    default: 30.0
"""
