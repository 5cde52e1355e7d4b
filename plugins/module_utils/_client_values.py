# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which value of each variable is in force, as Claude Code decides it.

Observed on client 2.1.330: any settings file wins over the environment that the client was started with; managed
settings win over local ones, those over the project's, those over the user's. A project may not say whether and where
telemetry goes. What managed settings say of all signals cannot be changed for one signal elsewhere.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.observability.claude_code.plugins.module_utils._client_document import KNOWN
from ansible_collections.observability.claude_code.plugins.module_utils._client_shell import computed
from ansible_collections.observability.claude_code.plugins.module_utils._client_sources import HELPER, Source

OTLP = "OTEL_EXPORTER_OTLP_"
SIGNALS = ("METRICS", "LOGS", "TRACES", "PROFILES")
PER_SIGNAL = ("ENDPOINT", "HEADERS", "PROTOCOL", "CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY", "INSECURE")
# Whoever sets these says who receives a secret, so nobody else may then say where to.
SECRET_PARTS = ("HEADERS", "CLIENT_KEY", "CLIENT_CERTIFICATE")
ENDPOINTS = (f"{OTLP}ENDPOINT", *(f"{OTLP}{signal}_ENDPOINT" for signal in SIGNALS))
EXPORTERS = ("OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER", "OTEL_TRACES_EXPORTER")
PRIVACY = ("OTEL_LOG_USER_PROMPTS", "OTEL_LOG_TOOL_CONTENT", "OTEL_LOG_TOOL_DETAILS")
NOT_FOR_PROJECTS = frozenset(
    (
        "CLAUDE_CODE_ENABLE_TELEMETRY",
        "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA",
        "OTEL_RESOURCE_INCLUDE_HOST",
        "OTEL_LOG_ASSISTANT_RESPONSES",
        "OTEL_LOG_RAW_API_BODIES",
        "OTEL_LOG_MANAGED_SETTINGS",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        *EXPORTERS,
        *PRIVACY,
        *(OTLP + part for part in PER_SIGNAL),
        *(f"{OTLP}{signal}_{part}" for signal in SIGNALS for part in PER_SIGNAL),
    )
)
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
NO_PROXIES = ("NO_PROXY", "no_proxy")
MATTERING = frozenset((*KNOWN, *PROXIES, *NO_PROXIES, "CLAUDE_CONFIG_DIR"))
# Variables whose value is a secret, or holds some.
HEADERS_SUFFIX, PASSPHRASE_SUFFIX = "_HEADERS", "_PASSPHRASE"
SECRET_SUFFIXES = (HEADERS_SUFFIX, PASSPHRASE_SUFFIX)
CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+(?=@)")
HIDDEN = "***"
SHORTEST_SECRET = 8


@dataclasses.dataclass(frozen=True)
class Claim:
    """What one place says of a variable; ``ignored`` is why the client does not listen."""

    source: Source
    value: str
    ignored: str = ""


@dataclasses.dataclass(frozen=True)
class Setting:
    """A variable with all that is said of it, what counts more later."""

    name: str
    claims: tuple[Claim, ...]

    @property
    def in_force(self) -> Claim | None:
        return next((claim for claim in reversed(self.claims) if not claim.ignored), None)

    @property
    def overridden(self) -> list[Claim]:
        """Claims that would count without the one in force, and say something else."""
        winner = self.in_force
        return [claim for claim in self.claims if winner and not claim.ignored and claim.value != winner.value]

    @property
    def ignored(self) -> list[Claim]:
        return [claim for claim in self.claims if claim.ignored]

    def report(self) -> dict[str, t.Any]:
        winner = self.in_force
        return {
            "name": self.name,
            "value": masked(self.name, winner.value) if winner else None,
            "scope": winner.source.scope if winner else None,
            "path": winner.source.path if winner else None,
            "overridden": [_told(self.name, claim) for claim in self.overridden],
            "ignored": [{**_told(self.name, claim), "reason": claim.ignored} for claim in self.ignored],
        }


@dataclasses.dataclass(frozen=True)
class Settings:
    """All variables that matter, and the script for headers."""

    variables: dict[str, Setting]
    helpers: tuple[tuple[Source, str], ...] = ()

    def __getitem__(self, name: str) -> str:
        """The value in force; empty where there is none, which the client takes alike."""
        claim = self.claim(name)
        return claim.value.strip() if claim else ""

    def claim(self, name: str) -> Claim | None:
        setting = self.variables.get(name)
        return setting.in_force if setting else None

    def place(self, name: str) -> str:
        """Where the value in force comes from, for messages."""
        claim = self.claim(name)
        return claim.source.path if claim else "settings and environment"

    def first(self, names: t.Iterable[str]) -> str:
        """Of these variables the first one that has a value, by its name; empty where none has."""
        return next((name for name in names if self[name]), "")

    def of_signal(self, signal: str, part: str) -> str:
        """The name of the variable that says this of the signal: its own, or that of all signals."""
        own = f"{OTLP}{signal.upper()}_{part}"
        return own if self[own] else OTLP + part

    @property
    def helper(self) -> str:
        return self.helpers[-1][1] if self.helpers else ""

    @property
    def helper_place(self) -> str:
        return self.helpers[-1][0].path if self.helpers else ""


