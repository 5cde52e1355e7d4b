# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends OTLP requests to a collector and says in plain words what came of them.

JSON over HTTP needs the standard library only; protobuf needs the package opentelemetry-proto, gRPC grpcio as well.
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import http.client
import ipaddress
import json
import os
import re
import ssl
import time
import typing as t
import urllib.parse
import urllib.request

from ansible_collections.observability.claude_code.plugins.module_utils._http import retry_after, trust
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import (
    MissingLibraryError,
    OtlpError,
    decode_partial,
    encode_json,
    encode_protobuf,
    messages,
    printable,
    status_message,
)
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_errors import Fault, explain, http_fault

PROTOCOLS = ("http/json", "http/protobuf", "grpc")
COMPRESSIONS = ("none", "gzip")
CONTENT_TYPES = {"http/json": "application/json", "http/protobuf": "application/x-protobuf"}
SERVICES = {
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
}
ANSWER_LIMIT = 64 * 1024
# What reading an answer may end in that is not the collector's.
NO_OTLP = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclasses.dataclass(frozen=True)
class Reply:
    """What came of one request. status is the HTTP status, or the name of the gRPC status; None without an answer."""

    accepted: bool
    status: int | str | None = None
    cause: str = ""
    error: str = ""
    next_step: str = ""
    latency_s: float = 0.0
    retry_after: float | None = None
    rejected: int = 0

    def __str__(self) -> str:
        if self.accepted:
            return f"accepted ({self.status})"
        status = "" if self.status is None else f" ({self.status})"
        return f"{self.cause.replace('_', ' ')}{status}: {self.error.rstrip('.')}. {self.next_step}".strip()


