#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ingest_token
short_description: Issue, rotate and revoke the named tokens that clients send telemetry with
version_added: 0.1.0
description:
  - Keeps the file of tokens of a collector whose C(bearertokenauth) names it as C(filename). The collector reads it
    again when it changes, so nothing is restarted.
  - A rotation has two steps. O(state=rotated) puts a new token beside the old one, and both are taken. When the new one
    has been rolled out to the clients, O(state=settled) revokes the old one.
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
      mode.
    support: full
    details: Fingerprints stand in for the tokens.
options:
  path:
    description: The file, which must exist. Its owner and mode stay.
    type: path
    required: true
  name:
    description: Whose token it is, such as a team or a machine. Without it nothing changes and all are listed.
    type: str
  state:
    description:
      - V(present) has a token of this name and V(absent) none.
      - V(rotated) has a second one, V(settled) the newest alone. While a name has two, V(rotated) makes no third,
        whether or not O(token) is given.
    type: str
    choices: [present, rotated, settled, absent]
    default: present
  token:
    description: The token that the name shall have as its newest. Made at random when not given.
    type: str
  reveal:
    description: Whether to return the tokens themselves. Set C(no_log) on the task then.
    type: bool
    default: false
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Issue a token for a team
  observability.claude_code.ingest_token:
    path: /etc/claude-code-observability/otel_collector/ingest-tokens
    name: platform-team

- name: Put a new token beside it
  observability.claude_code.ingest_token:
    path: /etc/claude-code-observability/otel_collector/ingest-tokens
    name: platform-team
    state: rotated

- name: Revoke the old one
  observability.claude_code.ingest_token:
    path: /etc/claude-code-observability/otel_collector/ingest-tokens
    name: platform-team
    state: settled
"""

RETURN = r"""
tokens:
  description: All names with what can be told of their tokens, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Whose tokens they are.
      type: str
    issued:
      description: The day of each; empty where it is not known.
      type: list
      elements: str
    fingerprints:
      description: The first characters of each token's SHA-256.
      type: list
      elements: str
newest:
  description: The newest token of each name.
  returned: with O(reveal=true)
  type: dict
"""

import contextlib
import datetime
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.observability.claude_code.plugins.module_utils._client_files import (
    ClientFilesError,
    Content,
    read,
    refusal,
    write,
)
from ansible_collections.observability.claude_code.plugins.module_utils._ingest_tokens import (
    STATES,
    TokenError,
    Tokens,
    alone,
)


def listed(tokens: Tokens) -> str:
    return "".join(f"{one['name']}: {' '.join(one['fingerprints'])} (newest first)\n" for one in tokens.report())


def run(module: AnsibleModule) -> dict:
    params = module.params
    path = params["path"]
    with contextlib.ExitStack() as held:
        try:
            # Who only lists needs no lock: a write replaces the file in one step.
            if params["name"] and not module.check_mode and os.path.exists(path):
                held.enter_context(alone(path))
            return keep(module, path, read(path))
        except OSError as error:
            raise refusal(path, error) from error


def keep(module: AnsibleModule, path: str, content: Content) -> dict:
    params = module.params
    if content.data is None:
        raise TokenError(f"{path} is not there. Install the collector first, with playbooks/site.yml.")
    before = Tokens.parse(path, content.data.decode("utf-8", "surrogateescape"))
    after = before
    if params["name"]:
        today = datetime.date.today().isoformat()
        after = before.wanted(params["state"], params["name"], today, params["token"])
    if after != before and not module.check_mode:
        data = after.text().encode("utf-8", "surrogateescape")
        write(path, Content(data, content.mode, content.uid, content.gid))
    result = dict(changed=after != before, tokens=after.report())
    result["diff"] = dict(before=listed(before), after=listed(after), before_header=path, after_header=path)
    if params["reveal"]:
        result["newest"] = {one["name"]: after.named(one["name"])[0].value for one in result["tokens"]}
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            path=dict(type="path", required=True),
            name=dict(type="str"),
            state=dict(type="str", choices=list(STATES), default="present"),
            token=dict(type="str", no_log=True),
            reveal=dict(type="bool", default=False),
        ),
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except (TokenError, ClientFilesError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
