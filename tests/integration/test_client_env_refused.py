# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that cannot work are refused before anything is written, each with what to do instead. One run shows all."""

from __future__ import annotations

from typing import Any

import pytest
from support.machines import Machines
from support.stack import Stack

# The variables of a machine, and what is said of them.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "endpoint": ({"client_env_endpoint": "telemetry:4318"}, 'client_env_endpoint is "telemetry:4318"'),
    "path": ({"client_env_endpoint": "http://host:4318/v1/logs"}, "must not end in /v1/metrics or /v1/logs"),
    "helper-over-grpc": ({"client_env_protocol": "grpc"}, "Over grpc the client drops the headers of a helper script"),
    "no-such-token": ({"client_env_token_name": "nobody"}, "There is no token named nobody"),
    "bad-token": ({"client_env_token": "has, a comma and more"}, "characters that no header may hold"),
    "no-reader": ({"client_env_users": []}, "Name client_env_users, who each get a file of their own"),
    "open-header": ({"client_env_token_via": "header"}, "Give client_env_group, or use client_env_token_via: helper"),
    "open-shell-file": (
        {"client_env_token_via": "header", "client_env_group": "root", "client_env_files": ["settings", "shell"]},
        "in the file of the shell or of systemd",
    ),
    "half-a-certificate": ({"client_env_client_key": "/etc/x.key"}, "client_env_client_key go together"),
    "no-project": ({"client_env_scope": "project"}, "Name the folder of the project"),
    "ca-of-a-user": (
        {"client_env_scope": "user", "client_env_ca_certificate": "-----BEGIN"},
        "the client does not expand ~ in it",
    ),
    "attribute": ({"client_env_attributes": {"a b": "c"}}, "Names of attributes are made of letters"),
    "misspelt-variable": ({"client_env_extra": {"OTEL_LOG_USER_PROMPT": "1"}}, "did you mean OTEL_LOG_USER_PROMPTS?"),
    "misspelt-name": (
        {"client_env_endpont": "https://host:4318"},
        "There is no variable client_env_endpont (did you mean client_env_endpoint?).",
    ),
    "misspelt-scope": (
        {"client_env_scope": "managd"},
        "value of client_env_scope must be one of: managed, user, project",
    ),
}


@pytest.fixture(scope="module")
def said(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    machines = Machines(
        tmp_path_factory.mktemp("machines"), stack, {name: given for name, (given, _said) in FAULTS.items()}
    )
    machines.make()
    rolled = machines.roll_out()
    assert rolled.code != 0
    assert [machine for machine in FAULTS if machines.everything(machine)] == []
    return " ".join(rolled.text.split())


@pytest.mark.parametrize("fault", FAULTS)
def test_is_refused_with_what_to_do(said: str, fault: str) -> None:
    line = said[said.index(f"{fault}: failed. ") :]
    others = [line.find(f"{other}: failed. ") for other in FAULTS if other != fault]
    assert FAULTS[fault][1] in line[: min((place for place in others if place > 0), default=len(line))]
