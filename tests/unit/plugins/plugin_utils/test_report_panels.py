# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each show of a panel as HTML: its numbers with units, its colours, and what it says without data."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.observability.claude_code.plugins.module_utils._panels import SHOWS
from ansible_collections.observability.claude_code.plugins.plugin_utils import _report_panels as panels
from support.panels import AT, NOW, SESSION, Reader, one_of_each, over_time, panel, table, values

EACH = {figure["show"]: figure for figure in one_of_each()}
RED = {"thresholds": [["green", None], ["red", 10.0]]}


def drawn(figure: dict[str, Any]) -> str:
    return panels.panel(figure, AT.tzinfo)


def text(figure: dict[str, Any]) -> str:
    return " ".join(Reader(drawn(figure)).text.split())


def row(*figures: dict[str, Any]) -> str:
    return panels.dashboard({"rows": [{"title": "A row", "panels": list(figures)}]}, AT.tzinfo)


def test_every_show_of_the_catalogue_can_be_drawn() -> None:
    assert set(panels.BODIES) == set(SHOWS)
    assert set(EACH) == set(SHOWS) - {"rows"}


@pytest.mark.parametrize("show", EACH)
def test_every_show_is_well_formed_and_describes_itself(show) -> None:
    read = Reader(drawn(EACH[show]))
    assert (read.wrong, read.open) == ([], [])
    for words in (f"Title of {show}", "What it is.", "The sum of something.", "What to do: What to do."):
        assert words in read.text
    assert f"panel-{show.replace(' ', '-')}" in read.values("id")


@pytest.mark.parametrize("show", [show for show in EACH if show != "text"])
def test_every_show_says_what_is_missing_and_what_went_wrong(show) -> None:
    without = {key: [] for key in ("values", "series", "rows", "edges") if key in EACH[show]}
    assert f"Nothing for {show}." in text({**EACH[show], **without})
    assert "Nothing was reported in this range." in text({**EACH[show], **without, "empty": ""})
    failed = {key: value for key, value in EACH[show].items() if key not in without} | {"error": "Loki is down."}
    assert "Could not be read. Loki is down." in text(failed)


def test_an_error_with_a_long_query_is_cut_in_its_middle() -> None:
    said = "Prometheus answered 400 on " + "sum(x) " * 200 + "parse error"
    html = drawn(panel("stat", error=said))
    assert "parse error" in Reader(html).text
    assert len(Reader(html).text) < 500
    assert said in Reader(html).values("title")


def test_numbers_have_units_and_the_colour_of_their_threshold() -> None:
    assert "$12.35" in text(EACH["stat"])
    html = drawn(values("stat", ("", 12.0), unit="sessions", **RED))
    assert 'style="color: var(--red)">12 <span class="unit">sessions</span>' in html
    assert 'style="color: var(--green)">1 <span class="unit">session</span>' in drawn(
        values("stat", ("", 1.0), unit="sessions", **RED)
    )
    two = text(values("stat", ("Today", 1.0), ("Yesterday", 2.0), unit="USD"))
    assert "Today$1.00Yesterday$2.00" in two


def test_the_acts_of_red_panels_stand_at_the_head_of_their_row() -> None:
    fine = values("stat", ("", 9.0), id="fine", act="Leave it.", **RED)
    wrong = values("stat", ("", 10.0), id="wrong", act="Repair it.", **RED)
    columns = [{"title": "Rate", "unit": "share", "thresholds": [["red", None], ["green", 0.5]]}]
    bad = panel("table", id="bad", act="Look at it.", columns=columns, rows=[[0.9], [0.1], [None]], more=0)
    good = panel("table", id="good", act="Nothing.", columns=columns, rows=[[0.9], [None]], more=0)
    html = row(fine, wrong, bad, good)
    acts = html[html.index('<ul class="acts">') : html.index('<div class="panels">')]
    assert re.findall(r'href="#panel-(\w+)"', acts) == ["wrong", "bad"]
    assert "Repair it." in acts
    assert "acts" not in row(fine, good)


def test_a_gauge_shows_its_value_and_its_end() -> None:
    html = drawn(EACH["gauge"])
    for words in (">20.6<", ">%<", ">0 %<", ">100 %<"):
        assert words in html
    assert html.count("var(--red)") >= 2
    assert ">10 hours<" in drawn(values("gauge", ("", 2.2), unit="hours", thresholds=[["blue", None], ["green", 8.0]]))


def test_a_wide_chart_is_drawn_for_narrow_screens_too() -> None:
    html = drawn(EACH["bars"])
    assert html.count("<svg") == 2
    assert re.findall(r'class="plot ([\w-]+)"', html) == ["on-wide", "on-narrow"]
    assert drawn({**EACH["bars"], "width": 8}).count("<svg") == 1


