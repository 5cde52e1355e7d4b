# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a probe as Claude Code would send its telemetry, and says what came of it."""

from __future__ import annotations

import dataclasses
import http.client
import ssl
import time
import typing as t
import urllib.parse

from ansible_collections.observability.claude_code.plugins.module_utils._client_exports import (
    Export,
    is_name,
    passphrase,
    proxy_name,
    proxy_of,
    usual_protocol,
)
from ansible_collections.observability.claude_code.plugins.module_utils._client_machine import Machine, reason
from ansible_collections.observability.claude_code.plugins.module_utils._client_preface import check_grpc
from ansible_collections.observability.claude_code.plugins.module_utils._client_values import (
    HIDDEN,
    Settings,
    tokens,
)
from ansible_collections.observability.claude_code.plugins.module_utils._otlp import HttpTransport, Reply
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import encode_json
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_protobuf import encode
from ansible_collections.observability.claude_code.plugins.module_utils._probe import Probe

# What to do, by cause; {endpoint} is the variable with the address, {place} where it is set, {url} what was asked.
NEXT_STEPS = {
    "certificates": "Put PEM files that can be read where {authority}, {certificate} and {key} point to.",
    "dns": "Correct the host name in {endpoint} ({place}), or the name servers of this machine.",
    "refused": "Nothing listens there: correct the port in {endpoint} ({place}), or start the collector.",
    "unreachable": "No route leads there: look at address, network, VPN and firewall.",
    "timeout": "Nothing answered in time: look at firewalls on the way and at the load of the collector.",
    "proxy": (
        "The proxy in {proxy} stands in the way: put the host of {endpoint} into NO_PROXY, or let the proxy pass it."
    ),
    "disconnected": (
        "The server hung up: see whether {endpoint} ({place}) has the right port and scheme, and whether the collector "
        "asks for a client certificate."
    ),
    "tls_untrusted": (
        "Put the PEM file of the authority that issued the collector's certificate on this machine and name it in "
        "{authority}."
    ),
    "tls_name": "Use a name in {endpoint} ({place}) that the certificate holds, or have one issued for this name.",
    "tls_expired": "Renew the collector's certificate, and look at the clock of this machine.",
    "tls_client": ("The collector wants a client certificate that it trusts: set {certificate} and {key}."),
    "tls_missing": "The port speaks no TLS: write http:// in {endpoint} ({place}), or switch TLS on in the collector.",
    "tls_wanted": "The port speaks TLS: write https:// in {endpoint} ({place}).",
    "tls": "Look at the certificates on both sides, and whether the port in {endpoint} speaks TLS.",
    "unauthorized": "The collector does not know this token: issue one, or have the revoked one replaced ({headers}).",
    "forbidden": "The token or the address may not send there: look at the rules of the collector or of its proxy.",
    "bad_request": "The collector's own text says what it does not like; its version may be too old.",
    "too_large": "Raise the largest size of a request at the collector or at the proxy before it.",
    "overloaded": "The collector has no room: look at its queue and memory limit if it lasts.",
    "not_found": (
        "Nothing takes {signal} at {url}: {endpoint} ({place}) is to have the collector's address alone; the client "
        "adds /v1/{signal}."
    ),
    "wrong_protocol": "The port does not speak {protocol}: HTTP usually is 4318, gRPC 4317 ({endpoint}, {place}).",
    "redirected": "Write the address that the server names into {endpoint} ({place}); the client does not follow it.",
    "server_error": "Look into the collector's log at this time.",
    "not_otlp": "Something other than a collector answers: look at {endpoint} ({place}) and at proxies on the way.",
    "partly_rejected": "The rest was taken; the collector's text says what it did not like.",
    "unsendable": "Mend what {headers} gives, or the address in {endpoint} ({place}).",
    "unknown": "Look into the collector's log at this time.",
}
ON_THE_WAY = ("dns", "refused", "unreachable", "timeout", "disconnected", "unknown")


@dataclasses.dataclass(frozen=True)
class Sent:
    """What came of one signal. Without ``accepted``, ``cause`` is why; ``unproven`` is what the probe cannot show."""

    export: Export
    reply: Reply | None = None
    next_step: str = ""
    unproven: str = ""

    @property
    def accepted(self) -> bool:
        return self.reply is not None and self.reply.accepted

    @property
    def reached(self) -> bool:
        """Whether a server answered, be it with a refusal."""
        return self.reply is not None and (self.reply.accepted or self.reply.status is not None)

    def __str__(self) -> str:
        reply = self.reply
        if reply is None:
            return f"{self.export.signal} are not sent: {self.export.silence}."
        if reply.accepted:
            return f"{self.export.signal} accepted by {self.export.shown} in {reply.latency_s * 1000:.0f} ms"
        status = "" if reply.status is None else f" ({reply.status})"
        said = f"{reply.cause.replace('_', ' ')}{status}: {reply.error.rstrip('.')}"
        return f"{self.export.signal} not accepted by {self.export.shown}, {said}. {self.next_step}"

    def report(self) -> dict[str, t.Any]:
        reply, export = self.reply or Reply(False), self.export
        return {
            "sent": self.reply is not None,
            "url": export.shown,
            "protocol": export.protocol,
            "reached": self.reached,
            "accepted": reply.accepted,
            "status": reply.status,
            "cause": reply.cause if self.reply else "silent",
            "error": reply.error if self.reply else export.silence,
            "next_step": self.next_step,
            "latency_ms": round(reply.latency_s * 1000, 1) if self.reply else None,
            "unproven": self.unproven,
            "diagnosis": str(self),
        }


