# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our keys in a settings file that belongs to others, and what they were before. No Ansible in here."""

from __future__ import annotations

import difflib
import json
import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_files import ClientFilesError

HELPER = "otelHeadersHelper"
ENV = "env"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names of OpenTelemetry variables that client 2.1.330 reads, besides those of a single signal.
KNOWN = frozenset(
    (
        "CLAUDE_CODE_CLIENT_CERT",
        "CLAUDE_CODE_CLIENT_KEY",
        "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
        "CLAUDE_CODE_ENABLE_TELEMETRY",
        "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA",
        "CLAUDE_CODE_OTEL_CONTENT_MAX_LENGTH",
        "CLAUDE_CODE_OTEL_DIAG_STDERR",
        "CLAUDE_CODE_OTEL_FLUSH_TIMEOUT_MS",
        "CLAUDE_CODE_OTEL_HEADERS_HELPER_DEBOUNCE_MS",
        "CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS",
        "NODE_EXTRA_CA_CERTS",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_LOGS_EXPORTER",
        "OTEL_LOGS_EXPORT_INTERVAL",
        "OTEL_LOG_ASSISTANT_RESPONSES",
        "OTEL_LOG_MANAGED_SETTINGS",
        "OTEL_LOG_RAW_API_BODIES",
        "OTEL_LOG_TOOL_CONTENT",
        "OTEL_LOG_TOOL_DETAILS",
        "OTEL_LOG_USER_PROMPTS",
        "OTEL_METRICS_EXPORTER",
        "OTEL_METRICS_INCLUDE_ACCOUNT_UUID",
        "OTEL_METRICS_INCLUDE_ENTRYPOINT",
        "OTEL_METRICS_INCLUDE_REPOSITORY",
        "OTEL_METRICS_INCLUDE_RESOURCE_ATTRIBUTES",
        "OTEL_METRICS_INCLUDE_SESSION_ID",
        "OTEL_METRICS_INCLUDE_VERSION",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_RESOURCE_INCLUDE_HOST",
        "OTEL_SERVICE_NAME",
        "OTEL_TRACES_EXPORTER",
        "OTEL_TRACES_EXPORT_INTERVAL",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
    )
)
TRANSPORT = re.compile(
    r"OTEL_EXPORTER_OTLP_((METRICS|LOGS|TRACES)_)?"
    r"(ENDPOINT|HEADERS|PROTOCOL|COMPRESSION|TIMEOUT|CERTIFICATE|CLIENT_CERTIFICATE|CLIENT_KEY|INSECURE)"
    r"|OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
)
# A key of a settings file: the name of a setting, or env and the name of a variable.
Key = tuple[str, ...]


def complaints(settings: t.Mapping[str, t.Any]) -> list[str]:
    """What the client would not understand of settings that are about to be written."""
    found = [
        f"{key} is no setting of telemetry; only {ENV} and {HELPER} are written here"
        for key in settings
        if key not in (ENV, HELPER)
    ]
    if not isinstance(settings.get(HELPER, ""), str):
        found.append(f"{HELPER} must be the path of a script")
    variables = settings.get(ENV, {})
    if not isinstance(variables, dict):
        return [*found, f"{ENV} must map names to values"]
    for name, value in variables.items():
        if not NAME.fullmatch(name):
            found.append(f"{name} cannot be the name of a variable")
        elif name not in KNOWN and not TRANSPORT.fullmatch(name):
            near = difflib.get_close_matches(name, KNOWN, 1)
            found.append(f"the client reads no variable {name}" + (f"; did you mean {near[0]}?" if near else ""))
        elif not isinstance(value, str) or "\n" in value or "\0" in value:
            found.append(f"{name} must be one line of text")
    return found


def flat(settings: t.Mapping[str, t.Any]) -> dict[Key, t.Any]:
    """Each setting by its key."""
    found: dict[Key, t.Any] = {(ENV, name): value for name, value in settings.get(ENV, {}).items()}
    found.update({(key,): value for key, value in settings.items() if key != ENV})
    return found


class Document:
    """A settings file: its keys in their order, and how it was indented."""

    def __init__(self, path: str, data: bytes | None) -> None:
        self.path = path
        self.data = data
        text = self._text()
        try:
            self.settings: dict[str, t.Any] = json.loads(text) if text.strip() else {}
        except json.JSONDecodeError as error:
            raise ClientFilesError(
                f"{path} is no JSON: {error.msg} at line {error.lineno}, column {error.colno}. Nothing was changed. "
                "Mend it, or move it away if nobody needs it, then run the playbook again."
            ) from error
        except (ValueError, RecursionError) as error:
            raise ClientFilesError(
                f"{path} holds a number with too many digits, or is nested too deep. Nothing was changed. Take that "
                "out, then run the playbook again."
            ) from error
        if not isinstance(self.settings, dict) or not isinstance(self.settings.get(ENV, {}), dict):
            raise ClientFilesError(
                f'{path} holds no settings: an object with an object "{ENV}" in it is wanted. '
                "Nothing was changed. Mend it, then run the playbook again."
            )
        indentation = re.search(r"\n([ \t]+)\"", text)
        self.indent = indentation.group(1) if indentation else "  "

    def _text(self) -> str:
        try:
            return (self.data or b"").decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ClientFilesError(
                f"{self.path} is no text in UTF-8. Nothing was changed. Save it as UTF-8, then run the playbook again."
            ) from error

    def get(self, key: Key) -> t.Any:
        """None where it is not set."""
        value: t.Any = self.settings
        for part in key:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def put(self, key: Key, value: t.Any) -> None:
        """Set it, or take it away with None; an ``env`` without variables goes too."""
        *parents, last = key
        holder = self.settings
        for part in parents:
            holder = holder.setdefault(part, {})
        if value is None:
            holder.pop(last, None)
            if parents and not holder:
                self.settings.pop(parents[0], None)
        else:
            holder[last] = value

    def content(self) -> bytes:
        """As it stands where nothing was put, so that nothing of somebody's own is rewritten without need."""
        try:
            before = json.loads(self._text()) if (self.data or b"").strip() else {}
            if self.data is not None and before == self.settings:
                return self.data
            text = json.dumps(self.settings, indent=self.indent, ensure_ascii=False, allow_nan=False)
        except (ValueError, RecursionError) as error:
            raise ClientFilesError(
                f"{self.path} holds a number that JSON cannot hold, such as 1e999 or NaN, or is nested too deep to be "
                "written again. Nothing was changed. Take that out, then run the playbook again."
            ) from error
        # UTF-8 has no half of a pair of surrogates; JSON has it as the escape that it was read from.
        return (text + "\n").encode("utf-8", "backslashreplace")
