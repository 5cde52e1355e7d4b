# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that stands for a developer's machine on which telemetry of Claude Code was rolled out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOME = "/homes/alex"
USER = "alex"
PROJECT = "/src/web"
MANAGED = "/etc/claude-code/managed-settings.d/50-observability.json"
SCRIPT = "/etc/claude-code/otel-headers.sh"
TOKEN_FILE = f"{HOME}/.config/claude-code-observability/otel-token"
PRINTS_TOKEN = f"""#!/bin/sh
read -r token <"$HOME{TOKEN_FILE.removeprefix(HOME)}" || [ -f "$HOME{TOKEN_FILE.removeprefix(HOME)}" ] || exit 1
printf '{{"Authorization": "Bearer %s"}}\\n' "$token"
"""


def variables(endpoint: str, name: str = "laptop-1") -> dict[str, str]:
    """What a roll-out sets."""
    return {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        "OTEL_METRIC_EXPORT_INTERVAL": "60000",
        "OTEL_LOGS_EXPORT_INTERVAL": "5000",
        "OTEL_RESOURCE_ATTRIBUTES": f"team=data%20platform,host.name={name}",
    }


def exports(settings: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())


class ClientMachine:
    """Its files lie beneath ``root``; ``put`` writes one of them."""

    def __init__(self, root: Path, settings: Mapping[str, str], token: str) -> None:
        self.root = root
        self.put(MANAGED, {"env": dict(settings), "otelHeadersHelper": SCRIPT})
        self.put(SCRIPT, PRINTS_TOKEN, 0o755)
        self.put(TOKEN_FILE, token + "\n", 0o600)

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def put(self, path: str, content: Any, mode: int = 0o644) -> None:
        """Text and bytes stay as they are, None takes the file away, all else as JSON. Its mode stays."""
        place = self.at(path)
        if content is None:
            place.unlink()
            return
        there = place.exists()
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            place.write_bytes(content)
        else:
            place.write_text(content if isinstance(content, str) else json.dumps(content))
        if not there:
            place.chmod(mode)

    def options(self, **more: Any) -> dict[str, Any]:
        """What the module client_check is given."""
        usual = {"root": str(self.root), "user": USER, "home": HOME, "system": "Linux", "token_files": [TOKEN_FILE]}
        return {**usual, **more}
