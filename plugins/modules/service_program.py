#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_program
short_description: Keep one program running with what is in its files now
version_added: 0.1.0
description:
  - Starts, restarts or reloads a program of systemd or of a supervisord of our own, only when it must be, and waits
    until it works.
  - Whether it must be is told by a stamp, which holds the SHA-256 of each file that the program was last started
    with. It is written after the program was ready, so a play that died between writing a file and restarting the
    program is repaired by the next one.
  - When the program does not come up, the error shows the last 20 lines of its log.
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
      mode.
    support: full
options:
  name:
    description: Name of the program; with systemd the unit's name without C(.service).
    type: str
    required: true
  state:
    description: Whether the program shall run, or be stopped and forgotten.
    type: str
    choices: [running, absent]
    default: running
  engine:
    description: What keeps the program alive.
    type: str
    choices: [systemd, supervisord]
    required: true
  stamp:
    description: File that keeps what the program was last started with. Its directory must exist.
    type: path
    required: true
  restart_paths:
    description: Files (or directories) whose change needs a restart, such as the program itself and its unit.
    type: list
    elements: path
    default: []
  reload_paths:
    description: Files (or directories) whose change needs a reload only.
    type: list
    elements: path
    default: []
  reload:
    description:
      - How to reload. A signal's name such as V(SIGHUP), a URL to POST to, or V(none) when the program cannot reload;
        then O(reload_paths) restart it.
    type: str
    default: none
  ready_url:
    description: URL that answers 200 once the program works.
    type: str
  ready_port:
    description: TCP port that accepts connections once the program works. Used when there is no O(ready_url).
    type: int
  ready_address:
    description: Address for O(ready_port).
    type: str
    default: 127.0.0.1
  ready_timeout:
    description: How long to wait for the program to work, in seconds.
    type: float
    default: 60
  validate_certs:
    description: Whether to check the certificates of O(ready_url) and of a URL in O(reload).
    type: bool
    default: true
  restart_expected:
    description: Whether earlier tasks of the play changed files that need a restart. Only used in check mode, where
      they are not written.
    type: bool
    default: false
  reload_expected:
    description: Whether earlier tasks of the play changed files that need a reload. Only used in check mode, where
      they are not written.
    type: bool
    default: false
  files:
    description: Files to delete with O(state=absent), such as the unit.
    type: list
    elements: path
    default: []
  log:
    description: The program's log file. Needed for O(engine=supervisord).
    type: path
  supervisor_bin_dir:
    description: Directory with C(supervisord) and C(supervisorctl). Needed for O(engine=supervisord).
    type: path
  supervisor_config:
    description: Configuration of supervisord; programs are in C(conf.d) beside it. Needed for O(engine=supervisord).
    type: path
  supervisor_socket:
    description: Socket of supervisord. Needed for O(engine=supervisord).
    type: path
  supervisor_pidfile:
    description: PID file of supervisord. Needed for O(engine=supervisord).
    type: path
  supervisor_log:
    description: Log of supervisord. Needed for O(engine=supervisord).
    type: path
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Keep Prometheus running
  observability.claude_code.service_program:
    name: prometheus
    engine: systemd
    stamp: /var/lib/claude-code-observability/prometheus.stamp
    restart_paths: [/usr/local/bin/prometheus, /etc/systemd/system/prometheus.service]
    reload_paths: [/etc/prometheus/prometheus.yml, /etc/prometheus/rules]
    reload: SIGHUP
    ready_url: http://127.0.0.1:9090/-/ready
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode.
  returned: success
  type: str
  sample: reload
reasons:
  description: Why.
  returned: success
  type: list
  elements: str
  sample: [/etc/prometheus/prometheus.yml changed]
pid:
  description: Process id of the program. 0 when it does not run.
  returned: success
  type: int
  sample: 4711
