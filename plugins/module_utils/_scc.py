# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a SecurityContextConstraints keeps pods from being admitted.

Before it admits a pod, OpenShift 4.10 and later builds what it calls a provider of every SCC of the cluster, whoever
may use it, and refuses the pod where one cannot be built. It stops at the first fault; all are found here.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._scc_blocks import (
    GROUPS,
    LEVEL,
    UID_RANGE,
    mapping,
)

ERROR, WARNING = "error", "warning"
USER_TYPES = ("MustRunAs", "MustRunAsRange", "MustRunAsNonRoot", "RunAsAny")
OTHER_TYPES = ("MustRunAs", "RunAsAny")
LARGEST = 2**63 - 1
# Stands for a value that is there and of the wrong sort, which has been told already.
ODD: t.Any = object()


@dataclass(frozen=True)
class Fault:
    """``field`` is a path in the SCC. ``source``: the annotation of namespaces that it depends on, if it does."""

    field: str
    message: str
    remedy: str
    severity: str = ERROR
    source: str | None = None


def faults(scc: t.Any, stored: bool) -> list[Fault]:
    """All that can be wrong, in the order of the fields; with ``source`` only where a namespace is at fault.

    ``stored``: the SCC was read from a cluster. What is still to be written gets types of groups from the API.
    """
    if not isinstance(scc, dict):
        return [Fault("", f"It is {_sort(scc)}, not an object.", "Write it as an object.")]
    reader = _Reader()
    _run_as_user(reader, scc.get("runAsUser"))
    _selinux(reader, scc.get("seLinuxContext"))
    for field in ("fsGroup", "supplementalGroups"):
        _groups(reader, field, scc.get(field), stored)
    return reader.found


def _run_as_user(reader: _Reader, value: t.Any) -> None:
    options = reader.object("runAsUser", value)
    kind = reader.type("runAsUser", options, USER_TYPES)
    uid = reader.integer("runAsUser.uid", options.get("uid"))
    least = reader.integer("runAsUser.uidRangeMin", options.get("uidRangeMin"))
    most = reader.integer("runAsUser.uidRangeMax", options.get("uidRangeMax"))
    if kind == "MustRunAs" and uid is None:
        reader.add(
            "runAsUser.uid",
            "runAsUser.type is MustRunAs, which requires a uid, and there is none.",
            "Set runAsUser.uid to the user's number, or runAsUser.type to MustRunAsRange or RunAsAny",
        )
    if kind != "MustRunAsRange":
        return
    if least is None and most is None:
        reader.depends("runAsUser", UID_RANGE, "the range of users")
    elif least is None or most is None:
        lacking, other = ("uidRangeMin", "uidRangeMax") if least is None else ("uidRangeMax", "uidRangeMin")
        reader.add(
            f"runAsUser.{lacking}",
            f"runAsUser.type is MustRunAsRange with {other} alone; it requires both ends of the range, or neither.",
            f"Set runAsUser.{lacking}, or take {other} away for the namespace's own range",
        )
    elif ODD not in (least, most) and least > most:
        reader.add(
            "runAsUser.uidRangeMin",
            f"No user is between uidRangeMin {least} and uidRangeMax {most}, so no pod can use it.",
            "Swap the two",
            severity=WARNING,
        )


def _selinux(reader: _Reader, value: t.Any) -> None:
    context = reader.object("seLinuxContext", value)
    kind = reader.type("seLinuxContext", context, OTHER_TYPES)
    path = "seLinuxContext.seLinuxOptions"
    level = reader.text(f"{path}.level", reader.object(path, context.get("seLinuxOptions")).get("level"))
    if kind == "MustRunAs" and level == "":
        reader.depends(f"{path}.level", LEVEL, "the SELinux level")


