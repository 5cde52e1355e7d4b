# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page of the documentation that is made from the catalogue."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Catalogue, CatalogueError
from ansible_collections.observability.claude_code.plugins.module_utils._panels import load_dashboards
from ansible_collections.observability.claude_code.plugins.plugin_utils._alert_docs import alert_differences, alert_page
from ansible_collections.observability.claude_code.plugins.plugin_utils._dashboard_docs import pages


def all_pages(collection: Path, catalogue: Catalogue) -> dict[str, str]:
    """The pages by their path below docs. Parts of some are written by hand, and stay as they are in ``collection``."""
    folder, docs = collection / "files" / "catalogue", collection / "docs"
    cases = [collection / "tests" / "integration" / "files" / name for name in ("alerts", "event_alerts")]
    dashboards = load_dashboards(folder, catalogue)
    alerts = alert_page(folder, cases, catalogue, dashboards)
    found = pages(dashboards, catalogue, _text(docs / "differences.md"), alert_differences(alerts.groups))
    return {**found, "alerts.md": alerts.text(_text(docs / "alerts.md"))}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read: {error}. Pages are made in a checkout of the project.") from error
