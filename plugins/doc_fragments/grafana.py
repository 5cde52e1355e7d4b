# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  action_group:
    description: C(group/observability.claude_code.grafana) in C(module_defaults) sets the connection of all modules for
      Grafana at once.
    support: full
    membership: [observability.claude_code.grafana]
options:
  url:
    description:
      - Address of Grafana, such as V(https://grafana.example.com), with the path of its C(root_url) where it has one.
      - The environment's proxy settings apply, except to this machine's own addresses. Redirects are not followed.
    type: str
    required: true
  token:
    description:
      - Token of a service account. It belongs to one organisation.
      - Either this, or O(username) and O(password).
    type: str
  username:
    description: User that signs in with a password.
    type: str
  password:
    description:
      - The user's password.
      - After five wrong ones within five minutes Grafana refuses the right one too, so a wrong one is sent once only.
    type: str
  org_id:
    description:
      - Number of the organisation. The user's current one, or the token's, when not set.
      - With O(token) it is only compared with the token's own organisation, since a token reaches no other.
    type: int
  ca_file:
    description:
      - PEM file on the target host of the certificate authority that issued Grafana's certificate. The system's own
        when not set.
    type: path
  client_cert:
    description: PEM file of the client certificate, where Grafana asks for one. It may hold the key as well.
    type: path
  client_key:
    description: PEM file of the client certificate's key.
    type: path
  timeout:
    description:
      - Seconds to wait for each answer.
      - A request is sent up to four times while the connection fails or the server says that it has no time.
    type: float
    default: 30.0
"""
