# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test cluster outside of pytest: `PYTHONPATH=tests python -m support.serve_cluster FOLDER`.

It runs until the file `ready`, which it puts into the folder, is deleted. The folder must be there; it has the
kubeconfig of the administrator and a link to Helm.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader
from support.checkout import COLLECTIONS


def serve(folder: Path) -> None:
    # First Ansible's importer, as for pytest.
    init_plugin_loader([str(COLLECTIONS)])
    from support.cluster import running
    from support.stack import until

    ready = folder / "ready"
    with running(folder) as cluster:
        (folder / "helm").symlink_to(cluster.helm)
        ready.touch()
        until(lambda: not ready.exists(), math.inf, "it is stopped")
    (folder / "ended").touch()


if __name__ == "__main__":
    serve(Path(sys.argv[1]).resolve())
