# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs come from a release, from Go modules or from a path, verified and once; and what the unit forbids."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import shutil
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.checkout import run
from support.tiny import FILES, Site, Tiny, variables

PROGRAM = b"#!/bin/sh\necho released\n"
RECIPE = {"recipe": str(FILES / "recipe")}
# Of 100, by systemd's own measure; 96 is a unit without any protection.
MOST_EXPOSED = 20


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass
class Mirror:
    """A web server with release archives."""

    folder: Path
    url: str

    def put(self, name: str) -> dict[str, Any]:
        """Publish an archive with its checksum file; what the role must be told about it."""
        data = io.BytesIO()
        if name.endswith(".zip"):
            with zipfile.ZipFile(data, "w") as archive:
                archive.writestr("tiny-linux", PROGRAM)
            member = "tiny-linux"
        else:
            member = "tiny-1/tiny"
            data = packed({member: PROGRAM})
        return self.publish(name, data, member)

    def put_folder(self, name: str, **more: bytes) -> dict[str, Any]:
        """The same for a program that is a folder: bin/tiny, share/text and ``more``, by their names at the top."""
        data = packed({"tiny-v1/bin/tiny": PROGRAM, "tiny-v1/share/text": b"text", **more})
        return self.publish(name, data, "bin/tiny")

    def publish(self, name: str, data: io.BytesIO, member: str) -> dict[str, Any]:
        (self.folder / name).write_bytes(data.getvalue())
        digest = hashlib.sha256(data.getvalue()).hexdigest()
        (self.folder / "sha256sums.txt").write_text(f"{digest}  {name}\n")
        sums = dict.fromkeys(("amd64", "arm64"), f"sha256:{digest}")
        return {"url": f"{self.url}/{name}", "checksums": sums, "members": {"tiny": member}}


