"""A table whose rows are replaced while somebody looks at them: the cursor stays on the same thing."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from roar_client.tui.styled import styled
from roar_client.tui.views import STEPS, Listing, Row, Target, View


class ViewTable(DataTable[Text]):
    """The rows of a view. Its border says how many there are, or that there are none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("g", "scroll_top", "First", show=False),
        Binding("G", "scroll_bottom", "Last", show=False),
    ]

    def __init__(self, view: View) -> None:
        super().__init__(cursor_type="row", show_header=view is not STEPS, cell_padding=1)
        self._view = view
        self._rows: dict[str, Row] = {}
        self.add_columns(*view.titles)

    def chosen(self) -> Target | None:
        """Returns what the cursor is on."""
        if not self._rows:
            return None
        key = self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value
        return self._rows[key].target if key is not None else None

    def put(self, listing: Listing, *, filtered: bool) -> Target | None:
        """Shows other rows, and returns what the cursor is on then: the same thing as before, if it is still there."""
        new = {row.key: row for row in listing.rows}
        if new != self._rows:
            self._replace(new)
        self.border_subtitle = self._summary(listing, filtered=filtered)
        return self.chosen()

    def _replace(self, new: dict[str, Row]) -> None:
        before = self.cursor_row
        key = list(self._rows)[before] if before < len(self._rows) else None
        across, down = self.scroll_offset
        with self.prevent(DataTable.RowHighlighted):
            self.clear()
            self._rows = new
            for row in new.values():
                cells = [Text("\n", no_wrap=True).join(styled(spans) for spans in cell) for cell in row.cells]
                self.add_row(*cells, height=row.height, key=row.key)
            place = self.get_row_index(key) if key in new and key is not None else min(before, max(len(new) - 1, 0))
            self.move_cursor(row=place, scroll=False, animate=False)
        # The rows have no place before they are drawn.
        self.call_after_refresh(self.scroll_to, across, down, animate=False)

    def _summary(self, listing: Listing, *, filtered: bool) -> str:
        if not listing.rows:
            return "nothing holds this" if filtered else self._view.empty
        if listing.total > len(listing.rows):
            return f"{len(listing.rows):,} of {listing.total:,}"
        return f"{listing.total:,}"
