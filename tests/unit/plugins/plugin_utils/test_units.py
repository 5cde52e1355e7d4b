# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import NOTHING, duration, quantity


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "USD", NOTHING),
        (0.0, "USD", "$0.00"),
        (0.00394, "USD", "$0.0039"),
        (1234.5, "USD", "$1,234.50"),
        (0.1936, "share", "19.4 %"),
        (324.0, "", "324"),
        (9876.0, "tokens", "9,876 tokens"),
        (1_330_000.0, "tokens", "1.33 M tokens"),
        (54_600.0, "tokens", "54.6 k tokens"),
        (2.5e9, "", "2.5 B"),
        (0.125, "s", "0.125 s"),
    ],
)
def test_numbers_are_written_as_people_read_them(value, unit, words) -> None:
    assert quantity(value, unit) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.004, "4 ms"), (0.0, "0 ms"), (0.25, "0.2 s"), (61.0, "61.0 s")])
def test_durations(seconds, words) -> None:
    assert duration(seconds) == words