"""

import os
import socket
import urllib.error
from collections.abc import Callable

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.observability.claude_code.plugins.module_utils._program import (
    Engine,
    Files,
    Program,
    ProgramError,
    Stamp,
    decide,
    expect,
)
from ansible_collections.observability.claude_code.plugins.module_utils._supervisord import (
    SupervisedProgram,
    Supervisord,
)
from ansible_collections.observability.claude_code.plugins.module_utils._systemd import SystemdProgram

SUPERVISOR = ("supervisor_bin_dir", "supervisor_config", "supervisor_socket", "supervisor_pidfile", "supervisor_log")


def engine_of(params: dict) -> Engine:
    if params["engine"] == "systemd":
        return SystemdProgram(params["name"], params["files"])
    daemon = Supervisord(*(params[name] for name in SUPERVISOR))
    return SupervisedProgram(params["name"], daemon, params["log"], params["files"])


def ready_check(params: dict) -> Callable[[], str]:
    """A function that says what is missing, or nothing when the program works."""
    url, port, address = params["ready_url"], params["ready_port"], params["ready_address"]

    def by_url() -> str:
        try:
            with open_url(url, timeout=5, use_proxy=False, validate_certs=params["validate_certs"]) as answer:
                return "" if answer.status == 200 else f"{url} answered {answer.status}"
        except urllib.error.HTTPError as error:
            return f"{url} answered {error.code}"
        except Exception as error:  # what a half-started server can do to a connection has many names
            return f"{url}: {error}"

    def by_port() -> str:
        try:
            with socket.create_connection((address, port), timeout=5):
                return ""
        except OSError as error:
            return f"{address}:{port}: {error}"

    if url:
        return by_url
    return by_port if port else lambda: ""


def reload_call(url: str, validate_certs: bool) -> Callable[[], None]:
    def call() -> None:
        try:
            with open_url(url, method="POST", data=b"", timeout=60, use_proxy=False, validate_certs=validate_certs):
                pass
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace").strip()
            raise ProgramError(
                f"The reload through {url} was refused ({error.code}): {text}. It keeps running with its old "
                f"configuration; correct the new one."
            ) from error
        except Exception as error:
            raise ProgramError(
                f"The reload through {url} failed: {error}. Check that the program listens there."
            ) from error

    return call


def run(module: AnsibleModule) -> dict:
    params = module.params
    engine = engine_of(params)
    if params["state"] == "absent":
        return remove(module, engine)
    how = params["reload"]
    program = Program(
        name=params["name"],
        engine=engine,
        ready=ready_check(params),
        timeout=params["ready_timeout"],
        reload_signal=None if how == "none" or "://" in how else how,
        reload_call=reload_call(how, params["validate_certs"]) if "://" in how else None,
    )
    stamp = Stamp(params["stamp"])
    files = Files.of(params["restart_paths"], params["reload_paths"])
    state = engine.read()
    before = stamp.read()
    decision = decide(state, before, files, program.can_reload)
    if module.check_mode:
        decision = expect(decision, params["restart_expected"], params["reload_expected"], program.can_reload)
    else:
        if decision.action != "none":
            # From here on nobody knows what it runs with until it has answered; a failure leaves no stamp behind.
            stamp.forget()
        program.apply(decision)
        program.wait_ready(decision)
        if decision.action != "none":
            stamp.write(files)
        state = engine.read()
    diff = {
        "before": {"state": "running" if decision.action != "start" else "stopped"},
        "after": {"state": "running"},
    }
    if decision.action != "none":
        diff["after"].update(action=decision.action, because=decision.reasons)
    return {
        "changed": decision.action != "none",
        "action": decision.action,
        "reasons": decision.reasons,
        "pid": state.pid,
        "diff": diff,
    }


def remove(module: AnsibleModule, engine: Engine) -> dict:
    state = engine.read()
    present = state.known or any(os.path.lexists(path) for path in module.params["files"])
    if present and not module.check_mode:
        engine.remove()
    return {
        "changed": present,
        "action": "remove" if present else "none",
        "reasons": [],
        "pid": 0,
        "diff": {"before": {"state": "present" if present else "absent"}, "after": {"state": "absent"}},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="str", required=True),
            state=dict(type="str", choices=["running", "absent"], default="running"),
            engine=dict(type="str", choices=["systemd", "supervisord"], required=True),
            stamp=dict(type="path", required=True),
            restart_paths=dict(type="list", elements="path", default=[]),
            reload_paths=dict(type="list", elements="path", default=[]),
            reload=dict(type="str", default="none"),
            ready_url=dict(type="str"),
            ready_port=dict(type="int"),
            ready_address=dict(type="str", default="127.0.0.1"),
            ready_timeout=dict(type="float", default=60),
            validate_certs=dict(type="bool", default=True),
            restart_expected=dict(type="bool", default=False),
            reload_expected=dict(type="bool", default=False),
            files=dict(type="list", elements="path", default=[]),
            log=dict(type="path"),
            supervisor_bin_dir=dict(type="path"),
            supervisor_config=dict(type="path"),
            supervisor_socket=dict(type="path"),
            supervisor_pidfile=dict(type="path"),
            supervisor_log=dict(type="path"),
        ),
        supports_check_mode=True,
        required_if=[("engine", "supervisord", [*SUPERVISOR, "log"])],
    )
    try:
        result = run(module)
    except ProgramError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
