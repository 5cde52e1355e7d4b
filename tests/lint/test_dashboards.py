# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own rules for the rendered dashboards, whatever the delivery, and what Grafana's published types say of them."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._catalogue import Metric, load_catalogue
from ansible_collections.observability.claude_code.plugins.module_utils._grafana_dashboard import all_json
from ansible_collections.observability.claude_code.plugins.module_utils._panels import load_dashboards
from ansible_collections.observability.claude_code.plugins.module_utils._promql import DELIVERIES
from support.checkout import CACHE, CHECKOUT, environment, run

FOLDER = CHECKOUT / "files" / "dashboards"
CATALOGUE = load_catalogue(CHECKOUT / "files" / "catalogue")
DASHBOARDS = load_dashboards(CHECKOUT / "files" / "catalogue", CATALOGUE)
RENDERED = {delivery: all_json(DASHBOARDS, CATALOGUE, delivery) for delivery in DELIVERIES}
EVERY = [pytest.param(RENDERED[way][uid], way, id=f"{uid}-{way}") for way in DELIVERIES for uid in DASHBOARDS]
# A name and the matchers behind it, in which ${variables} have braces too.
SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[^{}]|\$\{[^{}]*\})*)\}")
# Built into Grafana 10.4 to 13, and neither deprecated nor migrated to another by any of them.
BUILT_IN = {
    *("stat", "gauge", "bargauge", "piechart", "barchart", "timeseries", "heatmap", "state-timeline", "table", "logs"),
    *("nodeGraph", "text", "row"),
}
# The filters that every row of Loki can be asked for.
OF_ALL_EVENTS = ("session_id", "user_name", "team", "terminal_type")
# Grafana's types as they were with these versions; that of constraints.txt is the newest one.
TYPES = {"10.4": "1769699796!10.4.0", "11.6": "1769699379!11.6.0"}

Json = dict[str, Any]


def panels(dashboard: Json) -> list[Json]:
    """All panels that show something, those of collapsed rows too."""
    found = itertools.chain.from_iterable((outer, *outer.get("panels", ())) for outer in dashboard["panels"])
    return [panel for panel in found if panel["type"] != "row"]


def targets(dashboard: Json, source: str) -> Iterator[tuple[str, str]]:
    """The panel's title and the text of each of its queries."""
    for panel in panels(dashboard):
        for target in panel.get("targets", ()):
            if target["datasource"]["type"] == source:
                yield panel["title"], target["expr"]


def filters(dashboard: Json) -> dict[str, str]:
    """The variable of each label that the dashboard filters by."""
    return {variable.label: variable.name for variable in DASHBOARDS[dashboard["uid"]].variables}


def series() -> dict[str, tuple[Metric, frozenset[str]]]:
    """Every series of the catalogue: its metric, and the labels that it lacks as a rollup."""
    found = {metric.prometheus: (metric, frozenset[str]()) for metric in CATALOGUE.metrics.values()}
    for rollup in CATALOGUE.rollups.values():
        found.update(
            {rollup.series(metric): (metric, frozenset(rollup.without)) for metric in CATALOGUE.metrics.values()}
        )
    return found


SERIES = series()


