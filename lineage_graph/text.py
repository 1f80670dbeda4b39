"""Draws a graph as lines of text, as `git log --graph` does, but with parents above their children.

Every lane (column) leads down to one node. A node's outgoing edges leave on the row below it: to a lane of their own,
or into the lane that already leads to the same child. So a lane's end is always the row of its child, lines only meet
where they go on together, and following a line downwards gives exactly the edges of the graph.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lineage_graph.order import topological

Node = TypeVar("Node", bound=Hashable)

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8


@dataclass(frozen=True)
class Style:
    """The characters to draw with. `joints` is indexed by the sum of UP, DOWN, LEFT and RIGHT."""

    node: str
    joints: str


UNICODE = Style(node="●", joints=" ││││╯╮┤│╰╭├─┴┬┼")
ASCII = Style(node="*", joints=" ||||'.+|'.+-'.+")


@dataclass(frozen=True)
class Block(Generic[Node]):
    """The rows of one node, all of the same width: pad text beside them as you like."""

    node: Node
    head: str
    """The row with the node's own mark."""
    links: str
    """The row below it, where its outgoing edges leave; without any, the same as `fill`."""
    fill: str
    """To be repeated for further lines of text before the next node."""


def draw(nodes: Sequence[Node], edges: Iterable[tuple[Node, Node]], style: Style = UNICODE) -> list[Block[Node]]:
    """Returns the nodes from top to bottom, in topological order; ties keep the order given.

    Between two blocks nothing may be left out: `head` and `links` of each are needed to follow the lines.
    Raises CycleError.
    """
    wanted = set(edges)
    order = topological(nodes, wanted)
    place = {node: index for index, node in enumerate(order)}
    children: dict[Node, list[Node]] = {node: [] for node in nodes}
    for start, end in wanted:
        children[start].append(end)
    lanes: list[Node | None] = []
    rows: list[Block[Node]] = []
    for node in order:
        # The farthest child goes straight down, near ones branch off to the right and are done with soon.
        ends = sorted(children[node], key=place.__getitem__, reverse=True)
        rows.append(_block(node, ends, lanes, style))
    width = max((len(row.head) for row in rows), default=0)
    return [Block(row.node, row.head.ljust(width), row.links.ljust(width), row.fill.ljust(width)) for row in rows]


def _block(node: Node, ends: Sequence[Node], lanes: list[Node | None], style: Style) -> Block[Node]:
    """Returns the rows of one node and moves the lanes on to the rows below it."""
    column = lanes.index(node) if node in lanes else _free_column(lanes)
    lanes[column] = node
    head = _row(lanes, {}, style, mark=column)
    lanes[column] = None
    passing = list(lanes)
    targets = [_lane_to(end, lanes, column) for end in ends]
    joints = _joints(column, targets, passing) if targets else {}
    while lanes and lanes[-1] is None:
        lanes.pop()
    fill = _row(lanes, {}, style)
    return Block(node, head, _row(passing, joints, style) if joints else fill, fill)


def _free_column(lanes: list[Node | None], beside: int = 0) -> int:
    """Returns the first free column at or right of `beside`, adding one when there is none."""
    for column in range(beside, len(lanes)):
        if lanes[column] is None:
            return column
    lanes.append(None)
    return len(lanes) - 1


def _lane_to(end: Node, lanes: list[Node | None], column: int) -> int:
    """Returns the column of the lane that leads to `end`, opening one at or right of `column` when there is none."""
    if end in lanes:
        return lanes.index(end)
    opened = _free_column(lanes, column)
    lanes[opened] = end
    return opened


def _joints(column: int, targets: Sequence[int], passing: Sequence[Hashable | None]) -> dict[int, int]:
    """Returns the sides on which each column of a link row is connected, without columns that a line only crosses."""
    left, right = min(*targets, column), max(*targets, column)
    joints = {}
    for place in {*targets, column}:
        sides = DOWN if place in targets else 0
        sides |= UP if place == column or (place < len(passing) and passing[place] is not None) else 0
        sides |= LEFT if place > left else 0
        sides |= RIGHT if place < right else 0
        joints[place] = sides
    return joints


def _row(lanes: Sequence[Hashable | None], joints: dict[int, int], style: Style, mark: int | None = None) -> str:
    """Returns one row: two characters a column, a crossed lane drawn as a line that passes in front."""
    left, right = (min(joints), max(joints)) if joints else (0, 0)
    cells = []
    for column in range(max(len(lanes), right + 1 if joints else 0)):
        if column == mark:
            cells.append(style.node)
        elif column in joints:
            cells.append(style.joints[joints[column]])
        elif column < len(lanes) and lanes[column] is not None:
            cells.append(style.joints[UP | DOWN])
        else:
            cells.append(style.joints[LEFT | RIGHT] if left < column < right else " ")
        cells.append(style.joints[LEFT | RIGHT] if left <= column < right else " ")
    return "".join(cells).rstrip()
