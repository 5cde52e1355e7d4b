# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens, scripts, certificates and proxies: whether they are there, sound, and nobody else's."""

from __future__ import annotations

import os
import ssl
import stat
import time
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_exports import (
    PASSPHRASE,
    Export,
    certificate_names,
    passphrase,
    proxy_name,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_findings import (
    Finding,
    error,
    notice,
    warning,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_headers import (
    ScriptError,
    headers_from,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import Machine, mode_of, reason
from ansible_collections.observability.claude_code.plugins.module_utils._client_sources import HELPER
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import OTLP, Settings

CERTIFICATES_OF_GRPC = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
SOON_S = 14 * 86400
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def script(machine: Machine, settings: Settings) -> tuple[dict[str, str], list[Finding]]:
    """The headers that the script for them gives, and what is wrong with it; it is run if nothing speaks against it."""
    name, place = settings.helper, settings.helper_place
    if not name:
        return {}, []
    found = machine.status(name)
    if not name.startswith(("/", "~/")):
        # A command with arguments, or a name that depends on the folder that the client is started in.
        said = f"{HELPER} is {name}, no absolute path; it depends on where the client is started."
        return _run(machine, name, place, [warning("helper-relative", place, said, "Write the script's full path.")])
    if found is None:
        return {}, [error("helper-missing", place, f"{HELPER} names {name}, which is not there.", "Put it there.")]
    if not machine.allows(found, os.X_OK):
        said = f"{machine.account.name} may not run it (mode {mode_of(found)}), so no telemetry is sent at all."
        return {}, [error("helper-not-executable", name, said, f"Make it executable: chmod 0755 {name}.")]
    if found.st_mode & OTHERS_MAY_WRITE:
        said = f"Others may write it (mode {mode_of(found)}): whoever does runs as each user of the client."
        return {}, [error("helper-writable", name, said, f"Take that away: chmod go-w {name}.")]
    return _run(machine, name, place, [])


def _run(machine: Machine, name: str, place: str, faults: list[Finding]) -> tuple[dict[str, str], list[Finding]]:
    try:
        return headers_from(machine, name), faults
    except ScriptError as fault:
        said = f"{HELPER} {name} gives no headers, so no telemetry is sent at all: {fault}."
        step = 'Run it by hand until it prints {"Authorization": "Bearer TOKEN"}.'
        return {}, [*faults, error("helper-failed", place, said, step)]


def helper_over_grpc(settings: Settings, exports: t.Iterable[Export]) -> t.Iterator[Finding]:
    for export in exports:
        if settings.helper and export.protocol == "grpc":
            said = "Over gRPC the client drops the headers of its script."
            step = f"Set {OTLP}PROTOCOL to http/protobuf."
            yield error("helper-over-grpc", settings.place(export.protocol_name), said, step)


def both_ways(settings: Settings, scripted: t.Mapping[str, str], exports: t.Iterable[Export]) -> t.Iterator[Finding]:
    for export in exports:
        names = {name.lower() for name in export.headers} & {name.lower() for name in scripted}
        if names:
            said = f"{', '.join(sorted(names))} stands in {export.headers_name} too; that of {HELPER} is sent."
            yield warning("headers-twice", settings.place(export.headers_name), said, "Take one of them away.")


def token_file(machine: Machine, path: str) -> t.Iterator[Finding]:
    """The file that the script reads the token from."""
    found = machine.status(path)
    if found is None:
        yield error("token-file-missing", path, "The file with the token is not there.", "Roll out again.")
        return
    if stat.S_IMODE(found.st_mode) & 0o137:
        said = f"The file with the token has mode {mode_of(found)}."
        yield error("token-file-mode", path, said, f"Only its owner may read it: chmod 0600 {path}.")
    elif stat.S_IMODE(found.st_mode) & 0o040:
        said = f"A group can read the file with the token (mode {mode_of(found)})."
        yield notice("token-file-group", path, said, "Where it need not, give each person a file of mode 0600.")
    name = machine.account.name
    try:
        if not machine.read(path).strip():
            yield error("token-file-empty", path, "The file with the token is empty.", "Roll out again.")
    except OSError as fault:
        said = f"{name} cannot read the file with the token: {reason(fault)}."
        yield error("token-file-unreadable", path, said, f"Give it to {name}: chown {name} {path}.")


def open_tokens(machine: Machine, settings: Settings, exports: t.Iterable[Export]) -> t.Iterator[Finding]:
    """Tokens in files that everybody on the machine can read."""
    for export in exports:
        claim = settings.claim(export.headers_name)
        found = machine.status(claim.source.path) if claim and claim.source.path.startswith("/") else None
        if claim and found and export.headers and found.st_mode & stat.S_IROTH:
            said = f"Everybody on this machine can read the token in {export.headers_name} (mode {mode_of(found)})."
            step = f"Where several people use it, take the token from a file of mode 0600 with {HELPER}."
            yield notice("token-readable", claim.source.path, said, step)


def certificates(
    machine: Machine, settings: Settings, exports: t.Iterable[Export], now: float | None = None
) -> t.Iterator[Finding]:
    for export in exports:
        name, certificate, key = export.certificate_name, export.client_certificate_name, export.client_key_name
        if settings[name]:
            yield from _authority(machine, name, settings[name], settings.place(name), now or time.time())
        if settings[certificate]:
            yield from _client_certificate(machine, settings, certificate, key if settings[key] else "")
        elif settings[key]:
            said = f"{key} is set, but no {certificate}."
            yield error("client-certificate", settings.place(key), said, f"Set {certificate} as well.")
        if export.protocol != "grpc":
            yield from _of_grpc(settings, export)


def _of_grpc(settings: Settings, export: Export) -> t.Iterator[Finding]:
    """Certificates in variables that the client does not read over HTTP."""
    for name, part in zip(certificate_names(settings, export.signal, ""), CERTIFICATES_OF_GRPC):
        unread = settings.of_signal(export.signal, part)
        if settings[unread] and not settings[name]:
            said = f"Over HTTP Claude Code does not read {unread}."
            yield error("certificate-unread", settings.place(unread), said, f"Set {name} as well.")


def _authority(machine: Machine, name: str, path: str, place: str, now: float) -> t.Iterator[Finding]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=machine.read(path).decode("ascii"))
    except FileNotFoundError:
        yield error("ca-missing", place, f"{name} names {path}, which is not there.", "Put the PEM file there.")
        return
    except OSError as fault:
        if isinstance(fault, ssl.SSLError):
            yield _no_authority(name, path, place)
        else:
            said = f"{machine.account.name} cannot read {path} ({name}): {reason(fault)}."
            yield error("ca-unreadable", path, said, f"Let everybody read it: chmod 0644 {path}.")
        return
    except ValueError:
        yield _no_authority(name, path, place)
        return
    for one in context.get_ca_certs():
        ends = ssl.cert_time_to_seconds(str(one["notAfter"]))
        if ends < now:
            said = f"An authority in {path} ({name}) ended on {one['notAfter']}."
            yield error("ca-expired", path, said, "Put the authority's new certificate there.")
        elif ends < now + SOON_S:
            said = f"An authority in {path} ({name}) ends on {one['notAfter']}."
            yield warning("ca-ends-soon", path, said, "Put the authority's new certificate there.")


def _no_authority(name: str, path: str, place: str) -> Finding:
    return error("ca-invalid", place, f"{name} names {path}, which holds no certificate in PEM.", "Put one there.")


def _client_certificate(machine: Machine, settings: Settings, certificate: str, key: str) -> t.Iterator[Finding]:
    place = settings.place(certificate)
    for name in filter(None, (certificate, key)):
        path = settings[name]
        try:
            machine.read(path)
        except OSError as fault:
            said = f"{machine.account.name} cannot read {path} ({name}): {reason(fault)}."
            yield error("client-certificate", settings.place(name), said, "Put the PEM file there.")
            return
        found = machine.status(path)
        if name == key and found and stat.S_IMODE(found.st_mode) & 0o077:
            said = f"The key of the client certificate has mode {mode_of(found)}."
            yield error("client-key-mode", path, said, f"Only its owner may read it: chmod 0600 {path}.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_cert_chain(
            machine.at(settings[certificate]),
            machine.at(settings[key]) if key else None,
            password=passphrase(settings),
        )
    except (OSError, ValueError):
        said = f"{settings[certificate]} and {settings[key] or 'the key in it'} are no certificate with its key."
        step = f"Give a PEM certificate, and the key that it was issued for; of an encrypted one {PASSPHRASE} too."
        yield error("client-certificate", place, said, step)


def proxies(settings: Settings, exports: t.Iterable[Export]) -> t.Iterator[Finding]:
    """Proxies between the client and the collector."""
    for export in exports:
        parts = export.parts
        name = proxy_name(settings, parts.hostname or "", parts.port) if parts else ""
        if parts and name:
            said = f"{name} sends telemetry for {parts.hostname} through a proxy."
            step = f"Put {parts.hostname} into NO_PROXY, unless the proxy is to pass it."
            yield warning("proxy", settings.place(name), said, step)
