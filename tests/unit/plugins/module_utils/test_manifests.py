# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects are found in whatever form manifests have, and what holds none is told with its place."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._manifests import (
    ManifestError,
    MissingYamlError,
    from_definition,
    from_paths,
    from_text,
)
from hypothesis import given
from hypothesis import strategies as some
from support.anything import SETTINGS

POD = {"apiVersion": "v1", "kind": "Pod"}


def found(manifests: list[Any]) -> list[tuple[str, str]]:
    return [(one.kind, one.source) for one in manifests]


def test_the_output_of_helm_is_read_document_by_document() -> None:
    rendered = "---\n# Source: a/b.yaml\n---\n# Source: a/c.yaml\nkind: A\n---\nkind: B\n"
    assert found(from_definition(rendered)) == [("A", "definition, document 2"), ("B", "definition, document 3")]
    assert found(from_text("kind: A\n", "a.yaml")) == [("A", "a.yaml")]
    assert found(from_text(json.dumps(POD), "a.json")) == [("Pod", "a.json")]
    assert from_text("# nothing\n", "a.yaml") == []


@pytest.mark.parametrize(
    "definition",
    [
        {"kind": "List", "apiVersion": "v1", "items": [POD, {"kind": "List", "items": [POD, None]}]},
        {"kind": "PodList", "apiVersion": "v1", "items": [{}, {"kind": "Pod"}]},
        [POD, [POD]],
        [json.dumps(POD), "kind: Pod\napiVersion: v1\n"],
        [None, POD, POD],
    ],
)
def test_lists_are_flattened(definition: Any) -> None:
    assert [(one.kind, one.api_version) for one in from_definition(definition)] == [("Pod", "v1")] * 2


def test_a_list_that_contains_itself_ends() -> None:
    assert found(from_text("&a [{kind: A}, *a, {kind: List, items: *a}]", "a")) == [("A", "a")]


def test_folders_are_read_with_all_below_them(tmp_path: Path) -> None:
    for name in ("b/c.yml", "a.yaml", "d.json", "README.md", "e.tpl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\ufeff{kind: A}")
    folder = from_paths([str(tmp_path)])
    assert [Path(one.source).relative_to(tmp_path).as_posix() for one in folder] == ["a.yaml", "b/c.yml", "d.json"]
    assert found(from_paths([str(tmp_path / "e.tpl")])) == [("A", str(tmp_path / "e.tpl"))]


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (
            "loki.yaml",
            "definition holds 'loki.yaml' where an object of the Kubernetes API is expected. Files are named in src",
        ),
        (["kind: A\n---\nnone\n"], "definition[0], document 2 holds 'none'"),
        ([POD, 5], "definition[1] holds a int"),
        ("a: {{ .Values.x }}\n- b", "definition is neither YAML nor JSON"),
        ("a: [", "`helm template` has rendered them"),
        ("a: !!timestamp x", "definition is neither YAML nor JSON"),
        ("a: !!int ''", "definition is neither YAML nor JSON"),
        ("[" * 5000, "definition is neither YAML nor JSON"),
        (f"a: {'9' * 5000}", "definition is neither YAML nor JSON"),
    ],
)
def test_what_holds_no_objects_is_told_with_its_place(definition: Any, words: str) -> None:
    with pytest.raises(ManifestError) as error:
        from_definition(definition)
    assert words in str(error.value)
    assert len(str(error.value)) < 600


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\xff")
    for name, reason in {"none.yaml": "No such file or directory", "binary.yaml": "it is no text in UTF-8"}.items():
        with pytest.raises(ManifestError) as error:
            from_paths([str(tmp_path / name)])
        assert str(error.value) == f"The manifest {tmp_path / name} cannot be read: {reason}. Correct src."


def test_json_needs_no_yaml_library(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *details: Any, **more: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return load(name, *details, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert found(from_definition(json.dumps(POD))) == [("Pod", "definition")]
    with pytest.raises(MissingYamlError):
        from_definition("kind: Pod")


@SETTINGS
@given(some.text(alphabet="abkind:LstemsI[]{}&*!|>-,#?%@`'\" \n\t\u2028\x00\ud8001.e", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        manifests = from_definition(text)
    except ManifestError:
        return
    assert all(isinstance(one.content, dict) for one in manifests)
