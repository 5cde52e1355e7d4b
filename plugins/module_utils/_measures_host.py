# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements that look at the machine itself: who may reach its ports and read its secrets."""

from __future__ import annotations

import contextlib
import grp
import ipaddress
import pwd
import stat
import sys
import typing as t
from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils._checks import MeasureError, SkipCheck

LISTENING = "0A"
SOCKET_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class HostMeasures:
    """``ports`` maps what listens to its port, ``secrets`` what a file is to its path."""

    def __init__(
        self,
        ports: t.Mapping[str, int],
        secrets: t.Mapping[str, str],
        tables: t.Sequence[Path] = SOCKET_TABLES,
    ) -> None:
        self.ports, self.secrets, self.tables = ports, secrets, tables

    def vocabulary(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"open_ports": self.open_ports, "secret_files": self.secret_files}

    def open_ports(self, _all: str) -> dict[str, str]:
        """The stack's ports on which this machine listens for others, with the address."""
        if not any(table.exists() for table in self.tables):
            raise SkipCheck("This machine has no /proc/net/tcp to read its listeners from.")
        own = {port: name for name, port in self.ports.items()}
        found: dict[str, str] = {}
        for table in self.tables:
            for address, port in _listeners(table):
                if port in own and not address.is_loopback:
                    found[f"{own[port]} port {port}"] = f"listens on {address}"
        return found

    def secret_files(self, _all: str) -> dict[str, str]:
        """The files with secrets that others than their owner may read or write, with mode and owner."""
        if not self.secrets:
            raise SkipCheck("No file with secrets was named.")
        found: dict[str, str] = {}
        for name, path in self.secrets.items():
            try:
                status = Path(path).stat()
            except OSError as error:
                raise MeasureError(
                    f"The {name} {path} cannot be looked at: {error.strerror}. Run the site playbook again."
                ) from error
            # A service that runs as a user of its own reads through that user's group.
            if status.st_mode & (stat.S_IRWXO | stat.S_IWGRP) or (
                status.st_mode & stat.S_IRGRP and not _private_group(status)
            ):
                found[f"{name} {path}"] = f"mode {stat.S_IMODE(status.st_mode):04o}"
        return found


def _private_group(status: t.Any) -> bool:
    """Whether the file's group has no more than one member."""
    members = {user.pw_name for user in pwd.getpwall() if user.pw_gid == status.st_gid}
    with contextlib.suppress(KeyError):
        members.update(grp.getgrgid(status.st_gid).gr_mem)
    return len(members) <= 1


def _listeners(table: Path) -> t.Iterator[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]]:
    """Addresses and ports in state LISTEN. The kernel writes each 32-bit word of an address in its own byte order."""
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        columns = line.split()
        if columns[3] != LISTENING:
            continue
        words, port = columns[1].split(":")
        packed = b"".join(int(words[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(words), 8))
        address = ipaddress.ip_address(packed)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        yield address, int(port, 16)
