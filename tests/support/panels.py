# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A panel of each show with data, as stack_figures returns it, and a reader for the page that it is drawn on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

AT = dt.datetime(2026, 11, 22, 20, 15, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET"))
NOW = AT.timestamp()
HOUR = 3600.0
SESSION = "0b44caff-1111-4222-8333-123456789abc"
VOID = {"meta", "link", "br", "wbr"}


def panel(show: str, **more: Any) -> dict[str, Any]:
    """A panel without data."""
    told = {
        "id": show.replace(" ", "-"),
        "title": f"Title of {show}",
        "show": show,
        "height": "normal",
        "width": 12,
        "unit": "",
        "decimals": None,
        "empty": f"Nothing for {show}.",
        "about": "What it is.",
        "act": "What to do.",
        "text": "",
        "computed": ["The sum of something."],
        "span": "Over the range.",
        "thresholds": [],
        "colours": {},
        "wrong": False,
        "additive": True,
        "stacked": True,
        "error": "",
    }
    return {**told, **more}


def over_time(show: str, *series: tuple[str, Sequence[float | None]], **more: Any) -> dict[str, Any]:
    """A panel of 24 hours that end at AT; None is an hour without a value."""
    told = [
        {
            "name": name,
            "points": [
                [NOW - (len(values) - 1 - place) * HOUR, value]
                for place, value in enumerate(values)
                if value is not None
            ],
        }
        for name, values in series
    ]
    return panel(show, **{"start": NOW - 24 * HOUR, "end": NOW, "step": HOUR, "series": told, **more})


def values(show: str, *told: tuple[str, float] | tuple[str, str, float], **more: Any) -> dict[str, Any]:
    """A panel of values, each with a group, perhaps a name in it, and a number."""
    rows = [{"group": one[0], "name": one[1] if len(one) == 3 else "", "value": one[-1]} for one in told]
    return panel(show, **{"values": rows, **more})


def table(columns: Sequence[tuple[str, str]], *rows: list[Any], **more: Any) -> dict[str, Any]:
    """A table with columns of a title and a unit."""
    told = [{"title": title, "unit": unit, "thresholds": []} for title, unit in columns]
    return panel("table", **{"columns": told, "rows": list(rows), "more": 0, **more})


def one_of_each() -> list[dict[str, Any]]:
    """Every show with data."""
    share = {"unit": "share", "thresholds": [["green", None], ["yellow", 0.05], ["red", 0.15]]}
    edges = [("Prompts", "Claude", 5.0), ("Claude", "Bash", 3.0), ("Claude", "opus", 9.0), ("Bash", "opus", 1.0)]
    return [
        values("stat", ("", 12.345), unit="USD"),
        values("gauge", ("", 0.206), **share),
        over_time("bars", ("opus", [1.0] * 24), ("sonnet", [0.5] * 24), unit="USD"),
        over_time("lines", ("median", [1.5, 90.0, None, 2.0, None]), unit="s", additive=False),
        over_time("area", ("all", [1.0, 2.0, 3.0]), unit="USD/h", additive=False),
        over_time("heatmap", ("Bash", [0.0, 4.0, 1.0]), ("Read", [1.0, 0.0, 0.0]), unit="errors", wrong=True),
        over_time("states", (SESSION, [0.0, 4.0, 4.0, 0.0]), unit="requests"),
        values("pie", ("input", 600_000.0), ("output", 300_000.0), ("none", 0.0), unit="tokens"),
        values("bar chart", ("Bash", "accept", 9.0), ("Bash", "reject", 1.0), ("Read", "accept", 5.0), unit="calls"),
        values("bar gauge", ("Explore", 0.04), ("Plan", 0.5), **share),
        table(
            [("Session", ""), ("Started", "time"), ("Took", "s"), ("Cost", "USD"), ("Calls", "calls")],
            [SESSION, NOW - 90_000, 125.0, 0.0042, 3.0],
            ["another", None, None, 1234.5, 1.0],
        ),
        panel("flow", edges=[dict(zip(("source", "target", "value"), edge, strict=True)) for edge in edges]),
        panel("logs", columns=[{"title": "Error", "unit": "", "thresholds": []}], rows=[["no such file"]], more=0),
        panel("text", text="One paragraph.\n\nAnother one."),
    ]


class Reader(HTMLParser):
    """Collects tags, attributes and texts of a page, and notes tags that are not closed where they should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.attributes if known == name]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> after {self.open[-3:]}")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data
