# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the programs of one recipe (pinned Go modules) once, and keep them in a cache. No Ansible in here."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ansible_collections.observability.claude_code.plugins.module_utils._file_digest import sha256
from ansible_collections.observability.claude_code.plugins.module_utils._go_toolchain import (
    MACHINES,
    Go,
    GoBuildError,
    find_go,
    needed_version,
)

MANIFEST = "manifest.json"

Report = Callable[[str], None]


@dataclass
class Recipe:
    """What to build: the files that pin the modules, and how the packages are compiled."""

    name: str
    version: str
    files: dict[str, str]
    packages: list[str] = field(default_factory=lambda: ["."])
    programs: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    ldflags: str = "-s -w"
    gcflags: str = ""
    toolchain: str = "1.27.3"

    def __post_init__(self) -> None:
        self.programs = self.programs or [self.name]
        missing = [name for name in ("go.mod", "go.sum") if name not in self.files]
        if missing:
            raise GoBuildError(
                f"The recipe of {self.name} has no {' and no '.join(missing)}. Both are needed: they pin the "
                f"modules and "
                "their checksums. Point the recipe at the directory that holds them."
            )
        if self.has_builder and not {"ocb/go.mod", "ocb/go.sum"} <= set(self.files):
            raise GoBuildError(
                f"The recipe of {self.name} has a builder.yaml but no ocb/go.mod and ocb/go.sum, which pin the "
                f"builder itself."
            )

    @property
    def has_builder(self) -> bool:
        return "builder.yaml" in self.files

    @property
    def digest(self) -> str:
        """Changes with everything that changes the binaries, and with nothing else."""
        what = [self.files, self.packages, sorted(self.tags), self.ldflags, sorted(self.programs)]
        if self.gcflags:
            what.append(self.gcflags)
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    @property
    def key(self) -> str:
        machine = platform.machine().lower()
        arch = MACHINES.get(machine, machine)
        return f"{self.name}-{self.version}-{self.digest[:12]}-{platform.system().lower()}-{arch}"

    def build_arguments(self) -> list[str]:
        arguments = ["-mod=readonly"]
        if self.tags:
            arguments += ["-tags", ",".join(self.tags)]
        if self.gcflags:
            arguments += ["-gcflags", f"all={self.gcflags}"]
        return arguments


@dataclass
class Outcome:
    """Where the programs are, and whether they had to be built."""

    directory: str
    programs: dict[str, str]
    changed: bool
    seconds: float = 0.0
    go: str = ""


class Cache:
    """The directory with finished builds: one subdirectory a key, complete or absent."""

    def __init__(self, directory: str) -> None:
        self.directory = os.path.join(directory, "go")
        self.toolchains = os.path.join(directory, "toolchain")

    def path(self, recipe: Recipe) -> str:
        return os.path.join(self.directory, recipe.key)

    def read(self, recipe: Recipe) -> Outcome | None:
        """The finished build, if it is there and each binary is the one that was built."""
        directory = self.path(recipe)
        try:
            with open(os.path.join(directory, MANIFEST), encoding="utf-8") as stream:
                manifest = json.load(stream)
            programs = {}
            for name in recipe.programs:
                path = os.path.join(directory, name)
                if sha256(path) != manifest["programs"][name]["sha256"] or not os.access(path, os.X_OK):
                    return None
                programs[name] = path
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Outcome(
            directory, programs, changed=False, seconds=manifest.get("seconds", 0.0), go=manifest.get("go", "")
        )

    def write(self, recipe: Recipe, built: str, go: str, seconds: float) -> None:
        """Put a finished build in its place in one step, so that a killed build never looks like a finished one."""
        programs = {}
        for name in recipe.programs:
            path = os.path.join(built, name)
            os.chmod(path, 0o755)
            programs[name] = {"sha256": sha256(path), "size": os.path.getsize(path)}
        manifest = {
            "name": recipe.name,
            "version": recipe.version,
            "recipe": recipe.digest,
            "go": go,
            "seconds": round(seconds, 1),
            "programs": programs,
        }
        with open(os.path.join(built, MANIFEST), "w", encoding="utf-8") as stream:
            json.dump(manifest, stream, indent=2, sort_keys=True)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(built, 0o755)
        final = self.path(recipe)
        if os.path.lexists(final):
            # Only a damaged build is still there at this point; renaming onto it would fail.
            wrong = tempfile.mkdtemp(prefix=self._work_prefix(recipe), dir=self.directory)
            os.rename(final, os.path.join(wrong, "damaged"))
            shutil.rmtree(wrong, ignore_errors=True)
        os.rename(built, final)

    @contextlib.contextmanager
    def lock(self, recipe: Recipe, report: Report, every: float = 1.0) -> Iterator[None]:
        """Only one process builds a recipe; the others wait and then find it built. The lock dies with its process."""
        os.makedirs(self.directory, mode=0o755, exist_ok=True)
        with open(self.path(recipe) + ".lock", "a+", encoding="utf-8") as stream:
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    report("waiting for another build of the same programs")
                    time.sleep(every)
            yield

    def work_directory(self, recipe: Recipe) -> str:
        """A fresh directory to build in; what a killed build left behind goes away first (we hold the lock)."""
        for name in os.listdir(self.directory):
            if name.startswith(self._work_prefix(recipe)):
                shutil.rmtree(os.path.join(self.directory, name), ignore_errors=True)
        return tempfile.mkdtemp(prefix=self._work_prefix(recipe), dir=self.directory)

    @staticmethod
    def _work_prefix(recipe: Recipe) -> str:
        return f".build-{recipe.key}-"