@dataclasses.dataclass(frozen=True)
class Sender:
    """Sends with the settings in force; ``headers`` are those of the script, where there is one."""

    machine: Machine
    settings: Settings
    headers: t.Mapping[str, str]
    timeout: float = 10.0

    def send(self, export: Export, probe: Probe) -> Sent:
        if not export.sent:
            return Sent(export)
        parts = t.cast(urllib.parse.SplitResult, export.parts)
        proxy = proxy_name(self.settings, parts.hostname or "", parts.port)
        headers = merged(export.headers, self.headers if export.protocol != "grpc" else {})
        began, unproven = time.monotonic(), ""
        try:
            context = self.context(export) if parts.scheme == "https" else None
        except (OSError, ValueError) as fault:
            reply = Reply(False, None, "certificates", f"The certificates cannot be used: {reason(fault)}")
        else:
            if export.protocol == "grpc":
                reply, unproven = check_grpc(parts, context, self.timeout)
                proxy = ""
            else:
                reply = self._post(export, probe, parts, headers, context, proxy)
        reply = dataclasses.replace(reply, error=_without(reply.error, headers))
        reply = _of_proxy(reply, proxy)
        if not reply.latency_s:
            reply = dataclasses.replace(reply, latency_s=time.monotonic() - began)
        step = "" if reply.accepted else self._next_step(export, reply, proxy)
        return Sent(export, reply, step, unproven)

    def _post(
        self,
        export: Export,
        probe: Probe,
        parts: urllib.parse.SplitResult,
        headers: dict[str, str],
        context: ssl.SSLContext | None,
        proxy: str,
    ) -> Reply:
        body = probe.body(export.signal)
        content = encode_json(body) if export.protocol == "http/json" else encode(export.signal, body)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        between = proxy_of(self.settings[proxy]) if proxy else None
        if proxy and not between:
            return Reply(False, None, "proxy", f"What {proxy} says is no address of a proxy")
        transport = HttpTransport(
            parts,
            export.protocol,
            headers=headers,
            context=context,
            proxy=between,
            timeout=self.timeout,
            path=path,
            tunnel=True,
        )
        began = time.monotonic()
        try:
            reply = transport.exchange(export.signal, content)
        except (ValueError, http.client.HTTPException):
            reply = _unsendable((between or parts).hostname or "")
        finally:
            transport.close()
        taken = time.monotonic() - began
        if reply.cause == "disconnected" and not proxy and check_grpc(parts, context, self.timeout)[0].accepted:
            reply = Reply(False, None, "wrong_protocol", "It speaks HTTP/2 without HTTP/1.1 before, as gRPC does")
        return dataclasses.replace(reply, latency_s=taken)

    def context(self, export: Export) -> ssl.SSLContext:
        """The system's authorities and those that the settings name; the client's own certificate."""
        context = ssl.create_default_context()
        authority, certificate, key = (
            self.settings[name]
            for name in (export.certificate_name, export.client_certificate_name, export.client_key_name)
        )
        if authority:
            context.load_verify_locations(self.machine.at(authority))
        if certificate:
            context.load_cert_chain(
                self.machine.at(certificate),
                self.machine.at(key) if key else None,
                password=passphrase(self.settings),
            )
        return context

    def _next_step(self, export: Export, reply: Reply, proxy: str) -> str:
        step = NEXT_STEPS[reply.cause].format(
            endpoint=export.endpoint_name,
            place=self.settings.place(export.endpoint_name),
            url=export.shown,
            protocol=export.protocol,
            signal=export.signal,
            proxy=proxy,
            headers=self.settings.helper or export.headers_name,
            authority=export.certificate_name,
            certificate=export.client_certificate_name,
            key=export.client_key_name,
        )
        parts = t.cast(urllib.parse.SplitResult, export.parts)
        usual = usual_protocol(parts)
        if usual and not export.protocol.startswith(usual) and reply.cause in ("disconnected", "wrong_protocol", "tls"):
            step += f" Port {parts.port} usually speaks {usual}, and {export.protocol_name} says {export.protocol}."
        return step


def merged(static: t.Mapping[str, str], scripted: t.Mapping[str, str]) -> dict[str, str]:
    """Both kinds of headers; those of the script win, however the names are written."""
    names = {name.lower() for name in scripted}
    return {**{name: text for name, text in static.items() if name.lower() not in names}, **scripted}


def _unsendable(host: str) -> Reply:
    """The exception is not quoted: it shows a header with its signs escaped, in which no token is found again."""
    if not is_name(host):
        return Reply(False, None, "dns", f"{host!r} is no name that a name server could know")
    said = "This cannot be sent: a header or the address holds a line break, or letters that it cannot carry"
    return Reply(False, None, "unsendable", said)


def _of_proxy(reply: Reply, proxy: str) -> Reply:
    """With a proxy, troubles on the way are its troubles."""
    if not proxy or reply.accepted:
        return reply
    refused = "Tunnel connection failed" in reply.error or reply.status == 407
    on_the_way = reply.status is None and reply.cause in ON_THE_WAY
    return dataclasses.replace(reply, cause="proxy") if refused or on_the_way else reply


def _without(text: str, headers: t.Mapping[str, str]) -> str:
    """Whatever answers may quote what it was sent; that goes into no message."""
    for secret in sorted(tokens(headers.values()), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
