# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts are all that the specification asks for, and what is rendered of them is what every server takes."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_grafana as grafana
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_loki as loki
from ansible_collections.observability.claude_code.plugins.module_utils import _rules_prometheus as prometheus
from ansible_collections.observability.claude_code.plugins.module_utils._alert_parsing import KEYS
from ansible_collections.observability.claude_code.plugins.module_utils._alerts import Alert, Choice
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule import normalised
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_rule_checks import (
    group_problems,
    rule_problems,
)
from ansible_collections.observability.claude_code.plugins.module_utils._panels import load_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._promql import DELIVERIES
from ansible_collections.observability.claude_code.plugins.module_utils._rules import (
    build_rules,
    load_rules,
    load_thresholds,
    read_rules,
)
from support.checkout import CHECKOUT

CATALOGUE_FOLDER, FOLDER = CHECKOUT / "files" / "catalogue", CHECKOUT / "files" / "rules"
CATALOGUE = load_catalogue(CATALOGUE_FOLDER)
DASHBOARDS = load_dashboards(CATALOGUE_FOLDER, CATALOGUE)
# Of every platform, as the files have them.
GROUPS = load_rules(CATALOGUE_FOLDER, CATALOGUE, Choice(platform="openshift"))
ALERTS = {alert.name: alert for group in GROUPS for alert in group.alerts}
# The alerts of section 6 of the specification: its part, severity and wait.
SPECIFIED = {
    "HighHourlyCost": ("6.1", "warning", "5m"),
    "DailyCostThreshold": ("6.1", "critical", "1m"),
    "HighToolErrorRate": ("6.2", "warning", "2m"),
    "SubagentFailureSpike": ("6.2", "warning", "1m"),
    "APIErrorSpike": ("6.2", "critical", "1m"),
    "SlowToolExecution": ("6.3", "warning", "5m"),
    "LowCacheEfficiency": ("6.3", "info", "30m"),
}
# What the limits of these are there.
LIMITS = {
    "HighHourlyCost": ("above", 10),
    "DailyCostThreshold": ("above", 100),
    "HighToolErrorRate": ("above", 0.15),
    "SubagentFailureSpike": ("above", 5),
    "APIErrorSpike": ("above", 10),
    "SlowToolExecution": ("above", 30),
    "LowCacheEfficiency": ("below", 0.5),
}
Json = dict[str, Any]


def in_files() -> dict[str, Any]:
    """What the files hold, by their path in files/rules."""
    paths = sorted(path for path in FOLDER.rglob("*") if path.is_file())
    return {str(path.relative_to(FOLDER)): yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths}


def wanted() -> dict[str, Any]:
    """What they should hold."""
    metrics = prometheus.rule_groups(GROUPS, CATALOGUE, DASHBOARDS)
    events = loki.rule_groups(GROUPS, CATALOGUE, DASHBOARDS)
    both = grafana.rule_groups(GROUPS, CATALOGUE, DASHBOARDS)
    return {
        **{f"prometheus/{group['name']}.yml": {"groups": [group]} for group in metrics},
        **{f"loki/{group['name']}.yml": {"groups": [group]} for group in events},
        **{f"grafana/{group['name']}.yml": provisioned(group) for group in both},
    }


def provisioned(group: Json) -> Json:
    """A group as Grafana reads it from a file."""
    where = {"orgId": 1, "name": group["name"], "folder": "Claude Code", "interval": f"{group['interval_s']}s"}
    return {"apiVersion": 1, "groups": [{**where, "rules": group["rules"]}]}


def grafana_rules(delivery: str) -> Iterator[tuple[Json, Json]]:
    """Each group of Grafana with each of its rules."""
    for group in grafana.rule_groups(GROUPS, CATALOGUE, DASHBOARDS, delivery):
        yield from ((group, rule) for rule in group["rules"])


def test_the_committed_rules_are_those_of_the_catalogue() -> None:
    committed, rendered = in_files(), wanted()
    stale = sorted(name for name in {*committed, *rendered} if committed.get(name) != rendered.get(name))
    assert not stale, f"files/rules is not what the catalogue says ({', '.join(stale)}): run make render"


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_grafana_replaces_nothing_in_the_rules_by_variables_of_its_environment(delivery: str) -> None:
    """Which it does in files wherever a $ stands, but in annotations."""
    for _group, rule in grafana_rules(delivery):
        assert "$" not in json.dumps({name: value for name, value in rule.items() if name != "annotations"})


def test_the_alerts_of_the_specification_are_there_with_its_severity_wait_and_limit() -> None:
    found = {name: ALERTS[name] for name in SPECIFIED}
    assert {name: (one.spec, one.severity, one.wait) for name, one in found.items()} == SPECIFIED
    assert {name: (one.bound, *one.limits) for name, one in found.items()} == LIMITS
    # Each of them was mended, and says so.
    assert [name for name, one in found.items() if not one.differs] == []