def resolve(sources: t.Sequence[Source]) -> Settings:
    """Sources that count more stand later."""
    said: dict[str, list[Claim]] = {}
    for source in sources:
        for name, value in source.values.items():
            if matters(name):
                said.setdefault(name, []).append(Claim(source, value))
    helpers = tuple((source, source.helper) for source in sources if source.helper)
    for name, claims in said.items():
        said[name] = [_for_project(name, claim, claims) for claim in claims]
    _dominate(said, helpers)
    return Settings({name: Setting(name, tuple(claims)) for name, claims in sorted(said.items())}, helpers)


def matters(name: str) -> bool:
    return name.startswith("OTEL_") or name in MATTERING


def masked(name: str, value: str) -> str:
    """The value as it may be shown: of headers their names alone, of addresses no credentials, no passphrase."""
    if name.endswith(PASSPHRASE_SUFFIX):
        return HIDDEN if value else ""
    if name.endswith(HEADERS_SUFFIX):
        pairs = (pair.partition("=") for pair in value.split(",") if pair.strip())
        return ",".join(f"{name.strip()}={HIDDEN}" if equals else HIDDEN for name, equals, _text in pairs)
    return CREDENTIALS.sub(HIDDEN, value)


def truthy(value: str) -> bool:
    """As the client reads switches."""
    return value.strip().lower() in ("1", "true", "yes", "on")


def headers_of(value: str) -> dict[str, str]:
    """The headers that a variable holds. The client takes them as they stand: nothing in them is percent-decoded."""
    pairs = (pair.partition("=") for pair in value.split(","))
    return {name.strip(): text.strip() for name, equals, text in pairs if equals and name.strip()}


def secrets_in(values: t.Mapping[str, str]) -> set[str]:
    """The tokens among variables, each with and without the word before it, and passphrases."""
    headers = [value for name, value in values.items() if name.endswith(HEADERS_SUFFIX)]
    malformed = [pair for value in headers for pair in value.split(",") if "=" not in pair]
    phrases = [value for name, value in values.items() if name.endswith(PASSPHRASE_SUFFIX)]
    found = tokens([*malformed, *(text for value in headers for text in headers_of(value).values())])
    return found.union(phrase for phrase in phrases if len(phrase) >= SHORTEST_SECRET)


def tokens(headers: t.Iterable[str]) -> set[str]:
    """What of these headers is a secret. Short ones are none, and would blot out half of a result."""
    return {part for text in headers for part in (text, *text.split()[-1:]) if len(part) >= SHORTEST_SECRET}


def is_computed(claim: Claim) -> bool:
    """Whether a shell makes the value when somebody logs in, so that it is not known here."""
    return claim.source.scope == "environment" and computed(claim.value)


def _told(name: str, claim: Claim) -> dict[str, str]:
    return {"value": masked(name, claim.value), "scope": claim.source.scope, "path": claim.source.path}


def _for_project(name: str, claim: Claim, claims: t.Sequence[Claim]) -> Claim:
    if claim.source.scope not in ("project", "local") or name not in NOT_FOR_PROJECTS:
        return claim
    quiet = not truthy(claim.value) if name in PRIVACY else name in EXPORTERS and claim.value.strip() == "none"
    above = any(other.source.scope in ("environment", "managed") for other in claims)
    if quiet and not above:
        return claim
    return dataclasses.replace(claim, ignored="settings of a project may not set it")


def _dominate(said: dict[str, list[Claim]], helpers: t.Sequence[tuple[Source, str]]) -> None:
    """Take away what would redirect signals that managed settings have decided on."""
    managed: dict[str, str] = {}
    for name, claims in said.items():
        value = next((claim.value for claim in reversed(claims) if claim.source.scope == "managed"), "")
        if value.strip():
            managed[name] = value
    lost = dict.fromkeys(ENDPOINTS, HELPER) if any(source.scope == "managed" for source, _script in helpers) else {}
    for name in managed:
        lost.update(dict.fromkeys(_decided_by(name), name))
    for name, claimant in lost.items():
        for number, claim in enumerate(said.get(name, ())):
            if claim.source.scope != "managed" and not claim.ignored and managed.get(name) is None:
                why = f"managed settings have {claimant}, so it may not be set elsewhere"
                said[name][number] = dataclasses.replace(claim, ignored=why)


def _decided_by(name: str) -> t.Sequence[str]:
    """The variables that nobody else may set where managed settings set this one."""
    if not name.startswith(OTLP):
        return ()
    part = name[len(OTLP) :]
    signal = next((one for one in SIGNALS if part.startswith(one + "_")), None)
    if signal:
        return (f"{OTLP}{signal}_ENDPOINT",) if part[len(signal) + 1 :] in SECRET_PARTS else ()
    return (*(f"{OTLP}{one}_{part}" for one in SIGNALS), *(ENDPOINTS if part in SECRET_PARTS else ()))
