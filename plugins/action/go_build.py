# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends the recipe's files to the module and shows how far the build is.

A build takes minutes. So the module runs as a job in the background of the target host (as with C(async)), writes its
state to a small file, and this plugin reads that file and prints a line now and then.
"""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()

POLL_SECONDS = 1.0
SHOW_SECONDS = 15.0
LIMIT_SECONDS = 2 * 3600
MODULE = "observability.claude_code.go_build"


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        arguments = dict(self._task.args)
        recipe = arguments.pop("recipe", None)
        if recipe:
            arguments["files"] = read_recipe(str(recipe))
        if self._task.check_mode:
            # A job in the background is not possible in check mode, and nothing is built in it.
            outcome = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        else:
            outcome = self._build(arguments, task_vars or {})
        self._without_files(outcome)
        result.update(outcome)
        return result

    def _build(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        # A quick look first: most runs find the programs in the cache and need no job.
        found = self._execute_in_check_mode(arguments, task_vars)
        if found.get("failed") or not found.get("changed"):
            return found
        directory = str(arguments.get("cache_dir") or "~/.cache/claude-code-observability")
        directory = self._remote_expand_user(directory)
        progress = self._connection._shell.join_path(directory, f".progress-{secrets.token_hex(8)}")
        arguments = {**arguments, "progress": progress}
        what = f"{arguments.get('name')} {arguments.get('version')}"
        before = self._task.async_val
        self._task.async_val = LIMIT_SECONDS
        try:
            started = self._execute_module(
                module_name=MODULE, module_args=arguments, task_vars=task_vars, wrap_async=True
            )
        finally:
            self._task.async_val = before
        job = started.get("ansible_job_id")
        if started.get("failed") or not job:
            return started
        display.display(f"  {what}: building from Go modules; this takes minutes the first time")
        begin = shown = time.monotonic()
        while True:
            time.sleep(POLL_SECONDS)
            status = self._job(job, "status", task_vars)
            if status.get("finished") or status.get("failed"):
                break
            if time.monotonic() - shown >= SHOW_SECONDS:
                shown = time.monotonic()
                text = self._read(progress)
                if text:
                    display.display(f"  {what}: {text} ({duration(shown - begin)})")
        self._job(job, "cleanup", task_vars)
        for name in (
            "ansible_job_id",
            "finished",
            "started",
            "results_file",
            "stdout",
            "stdout_lines",
            "stderr",
            "stderr_lines",
        ):
            status.pop(name, None)
        return status

    def _execute_in_check_mode(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        before = self._task.check_mode
        self._task.check_mode = True
        try:
            return self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        finally:
            self._task.check_mode = before

    def _job(self, job: str, mode: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        return self._execute_module(
            module_name="ansible.legacy.async_status",
            module_args={
                "jid": job,
                "mode": mode,
                "_async_dir": self.get_shell_option("async_dir", default="~/.ansible_async"),
            },
            task_vars=task_vars,
        )

    def _read(self, path: str) -> str:
        done = self._low_level_execute_command(f"cat {self._connection._shell.quote(path)}")
        return done["stdout"].strip() if done.get("rc") == 0 else ""

    @staticmethod
    def _without_files(outcome: dict[str, Any]) -> None:
        """The recipe's text is long and says nothing to a person who reads the result."""
        shown = outcome.get("invocation", {}).get("module_args", {})
        if isinstance(shown, dict) and shown.get("files"):
            shown["files"] = sorted(shown["files"])


def read_recipe(directory: str) -> dict[str, str]:
    """The text files of a recipe by their relative paths."""
    directory = os.path.expanduser(directory)
    if not os.path.isdir(directory):
        raise AnsibleActionFail(
            f"The recipe {directory} is no directory on the controller. It must hold go.mod and go.sum."
        )
    files = {}
    for top, names, members in os.walk(directory):
        names.sort()
        for member in sorted(members):
            path = os.path.join(top, member)
            try:
                with open(path, encoding="utf-8") as stream:
                    files[os.path.relpath(path, directory)] = stream.read()
            except (OSError, UnicodeDecodeError) as error:
                raise AnsibleActionFail(
                    f"The recipe's file {path} cannot be read: {error}. A recipe holds text files only."
                ) from error
    return files


def duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
