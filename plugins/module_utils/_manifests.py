# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects in manifests: files, folders, and texts such as the output of `helm template`."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass

SUFFIXES = (".yaml", ".yml", ".json")


class ManifestError(Exception):
    """Something that holds no objects; the message says what, where, and what to do."""


class MissingYamlError(ManifestError):
    """The Python package PyYAML is not there."""


@dataclass(frozen=True)
class Manifest:
    """An object of the Kubernetes API. ``kind`` is its own, or that of the list that it stood in."""

    kind: str
    api_version: str
    content: dict[str, t.Any]
    source: str


def from_paths(paths: t.Iterable[str]) -> list[Manifest]:
    """What files hold, and all YAML and JSON files below folders."""
    return [manifest for path in paths for file in _files(path) for manifest in from_text(_read(file), file)]


def from_definition(definition: t.Any, source: str = "definition") -> list[Manifest]:
    """From a text, an object, or a list of these."""
    if isinstance(definition, str):
        return from_text(definition, source)
    if isinstance(definition, list):
        items = enumerate(definition)
        return [
            manifest
            for number, item in items
            for manifest in (
                from_text(item, f"{source}[{number}]") if isinstance(item, str) else _flat(item, f"{source}[{number}]")
            )
        ]
    return list(_flat(definition, source))


def from_text(text: str, source: str) -> list[Manifest]:
    """From JSON or YAML, which may have several documents."""
    documents = _documents(text, source)
    many = len(documents) > 1
    return [
        manifest
        for number, document in enumerate(documents, start=1)
        for manifest in _flat(document, f"{source}, document {number}" if many else source)
    ]


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return sorted(
        os.path.join(folder, name)
        for folder, _folders, names in os.walk(path)
        for name in names
        if name.endswith(SUFFIXES)
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise ManifestError(f"The manifest {path} cannot be read: {reason}. Correct src.") from None


def _documents(text: str, source: str) -> list[t.Any]:
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass  # then it is YAML, or the attempt to read it says what is wrong
    try:
        import yaml
    except ImportError:
        raise MissingYamlError(f"What is in {source} is no JSON, and reading YAML needs it.") from None
    try:
        return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    # PyYAML lets what Python says of a wrong tag or number pass through.
    except (
        yaml.YAMLError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ManifestError(
            f"{source} is neither YAML nor JSON: {reason[:300]}. A chart's templates are not either before "
            "`helm template` has rendered them."
        ) from None


def _flat(thing: t.Any, source: str) -> t.Iterator[Manifest]:
    """The objects themselves, in their order, those of lists for a list."""
    waiting: list[tuple[t.Any, str, str]] = [(thing, "", "")]
    opened: set[int] = set()
    while waiting:
        one, kind, version = waiting.pop()
        if one is None:
            continue
        inside = one
        if isinstance(one, dict):
            kind, version = _own(one, "kind", kind), _own(one, "apiVersion", version)
            inside = one.get("items") if kind.endswith("List") else None
            if not isinstance(inside, list):
                yield Manifest(kind, version, one, source)
                continue
            kind = kind[: -len("List")]
        if not isinstance(inside, list):
            shown = repr(one[:60]) if isinstance(one, str) else f"a {type(one).__name__}"
            raise ManifestError(
                f"{source} holds {shown} where an object of the Kubernetes API is expected. Files are named in src; "
                "definition takes objects, or the text of manifests."
            )
        # YAML can write a list that contains itself.
        if id(inside) not in opened:
            opened.add(id(inside))
            waiting.extend((item, kind, version) for item in reversed(inside))


def _own(thing: t.Mapping[str, t.Any], key: str, inherited: str) -> str:
    value = thing.get(key)
    return value if isinstance(value, str) and value else inherited
