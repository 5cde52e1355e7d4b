# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that is started and configured as Grafana is, and answers as the stand-in for it does.

It is packed as Grafana's archive is laid out. Like Grafana it takes the administrator's password from its configuration
when it has no database yet, and keeps it there; and it ends when a file of its provisioning cannot be read. Unlike
Grafana it forgets all else when it ends.
"""

from __future__ import annotations

import configparser
import hashlib
import io
import json
import platform
import re
import signal
import sys
import tarfile
from pathlib import Path
from typing import Any

import yaml
from support.grafana_server import GrafanaServer
from support.grafana_server_http import Answer

PROGRAM = """#!{python}
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, {tests!r})
from support.grafana_program import main
main(sys.argv[1:])
"""
USAGE = "grafana server|cli --homepath HOME --config FILE [admin reset-admin-password --password-from-stdin]"


def archive(version: str) -> bytes:
    """A tar.gz with the program, its configuration and its pages in one folder."""
    tests = str(Path(__file__).resolve().parents[1])
    files = {
        "bin/grafana": PROGRAM.format(python=sys.executable, tests=tests),
        "conf/defaults.ini": "app_mode = production\n",
        "public/index.html": "<html></html>\n",
        "VERSION": f"{version}\n",
    }
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as packed:
        for path, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"grafana-v{version}/{path}")
            entry.size, entry.mode = len(content), 0o755 if path.startswith("bin/") else 0o644
            packed.addfile(entry, io.BytesIO(content))
    return data.getvalue()


def publish(folder: Path, version: str) -> Path:
    """The archive in a folder as its publisher has it, with its checksum beside it."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    file = folder / f"grafana-{version}.linux-{machine}.tar.gz"
    file.write_bytes(archive(version))
    file.with_name(f"{file.name}.sha256").write_text(hashlib.sha256(file.read_bytes()).hexdigest() + "\n")
    return file


class Configuration:
    """grafana.ini, with what stands for a file's content filled in."""

    def __init__(self, file: Path) -> None:
        self._parser = configparser.RawConfigParser(strict=False)
        self._parser.read_string(f"[top]\n{file.read_text()}")

    def get(self, section: str, name: str) -> str:
        text = self._parser.get(section, name)
        return re.sub(r"\$__file\{([^}]+)\}", lambda found: Path(found[1]).read_text().strip(), text)


class Program(GrafanaServer):
    """Keeps the password of its administrator in a file, and a list of its requests."""

    def __init__(self, home: Path, configuration: Configuration) -> None:
        data = Path(configuration.get("paths", "data"))
        self.database, self.log = data / "password-in-database", data / "requests.jsonl"
        if not self.database.exists():
            self.database.write_text(configuration.get("security", "admin_password"))
        version, port = (home / "VERSION").read_text().strip(), int(configuration.get("server", "http_port"))
        super().__init__(version, "", password=self.database.read_text(), port=port)

    def answer(self, method: str, target: str, headers: dict[str, str], text: str) -> Answer | None:
        with self.lock:
            self.state.logins["admin"].password = self.database.read_text()
            with self.log.open("a") as stream:
                stream.write(json.dumps([method, target]) + "\n")
        return super().answer(method, target, headers, text)


def main(arguments: list[str]) -> None:
    words = [word for argument in arguments for word in argument.split("=", 1)]
    if words[:1] not in (["server"], ["cli"]) or not {"--homepath", "--config"} <= {*words}:
        sys.exit(USAGE)
    options = dict(zip(words[1:5:2], words[2:5:2], strict=True))
    home, configuration = Path(options["--homepath"]), Configuration(Path(options["--config"]))
    if not (home / "conf" / "defaults.ini").is_file() or not (home / "public").is_dir():
        sys.exit(f"Could not find config defaults, make sure homepath command line parameter is set: {home}")
    program = Program(home, configuration)
    if words[0] == "cli":
        if words[5:] != ["admin", "reset-admin-password", "--password-from-stdin"]:
            sys.exit(USAGE)
        program.database.write_text(sys.stdin.read())
        return
    provisioned(Path(configuration.get("paths", "provisioning")))
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(0))
    with program:
        signal.pause()


def provisioned(folder: Path) -> list[Any]:
    """The files of alerting; a fault in one of them ends the program, as it does Grafana."""
    files = sorted((folder / "alerting").glob("*.yaml"))
    found = [yaml.safe_load(file.read_text()) for file in files]
    if any(one.get("apiVersion") != 1 for one in found):
        sys.exit(f"Failed to read config of alerting in {folder}")
    return found
