# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in words what a refusal of Grafana means and what to do next, naming the thing that it is about."""

from __future__ import annotations

import re
import ssl
import typing as t
import urllib.parse
from dataclasses import dataclass

from ansible_collections.observability.claude_code.plugins.module_utils._otlp_encoding import printable
from ansible_collections.observability.claude_code.plugins.module_utils._otlp_errors import http_fault

PROVISIONING = "/api/v1/provisioning"
# What a path is about. A group is its name; where it has none, the body's.
PATHS = (
    (r"/api/dashboards/uid/([^/]+)(?:/.*)?", "the dashboard"),
    (r"/api/dashboards/db", "the dashboard"),
    (r"/api/folders(?:/([^/]+)(?:/.*)?)?", "the folder"),
    (r"/api/datasources(?:/(?:uid|name|proxy/uid)/([^/]+)(?:/.*)?)?", "the data source"),
    (PROVISIONING + r"/folder/[^/]+/rule-groups/([^/]+)(?:/.*)?", "the rule group"),
    (PROVISIONING + r"/alert-rules(?:/([^/]+)(?:/.*)?)?", "the alert rule"),
    (PROVISIONING + r"/contact-points(?:/([^/]+)(?:/.*)?)?", "the contact point"),
    (PROVISIONING + r"/policies", "the notification policies"),
    (r"/api/org", "the organisation"),
)
OVERRUN = (502, 503, 504)
VERBS = {"GET": "read", "POST": "save", "PUT": "change", "DELETE": "delete"}
# Grafana's words, and what they ask for; before the statuses, since several causes share one of them.
WORDS = (
    (
        r"provisioned dashboard",
        "A file on Grafana's host provides it: change it there, or take it out of the provider's folder; "
        "only then can it be changed from outside.",
    ),
    (
        r"read-only data source",
        "A file on Grafana's host provides it: change it there, or give it editable: true and restart Grafana.",
    ),
    (r"folder (does )?not (found|exist)|folder not found", "Create the folder first, or correct its uid."),
    (r"contains alert rules", "Delete its alert rules or move them first."),
    (r"foreign key|library panel", "Library panels in it are in use: take them out of the dashboards first."),
    (r"belongs to plugin", "Leave it to the plugin, or save yours with another uid."),
    (r"data source with the same name", "Choose another name, or give the uid of the one that is there."),
    (
        r"with the same name (in the folder )?already exists",
        "Until Grafana 11.2 a title occurs once in a folder: choose another title, "
        "or use the uid of the one that is there.",
    ),
    (r"invalid URL", "Give the address of the data source's own server as ds_url, such as http://127.0.0.1:9090."),
    (r"cannot be changed to a folder", "A dashboard or a folder has this uid already: choose another one."),
    (r"same as folder", "Until Grafana 11.2 a dashboard has another title than its folder: choose another one."),
    (r"same uid already exists", "Choose another uid, or change the one that is there."),
    (
        r"provenance",
        "Something else provides it (see provenance): change it where it was made, or delete it there first.",
    ),
    (r"conflicting alert rule|rule title under the same", "Titles occur once in a folder: choose another one."),
    (r"uid too long|illegal characters in uid|uid contains illegal", "A uid has up to 40 letters, digits, - and _."),
    (r"[Qq]uota", "Raise the organisation's quota, or delete what is not needed any more."),
    (r"database is locked", "Grafana's database is busy: run it again, one run at a time."),
)
STATUSES = {
    400: 'Correct what these words name. "bad request data" means that a value has the wrong type.',
    404: "It is not there, or not for this user: check its uid and the organisation.",
    405: "This Grafana does not know the request: check its version and the proxies on the way.",
    406: "It is stored in a newer format than this Grafana's API can give: save it anew, or upgrade Grafana.",
    409: "Something else has its uid or name, or it was changed at the same time: compare, then run it again.",
    412: "It was changed by someone else since it was read, or its name is taken: look at it, then run it again.",
    413: "Make it smaller, or raise the limit of the proxy before Grafana.",
    422: "Correct what these words name.",
    429: "It is asked too often: wait, then run it again.",
    500: (
        "Grafana also answers so to some bad requests: check uid, name and references; its log at this time says more."
    ),
}
TOKEN_WRONG = (
    "The token is unknown, expired or revoked, or its service account is disabled: "
    "give another one (Administration, Service accounts)."
)
PASSWORD_WRONG = (
    "Check username and password before you try again: five wrong ones within five minutes lock the login, and then "
    "the right one gets the same answer. After five minutes without an attempt it works again."
)
LACKS_RIGHTS = (
    "Give the {who} the permission named there. The role Editor may write dashboards and folders; "
    "data sources and the provisioning of alerts want Admin."
)
CONNECTIONS = {
    "dns": "Check the host name in the url, and the name servers of this machine.",
    "refused": "Check that Grafana runs, its port and its listen address.",
    "unreachable": "Check address, network and firewall.",
    "timeout": "It may be overloaded or behind a firewall: look at its load and its log, or raise timeout.",
    "disconnected": "Check that the port is Grafana's, whether it wants https:// or a client certificate, and its log.",
    "tls_untrusted": "Give the certificate authority that issued Grafana's certificate as ca_file.",
    "tls_name": "Use a name in the url that the certificate holds, or issue a certificate for this one.",
    "tls_expired": "Renew Grafana's certificate, and check the clock of this machine.",
    "tls_client": "It wants a client certificate that it trusts: give client_cert and client_key.",
    "tls_missing": "The port speaks no TLS: write http:// in the url, or switch TLS on in Grafana.",
    "tls": "Check the certificates on both sides, and that the port speaks TLS.",
    "wrong_protocol": "The port does not speak HTTP: check it.",
}


