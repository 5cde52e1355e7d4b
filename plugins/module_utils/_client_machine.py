# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine that Claude Code runs on, as far as its settings are concerned, and the person who runs it."""

from __future__ import annotations

import dataclasses
import errno
import os
import platform
import pwd
import stat

MIB = 1024 * 1024
# Settings are small; a device or a log in their place is not read to its end.
LARGEST = 4 * MIB


class UnknownUserError(Exception):
    """Nobody of this name has an account."""


@dataclasses.dataclass(frozen=True)
class Account:
    """Whose settings are looked at."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str

    @classmethod
    def of(cls, name: str | None, home: str | None = None, root: str = "") -> Account:
        """The account of this name, by default of who runs this. With a home it need be none of this system.

        Then it is whoever owns the home, beneath ``root`` where the machine is: what lies there is theirs, and who
        runs this may be root, as whom nothing of it may run.
        """
        owner = _status(root.rstrip("/") + home) if home else None
        uid = owner.st_uid if owner else os.geteuid()
        try:
            entry = pwd.getpwnam(name) if name else pwd.getpwuid(uid)
        except KeyError as error:
            if not home:
                raise UnknownUserError(
                    f"There is no user {name or uid!r} on this machine. Give the name of an account that has a home "
                    "here."
                ) from error
            gid = owner.st_gid if owner else os.getegid()
            groups = tuple(os.getgroups()) if uid == os.geteuid() else (gid,)
            return cls(name or str(uid), uid, gid, groups, home)
        groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, groups, home or entry.pw_dir)


@dataclasses.dataclass(frozen=True)
class Machine:
    """Its files lie beneath ``root``, a folder that stands for another machine, or empty for this one.

    Paths are those of the machine; ``at`` gives where they are. ``system`` is Linux or Darwin.
    """

    account: Account
    root: str = ""
    system: str = dataclasses.field(default_factory=platform.system)

    @property
    def mac(self) -> bool:
        return self.system == "Darwin"

    def at(self, path: str) -> str:
        """Where the file is. A path that names the root already, as settings of such a folder may, stays."""
        path = self.expanded(path)
        root = self.root.rstrip("/")
        if not root or path == root or path.startswith(root + "/"):
            return path
        return root + "/" + path.lstrip("/")

    def shown(self, path: str) -> str:
        """The path on the machine itself."""
        root = self.root.rstrip("/")
        return path[len(root) :] or "/" if root and path.startswith(root + "/") else path

    def expanded(self, path: str) -> str:
        return self.account.home + path[1:] if path == "~" or path.startswith("~/") else path

    def read(self, path: str, largest: int = LARGEST) -> bytes:
        """The content; OSError where there is none, where the person may not read it, or where it is too large."""
        place = self.at(path)
        try:
            found = os.stat(place)
        except ValueError:
            raise OSError(errno.EINVAL, "no file can have such a name") from None
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "it is no file")
        if not self.allows(found, os.R_OK):
            raise PermissionError(13, f"{self.account.name} may not read it")
        with open(place, "rb") as file:
            content = file.read(largest + 1)
        if len(content) > largest:
            raise OSError(errno.EFBIG, f"it is larger than {largest // MIB} MiB")
        return content

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.at(path))

    def status(self, path: str) -> os.stat_result | None:
        return _status(self.at(path))

    def names(self, path: str) -> list[str]:
        """The sorted names in a folder; none where there is no folder, or none that can be read."""
        try:
            return sorted(os.listdir(self.at(path)))
        except (OSError, ValueError):
            return []

    def allows(self, found: os.stat_result, wanted: int) -> bool:
        """Whether the person may do it (os.R_OK, os.X_OK), by the mode alone: this may run as root, they do not."""
        account = self.account
        if account.uid == 0:
            return wanted != os.X_OK or bool(found.st_mode & 0o111)
        if found.st_uid == account.uid:
            return bool(found.st_mode >> 6 & wanted)
        if found.st_gid in account.groups:
            return bool(found.st_mode >> 3 & wanted)
        return bool(found.st_mode & wanted)


def _status(place: str) -> os.stat_result | None:
    """None where nothing is, or where nothing can be: settings may name a path that no system takes."""
    try:
        return os.stat(place)
    except (OSError, ValueError):
        return None


def mode_of(found: os.stat_result) -> str:
    return f"{stat.S_IMODE(found.st_mode):04o}"


def reason(error: OSError | ValueError) -> str:
    """Why a file cannot be read, in a few words."""
    return getattr(error, "strerror", None) or str(error)
