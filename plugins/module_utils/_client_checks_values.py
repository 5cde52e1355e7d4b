# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in force that keep telemetry from arriving, or make it wrong."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_exports import (
    ATTRIBUTES,
    ENABLED,
    EXPORTER_TYPES,
    Export,
    address,
    attributes,
    exporter_types,
    usual_protocol,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_findings import (
    Finding,
    error,
    notice,
    warning,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_sources import HELPER
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import (
    OTLP,
    PRIVACY,
    SECRET_SUFFIXES,
    Settings,
    is_computed,
    masked,
    truthy,
)
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import PROTOCOLS, is_loopback
from ansible_collections.observability.claude_code.plugins.module_utils._probe import SIGNALS

TEMPORALITY = f"{OTLP}METRICS_TEMPORALITY_PREFERENCE"
SESSION_ID = "OTEL_METRICS_INCLUDE_SESSION_ID"
COPIED = "OTEL_METRICS_INCLUDE_RESOURCE_ATTRIBUTES"
INTERVALS = {"OTEL_METRIC_EXPORT_INTERVAL": 60_000, "OTEL_LOGS_EXPORT_INTERVAL": 5_000}
LONGEST_MS = 600_000
SAYS_MACHINE = "host.name"
# With it the client adds the name that the machine gives itself.
INCLUDES_HOST = "OTEL_RESOURCE_INCLUDE_HOST"
SIGNAL_PATH = re.compile(r"/v1/(metrics|logs|traces)/?$")


def switches(settings: Settings) -> t.Iterator[Finding]:
    """Whether telemetry is on, and for which signals."""
    place = settings.place(ENABLED)
    if not truthy(settings[ENABLED]):
        said = f"{ENABLED} is {settings[ENABLED] or 'not set'}, so Claude Code sends nothing."
        yield error("telemetry-off", place, said, f"Set {ENABLED} to 1.")
    for signal in SIGNALS:
        variable, kinds = f"OTEL_{signal.upper()}_EXPORTER", exporter_types(settings, signal)
        place = settings.place(variable)
        unknown = [kind for kind in kinds if kind not in EXPORTER_TYPES]
        if unknown:
            said = f"{variable} is {','.join(unknown)}, at which Claude Code gives up all telemetry."
            yield error("exporter-unknown", place, said, "Write otlp, in small letters.")
        elif not kinds:
            said = f"{variable} is not set, so no {signal} are sent."
            yield error("exporter-missing", place, said, "Set it to otlp.")
        elif "otlp" not in kinds:
            said = f"{variable} is {','.join(kinds)}, so the collector gets no {signal}."
            yield error("exporter-other", place, said, "Set it to otlp.")


def transports(settings: Settings, exports: t.Iterable[Export]) -> t.Iterator[Finding]:
    """Protocols and addresses."""
    for export in exports:
        protocol, place = settings[export.protocol_name], settings.place(export.protocol_name)
        if not protocol:
            said = f"No {OTLP}PROTOCOL is set; the client takes {export.protocol}, other versions took another one."
            yield warning("protocol-missing", place, said, "Set it to http/protobuf.")
        elif protocol not in PROTOCOLS:
            said = f"{export.protocol_name} is {protocol}, at which Claude Code gives up all telemetry."
            yield error("protocol-unknown", place, said, f"Write one of {', '.join(PROTOCOLS)}.")
        yield from _endpoint(settings, export)


def _endpoint(settings: Settings, export: Export) -> t.Iterator[Finding]:
    name, value = export.endpoint_name, settings[export.endpoint_name]
    place = settings.place(name)
    if not value:
        said = f"{OTLP}ENDPOINT is not set, so telemetry goes to {export.endpoint} on the machine itself."
        yield error("endpoint-missing", place, said, "Set it to the collector's address.")
        return
    parts = address(value)
    if parts is None:
        said = f"{name} is {masked(name, value)}, which is no address; the client takes {export.endpoint} instead."
        yield error("endpoint-invalid", place, said, "Write it like https://collector.example.com:4318.")
        return
    if parts.username or parts.password:
        yield error("endpoint-credentials", place, f"{name} holds credentials.", f"Give the token in {OTLP}HEADERS.")
    path = SIGNAL_PATH.search(parts.path)
    if export.protocol == "grpc":
        if parts.path.strip("/"):
            said = f"{name} has the path {parts.path}, which gRPC does not know."
            yield warning("endpoint-path", place, said, "Leave scheme, host and port.")
    elif name == f"{OTLP}ENDPOINT" and path:
        said = f"{name} ends in {path.group()}, and the client adds /v1/{export.signal} to it."
        yield error("endpoint-path", place, said, f"Leave {path.group()} away.")
    elif name != f"{OTLP}ENDPOINT" and (not path or path.group(1) != export.signal):
        said = f"{name} is {masked(name, value)}, and the client adds no path to the address of one signal."
        yield error("endpoint-path", place, said, f"Let it end in /v1/{export.signal}.")
    usual = usual_protocol(parts)
    if usual and not export.protocol.startswith(usual):
        other = 4318 if usual == "grpc" else 4317
        said = f"{name} has port {parts.port}, where usually {usual} is spoken, and the protocol is {export.protocol}."
        yield warning("protocol-port", place, said, f"Use port {other}, or another protocol.")
    if parts.scheme == "http" and not is_loopback(parts.hostname or "") and (export.headers or settings.helper):
        said = f"{name} says http://, so the token crosses the network readable for everybody."
        yield warning("token-in-clear", place, said, "Let the collector speak TLS, and write https://.")


def headers(settings: Settings, exports: t.Iterable[Export]) -> t.Iterator[Finding]:
    """What the client would make of the headers that stand in a variable."""
    for export in exports:
        name, place = export.headers_name, settings.place(export.headers_name)
        text = settings[name]
        for number, pair in enumerate(text.split(","), 1):
            if pair.strip() and "=" not in pair:
                said = f"Part {number} of {name} is no NAME=VALUE, so the client leaves it out."
                yield error("headers-malformed", place, said, "Write Authorization=Bearer TOKEN.")
        for header, value in export.headers.items():
            if header.lower() != "authorization":
                continue
            scheme, _space, token = value.partition(" ")
            if "%" in value:
                said = f"The token in {name} holds a percent sign; the client sends it as it stands."
                yield error("headers-encoded", place, said, "Write it without percent-encoding: Bearer TOKEN.")
            elif value[:1] in "\"'" or value[-1:] in "\"'":
                said = f"The value of {header} in {name} has quotation marks, which are sent as well."
                yield error("headers-quoted", place, said, "Leave them away.")
            elif scheme.lower() != "bearer" or not token.strip():
                said = f"{name} has no Bearer token in {header}."
                yield error("headers-malformed", place, said, "Write Authorization=Bearer TOKEN.")
            elif re.search(r"[<>\s]|^\.\.\.|^(token|your[-_]token|changeme)$", token, re.IGNORECASE):
                said = f"What stands in {name} is a placeholder, not a token."
                yield error("headers-placeholder", place, said, "Put a token there that the collector knows.")


def meaning(settings: Settings) -> t.Iterator[Finding]:
    """Values with which telemetry arrives, but says less, or something else."""
    temporality = settings[TEMPORALITY].lower()
    place = settings.place(TEMPORALITY)
    if temporality not in ("", "delta"):
        said = f"{TEMPORALITY} is {temporality}: counters are sent as totals, which lose what came before a restart."
        yield error("temporality", place, said, "Set it to delta.")
    if settings[SESSION_ID] and not truthy(settings[SESSION_ID]):
        said = f"{SESSION_ID} is {settings[SESSION_ID]}: counters of different sessions cannot be told apart."
        yield error("session-id-off", settings.place(SESSION_ID), said, "Set it to true, or take it away.")
    for name, usual in INTERVALS.items():
        text, place = settings[name], settings.place(name)
        if text and not re.fullmatch(r"[1-9][0-9]{0,14}", text):
            said = f"{name} is {text[:40]}; it is a number of milliseconds."
            yield error("interval", place, said, f"Write {usual}.")
        elif text and int(text) > LONGEST_MS:
            said = f"{name} is {int(text) // 60_000} min; who is killed in between loses as much."
            yield warning("interval", place, said, f"Write {usual}.")
    said_attributes, faults = attributes(settings[ATTRIBUTES])
    place = settings.place(ATTRIBUTES)
    for fault in faults:
        yield error("resource-attributes", place, f"{ATTRIBUTES}: {fault}.", "Write NAME=VALUE,NAME=VALUE.")
    if SAYS_MACHINE not in said_attributes and not truthy(settings[INCLUDES_HOST]):
        said = f"{ATTRIBUTES} has no {SAYS_MACHINE}, so nobody sees which machine reports."
        yield warning("machine-unnamed", place, said, f"Add {SAYS_MACHINE}=NAME.")
    if said_attributes and settings[COPIED] and not truthy(settings[COPIED]):
        said = f"{COPIED} is {settings[COPIED]}: team and machine do not stand on metrics."
        yield warning("attributes-not-copied", settings.place(COPIED), said, "Take it away.")
    for name in (*PRIVACY, "OTEL_LOG_ASSISTANT_RESPONSES", "OTEL_LOG_RAW_API_BODIES"):
        if truthy(settings[name]):
            said = f"{name} is on: what people and the model write leaves the machine."
            yield notice("private-texts", settings.place(name), said, "Take it away unless that is wanted.")


def conflicts(settings: Settings) -> t.Iterator[Finding]:
    """Places that say something else than what is in force, and places that nobody listens to."""
    for setting in settings.variables.values():
        winner, name = setting.in_force, setting.name
        for claim in setting.ignored:
            said = f"{name} has no effect here: {claim.ignored}."
            kind = "project-ignored" if claim.source.scope in ("project", "local") else "managed-elsewhere"
            yield warning(kind, claim.source.path, said, "Set it in managed settings or the user's own.")
        if winner is None:
            continue
        for claim in setting.overridden:
            said = f"{name} is {masked(name, claim.value)} here, but {masked(name, winner.value)} in force"
            step = f"{winner.source.path} wins; let both say the same."
            # Among drop-ins, and from a user to the administrator, that is what places are for.
            made = notice if winner.source.scope == "managed" else warning
            yield made("overridden", claim.source.path, f"{said} ({winner.source.scope}).", step)
        if is_computed(winner):
            said = f"{name} is computed at log-in, so its value is not known here."
            yield warning("computed", winner.source.path, said, "Write the value itself.")


def expected(settings: Settings, wanted: t.Mapping[str, str]) -> t.Iterator[Finding]:
    """Where what is in force differs from what was rolled out; the script for headers is among it."""
    for name, value in wanted.items():
        if name != HELPER and settings[name] != str(value).strip():
            now = masked(name, settings[name]) or "not set"
            shown = "another value" if name.endswith(SECRET_SUFFIXES) else masked(name, str(value))
            said = f"{name} was rolled out as {shown}, but in force is {now}."
            yield error("not-in-force", settings.place(name), said, "Take it out of this file, or roll out again.")
    helper = wanted.get(HELPER, "")
    if helper and settings.helper != helper:
        said = f"Headers were to come from {helper}, but in force is {settings.helper or 'no script'}."
        yield error("not-in-force", settings.helper_place or "settings", said, "Take it out of this file.")
