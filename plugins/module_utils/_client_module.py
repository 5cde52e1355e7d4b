# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for clients have in common."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule


class ClientModule(AnsibleModule):
    """A module with tokens and passphrases in values of its options, which are known only once it has read them."""

    def _log_invocation(self) -> None:
        """Nothing: Ansible would write the options into the system's log before, where others can read them."""