@dataclass(frozen=True)
class Refusal:
    """One answer that is no success. ``about`` names the thing, ``said`` is Grafana's message."""

    url: str
    method: str
    about: str
    status: int
    said: str
    by_token: bool
    attempts: int = 1


def explain(refusal: Refusal) -> str:
    """What is wrong, where, and the next step."""
    said = " ".join(refusal.said.split())[:500].rstrip(".")
    verb = VERBS.get(refusal.method, refusal.method)
    failed = "could not" if refusal.status in OVERRUN else "refused to"
    head = f"Grafana at {refusal.url} {failed} {verb} {refusal.about} ({refusal.status})"
    return f"{head}: {said or 'it does not say why'}. {_next_step(refusal)}"


def _next_step(refusal: Refusal) -> str:
    key_unknown = refusal.status == 500 and "API key" in refusal.said
    if refusal.status == 401 or key_unknown:
        return TOKEN_WRONG if refusal.by_token or key_unknown else PASSWORD_WRONG
    for pattern, step in WORDS:
        if re.search(pattern, refusal.said, re.IGNORECASE):
            return step
    if refusal.status == 403:
        return LACKS_RIGHTS.format(who="token's service account" if refusal.by_token else "user")
    if refusal.status == 404 and refusal.said.lower() == "not found":
        return "This Grafana does not know the request: check its version, and that the url has the right path."
    if refusal.status in OVERRUN:
        times = "once" if refusal.attempts == 1 else f"{refusal.attempts} times"
        return f"It was asked {times}. Check that Grafana and its database run, and the proxy before it."
    return STATUSES.get(refusal.status, "Its log at this time says more.")


def no_connection(error: Exception, url: str, timeout: float) -> str:
    """The same where there is no answer at all."""
    fault = http_fault(error)
    # Who hangs up during the handshake may have said that it lacks a certificate, and was not heard.
    cause = "disconnected" if isinstance(error, ssl.SSLEOFError) else fault.cause
    step = CONNECTIONS.get(cause, "Check that it runs, and its address.")
    if fault.cause == "timeout":
        return f"Grafana at {url} gave no answer in {timeout:g} s. {step}"
    return f"Grafana at {url} does not answer: {fault.text.rstrip('.')}. {step}"


def named(path: str, body: t.Any) -> str:
    """The thing that a request is about, such as: the dashboard "claude-code"."""
    for pattern, kind in PATHS:
        found = re.fullmatch(pattern, path)
        if found:
            name = urllib.parse.unquote(found[1]) if found.groups() and found[1] else _own_name(body)
            return f'{kind} "{name}"' if name else kind
    return path


def plain(text: str, limit: int = 160) -> str:
    """The beginning of an answer in one line; of a page its title."""
    # Titles stand at the top. To look for one everywhere takes minutes where a page begins many and ends none.
    text = text[:8192]
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return " ".join(printable((title[1] if title else text).encode()).split())[:limit]


def _own_name(body: t.Any) -> str:
    if not isinstance(body, dict):
        return ""
    thing = body.get("dashboard") if isinstance(body.get("dashboard"), dict) else body
    return str(thing.get("uid") or thing.get("title") or thing.get("name") or "")
