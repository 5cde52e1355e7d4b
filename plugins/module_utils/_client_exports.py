# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Claude Code makes of the settings in force: where each signal goes, how, and past which proxy.

Observed on client 2.1.330, which departs from OpenTelemetry's specification here and there: without a protocol it
speaks http/protobuf, headers are taken as they stand, and proxies are asked for a tunnel even without TLS.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
import urllib.parse

from ansible_collections.observability.claude_code.plugins.module_utils._client_values import (
    NO_PROXIES,
    OTLP,
    PROXIES,
    Settings,
    headers_of,
    masked,
    truthy,
)
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import PROTOCOLS, is_loopback
from ansible_collections.observability.claude_code.plugins.module_utils._probe import SIGNALS

ENABLED = "CLAUDE_CODE_ENABLE_TELEMETRY"
ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
PASSPHRASE = "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE"
DEFAULT_PROTOCOL = "http/protobuf"
DEFAULT_ENDPOINTS = {"grpc": "http://localhost:4317", "": "http://localhost:4318"}
EXPORTER_TYPES = ("otlp", "console", "prometheus", "none")
USUAL_PORTS = {4317: "grpc", 4318: "http"}


@dataclasses.dataclass(frozen=True)
class Export:
    """One signal. ``silence`` is why nothing of it is sent, empty where it is; the names say which variables decide."""

    signal: str
    silence: str
    protocol: str
    protocol_name: str
    endpoint: str
    endpoint_name: str
    url: str
    headers: dict[str, str]
    headers_name: str
    certificate_name: str
    client_certificate_name: str
    client_key_name: str

    @property
    def sent(self) -> bool:
        return not self.silence

    @property
    def shown(self) -> str:
        """The address without credentials."""
        return masked("", self.url)

    @property
    def parts(self) -> urllib.parse.SplitResult | None:
        """The address that requests go to; None where it is none."""
        return address(self.url)


def address(url: str) -> urllib.parse.SplitResult | None:
    parts = _split(url)
    return parts if parts and parts.scheme in ("http", "https") else None


def _split(url: str) -> urllib.parse.SplitResult | None:
    """None without a host, with a port that is none, or with a bracket that nothing closes."""
    try:
        parts = urllib.parse.urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def is_name(host: str) -> bool:
    """Whether a name server could be asked for it."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return host.isprintable()


def exports(settings: Settings) -> list[Export]:
    return [_export(settings, signal) for signal in SIGNALS]


def exporter_types(settings: Settings, signal: str) -> list[str]:
    return [one.strip() for one in settings[f"OTEL_{signal.upper()}_EXPORTER"].split(",") if one.strip()]


def _export(settings: Settings, signal: str) -> Export:
    protocol_name = settings.of_signal(signal, "PROTOCOL")
    protocol = settings[protocol_name] or DEFAULT_PROTOCOL
    endpoint_name = settings.of_signal(signal, "ENDPOINT")
    endpoint = settings[endpoint_name]
    if address(endpoint) is None:
        endpoint = ""  # the client says nothing and takes its default
    endpoint = endpoint or DEFAULT_ENDPOINTS.get(protocol, DEFAULT_ENDPOINTS[""])
    headers_name = settings.of_signal(signal, "HEADERS")
    common = headers_of(settings[f"{OTLP}HEADERS"])
    names = certificate_names(settings, signal, protocol)
    return Export(
        signal=signal,
        silence=_silence(settings, signal, protocol),
        protocol=protocol,
        protocol_name=protocol_name,
        endpoint=endpoint,
        endpoint_name=endpoint_name,
        url=_url(endpoint, signal, protocol, endpoint_name != f"{OTLP}ENDPOINT"),
        headers={**common, **headers_of(settings[headers_name])},
        headers_name=headers_name,
        certificate_name=names[0],
        client_certificate_name=names[1],
        client_key_name=names[2],
    )


def certificate_names(settings: Settings, signal: str, protocol: str) -> tuple[str, str, str]:
    """The variables for authority, certificate and key that the client reads, whether they are set or not.

    Over HTTP these are Node.js' and its own; those of OpenTelemetry it reads over gRPC alone.
    """
    if protocol != "grpc":
        return "NODE_EXTRA_CA_CERTS", "CLAUDE_CODE_CLIENT_CERT", "CLAUDE_CODE_CLIENT_KEY"
    authority, certificate, key = (
        settings.of_signal(signal, part) for part in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
    )
    return authority, certificate, key


def passphrase(settings: Settings) -> t.Callable[[], str]:
    """What opens the key of the client's certificate. Without such a function OpenSSL asks the terminal for it."""
    claim = settings.claim(PASSPHRASE)
    return lambda: claim.value if claim else ""