@dataclasses.dataclass(frozen=True)
class Tls:
    """Which certificates to trust and to show."""

    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    def context(self) -> ssl.SSLContext:
        return trust(OtlpError, self.ca_file, self.client_cert, self.client_key)

    def contents(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """CA, key and certificate as gRPC wants them."""
        self.context()  # gRPC says nothing of a bad file until the handshake fails
        return tuple(  # type: ignore[return-value]
            None if path is None else _read(path)
            for path in (self.ca_file, self.client_key or self.client_cert, self.client_cert)
        )


class OtlpClient:
    """Sends requests to one collector over one connection; not to be shared between threads."""

    def __init__(
        self,
        endpoint: str,
        *,
        token: str | None = None,
        protocol: str = "http/json",
        ca_file: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        timeout: float = 10.0,
        compression: str = "none",
    ) -> None:
        if protocol not in PROTOCOLS:
            raise OtlpError(f"The protocol {protocol!r} is unknown; choose one of {', '.join(PROTOCOLS)}.")
        if compression not in COMPRESSIONS:
            raise OtlpError(f"The compression {compression!r} is unknown; choose one of {', '.join(COMPRESSIONS)}.")
        if token is not None and (not token.strip() or not token.isascii() or not token.isprintable()):
            raise OtlpError("The token is empty or holds characters that a header cannot carry.")
        self.endpoint = endpoint.rstrip("/")
        self.protocol = protocol
        self.url = _url(endpoint)
        self._token = token
        tls = Tls(ca_file, client_cert, client_key)
        self._transport: HttpTransport | _Grpc
        if protocol == "grpc":
            self._transport = _Grpc(self.url, protocol, token, tls, timeout, compression)
        else:
            if protocol == "http/protobuf":
                messages("metrics", protocol)
            self._transport = HttpTransport(
                self.url,
                protocol,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                context=tls.context() if self.url.scheme == "https" else None,
                proxy=_proxy(self.url),
                timeout=timeout,
                compression=compression,
            )

    def encode(self, signal: str, body: dict[str, t.Any]) -> bytes:
        """The request as it goes over the wire, before compression; raises OtlpError when it is no OTLP."""
        return encode_json(body) if self.protocol == "http/json" else encode_protobuf(signal, body, self.protocol)

    def send(self, signal: str, body: dict[str, t.Any] | bytes) -> Reply:
        """Send one request. Bytes are sent as they are. Whatever goes wrong on the way is in the reply."""
        if signal not in SERVICES:
            raise OtlpError(f"The signal {signal!r} is unknown; choose one of {', '.join(SERVICES)}.")
        content = body if isinstance(body, bytes) else self.encode(signal, body)
        began = time.monotonic()
        reply = self._transport.exchange(signal, content)
        if not reply.accepted:
            # Whatever answers may quote what it was sent; the token goes into no message.
            said = reply.error.replace(self._token, "***") if self._token else reply.error
            advice = explain(reply.cause, self.endpoint, self.protocol, signal)
            reply = dataclasses.replace(reply, error=said, next_step=advice)
        return dataclasses.replace(reply, latency_s=round(time.monotonic() - began, 6))

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> OtlpClient:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


# --- HTTP ----------------------------------------------------------------------------------------------------------


class HttpTransport:
    """Posts requests over one connection.

    Requests go to the path of ``url`` with /v1/SIGNAL behind it, or to exactly ``path`` where that is given.
    ``tunnel`` asks the proxy for a connection even without TLS. The replies know causes, but no next steps.
    """

    def __init__(
        self,
        url: urllib.parse.SplitResult,
        protocol: str,
        *,
        headers: t.Mapping[str, str],
        context: ssl.SSLContext | None,
        proxy: urllib.parse.SplitResult | None,
        timeout: float,
        compression: str = "none",
        path: str | None = None,
        tunnel: bool = False,
    ) -> None:
        self.url, self.protocol, self.timeout, self.compression = url, protocol, timeout, compression
        self.context, self.proxy, self.path, self.tunnel = context, proxy, path, tunnel
        self.headers = {"Content-Type": CONTENT_TYPES[protocol], "User-Agent": "observability.claude_code", **headers}
        if compression == "gzip":
            self.headers["Content-Encoding"] = "gzip"
        self.connection: http.client.HTTPConnection | None = None

    def exchange(self, signal: str, content: bytes) -> Reply:
        if self.compression == "gzip":
            content = gzip.compress(content, 1)
        reused = self.connection is not None
        try:
            return self._post(signal, content)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError) as exc:
            if not reused:
                return self._not_sent(exc)
            self.close()
        except (OSError, http.client.HTTPException) as exc:
            return self._not_sent(exc)
        # A server may close an idle connection at any time; OTLP allows to send the request again.
        try:
            return self._post(signal, content)
        except (OSError, http.client.HTTPException) as exc:
            return self._not_sent(exc)

    def _not_sent(self, error: Exception) -> Reply:
        self.close()
        fault = http_fault(error)
        if fault.cause == "disconnected" and self.context is None and self.proxy is None and self._wants_tls():
            fault = dataclasses.replace(fault, cause="tls_wanted")
        return _failed(fault)

    def _wants_tls(self) -> bool:
        """Asked without a body: the words of a server that hangs up on a body it has not read may not arrive."""
        connection = self._connect()
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return http_fault(None, answer.status, printable(answer.read(ANSWER_LIMIT))).cause == "tls_wanted"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _post(self, signal: str, content: bytes) -> Reply:
        if self.connection is None:
            self.connection = self._connect()
        target = f"{self.url.path}/v1/{signal}" if self.path is None else self.path
        headers = self.headers
        if self.proxy and not self._tunnels:
            target = f"http://{self.url.netloc}{target}"
            headers = {**headers, **_proxy_credentials(self.proxy)}
        try:
            self.connection.request("POST", target, body=content, headers=headers)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            # A server that refuses a body while it is being sent has said why, if it had the time.
            if self.connection.sock is None:
                raise
        answer = self.connection.getresponse()
        text = answer.read(ANSWER_LIMIT)
        if answer.will_close or not answer.isclosed():
            self.close()
        return self._reply(answer, text, signal)

    def _connect(self) -> http.client.HTTPConnection:
        place = self.proxy or self.url
        port = place.port or (443 if place.scheme == "https" else 80)
        connection: http.client.HTTPConnection
        if self.context is None:
            connection = http.client.HTTPConnection(place.hostname or "", port, timeout=self.timeout)
        else:
            connection = http.client.HTTPSConnection(
                place.hostname or "", port, timeout=self.timeout, context=self.context
            )
        if self.proxy and self._tunnels:
            beyond = self.url.port or (443 if self.url.scheme == "https" else 80)
            connection.set_tunnel(self.url.hostname or "", beyond, _proxy_credentials(self.proxy))
        return connection

    @property
    def _tunnels(self) -> bool:
        return self.tunnel or self.context is not None

    def _reply(self, answer: http.client.HTTPResponse, text: bytes, signal: str) -> Reply:
        if answer.status == 200:
            try:
                return _partial(200, *self._partial_success(text, signal))
            except NO_OTLP:
                return _no_otlp(200, text)
        fault = http_fault(None, answer.status, self._message(answer, text))
        return dataclasses.replace(_failed(fault), retry_after=retry_after(answer.getheader("Retry-After")))

    def _partial_success(self, text: bytes, signal: str) -> tuple[int, str]:
        if self.protocol == "http/protobuf":
            return decode_partial(signal, text)
        partial = json.loads(text or b"{}").get("partialSuccess") or {}
        counts = [int(count) for name, count in partial.items() if name.startswith("rejected")]
        return sum(counts), str(partial.get("errorMessage", ""))

    def _message(self, answer: http.client.HTTPResponse, text: bytes) -> str:
        """The collector's own words, which come as a google.rpc.Status or as plain text."""
        kind = answer.getheader("Content-Type", "")
        if "protobuf" in kind:
            try:
                return status_message(text)
            except (ValueError, IndexError):
                return ""
        if "json" in kind:
            try:
                return str(json.loads(text).get("message", ""))
            except NO_OTLP:
                pass
        return printable(text)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _proxy(url: urllib.parse.SplitResult) -> urllib.parse.SplitResult | None:
    """The proxy that the environment asks for, except towards this machine itself."""
    host = url.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    found = urllib.request.getproxies().get(url.scheme)
    return urllib.parse.urlsplit(found if "//" in found else f"http://{found}") if found else None


