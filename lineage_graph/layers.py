"""Places boxes of different sizes in layers, so that every edge goes down: a drawing for pictures.

Layers by longest path, at most so many boxes in one; within a layer in the order that crosses fewest lines
(barycentres, swept up and down); each box as near to the middle of its neighbours as the boxes beside it allow. An edge
over several layers has a place kept free in each of them, so that it passes through no box.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from lineage_graph.order import topological

Node = TypeVar("Node", bound=Hashable)

GAP_X, GAP_Y = 28.0, 52.0
_LANE = 14.0
"""Width kept free for an edge that passes a layer."""
_SWEEPS = 8


@dataclass(frozen=True)
class Box:
    """A rectangle; x and y are its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout(Generic[Node]):
    """Where everything is; the drawing begins at (0, 0)."""

    boxes: Mapping[Node, Box]
    lines: Mapping[tuple[Node, Node], Sequence[tuple[float, float]]]
    """Points of every edge, from the lower side of a box to the upper side of another."""
    width: float
    height: float


@dataclass(eq=False)
class _Place:
    """Something in a layer: a box, or the place where an edge passes."""

    width: float
    height: float
    x: float = 0.0
    """Of its middle."""
    y: float = 0.0
    """Of its upper side."""

    def __post_init__(self) -> None:
        self.above: list[_Place] = []
        self.below: list[_Place] = []


