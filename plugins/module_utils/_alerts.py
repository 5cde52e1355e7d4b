# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an alert rule is, and which rules an administrator wants."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.observability.claude_code.plugins.module_utils import _expressions as ex
from ansible_collections.observability.claude_code.plugins.module_utils._panels import Rows
from ansible_collections.observability.claude_code.plugins.module_utils._private_texts import TEXTS

PROMETHEUS, LOKI = "prometheus", "loki"
HOST = "host"
PROGRAMS = ("collector", "prometheus", "loki")


@dataclass(frozen=True)
class Proviso:
    """The rule speaks only where ``value`` is ``sign`` (>= or <=) ``limit``, for each combination of ``by``."""

    value: ex.Expression
    sign: str
    limit: float
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alert:
    """One rule. ``value`` is measured over ``over`` (a duration; "" for gauges), once for each combination of ``by``.

    It is an alert where that is ``bound`` (above, below, outside) ``limits`` for as long as ``wait``. ``missing`` is
    what no data counts as (None: no alert). ``weekdays`` are the first and the last day of the week (UTC, Sunday is 0)
    on which it speaks. ``program`` is that of the stack which it is about. ``thresholds`` name what can be changed.
    """

    name: str
    value: ex.Expression | Rows
    bound: str
    limits: tuple[float, ...]
    severity: str
    summary: str
    means: str
    act: str
    over: str = ""
    by: tuple[str, ...] = ()
    provided: tuple[Proviso, ...] = ()
    weekdays: tuple[int, int] | None = None
    missing: float | None = None
    wait: str = "0s"
    unit: str = ""
    panel: str = ""
    spec: str = ""
    differs: str = ""
    program: str = ""
    thresholds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Rules that one server, ``source``, evaluates together every ``interval``; for one ``platform``, or all ("")."""

    name: str
    about: str
    interval: str
    source: str
    alerts: tuple[Alert, ...]
    platform: str = ""


@dataclass(frozen=True)
class Choice:
    """Which rules are wanted, and with what: ``thresholds`` by name, ``off`` are alerts that are not wanted.

    ``programs`` are those of the stack that are its own, ``withheld`` the kinds of texts that are not to be stored.
    """

    thresholds: t.Mapping[str, t.Any] = field(default_factory=dict)
    off: t.Collection[str] = ()
    platform: str = HOST
    programs: t.Collection[str] = PROGRAMS
    withheld: t.Collection[str] = tuple(TEXTS)
