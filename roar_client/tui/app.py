"""The screen: one table a tab, what is known of the row beside it, and what keeps both current."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, TypeVar

from rich.text import Text
from roar_proto.v1 import jobs_pb2, sessions_pb2
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import DataTable, Footer, Input, Static, TabbedContent, TabPane

from roar_client.connection import Daemon
from roar_client.errors import ClientError, shown
from roar_client.output.steps import session_line
from roar_client.output.text import Span, line
from roar_client.tui import detail
from roar_client.tui.help import HelpScreen
from roar_client.tui.link import GONE, Link
from roar_client.tui.styled import styled, styled_lines
from roar_client.tui.table import ViewTable
from roar_client.tui.views import FILES, ORDER_NAMES, ORDERS, RUNS, STEPS, VIEWS, Listing, Target, View, Wish

Found = TypeVar("Found")
BEAT_S = 1.0
"""Between two questions whether there is something new."""
AGAIN_S = 5.0
"""Between two questions for the same rows, or longer where the answer takes long: so many times as long."""
AGAIN_SHARE = 20
WIDE = 120
"""From this number of columns the details stand beside the table, not below."""


class RoarApp(App[None]):
    """Browses one project."""

    TITLE = "roar"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  textual declares it without ClassVar
        (0, "-narrow"),
        (WIDE, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"view({number})", view.name, show=False) for number, view in enumerate(VIEWS, 1)),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("enter", "detail", "Details", show=False),
        Binding("l", "lineage", "Lineage"),
        Binding("a", "all_sessions", "All sessions"),
        Binding("o", "order", "Order"),
        Binding("r", "refresh", "Refresh"),
        Binding("t", "theme", "Light/dark", show=False),
        Binding("escape", "leave", "Back", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, root: bytes) -> None:
        super().__init__()
        self._link = Link()
        self._wish = Wish(root)
        self._seen = ""
        """What the daemon said last of what is recorded: when it changes, all is loaded anew."""
        self._target: Target | None = None
        self._lineage = False
        self._session: sessions_pb2.Session | None = None
        self._newest_load = 0
        """Number of the last question for rows: the answers to earlier ones, which may come later, are dropped."""
        self._due = 0.0
        """Monotonic clock: when the rows are asked for again though nothing was recorded."""

    def compose(self) -> ComposeResult:
        """Makes the screen."""
        yield Static(id="title")
        with Container(id="body"):
            with TabbedContent(id="views"):
                for number, view in enumerate(VIEWS, 1):
                    with TabPane(f"{number} {view.name}", id=view.name):
                        yield ViewTable(view)
            with VerticalScroll(id="detail"):
                yield Static(id="about")
        yield Input(placeholder="only what holds this; Enter keeps it, Esc takes it back", id="search", compact=True)
        yield Static(id="trouble")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begins to ask."""
        self._say_title()
        self.table.focus()
        self.set_interval(BEAT_S, self._beat)
        self._beat()

    def on_unmount(self) -> None:
        """Hangs up, so that no thread waits for an answer."""
        self._link.close()

    @property
    def view(self) -> View:
        """The one that is shown."""
        active = self.query_one(TabbedContent).active
        return next((view for view in VIEWS if view.name == active), STEPS)

    @property
    def table(self) -> ViewTable:
        """Of the view that is shown."""
        return self.query_one(f"#{self.view.name}", TabPane).query_one(ViewTable)

    # --- what threads ask ---

    def _beat(self) -> None:
        self.run_worker(self._look, thread=True, group="beat", exclusive=True)

    def _look(self) -> None:
        """On a thread: asks whether there is something new."""
        root = self._wish.root

        def newest(daemon: Daemon) -> str:
            request = jobs_pb2.ListJobsRequest(project_root=root, limit=1)
            here = daemon.call(daemon.jobs.ListJobs, request)
            request.all_sessions = True
            everywhere = daemon.call(daemon.jobs.ListJobs, request)
            return " ".join([str(here.total), str(everywhere.total), *(job.uid for job in everywhere.jobs)])

        seen = self._asked(newest)
        if seen is not None and seen != self._seen:
            request = sessions_pb2.GetSessionRequest(project_root=root)
            answer = self._asked(lambda daemon: daemon.call(daemon.sessions.GetSession, request))
            if answer is not None:
                self._tell(self._changed, seen, answer.session)
        elif seen is not None:
            self._tell(self._unchanged)

    def _changed(self, seen: str, session: sessions_pb2.Session) -> None:
        self._seen, self._session = seen, session
        self._say_title()
        self.load()

    def _unchanged(self) -> None:
        """Looks at runs again every second, and at all else from time to time: files change, and times become older."""
        self._say_title()
        if self.view is RUNS or time.monotonic() >= self._due:
            self.load(anew=self.view is RUNS)

    def load(self, *, anew: bool = True) -> None:
        """Asks for the rows of the view that is shown; anew: and for the details of the chosen one."""
        self._newest_load += 1
        number, view, wish = self._newest_load, self.view, self._wish
        self._due = math.inf

        def work() -> None:
            began = time.monotonic()
            listing = self._asked(lambda daemon: view.load(daemon, wish))
            self._tell(self._loaded, number, listing, time.monotonic() - began, anew=anew)

        self.run_worker(work, thread=True, group="load", exclusive=True)

    def _loaded(self, number: int, listing: Listing | None, took_s: float, *, anew: bool) -> None:
        # What was asked for meanwhile is on its way.
        if number != self._newest_load:
            return
        self._due = 0.0 if listing is None else time.monotonic() + max(AGAIN_S, AGAIN_SHARE * took_s)
        if listing is None:
            return
        chosen = self.table.put(listing, filtered=bool(self._wish.holding))
        if anew or chosen != self._target:
            self._describe(chosen)

    def _describe(self, target: Target | None) -> None:
        self._target = target
        about = self.query_one("#about", Static)
        if target is None:
            about.update("")
            return
        lineage = self._lineage and detail.has_lineage(target)
        ask = detail.trace if lineage else detail.describe

        def work() -> None:
            try:
                lines = self._link.ask(lambda daemon: ask(daemon, self._wish.root, target))
            except ClientError as error:
                lines = [line(Span(error.fact, "bad"))]
            self._tell(self._described, target, styled_lines(lines))

        self.run_worker(work, thread=True, group="detail", exclusive=True)

    def _described(self, target: Target, text: Text) -> None:
        if target is self._target:
            self.query_one("#about", Static).update(text)

    def _asked(self, question: Callable[[Daemon], Found]) -> Found | None:
        """On a thread: returns what a question finds out; None: nothing, and the screen says why."""
        try:
            found = self._link.ask(question)
        except ClientError as error:
            self._tell(self._say_trouble, error)
            return None
        self._tell(self._say_trouble, None)
        return found

    def _tell(self, what: Callable[..., None], *args: object, **options: object) -> None:
        """From a thread: has a method called, unless the screen is taken down by then and what it fills is gone."""

        def call() -> None:
            if self.query("#about"):
                what(*args, **options)

        self.call_later(call)

    # --- what is said ---

    def _say_title(self) -> None:
        session = session_line(self._session) if self._session else ()
        title = line(Span("roar", "head"), " ", Span(shown(self._wish.root), "path"), "  ", *session)
        self.query_one("#title", Static).update(styled(title))

    def _say_trouble(self, error: ClientError | None) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.display = error is not None
        if error is not None:
            again = "; asking again" if error.reason in GONE else ""
            trouble.update(Text(f"{error.fact}{again}", no_wrap=True, overflow="ellipsis"))

    # --- what the user does ---

    @on(TabbedContent.TabActivated)
    def _view_shown(self) -> None:
        self.table.focus()
        self.query_one("#about", Static).update("")
        self._target = None
        self.load()

    @on(DataTable.RowHighlighted)
    def _row_chosen(self, event: DataTable.RowHighlighted) -> None:
        if event.data_table is self.table and (target := self.table.chosen()) != self._target:
            self.query_one("#detail").scroll_home(animate=False)
            self._describe(target)

    @on(DataTable.RowSelected)
    def action_detail(self) -> None:
        """Goes to the details, to scroll them."""
        self.query_one("#detail").focus()

    @on(Input.Changed, "#search")
    def _searched(self, event: Input.Changed) -> None:
        self._wish = replace(self._wish, holding=event.value)
        self.load()

    @on(Input.Submitted, "#search")
    def _search_done(self) -> None:
        self.table.focus()

    def action_view(self, number: int) -> None:
        """Shows another view."""
        self.query_one(TabbedContent).active = VIEWS[number - 1].name

    def action_search(self) -> None:
        """Opens the line for what rows must hold."""
        search = self.query_one("#search", Input)
        search.display = True
        search.focus()

    def action_leave(self) -> None:
        """Goes from the details, or from the search, back to the whole table."""
        search = self.query_one("#search", Input)
        if self.focused is self.table or self.focused is search:
            search.value = ""
            search.display = False
        self.table.focus()

    def action_lineage(self) -> None:
        """Shows what the chosen thing was made from, or again what it is."""
        self._lineage = not self._lineage
        self._describe(self.table.chosen())

    def action_all_sessions(self) -> None:
        """Lists jobs and files of all sessions, or again of the active one."""
        self._wish = replace(self._wish, all_sessions=not self._wish.all_sessions)
        self.notify("of all sessions" if self._wish.all_sessions else "of the active session", timeout=2)
        self.load()

    def action_order(self) -> None:
        """Puts other files first."""
        order = ORDERS[(ORDERS.index(self._wish.order) + 1) % len(ORDERS)]
        self._wish = replace(self._wish, order=order)
        self.notify(f"files by {ORDER_NAMES[order]}", timeout=2)
        if self.view is FILES:
            self.load()

    def action_refresh(self) -> None:
        """Asks for everything anew."""
        self._seen = ""
        self._beat()

    def action_theme(self) -> None:
        """Changes between light and dark."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    def action_help(self) -> None:
        """Explains the keys."""
        self.push_screen(HelpScreen())
