# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For playbooks on this machine: a module finds Ansible's own code in its installation, where it is compiled.

From the archive that each run of a module brings with it, Python would compile that code every time: half of the run,
and the tests have thousands. What this collection brings still comes from the archive.

Nor are these short runs worth looking for garbage: that is a twentieth of their time.
"""

import contextlib
import gc

gc.disable()
with contextlib.suppress(ImportError):
    import ansible  # noqa: F401
