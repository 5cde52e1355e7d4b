# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small programs under one prefix, set up by the role `service` through real plays."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.checkout import CHECKOUT, for_playbooks

FILES = CHECKOUT / "tests" / "integration" / "files" / "tiny"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


@dataclass
class Played:
    """What a play printed and how it ended."""

    code: int
    text: str

    @property
    def changed(self) -> int:
        found = re.search(r"localhost\s+: ok=\d+\s+changed=(\d+)", self.text)
        assert found, self.text
        return int(found.group(1))

    def well(self) -> Played:
        assert self.code == 0, self.text
        return self


@dataclass
class Answer:
    """What a small program serves: its process id, its greeting and its configuration."""

    pid: int
    greeting: str
    text: str


@dataclass
class Tiny:
    """One small program."""

    name: str
    port: int
    options: dict[str, Any] = field(default_factory=dict)

    def ask(self) -> Answer | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as reply:
                pid, greeting, text = reply.read().decode().split("\n", 2)
        except (OSError, urllib.error.URLError):
            return None
        return Answer(int(pid), greeting, text.rstrip("\n"))

    @property
    def now(self) -> Answer:
        answer = self.ask()
        assert answer, f"{self.name} does not answer"
        return answer


@dataclass
class Site:
    """A prefix with small programs in it."""

    prefix: Path
    programs: list[Tiny]
    variables: dict[str, Any]

    def play(
        self, *arguments: str, playbook: str = "site.yml", only: str = "", install: bool | None = None, **variables: Any
    ) -> Played:
        """Run the playbook. Variables named after a program change that program's options for good.

        Plays cost seconds: they can be about one program only, and install only what is not there unless told so.
        """
        program_file = self.prefix / "bin" / "tiny"
        install = not program_file.exists() if install is None else install
        for program in self.programs:
            program.options.update(variables.pop(program.name, {}))
        chosen = [program for program in self.programs if not only or program.name == only]
        wanted = [{"name": p.name, "port": p.port, "text": "first", "install": install, **p.options} for p in chosen]
        if not install:
            variables["service_result"] = {program.name: {"bin": {"tiny": str(program_file)}} for program in chosen}
        how = [str(PLAYBOOK), "-i", "localhost,", "-c", "local", str(FILES / playbook)]
        given = {**self.variables, **variables, "tiny_programs": wanted}
        done = subprocess.run(
            [*how, "-e", json.dumps(given), *arguments],
            env=for_playbooks(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return Played(done.returncode, done.stdout)

    @property
    def supervisord(self) -> int:
        return int((self.prefix / "run" / "supervisord.pid").read_text())

    @property
    def socket(self) -> Path:
        config = (self.prefix / "etc" / "supervisord.conf").read_text()
        return Path(re.findall(r"^file=(.*)$", config, flags=re.MULTILINE)[0])


def variables(prefix: Path) -> dict[str, Any]:
    return {
        "ansible_python_interpreter": sys.executable,
        "service_engine": "supervisord",
        "service_bin_dir": str(prefix / "bin"),
        "service_config_dir": str(prefix / "etc"),
        "service_log_dir": str(prefix / "log"),
        "service_run_dir": str(prefix / "run"),
        "service_state_dir": str(prefix / "data" / "service"),
        "service_cache_dir": str(prefix / "cache"),
    }
