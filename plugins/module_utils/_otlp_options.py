# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that talks to a collector; documented in plugins/doc_fragments/otlp.py."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import (
    COMPRESSIONS,
    PROTOCOLS,
    MissingLibraryError,
    OtlpClient,
    OtlpError,
)

MUTUALLY_EXCLUSIVE = [("token", "token_file")]
# A day. What is much longer the system does not take.
LONGEST_TIMEOUT_S = 86400
REQUIRED_BY = {"client_key": "client_cert"}


def argument_spec() -> dict[str, t.Any]:
    return dict(
        endpoint=dict(type="str", required=True),
        token=dict(type="str", no_log=True),
        token_file=dict(type="path", no_log=False),
        protocol=dict(type="str", choices=list(PROTOCOLS), default="http/json"),
        compression=dict(type="str", choices=list(COMPRESSIONS), default="none"),
        ca_file=dict(type="path"),
        client_cert=dict(type="path"),
        client_key=dict(type="path", no_log=False),
        timeout=dict(type="float", default=10.0),
    )


def client_maker(module: AnsibleModule) -> t.Callable[[], OtlpClient]:
    """Check the options now, and return what makes a client: each thread needs its own."""
    params = module.params
    try:
        token = params["token"] or (token_from(params["token_file"]) if params["token_file"] else None)
        if token:
            module.no_log_values.add(token)
        if not 0 < params["timeout"] <= LONGEST_TIMEOUT_S:
            raise OtlpError(
                f"timeout is {params['timeout']} seconds; give more than 0, and at most {LONGEST_TIMEOUT_S}."
            )

        def make() -> OtlpClient:
            return OtlpClient(
                params["endpoint"],
                token=token,
                protocol=params["protocol"],
                ca_file=params["ca_file"],
                client_cert=params["client_cert"],
                client_key=params["client_key"],
                timeout=params["timeout"],
                compression=params["compression"],
            )

        make().close()
    except MissingLibraryError as error:
        module.fail_json(msg=f"{missing_required_lib(error.package)} {error}")
    except OtlpError as error:
        module.fail_json(msg=str(error))
    return make


def token_from(path: str) -> str:
    """The first token of a file in the collector's format: one a line, its owner's name may follow."""
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                words = line.split()
                if words and not words[0].startswith("#"):
                    return words[0]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise OtlpError(f"The token file {path} cannot be read: {reason}.") from None
    raise OtlpError(f"The token file {path} holds no token; it has one a line.")