def values(tree: Any, key: str) -> Iterator[Any]:
    """All values of ``key``, however deep they are."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from values(value, key)


def test_the_committed_dashboards_are_those_of_the_catalogue() -> None:
    committed = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    wanted = {
        uid: json.dumps(one, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for uid, one in RENDERED["otlp"].items()
    }
    stale = sorted(uid for uid in {*committed, *wanted} if committed.get(uid) != wanted.get(uid))
    assert not stale, f"files/dashboards is not what the catalogue says ({', '.join(stale)}): run make render"


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_no_data_source_is_fixed(dashboard: Json, delivery: str) -> None:
    allowed = [
        {"type": "prometheus", "uid": "${prometheus}"},
        {"type": "loki", "uid": "${loki}"},
        {"type": "grafana", "uid": "-- Grafana --"},
    ]
    assert [one for one in values(dashboard, "datasource") if one not in allowed] == []
    offered = {one["name"] for one in dashboard["templating"]["list"]}
    used = {one["type"] for one in values(dashboard["panels"], "datasource")}
    assert used <= offered


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_only_panels_that_every_grafana_has(dashboard: Json, delivery: str) -> None:
    assert {panel["type"] for panel in dashboard["panels"]} <= BUILT_IN
    assert {panel["type"] for panel in panels(dashboard)} <= BUILT_IN


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_every_panel_says_what_it_is_and_what_no_data_means(dashboard: Json, delivery: str) -> None:
    shown = [panel for panel in panels(dashboard) if panel["type"] != "text"]
    assert [one["title"] for one in shown if "What to do." not in one["description"]] == []
    # No sentence of Grafana's own ("No data") may be left.
    assert [one["title"] for one in shown if not one["fieldConfig"]["defaults"].get("noValue")] == []


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_every_number_has_a_unit(dashboard: Json, delivery: str) -> None:
    without = []
    for panel in panels(dashboard):
        if panel["type"] in ("text", "logs"):
            continue
        if panel["type"] == "table":
            without += [
                f"{panel['title']}: {name}" for name in columns_without_unit(DASHBOARDS[dashboard["uid"]], panel)
            ]
        # What is shown in words is no number.
        elif panel["fieldConfig"]["defaults"]["unit"] == "short" and not panel["fieldConfig"]["defaults"]["mappings"]:
            without.append(panel["title"])
    assert without == []


def columns_without_unit(dashboard: Any, table: Json) -> list[str]:
    (panel,) = [one for one in dashboard.panels() if one.title == table["title"]]
    units = {
        one["matcher"]["options"]: each["value"]
        for one in table["fieldConfig"]["overrides"]
        for each in one["properties"]
        if each["id"] == "unit"
    }
    numbers = [one.title for one in panel.columns if one.value or one.field in ("time", "count", "first", "last")]
    return [name for name in numbers if units.get(name, "short") == "short"]


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_metrics_are_filtered_by_all_that_they_have_and_counted_once(dashboard: Json, delivery: str) -> None:
    wrong = []
    for title, text in targets(dashboard, "prometheus"):
        read = [(name, matchers) for name, matchers in SELECTOR.findall(text) if name in SERIES]
        for label, variable in filters(dashboard).items():
            # What one metric of an expression cannot be filtered by, no other one of it is.
            if all(CATALOGUE.has_label(SERIES[name][0], label) for name, _matchers in read):
                # A rollup without the label has the variable in the matcher that says whether it may answer.
                asked = re.compile(rf"\${variable}\b")
                wrong += [f"{title}: {name} without ${variable}" for name, found in read if not asked.search(found)]
        # Rollups are made of the primary series alone.
        raw = [(name, matchers) for name, matchers in read if not SERIES[name][1]]
        wrong += [f'{title}: {name} without copy=""' for name, matchers in raw if 'copy=""' not in matchers]
    assert wrong == []


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_no_series_of_the_clients_is_read_without_a_selector(dashboard: Json, delivery: str) -> None:
    named = re.compile(r"\bclaude_code[a-zA-Z0-9_:]*+(?!\{)")
    assert [
        (title, named.findall(text)) for title, text in targets(dashboard, "prometheus") if named.search(text)
    ] == []


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_events_are_filtered_by_session_user_team_and_terminal(dashboard: Json, delivery: str) -> None:
    wanted = [f'{label}=~"${name}"' for label, name in filters(dashboard).items() if label in OF_ALL_EVENTS]
    missing = [
        f"{title}: {matcher}"
        for title, text in targets(dashboard, "loki")
        for matcher in wanted
        if f"| {matcher}" not in text
    ]
    assert missing == []


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_counters_are_read_as_the_delivery_stores_them(dashboard: Json, delivery: str) -> None:
    deltas = re.compile(r"(increase|rate)\(claude_code_")
    totals = re.compile(r"sum_over_time\(claude_code_")
    found = deltas if delivery == "otlp" else totals
    assert [title for title, text in targets(dashboard, "prometheus") if found.search(text)] == []


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_every_variable_in_a_query_is_one_that_there_is(dashboard: Json, delivery: str) -> None:
    known = {one["name"] for one in dashboard["templating"]["list"]} | {"__range", "__range_s", "__interval", "1"}
    texts = [text for source in ("prometheus", "loki") for _title, text in targets(dashboard, source)]
    texts += [one["query"]["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    assert {name for text in texts for name in re.findall(r"\$\{?(\w+)", text)} - known == set()


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_no_session_is_sought_in_vain_or_by_nobody(dashboard: Json, delivery: str) -> None:
    """Each hidden variable has a table whose queries read nothing but its values, and each table one.

    But for the total of which a column shows the share: that is one of all.
    """
    hidden = {one["name"] for one in dashboard["templating"]["list"] if one["type"] == "query" and one["hide"]}
    used = {name for _title, text in targets(dashboard, "prometheus") for name in re.findall(r"\$\{(\w+):pipe", text)}
    assert used == hidden
    for title, text in targets(dashboard, "prometheus"):
        narrowed = re.search(r"\$\{\w+:pipe\}", text)
        rows = re.sub(r" / on \(\) group_left \(\) \(sum\(.*?\) > 0\)", "", text)
        read = [(name, found) for name, found in SELECTOR.findall(rows) if name in SERIES and narrowed]
        assert [name for name, found in read if narrowed and narrowed[0] not in found] == [], title


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_panels_have_their_own_numbers_and_do_not_overlap(dashboard: Json, delivery: str) -> None:
    numbers = list(values(dashboard["panels"], "id"))
    numbers = [one for one in numbers if isinstance(one, int)]
    assert len(set(numbers)) == len(numbers)
    taken: dict[tuple[int, int], str] = {}
    rows = [dashboard["panels"], *(one["panels"] for one in dashboard["panels"] if one.get("panels"))]
    for panel in itertools.chain.from_iterable(rows):
        place = panel["gridPos"]
        assert place["w"] >= 1, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        if panel["type"] == "row" and panel["collapsed"]:
            continue
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        ):
            hidden = panel not in dashboard["panels"]
            if not hidden:
                assert cell not in taken, f"{panel['title']} covers {taken[cell]}"
                taken[cell] = panel["title"]


@pytest.mark.parametrize(("dashboard", "delivery"), EVERY)
def test_transformations_name_what_the_queries_return(dashboard: Json, delivery: str) -> None:
    """Columns of tables are there: a label that no query keeps would be an empty column."""
    missing = []
    for panel in panels(dashboard):
        if panel["type"] != "table" or panel["datasource"]["type"] != "prometheus":
            continue
        (organized,) = [one["options"] for one in panel["transformations"] if one["id"] == "organize"]
        refs = [one["refId"] for one in panel["targets"]]
        known = {"Value"} if len(refs) == 1 else {f"Value #{ref}" for ref in refs}
        text = " ".join(one["expr"] for one in panel["targets"])
        known |= {label.strip() for found in re.findall(r"by \(([^)]*)\)", text) for label in found.split(",")}
        missing += [f"{panel['title']}: {name}" for name in organized["indexByName"] if name not in known]
    assert missing == []


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """All dashboards of all deliveries as files."""
    folder = tmp_path_factory.mktemp("dashboards")
    paths = []
    for delivery, dashboards in RENDERED.items():
        for uid, one in dashboards.items():
            paths.append(folder / f"{uid}-{delivery}.json")
            paths[-1].write_text(json.dumps(one), encoding="utf-8")
    return paths


@pytest.mark.parametrize("grafana", [*TYPES, "newest"])
def test_grafanas_types_know_all_of_it(grafana: str, written: list[Path]) -> None:
    changes = {} if grafana == "newest" else {"PYTHONPATH": str(types_of(grafana))}
    printed = run("python", CHECKOUT / "tests" / "support" / "grafana_schema.py", *written, env=environment(**changes))
    assert printed == ""


def types_of(grafana: str) -> Path:
    """The folder with the types of that version, installed once; one environment can hold only one version."""
    folder = CACHE / f"grafana-types-{grafana}"
    if not folder.is_dir():
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        wanted = f"grafana-foundation-sdk=={TYPES[grafana]}"
        run("python", "-m", "pip", "install", "--quiet", "--no-deps", "--target", fresh, wanted)
        fresh.rename(folder)
    return folder
