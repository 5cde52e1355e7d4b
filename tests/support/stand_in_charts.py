# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts with the names, versions, objects and claims of the real ones, as far as the roles rely on them.

The real charts take their place where CHARTS_DIR names them, so that what the stand-ins pretend is looked at as well.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from support.charts import CHARTS, recorded
from support.checkout import CHECKOUT

STAND_INS = CHECKOUT / "tests" / "files" / "charts" / "stand_ins"


def charts(folder: Path) -> dict[str, str]:
    """The path of each chart, by its name; stand-ins are made in ``folder``."""
    given = os.environ.get("CHARTS_DIR")
    return {chart: str(Path(given) / chart if given else _stand_in(folder, chart)) for chart in CHARTS}


def _stand_in(folder: Path, chart: str) -> Path:
    made = Path(shutil.copytree(STAND_INS / chart, folder / chart))
    version = recorded(chart)["version"]
    (made / "Chart.yaml").write_text(f"apiVersion: v2\nname: {chart}\nversion: {version}\n")
    return made
