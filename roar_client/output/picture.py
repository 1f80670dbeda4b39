"""Draws a diagram as SVG, and that as PNG. The boxes bring their colours: the same file serves dark and light pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lineage_graph.layers import Box, place
from roar_client.output.diagram import EDGE, LOOKS, TEXT, Diagram, Item
from roar_client.output.text import width_of

FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
_SIZE = 13.0
_COLUMN = 8.0
"""Width of a character: 0.6 of the size in all of these fonts, and room for those that are wider."""
_ROW = 18.0
_PAD = 12.0
_MARGIN = 24.0
SHARP = 2.0
"""Pixels of a PNG for each unit of the drawing, unless it gets too large."""
MOST_PIXELS = 40_000_000
"""Of a PNG: two seconds of work."""


def svg_text(drawn: Diagram) -> str:
    """Returns the diagram as an SVG document."""
    sizes = {item.id: _size(item) for item in drawn.items}
    layout = place([item.id for item in drawn.items], drawn.edges, sizes)
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    view = f"{-_MARGIN:.0f} {-_MARGIN:.0f} {width:.0f} {height:.0f}"
    fonts = f'font-family="{FONT}" font-size="{_SIZE}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="{view}" {fonts}>',
        f'<g fill="none" stroke="{EDGE}" stroke-width="1.5">',
        *(f'<path d="{_curve(points)}"/>' for points in layout.lines.values()),
        "</g>",
        f'<g fill="{EDGE}">',
        *(f'<path d="{_arrow(*points[-1])}"/>' for points in layout.lines.values()),
        "</g>",
        *(_box(item, layout.boxes[item.id]) for item in drawn.items),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def png_bytes(svg: str) -> bytes:
    """Returns an SVG document of ours as a PNG image."""
    import re

    import resvg_py

    width, height = map(float, re.findall(r' (?:width|height)="(\d+)"', svg.partition(">")[0]))
    zoom = min(SHARP, (MOST_PIXELS / (width * height)) ** 0.5)
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, monospace_family="DejaVu Sans Mono"))


def _size(item: Item) -> tuple[float, float]:
    width = max(map(width_of, item.lines)) * _COLUMN + 2 * _PAD
    return max(width, 60.0), len(item.lines) * _ROW + _PAD


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Returns a line that leaves and enters boxes straight down, with bends between them."""
    (x, y), *rest = points
    steps = [f"M{x:.1f},{y:.1f}"]
    for index, (to_x, to_y) in enumerate(rest):
        # The tip of the arrow covers the end.
        end = to_y - 6 if index == len(rest) - 1 else to_y
        middle = (y + end) / 2
        bend = f"C{x:.1f},{middle:.1f} {to_x:.1f},{middle:.1f} {to_x:.1f},{end:.1f}"
        steps.append(bend if abs(to_x - x) > 0.1 else f"V{end:.1f}")  # noqa: PLR2004  # less than can be seen
        x, y = to_x, to_y
    return " ".join(steps)


def _arrow(x: float, y: float) -> str:
    return f"M{x:.1f},{y:.1f} l-4.5,-9 l9,0 z"


def _box(item: Item, box: Box) -> str:
    look = LOOKS[item.kind]
    corner = 2 if item.is_file else 8
    rows = []
    for index, text in enumerate(item.lines):
        y = box.y + _PAD / 2 + (index + 0.72) * _ROW
        weight = ' font-weight="bold"' if index == 0 and not item.is_file else ""
        rows.append(
            f'<text x="{box.x + box.width / 2:.1f}" y="{y:.1f}" text-anchor="middle"{weight}>{escape(text)}</text>'
        )
    return (
        f'<g fill="{TEXT}"><title>{escape(item.about)}</title>'
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{corner}" '
        f'fill="{look.fill}" stroke="{look.line}" stroke-width="1.5"/>' + "".join(rows) + "</g>"
    )
