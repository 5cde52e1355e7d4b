# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of servers that turn out to be of another shape than their API's, wherever in them."""

from __future__ import annotations

import contextlib
import typing as t

# What reading a value ends in that is of another type, lacks a part, or is nested without end.
MISREAD = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)


@contextlib.contextmanager
def answers_of(server: str, refusal: type[Exception]) -> t.Iterator[None]:
    """``refusal`` where what ``server`` answered cannot be read. What people gave must have been looked at before."""
    try:
        yield
    except MISREAD as error:
        raise refusal(
            f"{server} answered something else than its API does ({type(error).__name__}: {error}). "
            "Look whether another program listens there."
        ) from error
