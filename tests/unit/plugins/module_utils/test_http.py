# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients of servers have in common."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _http


class Reply:
    """An answer in pieces, the last one for ever; ``length`` is what it still lacks."""

    def __init__(self, *pieces: bytes, length: int | None = None) -> None:
        self.pieces, self.length = list(pieces), length

    def read1(self, _most: int) -> bytes:
        return self.pieces.pop(0) if len(self.pieces) > 1 else self.pieces[0]


def test_an_answer_is_read_to_its_end() -> None:
    assert _http.read(Reply(b"a", b"b", b""), 5.0) == b"ab"
    with pytest.raises(http.client.IncompleteRead):
        _http.read(Reply(b"a", b"", length=3), 5.0)


def test_an_answer_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TimeoutError):
        _http.read(Reply(b" "), 0.001)
    monkeypatch.setattr(_http, "LONGEST_ANSWER", 10)
    with pytest.raises(_http.TooLongError) as caught:
        _http.read(Reply(b" "), 5.0)
    assert not _http.may_pass(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host",
        "ftp://host",
        "http://",
        "http://[::1",
        "http://a..b",
        f"http://{'a' * 64}.test",
        "http://host:99999",
        "http://host:0",
        "http://host:x",
        "http://host/ä",
        "http://host/a b",
        "http://host/\n",
        "http://host/?a=b",
        "http://host/#a",
    ],
)
def test_what_is_no_address_is_known(url: str) -> None:
    assert _http.address(url) is None


@pytest.mark.parametrize(
    ("url", "held"),
    [
        ("http://host:9090/path", False),
        ("https://[::1]/a@b", False),
        ("http://user:secret@host", True),
        ("http://user:sec/ret@host", True),
        ("user:secret@host", True),
    ],
)
def test_credentials_in_an_address_are_known(url: str, held: bool) -> None:
    assert _http.holds_credentials(url) is held


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e10])
def test_what_no_socket_can_wait_is_no_timeout(seconds: float) -> None:
    assert not _http.is_timeout(seconds)
    assert _http.is_timeout(0.1)


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("/login?token=secret#x", "http://host:1/login"),
        ("https://user:secret@other.test/a", "https://other.test/a"),
        ("http://[::1", "what is no address"),
    ],
)
def test_where_a_redirect_leads_is_told_without_secrets(location: str, where: str) -> None:
    assert _http.target("http://host:1/api", location) == where


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionResetError(), True),
        (urllib.error.URLError(ConnectionRefusedError()), True),
        (urllib.error.URLError(socket.timeout("timed out")), False),  # noqa: UP041 - its name on Python 3.9
        (TimeoutError(), False),
        (urllib.error.URLError(ssl.SSLCertVerificationError(1, "no")), False),
        (ssl.SSLEOFError(8, "EOF"), True),
        (http.client.IncompleteRead(b""), True),
        (http.client.BadStatusLine("x"), False),
    ],
)
def test_what_may_pass_is_told_from_what_stays(error: Exception, passes: bool) -> None:
    assert _http.may_pass(error) is passes


@pytest.mark.parametrize("header", ["\N{SUPERSCRIPT TWO}", "soon", "", None, "Mon, 99 Foo 99999 99:99:99 GMT"])
def test_a_wait_that_is_none_is_not_believed(header: str | None) -> None:
    assert _http.retry_after(header) is None
    assert _http.retry_after(" 7 ") == 7


def test_json_that_is_too_deep_is_none() -> None:
    with pytest.raises(ValueError, match="too deep"):
        _http.parsed("[" * 200_000)
