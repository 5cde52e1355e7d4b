# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark of secrets that cannot be read back."""

from __future__ import annotations

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _secret_mark as secret_mark

SECRETS = {"basicAuthPassword": "correct horse", "httpHeaderValue1": "grüße"}


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_mark, "ITERATIONS", 10)


def test_a_mark_is_slow_salted_and_holds_no_secret() -> None:
    first, second = secret_mark.mark_of(SECRETS), secret_mark.mark_of(SECRETS)
    assert first != second
    method, rounds, salt, digest = first.split("$")
    assert (method, int(rounds), len(salt), len(digest)) == ("pbkdf2-sha256", 600_000, 24, 44)
    assert not any(value in first for value in SECRETS.values())
    assert secret_mark.is_mark_of(first, dict(reversed(SECRETS.items())))


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(
    "others",
    [
        {},
        {**SECRETS, "basicAuthPassword": "correct horses"},
        {"basicAuthPassword": SECRETS["basicAuthPassword"]},
        {**SECRETS, "tlsCACert": ""},
        dict(zip(SECRETS, reversed(SECRETS.values()), strict=True)),
    ],
)
def test_other_secrets_have_another_mark(others) -> None:
    assert secret_mark.is_mark_of(secret_mark.mark_of(SECRETS), SECRETS)
    assert not secret_mark.is_mark_of(secret_mark.mark_of(SECRETS), others)


@pytest.mark.usefixtures("_quick")
def test_what_is_no_mark_of_ours_is_not_computed() -> None:
    method, rounds, salt, digest = secret_mark.mark_of(SECRETS).split("$")
    assert secret_mark.is_mark_of("$".join((method, rounds, salt, digest)), SECRETS)
    others = [("sha256", rounds, salt, digest), (method, "many", salt, digest), (method, rounds, "#", digest)]
    others += [(method, count, salt, digest) for count in ("0", "-1", str(10**12))]
    for mark in (None, 5, {}, "", "a$b", *map("$".join, others)):
        assert secret_mark.is_mark_of(mark, SECRETS) is False
