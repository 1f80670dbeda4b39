"""Drawings, looked at and read back: whoever follows the lines must find exactly the edges."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineage_graph.order import CycleError
from lineage_graph.text import ASCII, DOWN, LEFT, RIGHT, UNICODE, UP, Block, Style, draw

DRAWINGS = {
    "chain": (
        ["12", "23"],
        """
        ●  1
        │
        ●  2
        │
        ●  3
        """,
    ),
    "two parents": (
        ["12", "13", "23"],
        """
        ●    1
        ├─╮
        │ ●  2
        ├─╯
        ●    3
        """,
    ),
    "nothing between": (
        [],
        """
        ●  1

        ●  2
        """,
    ),
    "roots that meet": (
        ["14", "24", "34"],
        """
        ●  1
        │
        │ ●  2
        ├─╯
        │ ●  3
        ├─╯
        ●  4
        """,
    ),
    "lines that cross": (
        ["12", "13", "14", "24", "34"],
        """
        ●      1
        ├─┬─╮
        │ │ ●  2
        ├─│─╯
        │ ●    3
        ├─╯
        ●      4
        """,
    ),
}


def text_of(blocks: list[Block[str]]) -> str:
    rows = []
    for block in blocks:
        rows += [f"{block.head.rstrip()}{' ' * (len(block.head) - len(block.head.rstrip()))} {block.node}", block.links]
    return "\n".join(row.rstrip() for row in rows).rstrip()


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings_look_like_this(name: str) -> None:
    edges, wanted = DRAWINGS[name]
    nodes = sorted(set("".join(edges)) or "12")
    drawn = text_of(draw(nodes, [(edge[0], edge[1]) for edge in edges]))
    squeezed = [" ".join(row.split()) for row in wanted.strip("\n").split("\n")][:-1]
    assert [" ".join(row.split()) for row in drawn.split("\n")] == squeezed


def test_ascii_is_the_same_drawing_in_other_characters() -> None:
    edges = [("1", "2"), ("1", "3"), ("2", "3")]
    assert text_of(draw("123", edges, ASCII)) == "*   1\n+-.\n| * 2\n+-'\n*   3"
    assert all(row.isascii() for block in draw("123", edges, ASCII) for row in (block.head, block.links, block.fill))


def test_nothing_is_drawn_for_nothing() -> None:
    assert draw([], []) == []


def test_a_cycle_is_refused() -> None:
    with pytest.raises(CycleError):
        draw("ab", [("a", "b"), ("b", "a")])


@st.composite
def graphs(draw_value: st.DrawFn) -> tuple[list[int], set[tuple[int, int]]]:
    size = draw_value(st.integers(1, 14))
    nodes = draw_value(st.permutations(range(size)))
    pairs = draw_value(st.sets(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=3 * size))
    return nodes, {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}


@given(graphs(), st.sampled_from([UNICODE, ASCII]))
@example(([0, 1, 2, 3], {(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)}), UNICODE)
def test_following_the_lines_finds_every_edge_exactly_once(
    graph: tuple[list[int], set[tuple[int, int]]], style: Style
) -> None:
    nodes, edges = graph
    blocks = draw(nodes, edges, style)
    assert sorted(block.node for block in blocks) == sorted(nodes)
    assert sorted(read_back(blocks, style)) == sorted(edges)
    place = {block.node: index for index, block in enumerate(blocks)}
    assert all(place[start] < place[end] for start, end in edges)


@given(graphs())
def test_all_rows_have_one_width(graph: tuple[list[int], set[tuple[int, int]]]) -> None:
    blocks = draw(*graph)
    assert len({len(row) for block in blocks for row in (block.head, block.links, block.fill)}) <= 1


def read_back(blocks: list[Block[int]], style: Style) -> list[tuple[int, int]]:
    """Returns the edges that a reader finds: lines go down from a mark, aside on its link row, and end at a mark.

    In each column it keeps the marks that the line there has come from.
    """
    found: list[tuple[int, int]] = []
    lines: dict[int, list[int]] = {}
    for block in blocks:
        lines, column = read_head(block, lines, style, found)
        lines = read_links(block.links, lines, column, block.node, style)
        assert set(columns_of(block.fill)) == set(lines), "the rows below do not go on as they should"
    assert not lines, "lines that lead nowhere"
    return found


def columns_of(row: str) -> dict[int, str]:
    return {index // 2: char for index, char in enumerate(row) if index % 2 == 0 and char != " "}


def read_head(
    block: Block[int], lines: dict[int, list[int]], style: Style, found: list[tuple[int, int]]
) -> tuple[dict[int, list[int]], int]:
    cells = columns_of(block.head)
    (column,) = [place for place, char in cells.items() if char == style.node]
    found += [(start, block.node) for start in lines.get(column, [])]
    rest = {place: starts for place, starts in lines.items() if place != column}
    assert set(cells) - {column} == set(rest)
    return rest, column


def read_links(row: str, lines: dict[int, list[int]], mark: int, node: int, style: Style) -> dict[int, list[int]]:
    after: dict[int, list[int]] = {}
    for column, char in columns_of(row).items():
        before, behind = row[2 * column - 1 : 2 * column], row[2 * column + 1 : 2 * column + 2]
        aside = style.joints[LEFT | RIGHT]
        if char == aside:
            assert (before, behind) == (aside, aside)
            continue
        if char == style.joints[UP | DOWN] and column != mark:
            # A crossed lane: whatever passes behind it goes on.
            after[column] = lines[column]
            continue
        if column != mark:
            after[column] = [*lines.get(column, []), node]
        elif char in {style.joints[UP | DOWN | sides] for sides in (0, LEFT, RIGHT, LEFT | RIGHT)}:
            after[column] = [node]
    return after