def place(
    nodes: Sequence[Node], edges: Iterable[tuple[Node, Node]], sizes: Mapping[Node, tuple[float, float]]
) -> Layout[Node]:
    """Returns a place for every node and a line for every edge. sizes: width and height. Raises CycleError."""
    order = {node: index for index, node in enumerate(nodes)}
    wanted = sorted(set(edges), key=lambda edge: (order[edge[0]], order[edge[1]]))
    ranks = _ranks(nodes, wanted)
    boxes = {node: _Place(*sizes[node]) for node in nodes}
    layers: list[list[_Place]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for node in nodes:
        layers[ranks[node]].append(boxes[node])
    chains = {edge: _chain(edge, ranks, boxes, layers) for edge in wanted}
    _reorder(layers)
    _spread(layers)
    return _layout(boxes, chains, layers)


def _ranks(nodes: Sequence[Node], edges: Sequence[tuple[Node, Node]]) -> dict[Node, int]:
    most = max(8, math.ceil(1.5 * math.sqrt(len(nodes))))
    parents: dict[Node, list[Node]] = {node: [] for node in nodes}
    children: dict[Node, list[Node]] = {node: [] for node in nodes}
    for start, end in edges:
        parents[end].append(start)
        children[start].append(end)
    ranks: dict[Node, int] = {}
    taken: dict[int, int] = {}
    order = topological(nodes, edges)
    for node in order:
        rank = max((ranks[parent] + 1 for parent in parents[node]), default=0)
        while taken.get(rank, 0) >= most:
            rank += 1
        ranks[node] = rank
        taken[rank] = taken.get(rank, 0) + 1
    for node in reversed(order):
        # What nothing stands above of comes down to where it is needed.
        if not parents[node] and children[node]:
            rank = min(ranks[child] for child in children[node]) - 1
            if taken.get(rank, 0) < most:
                ranks[node] = rank
                taken[rank] = taken.get(rank, 0) + 1
    used = {rank: index for index, rank in enumerate(sorted(set(ranks.values())))}
    return {node: used[rank] for node, rank in ranks.items()}


def _chain(
    edge: tuple[Node, Node], ranks: Mapping[Node, int], boxes: Mapping[Node, _Place], layers: list[list[_Place]]
) -> list[_Place]:
    """Returns the places that an edge leads through, its ends included, and keeps those between free."""
    start, end = edge
    between = [_Place(_LANE, 0) for _ in range(ranks[start] + 1, ranks[end])]
    for offset, lane in enumerate(between, ranks[start] + 1):
        layers[offset].append(lane)
    chain = [boxes[start], *between, boxes[end]]
    for upper, lower in pairwise(chain):
        upper.below.append(lower)
        lower.above.append(upper)
    return chain


def _reorder(layers: list[list[_Place]]) -> None:
    best = [list(layer) for layer in layers]
    fewest = _crossings(layers)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers[1:] if down else reversed(layers[:-1]):
            beside = {id(place): index for index, place in enumerate(_neighbours(layers, layer, down=down))}
            own = {id(place): index for index, place in enumerate(layer)}
            layer.sort(key=lambda place: _barycentre(place, beside, own, down=down))  # used at once
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    layers[:] = best


def _neighbours(layers: list[list[_Place]], layer: list[_Place], *, down: bool) -> list[_Place]:
    index = next(number for number, other in enumerate(layers) if other is layer)
    return layers[index - 1 if down else index + 1]


def _barycentre(place: _Place, beside: Mapping[int, int], own: Mapping[int, int], *, down: bool) -> float:
    linked = place.above if down else place.below
    if not linked:
        return own[id(place)] * max(1, len(beside)) / max(1, len(own))
    return sum(beside[id(other)] for other in linked) / len(linked)


def _crossings(layers: Sequence[Sequence[_Place]]) -> int:
    total = 0
    for upper, lower in pairwise(layers):
        index = {id(place): number for number, place in enumerate(lower)}
        ends = [end for place in upper for end in sorted(index[id(other)] for other in place.below)]
        seen = [0] * (len(lower) + 1)
        for end in ends:
            # A Fenwick tree counts the ends so far that lie to the right.
            total += sum(seen[number] for number in _up(end + 2, len(lower)))
            for number in _down(end + 1):
                seen[number] += 1
    return total


def _up(start: int, size: int) -> Iterable[int]:
    while start <= size:
        yield start
        start += start & -start


def _down(start: int) -> Iterable[int]:
    while start > 0:
        yield start
        start -= start & -start


def _spread(layers: Sequence[Sequence[_Place]]) -> None:
    for layer in layers:
        _settle(layer, [0.0] * len(layer))
    for sweep in range(2 * _SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            _settle(layer, _wanted(layer, down=down))
    y = 0.0
    for layer in layers:
        height = max((place.height for place in layer), default=0.0)
        for place in layer:
            place.y = y + (height - place.height) / 2 if place.height else y
            place.height = place.height or height
        y += height + GAP_Y


def _wanted(layer: Sequence[_Place], *, down: bool) -> list[float]:
    """Returns where the places of a layer would be best; those without a neighbour stay at the left one."""
    wanted: list[float] = []
    for index, place in enumerate(layer):
        if linked := (place.above if down else place.below) or place.above or place.below:
            wanted.append(sum(other.x for other in linked) / len(linked))
        else:
            wanted.append(wanted[-1] + _distance(layer[index - 1], place) if index else place.x)
    return wanted


def _distance(left: _Place, right: _Place) -> float:
    return (left.width + right.width) / 2 + GAP_X


def _settle(layer: Sequence[_Place], wanted: Sequence[float]) -> None:
    """Moves the places of a layer as near as possible to where they are wanted, none over another.

    Least squares with a distance to be kept: isotonic regression, by pooling neighbours that are too near.
    """
    offsets = [0.0]
    for left, right in pairwise(layer):
        offsets.append(offsets[-1] + _distance(left, right))
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=False):
        total, count = want - offset, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            more, others = pools.pop()
            total, count = total + more, count + others
        pools.append((total, count))
    moved = [total / count for total, count in pools for _ in range(count)]
    for place, offset, base in zip(layer, offsets, moved, strict=False):
        place.x = base + offset


def _layout(
    boxes: Mapping[Node, _Place],
    chains: Mapping[tuple[Node, Node], Sequence[_Place]],
    layers: Sequence[Sequence[_Place]],
) -> Layout[Node]:
    places = [place for layer in layers for place in layer]
    left = min((place.x - place.width / 2 for place in places), default=0.0)
    right = max((place.x + place.width / 2 for place in places), default=0.0)
    placed = {node: Box(box.x - box.width / 2 - left, box.y, box.width, box.height) for node, box in boxes.items()}
    lines = {edge: _points(chain, left) for edge, chain in chains.items()}
    bottom = max((box.y + box.height for box in placed.values()), default=0.0)
    return Layout(placed, lines, right - left, bottom)


def _points(chain: Sequence[_Place], left: float) -> list[tuple[float, float]]:
    first, *between, last = chain
    points = [(first.x - left, first.y + first.height)]
    for lane in between:
        points += [(lane.x - left, lane.y), (lane.x - left, lane.y + lane.height)]
    return [*points, (last.x - left, last.y)]
