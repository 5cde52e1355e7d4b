# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workforce with longer sessions: each plays several recordings under one id, minutes apart."""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._captures import Capture, moved
from support.workforce import COMMON, Workforce, dressed

# How many recordings a session goes on for, and the seconds between them.
PARTS = (1, 2, 3, 5)
PAUSE_S = 300


@dataclass(frozen=True)
class Company(Workforce):
    """``sessions`` of ``users``; a session is some forty events long."""

    def captures(self) -> Iterator[Capture]:
        chance = random.Random(self.seed)
        people = self.people()
        busy = list(itertools.accumulate(1 / (number + 5) for number in range(self.users)))
        chosen = [recording for recording in self.recordings for _time in range(COMMON.get(recording.name, 0))]
        for number in range(self.sessions):
            person = people[bisect.bisect_left(busy, chance.random() * busy[-1])]
            home, end = chance.randrange(person.homes), self._moment(chance)
            for part in range(chance.choice(PARTS)):
                session = moved(
                    chance.choice(chosen),
                    end=end - part * PAUSE_S,
                    seed=f"{self.seed}/{number}/{part}",
                    session_seed=f"{self.seed}/{number}",
                    user=f"{person.name}/{home}" if home else person.name,
                )
                dressed(session, person.own, {**({"team": person.team} if person.team else {}), **(self.marks or {})})
                yield session
