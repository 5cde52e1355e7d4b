# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a roll-out to fifty machines takes, with the proof that they deliver. `make bench` prints it."""

from __future__ import annotations

import json
import os
import resource
import time

import pytest
from support.machines import Machines
from support.stack import Stack

COUNT = int(os.environ.get("BENCH_CLIENTS", "50"))
BROKEN = "laptop-07"


@pytest.fixture
def machines(stack: Stack, tmp_path) -> Machines:
    found = Machines(tmp_path, stack, {f"laptop-{number:02}": {} for number in range(COUNT)})
    found.make()
    found.write(BROKEN, "etc/claude-code", "a file where a folder is wanted")
    return found


def test_roll_out_to_fifty_machines_one_of_them_broken(machines: Machines) -> None:
    for name in ("the first time", "once more"):
        began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        rolled = machines.roll_out("--forks", "10")
        took, now = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        print(f"\n{COUNT} machines, {name}: {took:.0f} s, {cpu:.0f} s of processor time on {os.cpu_count()} cores")
        assert f"1 of {COUNT} machines: {BROKEN}" in " ".join(rolled.text.split()), rolled.text
        table = json.loads((machines.report / "clients.json").read_text())
        found = {row["machine"]: (row["state"], row["probe_metrics"], row["probe_logs"]) for row in table["clients"]}
        assert found.pop(BROKEN)[0] == "unreachable"
        assert len(found) == COUNT - 1
        assert set(found.values()) == {("waiting", "found", "found")}