def _groups(reader: _Reader, field: str, value: t.Any, stored: bool) -> None:
    options = reader.object(field, value)
    # The API itself writes RunAsAny where an SCC comes without.
    kind = reader.type(field, options, OTHER_TYPES, default="" if stored else "RunAsAny")
    path = f"{field}.ranges"
    ranges = reader.array(path, options.get("ranges"))
    if ranges is ODD:
        return
    pairs = [_range(reader, f"{path}[{number}]", one) for number, one in enumerate(ranges)]
    if kind != "MustRunAs":
        return
    if not ranges:
        reader.depends(path, GROUPS, "the range of groups")
    for number, pair in enumerate(pairs):
        if pair == (None, None):
            reader.add(
                f"{path}[{number}]",
                "A range without min and max means 0 to 0, the group of root alone.",
                f"Set min and max, or {path} to [] for the namespace's own groups",
                severity=WARNING,
            )
        elif ODD not in pair and (pair[0] or 0) > (pair[1] or 0):
            reader.add(
                f"{path}[{number}].min",
                f"No group is between min {pair[0] or 0} and max {pair[1] or 0}.",
                "Set min to the lower end and max to the upper one",
                severity=WARNING,
            )


def _range(reader: _Reader, path: str, value: t.Any) -> tuple[t.Any, t.Any]:
    one = reader.object(path, value)
    if one is ODD_OBJECT:
        return ODD, ODD
    return reader.integer(f"{path}.min", one.get("min")), reader.integer(f"{path}.max", one.get("max"))


class _OddObject(dict[str, t.Any]):
    """Stands for what should be an object and is none: whatever is read from it has been told already."""

    def get(self, _key: str, _default: t.Any = None) -> t.Any:
        return ODD


ODD_OBJECT = _OddObject()


class _Reader:
    """Reads values as the API server does, null being the same as nothing, and collects what is wrong."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, field: str, message: str, remedy: str, severity: str = ERROR) -> None:
        self.found.append(Fault(field, message, remedy, severity))

    def depends(self, field: str, source: str, what: str) -> None:
        """The value is taken from an annotation of the pod's namespace."""
        message = f"It takes {what} from the annotation {source} of the pod's namespace"
        self.found.append(Fault(field, message, "", source=source))

    def type(self, field: str, options: t.Mapping[str, t.Any], known: t.Sequence[str], default: str = "") -> t.Any:
        path = f"{field}.type"
        kind = self.text(path, options.get("type")) or default
        if kind is not ODD and kind not in known:
            self.add(
                path,
                f"{kind[:40]!r} is no type. It knows {', '.join(known)}." if kind else "There is no type.",
                f"Set {path} to one of {', '.join(known)}",
            )
        return kind

    def object(self, path: str, value: t.Any) -> t.Mapping[str, t.Any]:
        found = self._read(path, {} if value is None else value, isinstance(value, dict) or value is None, "an object")
        return ODD_OBJECT if found is ODD else mapping(found)

    def array(self, path: str, value: t.Any) -> t.Any:
        return self._read(path, [] if value is None else value, isinstance(value, list) or value is None, "a list")

    def text(self, path: str, value: t.Any) -> t.Any:
        return self._read(path, "" if value is None else value, isinstance(value, str) or value is None, "a text")

    def integer(self, path: str, value: t.Any) -> t.Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        number = isinstance(value, int) and not isinstance(value, bool) and -LARGEST - 1 <= value <= LARGEST
        return self._read(path, value, number or value is None, "an integer of 64 bits")

    def _read(self, path: str, value: t.Any, fits: bool, wanted: str) -> t.Any:
        if fits or value is ODD:
            return value
        message = f"It is {_sort(value)}, not {wanted}. The API refuses that, and cannot read it where it is stored."
        self.add(path, message, f"Make it {wanted}")
        return ODD


def _sort(value: t.Any) -> str:
    sorts = {bool: "true or false", str: "a text", list: "a list", dict: "an object", type(None): "null"}
    return sorts.get(type(value), "a number" if isinstance(value, (int, float)) else f"a {type(value).__name__}")