def test_an_alert_that_the_specification_has_not_names_no_place_there() -> None:
    known = {*SPECIFIED, "MalformedSCC"}
    assert sorted(name for name, one in ALERTS.items() if one.spec and name not in known) == []


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda alert: alert.name)
def test_an_alert_says_what_it_means_and_what_to_do(alert: Alert) -> None:
    assert re.fullmatch(r"(?:[A-Z][a-z]*)+[A-Z]*", alert.name)
    assert len(alert.summary) <= 120, "the summary is the line that a message shows"
    assert not alert.summary.endswith(".")
    for text in (alert.means, alert.act):
        assert len(text.split()) > 8
        assert text.endswith((".", "?"))
    assert alert.panel or alert.name == "MalformedSCC", "name the panel that shows more"


def test_the_example_of_an_alert_is_one() -> None:
    """Word by word it is documented what a rule may hold, and the example is a rule."""
    text = (CHECKOUT / "docs" / "development.md").read_text()
    (example,) = (fence for fence in re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S) if "- alert:" in fence)
    sources = read_rules(CATALOGUE_FOLDER)
    content = {"group": "own", "about": "x", "interval": "1m", "rules": yaml.safe_load(example)}
    ((alert,),) = (group.alerts for group in build_rules({**sources, "rules": {"1.yml": content}}, CATALOGUE))
    assert prometheus.condition(alert, CATALOGUE) == prometheus.condition(ALERTS[alert.name], CATALOGUE)
    assert [word for word in sorted(KEYS) if not re.search(rf"[`{{]?{word}[:`]", text)] == []


def test_every_threshold_is_used() -> None:
    used = {name for alert in ALERTS.values() for name in alert.thresholds}
    used |= {content["interval"]["threshold"] for content in read_rules(CATALOGUE_FOLDER)["rules"].values()}
    assert set(load_thresholds(CATALOGUE_FOLDER)) == used


def test_numbers_that_a_team_would_choose_are_thresholds() -> None:
    """Only the zero and the one of up and down stand in the rules themselves."""
    fixed = {}
    for content in read_rules(CATALOGUE_FOLDER)["rules"].values():
        for entry in content["rules"]:
            limits = [entry.get("above"), entry.get("below"), *entry.get("outside", ())]
            limits += [one.get("at_least") for one in entry.get("provided", ())]
            fixed[entry["alert"]] = [one for one in limits if isinstance(one, (int, float))]
    assert {name: one for name, one in fixed.items() if one} == {
        "CollectorDown": [1],
        "LokiDown": [1],
        "MalformedSCC": [0],
    }


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_templates_are_in_summaries_alone_and_know_their_labels(delivery: str) -> None:
    """Whoever reads a description sees the same whatever was measured; so do the tests."""
    groups = prometheus.rule_groups(GROUPS, CATALOGUE, DASHBOARDS, delivery)
    groups += loki.rule_groups(GROUPS, CATALOGUE, DASHBOARDS)
    for rule in itertools.chain.from_iterable(group["rules"] for group in groups):
        fixed = {name: text for name, text in rule["annotations"].items() if name != "summary"}
        assert "{" not in "".join(fixed.values())
        used = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert used == set(ALERTS[rule["alert"]].by), "the summary names what tells the alerts apart"


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_counters_are_read_as_the_delivery_stores_them_and_copies_are_left_out(delivery: str) -> None:
    wrong = re.compile(r"(increase|rate)\(claude_code_" if delivery == "otlp" else r"sum_over_time\(claude_code_")
    for group in prometheus.rule_groups(GROUPS, CATALOGUE, DASHBOARDS, delivery):
        for rule in group["rules"]:
            assert not wrong.search(rule["expr"]), rule["alert"]
            selectors = re.findall(r"claude_code_\w+(\{[^}]*\})?", rule["expr"])
            assert [one for one in selectors if 'copy=""' not in one] == [], rule["alert"]


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_grafana_is_given_nothing_that_it_would_refuse(delivery: str) -> None:
    found = list(grafana_rules(delivery))
    for group, rule in found:
        assert list(group_problems("f", group["name"], group["interval_s"])) == []
        assert list(rule_problems(rule, "f", group["name"])) == []
    uids = [rule["uid"] for _group, rule in found]
    titles = [rule["title"] for _group, rule in found]
    assert len(set(uids)) == len(uids) == len(set(titles)) == len(ALERTS)


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_grafana_gives_the_rules_back_as_they_were_sent(delivery: str) -> None:
    """What Grafana adds by itself is there already, so that nothing seems to have changed."""
    for _group, rule in grafana_rules(delivery):
        read = {key: value for key, value in rule.items() if value not in ("0s", False)}
        assert normalised(rule) == read


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_grafana_finds_the_panel_and_evaluates_at_its_own_times(delivery: str) -> None:
    rendered = {path.stem: json.loads(path.read_text()) for path in (CHECKOUT / "files" / "dashboards").glob("*.json")}
    for _group, rule in grafana_rules(delivery):
        uid = rule["annotations"].get("__dashboardUid__")
        if uid:
            panels = [one["id"] for top in rendered[uid]["panels"] for one in (top, *top.get("panels", ()))]
            assert int(rule["annotations"]["__panelId__"]) in panels, rule["title"]
        assert rule["noDataState"] == "OK"
        assert rule["execErrState"] == "Error"
        # No dashboard fills variables in.
        assert not re.search(r"\$__|\$\{", rule["data"][0]["model"]["expr"])
        assert {query["datasourceUid"] for query in rule["data"]} <= {"prometheus", "loki", "__expr__"}