def _silence(settings: Settings, signal: str, protocol: str) -> str:
    variable, types = f"OTEL_{signal.upper()}_EXPORTER", exporter_types(settings, signal)
    if not truthy(settings[ENABLED]):
        return f"{ENABLED} is {settings[ENABLED] or 'not set'}"
    for one in SIGNALS:
        unknown = [kind for kind in exporter_types(settings, one) if kind not in EXPORTER_TYPES]
        if unknown:
            return f"OTEL_{one.upper()}_EXPORTER is {', '.join(unknown)}, at which the client gives up all telemetry"
    if "otlp" not in types:
        return f"{variable} is {', '.join(types) or 'not set'}"
    if protocol not in PROTOCOLS:
        return f"the protocol is {protocol}, at which the client gives up all telemetry"
    return ""


def _url(endpoint: str, signal: str, protocol: str, own: bool) -> str:
    if protocol == "grpc" or own:
        return endpoint
    return f"{endpoint.rstrip('/')}/v1/{signal}"


def attributes(text: str) -> tuple[dict[str, str], list[str]]:
    """The resource attributes that OTEL_RESOURCE_ATTRIBUTES holds, and what is wrong with it."""
    found, faults = {}, []
    for number, entry in enumerate(text.split(","), 1):
        key, equals, value = (part.strip() for part in entry.partition("="))
        if not entry.strip():
            continue
        if not equals or not key:
            faults.append(f"entry {number} is no NAME=VALUE")
            continue
        found[key] = urllib.parse.unquote(value)
        if not re.fullmatch(r"[\w.\-]+", key) or re.search(r"[^\x21-\x7e]|[;\\\"]", value):
            faults.append(
                f"{key} has signs in it that keep it off metrics and events (a space is written %20, a comma %2C)"
            )
    return found, faults


# --- proxies -----------------------------------------------------------------------------------------------------


def proxy_name(settings: Settings, host: str, port: int | None) -> str:
    """The variable whose proxy stands between the client and this host; empty where none does."""
    name = settings.first(PROXIES)
    if not name or is_loopback(host) or _is_past(settings[settings.first(NO_PROXIES)], host, port):
        return ""
    return name


def proxy_of(value: str) -> urllib.parse.SplitResult | None:
    """Its address; None where the value is none."""
    return _split(value if "//" in value else f"http://{value}")


def _is_past(exceptions: str, host: str, port: int | None) -> bool:
    """Whether NO_PROXY names the host: itself, with its port, or by a domain with a dot before it."""
    for entry in re.split(r"[,\s]+", exceptions.lower()):
        name = entry[1:] if entry.startswith("*.") else entry
        host = host.lower()
        if entry == "*" or name in (host, f"{host}:{port}"):
            return True
        if name.startswith(".") and (host.endswith(name) or host == name[1:]):
            return True
    return False


def usual_protocol(parts: urllib.parse.SplitResult) -> str:
    """What usually is spoken at this port: http, grpc, or nothing in particular."""
    return USUAL_PORTS.get(t.cast(int, parts.port), "")
