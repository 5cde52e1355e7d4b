# Copyright: observability.claude_code contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of a flow: nodes in layers from left to right, and ribbons as wide as often something went that way.

A ribbon that passes a layer has a lane in it, as if it were a node, so that it crosses nothing there.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass, field

from ansible_collections.observability.claude_code.plugins.plugin_utils import _plots as plots
from ansible_collections.observability.claude_code.plugins.plugin_utils._units import quantity

# Pixels: width of a node, the space that a name needs, the least height, and the room for the names of the last layer.
NODE, GAP, LEAST, LAST = 10, 15, 2, 140
FONT_SIZE = 11.5
MOST_EDGES = 40
Edge = t.Mapping[str, t.Any]


@dataclass
class Node:
    """A node, or a lane where it has no ``name``. ``left`` and ``right`` are how much of it has ribbons already."""

    name: str
    size: float
    depth: int
    x: float = 0.0
    y: float = 0.0
    left: float = 0.0
    right: float = 0.0
    before: list[Node] = field(default_factory=list)


@dataclass
class Ribbon:
    """An edge with the nodes and lanes that it goes through."""

    edge: Edge
    through: list[Node]


def svg(figure: plots.Figure, width: float, height: float) -> str:
    """The figure as an SVG element. Only where plots.AVAILABLE."""
    edges = [edge for edge in figure["edges"] if edge["source"] != edge["target"]][:MOST_EDGES]
    layers, ribbons = arranged(edges)
    scale = _place(layers, width, height)
    colours = {node.name: plots.colour(figure, number) for number, node in enumerate(_named(layers))}
    bands: list[dict[str, t.Any]] = []
    for ribbon in sorted(ribbons, key=lambda one: (one.through[0].y, one.through[-1].y)):
        edge = ribbon.edge
        path = _path(ribbon.through, max(1.0, scale * edge["value"]))
        said = f"{edge['source']} → {edge['target']} · {quantity(edge['value'], figure['unit'])}"
        bands.append({"path": path, "colour": colours[edge["source"]], "label": said})
    step = layers[1][0].x - layers[0][0].x if len(layers) > 1 else width
    nodes, names = [], []
    for node in _named(layers):
        room = LAST if node.depth == len(layers) - 1 else step - NODE - 12
        number = quantity(node.size)
        letters = int(room / (FONT_SIZE * 0.56)) - len(number) - 1
        tall = max(LEAST, scale * node.size)
        said = f"{node.name} · {quantity(node.size, figure['unit'])}"
        nodes.append({"x": node.x, "y": node.y, "size": tall, "colour": colours[node.name], "label": said})
        text = f"{plots.shortened(node.name, letters)} {number}"
        names.append({"x": node.x + NODE + 5, "y": node.y + tall / 2, "text": text})
    lowest = max((row["y"] + GAP / 2 for row in names), default=height)
    return plots.draw(
        plots.vega(figure["title"], width, max(lowest, _bottom(layers, scale)), _marks(bands, nodes, names))
    )


def arranged(edges: t.Sequence[Edge]) -> tuple[list[list[Node]], list[Ribbon]]:
    """The layers, each from top to bottom, and the ribbons between them."""
    depths = depths_of(edges)
    inflow, outflow = _sums(edges, "target"), _sums(edges, "source")
    nodes = {
        name: Node(name, max(inflow.get(name, 0.0), outflow.get(name, 0.0)), depth) for name, depth in depths.items()
    }
    layers: list[list[Node]] = [[] for _depth in range(max(depths.values(), default=0) + 1)]
    for node in nodes.values():
        layers[node.depth].append(node)
    ribbons = []
    for edge in edges:
        source, target = nodes[edge["source"]], nodes[edge["target"]]
        lanes = [Node("", edge["value"], depth) for depth in range(source.depth + 1, target.depth)]
        for lane in lanes:
            layers[lane.depth].append(lane)
        through = [source, *lanes, target]
        for one, two in itertools.pairwise(through):
            two.before.append(one)
        ribbons.append(Ribbon(edge, through))
    for place, layer in enumerate(layers):
        layer.sort(key=lambda node: (-node.size, node.name))
        if place > 1:
            # What comes from the same node stays together, in the order of those nodes.
            above = {id(node): number for number, node in enumerate(layers[place - 1])}
            layer.sort(key=lambda node: _middle([above[id(one)] for one in node.before if id(one) in above]))
    return layers, ribbons


