# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files on a client's machine, all or none, and say why one cannot be written. No Ansible in here."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import getpass
import grp
import os
import pwd
import stat
import tempfile
import typing as t

NOT_NOW = "Nothing was changed."
CAUSES = {
    errno.ENOSPC: "The disk is full. {0} Free some space, then run the playbook again.",
    errno.EDQUOT: "The quota of the disk is used up. {0} Free some space, then run the playbook again.",
    errno.EROFS: "Its file system is mounted read-only. {0} Mount it for writing, then run the playbook again.",
    errno.ENOTDIR: "A part of its path is a file. {0} Move that file away, or give another path.",
    errno.EEXIST: "A part of its path is a file. {0} Move that file away, or give another path.",
    errno.EISDIR: "It is a folder. {0} Move the folder away, or give another path.",
}
DENIED = (
    "{1} may not do that. {0} Managed settings need root: set ansible_become: true, or client_env_scope: user "
    "for settings of one's own."
)


class ClientFilesError(Exception):
    """Says what went wrong, where, and the next step."""


def refusal(path: str, error: OSError) -> ClientFilesError:
    """What an error of the operating system means for whoever rolls settings out."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return ClientFilesError(f"{path} cannot be written. {DENIED.format(NOT_NOW, getpass.getuser())}")
    cause = CAUSES.get(error.errno or 0, f"{error.strerror or error}. {{0}} Mend that, then run the playbook again.")
    return ClientFilesError(f"{path} cannot be written. {cause.format(NOT_NOW)}")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where files of the machine are: beneath ``root``, which is empty for this machine itself.

    ``homes`` are those of accounts that this system does not know.
    """

    root: str = ""
    homes: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def at(self, path: str) -> str:
        path = self.expanded(path)
        return f"{self.root.rstrip('/')}/{path.lstrip('/')}" if self.root else path

    def expanded(self, path: str) -> str:
        """With ~ and ~user replaced."""
        if not path.startswith("~"):
            return path
        user, slash, rest = path[1:].partition("/")
        home = self._home(user)
        if home.startswith("~"):
            raise ClientFilesError(
                f"There is no user {user} on this machine. Take the name out of client_env_users, or "
                "make the account first."
            )
        return home + slash + rest

    def missing(self, path: str, owner: str) -> str:
        """The account that the path is of, or its owner, if there is no such account; otherwise empty."""
        user = path[1:].partition("/")[0] if path.startswith("~") else ""
        if self._home(user).startswith("~"):
            return user
        return owner if owner and os.path.expanduser(f"~{owner}").startswith("~") else ""

    def _home(self, user: str) -> str:
        return self.homes.get(user) or os.path.expanduser(f"~{user}")


@dataclasses.dataclass(frozen=True)
class Content:
    """What is in a file, and who may read it. None for a file that is not there."""

    data: bytes | None
    mode: int = 0o644
    uid: int = -1
    gid: int = -1


@dataclasses.dataclass
class Change:
    """One file before and after.

    ``owner`` acts in its own home, so that no link there leads root elsewhere. Of a file of others ``keys`` are ours.
    """

    path: str
    place: str
    before: Content
    after: Content
    owner: str = ""
    secret: bool = False
    keys: tuple[tuple[str, ...], ...] = ()
    made: list[str] = dataclasses.field(default_factory=list)

    @property
    def needed(self) -> bool:
        if self.before.data is None or self.after.data is None:
            return self.before.data is not self.after.data
        if self.before.data != self.after.data or self.before.mode != self.after.mode:
            return True
        return any(wanted not in (-1, was) for wanted, was in self._owners())

    @property
    def action(self) -> str:
        if not self.needed:
            return "unchanged"
        if self.after.data is None:
            return "removed"
        return "created" if self.before.data is None else "changed"

    def _owners(self) -> list[tuple[int, int]]:
        return [(self.after.uid, self.before.uid), (self.after.gid, self.before.gid)]

    def apply(self) -> None:
        with acting_as(self.owner):
            if self.after.data is None:
                os.unlink(self.place)
            else:
                self.made = make_folders(os.path.dirname(self.place), 0o700 if self.secret else 0o755)
                write(self.place, self.after)

    def revert(self) -> None:
        """As well as it can be: whatever stopped the change may stop this too."""
        with contextlib.suppress(OSError), acting_as(self.owner):
            if self.before.data is not None:
                write(self.place, self.before)
            else:
                if os.path.lexists(self.place):
                    os.unlink(self.place)
                remove_folders(self.made)


def apply_all(changes: t.Sequence[Change]) -> None:
    """All of them; where one fails those before it are taken back."""
    done: list[Change] = []
    for change in changes:
        done.append(change)
        try:
            change.apply()
        except OSError as error:
            for one in reversed(done):
                one.revert()
            raise refusal(error.filename or change.path, error) from error


def read(place: str, owner: str = "") -> Content:
    """The file that is there. OSError where it cannot be read."""
    try:
        with acting_as(owner), open(place, "rb") as stream:
            found = os.fstat(stream.fileno())
            return Content(stream.read(), stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    except (FileNotFoundError, NotADirectoryError):
        return Content(None)


def write(place: str, content: Content) -> None:
    """Replace it in one step; a link stays a link. Nobody sees it half-written, or with a mode that is too wide."""
    target = os.path.realpath(place)
    handle, name = tempfile.mkstemp(prefix=".claude-code-", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.data or b"")
            stream.flush()
            os.fsync(stream.fileno())
        found = os.stat(name)
        if (content.uid not in (-1, found.st_uid)) or (content.gid not in (-1, found.st_gid)):
            os.chown(name, content.uid, content.gid)
        os.chmod(name, content.mode)
        os.replace(name, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(name)
        if isinstance(error, OSError):
            error.filename = place
        raise


def make_folders(path: str, mode: int) -> list[str]:
    """Those that were made, outermost first."""
    made: list[str] = []
    while path and not os.path.isdir(path):
        made.insert(0, path)
        path = os.path.dirname(path)
    for folder in made:
        os.mkdir(folder)
        os.chmod(folder, mode)
    return made


def remove_folders(paths: t.Iterable[str]) -> None:
    """Those of them that are empty."""
    for path in sorted(paths, key=len, reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(path)


def identity(owner: str, group: str) -> tuple[int, int]:
    """Their numbers; -1 for a name that was not given."""
    try:
        account = pwd.getpwnam(owner) if owner else None
        members = grp.getgrnam(group).gr_gid if group else -1
    except KeyError as error:
        raise ClientFilesError(
            f"There is no {'group ' + group if 'grnam' in str(error) else 'user ' + owner} on this machine. "
            "Make it first, or name one that is there."
        ) from error
    return (account.pw_uid if account else -1, members if group or not account else account.pw_gid)


def whose(found: Content, owner: str) -> tuple[int, int]:
    """Owner and group that a file keeps when it is written anew; -1 for what who writes it cannot give away."""
    with acting_as(owner):
        root, groups = os.geteuid() == 0, (os.getegid(), *os.getgroups())
    return found.uid if root and not owner else -1, found.gid if root or found.gid in groups else -1


@contextlib.contextmanager
def acting_as(owner: str) -> t.Iterator[None]:
    """As this account, where root runs it; otherwise as who one is."""
    if not owner or os.geteuid() != 0:
        yield
        return
    account, groups, group = pwd.getpwnam(owner), os.getgroups(), os.getegid()
    os.setgroups(os.getgrouplist(owner, account.pw_gid))
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
