# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to judge the constraints of a large cluster. `make bench` prints it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._scc_blocks import Namespaces
from ansible_collections.observability.claude_code.plugins.module_utils._scc_report import Constraints, judge
from support.scc import HEALTHY, cases, namespace, scc

SCCS, NAMESPACES = 500, 2000
LIMIT_S = 3.0


def healthy(_number: int) -> dict[str, str]:
    return HEALTHY


def one_in_ten_broken(number: int) -> dict[str, str]:
    return HEALTHY if number % 10 else {"uid-range": "x", "supplemental-groups": "", "mcs": ""}


def all_broken(_number: int) -> dict[str, str]:
    return {}


@pytest.mark.parametrize("annotations", [healthy, one_in_ten_broken, all_broken])
def test_a_large_cluster_is_judged_at_once(annotations: Callable[[int], dict[str, str]]) -> None:
    table = [case for case in cases() if not case.planned]
    sccs = [scc(f"scc-{number}", **table[number % len(table)].scc) for number in range(SCCS)]
    things = [namespace(f"namespace-{number}", annotations(number)) for number in range(NAMESPACES)]
    answers: tuple[list[Any], list[Any]] = json.loads(json.dumps([sccs, things]))
    began = time.process_time()
    result = judge([Constraints(one) for one in answers[0]], Namespaces.of(answers[1]))
    judged = time.process_time() - began
    written = json.dumps(result)
    took = time.process_time() - began
    print(
        f"\n{SCCS} SCCs x {NAMESPACES} namespaces, {annotations.__name__}: judged in {judged:.3f} s of CPU, "
        f"with the answer written ({len(written) / 1e6:.1f} MB, {len(result['problems'])} problems) {took:.3f} s"
    )
    assert (result["checked"], result["namespaces_checked"]) == (SCCS, NAMESPACES)
    assert took < LIMIT_S