def depths_of(edges: t.Sequence[Edge]) -> dict[str, int]:
    """How far each node is from where it begins, by the longest way; a way back moves nothing."""
    after: dict[str, list[str]] = {}
    for edge in edges:
        after.setdefault(edge["source"], []).append(edge["target"])
        after.setdefault(edge["target"], [])
    depths: dict[str, int] = {}

    def visit(name: str, depth: int, path: tuple[str, ...]) -> None:
        if name in path or depths.get(name, -1) >= depth:
            return
        depths[name] = depth
        for target in after[name]:
            visit(target, depth + 1, (*path, name))

    targets = {edge["target"] for edge in edges}
    for name in [name for name in after if name not in targets]:
        visit(name, 0, ())
    for name in after:
        # Of a circle, to which nothing leads, the first one named is the beginning.
        if name not in depths:
            visit(name, 0, ())
    return depths


def _place(layers: list[list[Node]], width: float, height: float) -> float:
    """Gives every node its place; returns pixels for one."""
    fits = [
        (height - sum(GAP for node in layer if node.name) - GAP) / (sum(node.size for node in layer) or 1.0)
        for layer in layers
    ]
    scale = max(0.0, *fits) if len(fits) < 2 else max(0.0, min(fits))
    step = (width - NODE - LAST) / max(1, len(layers) - 1)
    for layer in layers:
        y = GAP / 2
        for node in layer:
            tall = max(LEAST, scale * node.size)
            # A name needs more room than a thin node has.
            room = max(tall + 4, GAP) if node.name else tall + 3
            node.x, node.y = round(node.depth * step, 1), round(y + (room - tall) / 2 if node.name else y, 1)
            y += room
    tallest = max(_end(layer, scale) for layer in layers)
    for layer in layers:
        down = (tallest - _end(layer, scale)) / 2
        for node in layer:
            node.y = round(node.y + down, 1)
    return scale


def _end(layer: list[Node], scale: float) -> float:
    return layer[-1].y + max(LEAST, scale * layer[-1].size)


def _bottom(layers: list[list[Node]], scale: float) -> float:
    return max(_end(layer, scale) for layer in layers) + 2


def _named(layers: list[list[Node]]) -> list[Node]:
    return [node for layer in layers for node in layer if node.name]


def _middle(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _sums(edges: t.Sequence[Edge], end: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for edge in edges:
        sums[edge[end]] = sums.get(edge[end], 0.0) + edge["value"]
    return sums


def _path(through: list[Node], thick: float) -> str:
    """The outline of a ribbon: along its upper edge to the right and along its lower edge back."""
    upper: list[tuple[float, float]] = []
    for place, node in enumerate(through):
        if not node.name:
            upper += [(node.x, node.y), (node.x + NODE, node.y)]
        elif place == 0:
            upper.append((node.x + NODE, node.y + node.right))
            node.right += thick
        else:
            upper.append((node.x, node.y + node.left))
            node.left += thick
    lower = [(x, y + thick) for x, y in reversed(upper)]
    return f"M{_at(upper[0])}{_along(upper)}L{_at(lower[0])}{_along(lower)}Z"


def _along(points: list[tuple[float, float]]) -> str:
    """Curves between layers and straight lines through lanes."""
    text = ""
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        middle = (x1 + x2) / 2
        text += f"L{_at((x2, y2))}" if y1 == y2 else f"C{_at((middle, y1))} {_at((middle, y2))} {_at((x2, y2))}"
    return text


def _at(point: tuple[float, float]) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"


def _marks(
    bands: list[dict[str, t.Any]], nodes: list[dict[str, t.Any]], names: list[dict[str, t.Any]]
) -> list[plots.Spec]:
    return [
        plots.marks("path", bands, path="path", fill="colour", fillOpacity={"value": 0.28}, description="label"),
        plots.marks(
            "rect", nodes, x="x", y="y", width={"value": NODE}, height="size", fill="colour", description="label"
        ),
        plots.marks(
            "text",
            names,
            x="x",
            y="y",
            text="text",
            baseline={"value": "middle"},
            fontSize={"value": FONT_SIZE},
            font={"value": plots.FONT},
            fill={"value": "var(--text)"},
        ),
    ]
