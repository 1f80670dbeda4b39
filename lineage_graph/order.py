"""The order in which nodes are drawn."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


class CycleError(ValueError):
    """The edges have a cycle, so there is no order in which every edge goes down."""


def topological(nodes: Sequence[Node], edges: Iterable[tuple[Node, Node]]) -> list[Node]:
    """Returns the nodes so that every edge (from, to) goes forward; ties keep the order given.

    Every end of an edge must be among the nodes, each node once. O((nodes + edges) log nodes).
    Raises CycleError; an edge from a node to itself is a cycle.
    """
    place = {node: index for index, node in enumerate(nodes)}
    below: dict[Node, set[Node]] = {node: set() for node in nodes}
    waiting = dict.fromkeys(nodes, 0)
    for start, end in edges:
        if end not in below[start]:
            below[start].add(end)
            waiting[end] += 1
    ready = [place[node] for node in nodes if not waiting[node]]
    order: list[Node] = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        order.append(node)
        for child in below[node]:
            waiting[child] -= 1
            if not waiting[child]:
                heapq.heappush(ready, place[child])
    if len(order) < len(nodes):
        raise CycleError(f"cycle through {next(node for node in nodes if waiting[node])!r}")
    return order
