"""Topological order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_graph.order import CycleError, topological


def test_ties_keep_the_order_given() -> None:
    assert topological(["c", "a", "b"], []) == ["c", "a", "b"]
    assert topological(["c", "a", "b"], [("b", "c")]) == ["a", "b", "c"]


@pytest.mark.parametrize("edges", [[("a", "a")], [("a", "b"), ("b", "a")], [("a", "b"), ("b", "c"), ("c", "b")]])
def test_a_cycle_is_refused(edges: list[tuple[str, str]]) -> None:
    with pytest.raises(CycleError):
        topological(["a", "b", "c"], edges)


@given(
    st.integers(0, 12).flatmap(
        lambda n: st.tuples(st.permutations(range(n)), st.sets(st.tuples(*[st.integers(0, max(n - 1, 0))] * 2)))
    )
)
def test_every_edge_goes_forward(drawn: tuple[list[int], set[tuple[int, int]]]) -> None:
    nodes, pairs = drawn
    edges = [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]] if nodes else []
    order = topological(nodes, edges)
    assert sorted(order) == sorted(nodes)
    assert all(order.index(start) < order.index(end) for start, end in edges)
