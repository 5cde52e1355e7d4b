# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  endpoint:
    description:
      - Address of the collector's OTLP receiver, such as V(http://127.0.0.1:4318) or
        V(https://collector.example.com:4318).
      - Without C(/v1/metrics) or C(/v1/logs); these are added over HTTP.
      - The environment's proxy settings apply, except to this machine's own addresses.
    type: str
    required: true
  token:
    description: Bearer token for the receiver.
    type: str
  token_file:
    description:
      - File on the target host whose first token is sent.
      - It has the collector's own format, one token a line, of which the first word counts. Lines that begin with
        C(#) are skipped.
    type: path
  protocol:
    description:
      - How the telemetry is sent. V(http/json) needs no further library.
      - V(http/protobuf) needs the Python package C(opentelemetry-proto) on the target host, V(grpc) also C(grpcio).
    type: str
    choices: [http/json, http/protobuf, grpc]
    default: http/json
  compression:
    description: Compression of the requests.
    type: str
    choices: [none, gzip]
    default: none
  ca_file:
    description:
      - PEM file of the certificate authority that issued the collector's certificate. The system's own when not set.
    type: path
  client_cert:
    description: PEM file of the client certificate, where the collector asks for one. It may hold the key as well.
    type: path
  client_key:
    description: PEM file of the client certificate's key.
    type: path
  timeout:
    description: Seconds to wait for each answer.
    type: float
    default: 10.0
"""
