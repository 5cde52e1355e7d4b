# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may reach the ports and read the secrets of this machine."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._checks import SkipCheck
from ansible_collections.observability.claude_code.plugins.module_utils._measures_host import HostMeasures

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def table(folder: Path, *rows: str) -> Path:
    file = folder / "tcp"
    file.write_text(HEAD + "".join(f"   0: {row} 00000000:00000000 00:00000000 00000000 0 0 1\n" for row in rows))
    return file


def found(file: Path, **ports: int) -> dict[str, str]:
    return HostMeasures(ports, {}, (file,)).open_ports("all")


@pytest.mark.skipif(sys.byteorder != "little", reason="the kernel's table is written in its own byte order")
@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("0100007F", None),
        ("0200007F", None),
        ("00000000", "0.0.0.0"),
        ("0A01A8C0", "192.168.1.10"),
        ("00000000000000000000000001000000", None),
        ("00000000000000000000000000000000", "::"),
        ("0000000000000000FFFF00000100007F", None),
        ("0000000000000000FFFF00000A01A8C0", "192.168.1.10"),
    ],
)
def test_addresses_beyond_loopback_are_told(address, told, tmp_path) -> None:
    file = table(tmp_path, f"{address}:10DE {'0' * len(address)}:0000 0A")
    assert found(file, OTLP=4318) == ({"OTLP port 4318": f"listens on {told}"} if told else {})


def test_connections_and_other_programs_ports_are_no_matter(tmp_path) -> None:
    file = table(tmp_path, "00000000:10DE 0A01A8C0:CF2C 01", "00000000:0016 00000000:0000 0A")
    assert found(file, OTLP=4318) == {}


def test_the_real_table_has_what_listens_now() -> None:
    with socket.socket() as loopback, socket.socket() as all_addresses:
        loopback.bind(("127.0.0.1", 0))
        all_addresses.bind(("0.0.0.0", 0))
        for one in (loopback, all_addresses):
            one.listen()
        ports = {"closed": loopback.getsockname()[1], "open": all_addresses.getsockname()[1]}
        told = HostMeasures(ports, {}).open_ports("all")
    assert told == {f"open port {ports['open']}": "listens on 0.0.0.0"}


def test_a_machine_without_such_tables_is_skipped(tmp_path) -> None:
    with pytest.raises(SkipCheck, match="no /proc/net/tcp"):
        found(tmp_path / "none", OTLP=4318)


@pytest.mark.parametrize(
    ("mode", "told"), [(0o600, None), (0o400, None), (0o640, None), (0o660, "0660"), (0o604, "0604"), (0o666, "0666")]
)
def test_modes_that_let_others_in_are_told(mode, told, tmp_path) -> None:
    file = tmp_path / "tokens"
    file.touch()
    file.chmod(mode)
    measured = HostMeasures({}, {"token file": str(file)}).secret_files("all")
    assert measured == ({f"token file {file}": f"mode {told}"} if told else {})
