"""Pictures: whatever the graph, boxes stand apart and every line leads down from box to box and through none."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_graph.layers import GAP_X, Box, place
from lineage_graph.order import CycleError


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[int, tuple[float, float]], set[tuple[int, int]]]:
    size = draw(st.integers(0, 25))
    sides = st.tuples(st.floats(40, 400), st.floats(20, 80))
    sizes = {node: draw(sides) for node in draw(st.permutations(range(size)))}
    ends = st.tuples(st.integers(0, max(size - 1, 0)), st.integers(0, max(size - 1, 0)))
    pairs = draw(st.sets(ends, max_size=2 * size)) if size else set()
    return sizes, {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}


def overlap(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x + 0.01 or other.x + other.width <= one.x + 0.01
    below = one.y + one.height <= other.y + 0.01 or other.y + other.height <= one.y + 0.01
    return not beside and not below


@given(graphs())
def test_boxes_stand_apart_and_lines_lead_down_to_them(
    graph: tuple[dict[int, tuple[float, float]], set[tuple[int, int]]],
) -> None:
    sizes, edges = graph
    layout = place(list(sizes), edges, sizes)
    assert {node: (box.width, box.height) for node, box in layout.boxes.items()} == sizes
    assert not any(overlap(one, other) for one, other in combinations(layout.boxes.values(), 2))
    assert set(layout.lines) == edges
    for (start, end), points in layout.lines.items():
        upper, lower = layout.boxes[start], layout.boxes[end]
        assert points[0] == pytest.approx((upper.x + upper.width / 2, upper.y + upper.height))
        assert points[-1] == pytest.approx((lower.x + lower.width / 2, lower.y))
        assert all(before[1] <= after[1] for before, after in pairwise(points))
        for x, y in points[1:-1]:
            inside = [
                box for box in layout.boxes.values() if box.x < x < box.x + box.width and box.y < y < box.y + box.height
            ]
            assert inside == []


@given(graphs())
def test_nothing_is_outside_of_the_drawing(
    graph: tuple[dict[int, tuple[float, float]], set[tuple[int, int]]],
) -> None:
    sizes, edges = graph
    layout = place(list(sizes), edges, sizes)
    for box in layout.boxes.values():
        assert box.x >= -0.01
        assert box.x + box.width <= layout.width + 0.01
        assert box.y >= 0
        assert box.y + box.height <= layout.height + 0.01


def test_a_chain_is_straight_and_two_readers_stand_side_by_side() -> None:
    sizes = dict.fromkeys("abc", (50.0, 20.0))
    chain = place("abc", [("a", "b"), ("b", "c")], sizes).boxes
    assert {box.x for box in chain.values()} == {0.0}
    fork = place("abc", [("a", "b"), ("a", "c")], sizes).boxes
    assert fork["b"].y == fork["c"].y
    assert fork["c"].x - fork["b"].x == pytest.approx(50 + GAP_X)
    assert fork["a"].x == pytest.approx((fork["b"].x + fork["c"].x) / 2)


def test_many_steps_that_nothing_connects_are_not_one_endless_row() -> None:
    nodes = list(range(200))
    layout = place(nodes, [], dict.fromkeys(nodes, (100.0, 30.0)))
    assert layout.width < 4000


def test_a_cycle_has_no_layers() -> None:
    with pytest.raises(CycleError):
        place("ab", [("a", "b"), ("b", "a")], dict.fromkeys("ab", (1.0, 1.0)))
