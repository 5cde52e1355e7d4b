#!/usr/bin/python
# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_report
short_description: Show the results of checks and write them as a report
version_added: 0.1.0
description:
  - Prints what M(observability.claude_code.stack_check) found as a table, and writes it as C(report.html),
    C(report.json) and
    C(report.xml) (JUnit).
  - The page shows a dashboard with its data above the checks. It needs nothing else, neither files nor a network. Its
    charts are drawn by the Python package C(vl-convert-python); without it the page has their numbers, and says how to
    get them.
  - It runs on the controller, and the files are written there.
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on
      the controller.
    support: full
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details: The table is printed, no file is written.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in
      diff mode.
    support: none
    details: A report is new each time.
options:
  results:
    description: What RV(observability.claude_code.stack_check#module:results) holds.
    type: list
    elements: dict
    required: true
  figures:
    description: The dashboard to show above the checks, as RV(observability.claude_code.stack_figures#module:figures)
      has it.
    type: dict
    default: {}
  clients_file:
    description:
      - File on the controller with what M(observability.claude_code.client_coverage) returned, as the playbook
        C(client.yml) writes it. The page then has a table of all machines.
      - Where there is no such file, there is no table.
    type: path
  directory:
    description: Directory on the controller for the files; made where it is not there.
    type: path
    required: true
  host:
    description: What the report calls the stack.
    type: str
    required: true
  range:
    description: The range that was looked at.
    type: str
    default: 24h
notes:
  - A report counts as no change of the host that it tells about, so RV(ignore:changed) is always V(false).
seealso:
  - module: observability.claude_code.stack_check
  - module: observability.claude_code.stack_figures
author:
  - observability.claude_code contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Show what was found and write the report
  observability.claude_code.verify_report:
    results: "{{ verification.results }}"
    directory: report
    host: "{{ inventory_hostname }}"
"""

RETURN = r"""
files:
  description: The files that were written, by kind. Empty in check mode.
  returned: success
  type: dict
  sample: {html: /srv/report/report.html, json: /srv/report/report.json, junit: /srv/report/report.xml}
summary:
  description: The results in one line.
  returned: success
  type: str
  sample: 33 passed, 0 failed, 4 skipped in 2.1 s
failed_ids:
  description: The ids of the checks that failed.
  returned: success
  type: list
  elements: str
"""