def test_legends_have_sums_where_numbers_add_up_and_else_what_can_be_said() -> None:
    assert "opus$24.00" in text(EACH["bars"])
    assert "median" in text(EACH["lines"])
    assert "mean 31.2 s".replace("31.2", "31") in text(EACH["lines"])
    assert "highest 1 min 30 s" in text(EACH["lines"])
    alone = over_time("area", ("Title of area", [1.0, 3.0]), unit="USD/h", additive=False)
    assert "legend" not in drawn(alone)
    assert "mean $2.00/h, highest $3.00/h" in text(alone)


def test_cells_say_what_their_colours_mean() -> None:
    assert "0 errors" in text(EACH["heatmap"])
    assert "4 errors" in text(EACH["heatmap"])
    assert 'class="scale wrong"' in drawn(EACH["heatmap"])
    stepped = {**EACH["states"], "thresholds": [["transparent", None], ["blue", 1.0], ["dark-blue", 5.0]]}
    assert "from 1 requestfrom 5 requests" in text(stepped)
    assert "var(--dark-blue, var(--blue))" in drawn(stepped)


def test_a_pie_has_names_numbers_and_shares_of_what_is_not_zero() -> None:
    said = text(EACH["pie"])
    assert "input600 k66.7 %output300 k33.3 %" in said
    assert "none" not in said
    assert ">900 k<" in drawn(EACH["pie"])


def test_a_bar_chart_is_stacked_where_groups_have_parts() -> None:
    html = drawn(EACH["bar chart"])
    assert re.findall(r'style="width: ([\d.]+)%', html) == ["90.00", "10.00", "50.00"]
    assert "Bash10 callsRead5 callsaccept14 callsreject1 call" in text(EACH["bar chart"])
    assert 'title="Bash · reject: 1 call"' in html
    assert "legend" not in drawn(values("bar chart", ("Bash", 2.0), ("Read", 1.0)))


def test_a_bar_gauge_fills_up_to_the_whole_of_a_share_and_else_to_the_highest() -> None:
    html = drawn(EACH["bar gauge"])
    assert re.findall(r"width: ([\d.]+)%; background: var\(--(\w+)", html) == [("4.00", "green"), ("50.00", "red")]
    assert "width: 100.00%" in drawn(values("bar gauge", ("one", 3.0), unit="USD"))


def test_a_table_writes_numbers_times_and_identifiers_as_people_read_them() -> None:
    html = drawn(EACH["table"])
    said = text(EACH["table"])
    assert f'title="{SESSION}">0b44caff<' in html
    for words in ("21 Nov 19:15", "2 min 5 s", "$0.0042", "$1,234.50", "another"):
        assert words in said
    assert "calls" not in said
    assert re.findall(r'<th scope="col"( class=number)?>(\w+)', html) == [
        ("", "Session"),
        ("", "Started"),
        (" class=number", "Took"),
        (" class=number", "Cost"),
        (" class=number", "Calls"),
    ]


def test_a_long_table_says_how_much_it_leaves_out() -> None:
    rows = [[float(number)] for number in range(30)]
    assert "10 of 30 rows" in text(table([("N", "")], *rows))
    assert "18 of more than 30 rows" in text(table([("N", "")], *rows, height="tall", more=4))
    assert "rows;" not in text(table([("N", "")], *rows[:10]))


def test_long_texts_are_cut_and_long_words_may_break() -> None:
    html = drawn(table([("Error", "")], ["x" * 300], ["AgentApiErrorTerminationError"], ["a/b_c"]))
    assert "x" * 300 in Reader(html).values("title")
    assert "<td class=long" in html
    assert "Agent<wbr>Api<wbr>Error<wbr>Termination<wbr>Error" in html


def test_a_flow_is_a_list_on_narrow_screens() -> None:
    html = drawn(EACH["flow"])
    assert "Prompts → Claude" in Reader(html).text
    assert "across on-narrow" in html
    assert 'aria-label="Claude → opus · 9"' in html


def test_no_panel_shows_raw_seconds() -> None:
    figure = over_time("lines", ("a", [7265.0, 40.0]), unit="s", additive=False)
    table_ = table([("At", "time"), ("Took", "ms")], [NOW, 125_000.0])
    words = re.findall(r'>([^<]+)<|aria-label="([^"]+)"', drawn(figure) + drawn(table_))
    said = " | ".join(one or two for one, two in words)
    assert not re.search(r"\d{4,}|\d,\d{3}", said)
    assert "2 min 5 s" in said