def build(
    recipe: Recipe,
    cache: Cache,
    environment: dict[str, str] | None = None,
    go_path: str | None = None,
    report: Report = lambda text: None,
    check: bool = False,
) -> Outcome:
    """The programs of the recipe, built if the cache has none that are right."""
    found = cache.read(recipe)
    if found:
        return found
    if check:
        directory = cache.path(recipe)
        return Outcome(directory, {name: os.path.join(directory, name) for name in recipe.programs}, changed=True)
    try:
        with cache.lock(recipe, report):
            found = cache.read(recipe)
            if found:
                return found
            started = time.monotonic()
            work = cache.work_directory(recipe)
            try:
                report("looking for Go")
                go = find_go(
                    needed_version(recipe.files), recipe.toolchain, cache.toolchains, environment or {}, go_path, report
                )
                built = _compile(recipe, go, work, report)
                cache.write(recipe, built, go.version, time.monotonic() - started)
            finally:
                shutil.rmtree(work, ignore_errors=True)
            found = cache.read(recipe)
            if not found:
                raise GoBuildError(
                    f"The build of {recipe.name} vanished from {cache.path(recipe)}. Is something else cleaning "
                    f"that directory?"
                )
            found.changed = True
            return found
    except OSError as error:
        raise GoBuildError(
            f"Building {recipe.name} {recipe.version} under {cache.directory} failed: {error}. Check that the "
            f"directory is writable "
            "and has about 3 GB free, or choose another cache directory."
        ) from error


def _compile(recipe: Recipe, go: Go, work: str, report: Report) -> str:
    source, built = os.path.join(work, "src"), os.path.join(work, "out")
    os.makedirs(source)
    os.makedirs(built)
    what = f"{recipe.name} {recipe.version}"
    if recipe.has_builder:
        _generate(recipe, go, work, source, report)
    _write_files(
        source,
        {name: text for name, text in recipe.files.items() if not name.startswith("ocb/") and name != "builder.yaml"},
    )
    total = go.count_packages(what, source, recipe.build_arguments(), recipe.packages, report)
    go.compile(
        what,
        source,
        [*recipe.build_arguments(), "-trimpath", "-ldflags", recipe.ldflags, "-o", built + os.sep],
        recipe.packages,
        total,
        report,
    )
    missing = [name for name in recipe.programs if not os.path.isfile(os.path.join(built, name))]
    if missing:
        raise GoBuildError(
            f"{what} was built but gave no program named {', '.join(missing)}; it gave "
            f"{', '.join(sorted(os.listdir(built))) or 'none'}. "
            "Correct the recipe's packages or programs."
        )
    return built


def _generate(recipe: Recipe, go: Go, work: str, source: str, report: Report) -> None:
    """Let the collector's builder write main.go; the module versions stay those of the recipe."""
    report("building the collector's builder")
    builder = os.path.join(work, "ocb")
    _write_files(builder, {name[len("ocb/") :]: text for name, text in recipe.files.items() if name.startswith("ocb/")})
    program = os.path.join(work, "builder")
    package = "go.opentelemetry.io/collector/cmd/builder"
    go.compile("the collector's builder", builder, ["-mod=readonly", "-trimpath", "-o", program], [package], 0, report)
    _write_files(work, {"builder.yaml": recipe.files["builder.yaml"]})
    report("generating the collector's sources")
    arguments = [program, "--config", "builder.yaml", "--skip-compilation", "--skip-get-modules"]
    go.run(arguments, work, f"Generating the sources of {recipe.name} from builder.yaml")
    if not os.path.isfile(os.path.join(source, "main.go")):
        raise GoBuildError(
            f"The builder wrote no main.go for {recipe.name}. Set dist.output_path to ./src in builder.yaml."
        )


def _write_files(directory: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
