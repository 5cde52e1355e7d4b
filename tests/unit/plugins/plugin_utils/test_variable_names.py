# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable that is nearly called as one of ours is told from those of others, and from those that are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.observability.claude_code.plugins.plugin_utils._variable_names import Names, misspelt
from support.checkout import CHECKOUT

ROLES = [CHECKOUT / "roles" / name for name in ("stack", "prometheus", "otel_collector", "client_env")]
# Those that nobody writes into an inventory are made by the others.
INNER = {"service", "helm_release"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("prometheus_retention_day", "prometheus_retention_days"),
        ("otel_collector_user_emial", "otel_collector_user_email"),
        ("stack_prometeus_url", "stack_prometheus_url"),
        ("client_env_endpont", "client_env_endpoint"),
        # Right: an option, a variable of the role's own, one of another role.
        ("prometheus_retention_days", None),
        ("stack_usual_urls", None),
        ("loki_retention_day", None),
        # Somebody's own.
        ("prometheus_scrape_configs", None),
        ("stack_domain", None),
        ("ansible_host", None),
    ],
)
def test_a_name_is_misspelt_where_it_is_nearly_an_option(name: str, meant: str | None) -> None:
    assert misspelt([name], ROLES) == ({name: meant} if meant else {})


def test_nothing_that_the_collection_itself_says_is_misspelt() -> None:
    roles = [role for role in (CHECKOUT / "roles").iterdir() if role.name not in INNER]
    texts = [*CHECKOUT.glob("playbooks/**/*.yml"), *CHECKOUT.glob("roles/**/*.yml"), *CHECKOUT.glob("docs/**/*.md")]
    names = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", "\n".join(path.read_text() for path in texts)))
    assert len(names) > len(Names.of(CHECKOUT / "roles" / "stack").known)
    assert misspelt(names, roles) == {}


def test_a_role_without_variables_of_its_own_has_its_options(tmp_path: Path) -> None:
    (tmp_path / "one" / "meta").mkdir(parents=True)
    spec = "argument_specs: {main: {options: {one_level: {}}}, other: {}}"
    (tmp_path / "one" / "meta" / "argument_specs.yml").write_text(spec)
    assert misspelt(["one_levle", "one_level"], [tmp_path / "one"]) == {}
    assert misspelt(["one_levels"], [tmp_path / "one"]) == {"one_levels": "one_level"}
