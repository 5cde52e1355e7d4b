# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the results of stack_check in the terminal and writes them as files on the controller."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.observability.claude_code.plugins.plugin_utils import _report as reports
from ansible_collections.observability.claude_code.plugins.plugin_utils._report_clients import clients
from ansible_collections.observability.claude_code.plugins.plugin_utils._report_page import page

display = Display()
COLOURS = {"passed": "green", "failed": "red", "skipped": "cyan"}


class ActionModule(ActionBase):
    """Runs on the controller alone, so that the target host needs nothing for it."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _valid, arguments = self.validate_argument_spec(
            argument_spec=dict(
                results=dict(type="list", elements="dict", required=True),
                figures=dict(type="dict", default={}),
                clients_file=dict(type="path"),
                directory=dict(type="path", required=True),
                host=dict(type="str", required=True),
                range=dict(type="str", default="24h"),
            )
        )
        wrong = reports.wrong(arguments["results"])
        if wrong:
            raise AnsibleActionFail(f"{wrong} Give results as stack_check returned them.")
        at = dt.datetime.now().astimezone()
        report = reports.Report(
            host=arguments["host"],
            range=arguments["range"],
            at=at,
            results=arguments["results"],
            figures=arguments["figures"],
            clients=_clients(arguments["clients_file"], at.tzinfo),
        )
        for line, status in reports.table(report, shutil.get_terminal_size((110, 24)).columns):
            display.display(line, color=COLOURS.get(status))
        files = {} if self._play_context.check_mode else _write(report, Path(arguments["directory"]).absolute())
        if files:
            display.display(f"The report is {files['html']}")
        # A report is what the playbook says, not what it did to a machine: it counts as no change.
        result.update(
            changed=False, files=files, summary=report.summary(), failed_ids=[one["id"] for one in report.failed]
        )
        return result


def _clients(path: str | None, zone: dt.tzinfo | None) -> dict[str, t.Any]:
    """What the playbook client.yml left behind; empty where it never ran."""
    if not path or not Path(path).exists():
        return {}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        told = {name: found[name] for name in ("summary", "clients", "unnamed")}
        # The report says how old it is: machines that were covered last month need not be so today.
        table = {"at": Path(path).stat().st_mtime, **told}
        # Rendered here as well, so that a row that cannot be is told with its file.
        clients(table, zone)
        return table
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise AnsibleActionFail(
            f"The table of clients in {path} cannot be read ({type(error).__name__}: {error}). "
            "Run the playbook client.yml again, or delete it."
        ) from error


def _write(report: reports.Report, directory: Path) -> dict[str, str]:
    contents = {
        "html": ("report.html", page(report)),
        "json": ("report.json", reports.as_json(report)),
        "junit": ("report.xml", reports.as_junit(report)),
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in contents.values():
            _replace(directory / name, content)
    except OSError as error:
        raise AnsibleActionFail(
            f"The report cannot be written to {directory}: {error.strerror}. "
            "Set verify_report_dir to a directory that can be."
        ) from error
    return {kind: str(directory / name) for kind, (name, _content) in contents.items()}


def _replace(path: Path, content: str) -> None:
    """Write a file in one step: who looks at it meanwhile, or after a full disk, has the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(content, encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