def packed(files: dict[str, bytes]) -> io.BytesIO:
    """A tar.gz as somebody packed it who has another user id, and a umask that lets his group write."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o775, 4711, 4711
            archive.addfile(entry, io.BytesIO(content))
    return data


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Mirror(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "p", [Tiny("tiny", 1)], variables(tmp_path / "p"))


@pytest.mark.parametrize("name", ["tiny-1.tar.gz", "tiny-1.zip"])
def test_a_release_is_downloaded_once_and_installed(site: Site, mirror: Mirror, name: str) -> None:
    release = mirror.put(name)
    given = {"playbook": "install.yml", "service_source": "release", "service_release": release}
    assert site.play("--check", **given).well().changed > 0
    assert not site.prefix.exists()
    site.play(**given).well()
    program = site.prefix / "bin" / "tiny"
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o777 == 0o755
    assert list((site.prefix / "cache" / "release").glob(".unpack-*")) == []
    (mirror.folder / name).unlink()
    assert site.play(**given).well().changed == 0


@pytest.mark.parametrize("source", ["release", "auto"])
def test_a_wrong_archive_is_never_installed_nor_passed_over(site: Site, mirror: Mirror, source: str) -> None:
    release = mirror.put("tiny-1.tar.gz")
    with (mirror.folder / "tiny-1.tar.gz").open("ab") as stream:
        stream.write(b"more")
    failed = site.play(playbook="install.yml", service_source=source, service_release=release, service_go=RECIPE)
    assert failed.code != 0
    assert "did not match" in failed.text
    assert not (site.prefix / "bin" / "tiny").exists()


def test_auto_builds_from_go_modules_where_the_archive_cannot_be_had_and_says_so(site: Site, mirror: Mirror) -> None:
    release = mirror.put("tiny-1.tar.gz")
    (mirror.folder / "tiny-1.tar.gz").unlink()
    given = {"playbook": "install.yml", "service_source": "auto", "service_release": release, "service_go": RECIPE}
    played = site.play(**given).well()
    assert "building from Go modules instead" in played.text
    assert "tiny 1: from go" in played.text
    assert (site.prefix / "bin" / "tiny").read_bytes().startswith(b"\x7fELF")
    # From now on it is a build; a release that appears does not replace it, and nothing is asked for in vain.
    again = site.play(**given).well()
    assert again.changed == 0
    assert "instead" not in again.text


def test_auto_takes_the_release_where_it_can_be_had_by_the_projects_checksum_file(site: Site, mirror: Mirror) -> None:
    release = mirror.put("tiny-1.tar.gz")
    release["checksums"] = dict.fromkeys(release["checksums"], f"sha256:{mirror.url}/sha256sums.txt")
    given = {"service_source": "auto", "service_release": release, "service_go": RECIPE}
    assert "tiny 1: from release" in site.play(playbook="install.yml", **given).well().text
    assert (site.prefix / "bin" / "tiny").read_bytes() == PROGRAM


FOLDER = {"playbook": "install.yml", "service_programs": ["tiny"], "service_folder": True}


def test_a_program_that_is_a_folder_is_kept_whole_and_belongs_to_who_installs_it(site: Site, mirror: Mirror) -> None:
    given = {**FOLDER, "service_source": "release", "service_release": mirror.put_folder("tiny-1.tar.gz")}
    assert site.play("--check", **given).well().changed > 0
    assert not site.prefix.exists()
    site.play(**given).well()
    (folder,) = (site.prefix / "lib").iterdir()
    assert folder.name.startswith("tiny-1-linux-")
    assert (folder / "bin" / "tiny").read_bytes() == PROGRAM
    assert (folder / "share" / "text").read_bytes() == b"text"
    for path in (folder, *folder.rglob("*")):
        status = path.stat()
        assert (status.st_uid, status.st_mode & 0o022) == (os.getuid(), 0), path
    assert not (site.prefix / "bin").exists()
    (mirror.folder / "tiny-1.tar.gz").unlink()
    assert site.play(**given).well().changed == 0
    assert site.play("--check", **given).well().changed == 0


def test_an_archive_that_is_not_one_folder_is_no_program_that_is_one(site: Site, mirror: Mirror) -> None:
    release = mirror.put_folder("tiny-1.tar.gz", readme=b"beside the folder")
    failed = site.play(**FOLDER, service_source="release", service_release=release)
    assert failed.code != 0
    assert "holds 2 things where one folder is expected" in " ".join(failed.text.split())
    assert list((site.prefix / "lib").iterdir()) == []


def test_an_optional_program_that_cannot_be_had_is_left_out_without_a_change(site: Site, mirror: Mirror) -> None:
    release = mirror.put_folder("tiny-1.tar.gz")
    archive = mirror.folder / "tiny-1.tar.gz"
    hidden = archive.rename(mirror.folder / "hidden")
    given = {**FOLDER, "service_source": "auto", "service_release": release, "service_optional": True}
    assert site.play("--check", **given).well().changed == 0
    assert "going on without it" in site.play(**given).well().text
    assert site.play(**given).well().changed == 0
    assert site.play("--check", **given).well().changed == 0
    hidden.rename(archive)
    assert site.play("--check", **given).well().changed == 1
    assert "tiny 1: from release" in site.play(**given).well().text


def test_an_optional_program_with_a_wrong_checksum_is_refused_all_the_same(site: Site, mirror: Mirror) -> None:
    release = mirror.put_folder("tiny-1.tar.gz")
    with (mirror.folder / "tiny-1.tar.gz").open("ab") as stream:
        stream.write(b"more")
    failed = site.play(**FOLDER, service_source="auto", service_release=release, service_optional=True)
    assert failed.code != 0
    assert "did not match" in failed.text


def test_a_folder_on_the_host_is_used_where_it_is(site: Site, tmp_path: Path) -> None:
    program = tmp_path / "tiny" / "bin" / "tiny"
    program.parent.mkdir(parents=True)
    program.write_bytes(PROGRAM)
    program.chmod(0o755)
    members = {"members": {"tiny": "bin/tiny"}}
    given = {**FOLDER, "service_source": "path", "service_path": str(tmp_path / "tiny"), "service_release": members}
    assert site.play(**given).well().changed == 0
    program.unlink()
    failed = site.play(**given)
    assert failed.code != 0
    assert f"{program} is no program that can be run" in " ".join(failed.text.split())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"service_source": "release", "service_release": {"url": "http://127.0.0.1:1/x"}},
            "needs service_release.url",
        ),
        ({"service_source": "path", "service_path": "/nonexistent"}, "is no program that can be run"),
        ({"service_source": "auto"}, "the source auto lacks what it needs"),
        ({"service_source": "somewhere"}, "value of service_source must be one of"),
    ],
)
def test_a_source_that_cannot_work_is_refused_with_the_reason(site: Site, given: dict[str, Any], said: str) -> None:
    failed = site.play(playbook="install.yml", **given)
    assert failed.code != 0
    assert said in " ".join(failed.text.split())
    assert not site.prefix.exists()


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unit that the role writes for a program with everything that a unit can have."""
    assert shutil.which("systemd-analyze"), "systemd-analyze is not there; install the package systemd"
    folder = tmp_path_factory.mktemp("unit")
    site = Site(folder, [], {**variables(folder), "service_engine": "systemd", "service_unit_dir": str(folder)})
    # The check looks whether the program and the user are there; these are on every machine.
    given = {
        "service_name": "tiny",
        "service_user": "daemon",
        "service_bin_dir": "/usr/bin",
        "service_command": ["/usr/bin/env", "--x=a \"b\" $c %d \\ 'e'", ""],
        "service_environment": {"SECRET": 'a "b" $c `d` % \\'},
        "service_data_dirs": ["/var/lib/claude code/tiny"],
        "service_memory_limit_mib": 500,
        "service_reload": "SIGHUP",
    }
    site.play(playbook="unit.yml", **given).well()
    return folder / "tiny.service"


def test_the_unit_passes_systemds_own_check(unit: Path) -> None:
    assert run("systemd-analyze", "verify", unit) == ""


def test_the_unit_exposes_little(unit: Path) -> None:
    run("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)


def test_an_unprotected_unit_would_fail_the_same_measure(tmp_path: Path) -> None:
    open_unit = tmp_path / "open.service"
    open_unit.write_text("[Service]\nExecStart=/usr/bin/env\n")
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(open_unit)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_the_unit_limits_memory_and_keeps_secrets_in_a_private_file(unit: Path) -> None:
    text = unit.read_text()
    assert "MemoryMax=500M" in text
    assert 'ReadWritePaths="/var/lib/claude code/tiny"' in text
    assert 'ExecStart="/usr/bin/env" "--x=a \\"b\\" $$c %%d \\\\ \'e\'" ""' in text
    assert "SECRET" not in text
    private = unit.parent / "etc" / "tiny.env"
    assert private.stat().st_mode & 0o777 == 0o600
    assert 'SECRET="a \\"b\\" \\$c \\`d\\` % \\\\"' in private.read_text()
    assert 'GOMEMLIMIT="400MiB"' in private.read_text()