def _proxy_credentials(proxy: urllib.parse.SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{urllib.parse.unquote(proxy.username)}:{urllib.parse.unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# --- gRPC ----------------------------------------------------------------------------------------------------------


class _Grpc:
    def __init__(
        self,
        url: urllib.parse.SplitResult,
        protocol: str,
        token: str | None,
        tls: Tls,
        timeout: float,
        compression: str,
    ) -> None:
        # The library would write what the replies say to standard error as well, which belongs to Ansible.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        try:
            import grpc
        except ImportError as exc:
            raise MissingLibraryError("grpcio", protocol) from exc
        messages("metrics", protocol)
        self.grpc, self.timeout = grpc, timeout
        self.metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self.compression = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        options = [("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0 if is_loopback(host) else 1)]
        if url.scheme == "https":
            credentials = grpc.ssl_channel_credentials(*tls.contents())
            self.channel = grpc.secure_channel(target, credentials, options=options)
        else:
            self.channel = grpc.insecure_channel(target, options=options)

    def exchange(self, signal: str, content: bytes) -> Reply:
        call = self.channel.unary_unary(SERVICES[signal])
        try:
            answer = call(content, timeout=self.timeout, metadata=self.metadata, compression=self.compression)
        except self.grpc.RpcError as exc:
            return _failed(Fault.of_grpc(exc.code().name, exc.details() or ""))
        try:
            return _partial("OK", *decode_partial(signal, answer))
        except ValueError:
            return _no_otlp("OK", answer)

    def close(self) -> None:
        self.channel.close()


# --- shared --------------------------------------------------------------------------------------------------------


def _failed(fault: Fault) -> Reply:
    return Reply(False, fault.status, fault.cause, fault.text)


def _no_otlp(status: int | str, answer: bytes) -> Reply:
    return Reply(False, status, "not_otlp", f"The answer is no OTLP: {printable(answer)!r}.")


def _partial(status: int | str, rejected: int, message: str) -> Reply:
    if rejected:
        text = f"The collector dropped {rejected} of the request's entries: {message or 'it does not say why'}."
        return Reply(False, status, "partly_rejected", text, rejected=rejected)
    return Reply(True, status, error=message)


def _url(endpoint: str) -> urllib.parse.SplitResult:
    try:
        url = urllib.parse.urlsplit(endpoint.rstrip("/"))
        port_is_fine = url.port is None or url.port > 0
        # As the name is looked up: a label that is empty or too long is refused only then.
        (url.hostname or "").encode("idna")
    except ValueError:
        url, port_is_fine = urllib.parse.SplitResult("", "", "", "", ""), False
    if url.scheme not in ("http", "https") or not url.hostname or not port_is_fine:
        raise OtlpError(f"The endpoint {endpoint!r} is no address; write it like http://collector.example.com:4318.")
    if url.username or url.query or url.fragment:
        raise OtlpError("The endpoint holds credentials, a query or a fragment; give the token as token instead.")
    if not re.fullmatch(r"[!-~]*", url.path):
        raise OtlpError(
            f"The path of the endpoint {endpoint!r} holds characters that no request can carry; write it as "
            f"{urllib.parse.quote(url.path)}."
        )
    if url.path.endswith(tuple(f"/v1/{signal}" for signal in SERVICES)):
        raise OtlpError(f"The endpoint {endpoint!r} names a signal; leave /v1/... away, each signal adds its own.")
    return url


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
