# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no result of client_check is refused with what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._client_coverage import Client

ERROR = {"severity": "error", "where": "/x", "what": "It is broken.", "next_step": "Mend it."}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"probe": "x"}, "probe of the client laptop is no dictionary"),
        ({"probe": {"signals": "x"}}, "probe.signals of the client laptop is no dictionary"),
        ({"probe": {"signals": {"logs": "x"}}}, "probe.signals.logs of the client laptop is no dictionary"),
        ({"findings": "x"}, "findings of the client laptop is no list"),
        ({"findings": ["x"]}, r"findings\[0\] of the client laptop is no dictionary"),
        ({"findings": [ERROR, {"severity": "error", "what": "x"}]}, r"findings\[1\] .* has no where and no next_step"),
        ({"since": "x"}, "since of the client laptop is 'x', which is no time"),
    ],
)
def test_what_client_check_never_returned_is_refused(part: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"{said}.*Give what client_check returned"):
        Client.of({"machine": "laptop", **part})


def test_what_client_check_returned_is_taken() -> None:
    found = Client.of({"machine": "laptop", "in_force": True, "since": 1.5, "findings": [ERROR], "probe": None})
    assert (found.in_force, found.since, found.faults) == (True, 1.5, ("/x: It is broken. Mend it.",))
    assert Client.of({"machine": "laptop", "error": "No route."}).faults == ()
