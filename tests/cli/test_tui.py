"""`roar tui`, driven by keys, against a real daemon."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import pytest
from cli_kit import Cli, Recorder
from daemon_kit import Daemon, running_daemon
from textual.pilot import Pilot
from textual.widgets import Input, Static, TabbedContent

from roar_client.tui.app import RoarApp
from roar_client.tui.help import HelpScreen

PATIENCE_S = 60
Scene = Callable[["Screen"], Awaitable[None]]


class Screen:
    """What a person sees and does."""

    def __init__(self, app: RoarApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def see(self, condition: Callable[[], bool], what: str) -> None:
        """Waits until the screen is as it should be."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, f"waited in vain for {what}\n{self.rows()}\n{self.about()}"
            await self.pilot.pause(0.02)

    async def see_about(self, text: str) -> None:
        await self.see(lambda: text in self.about(), f"`{text}` in the details")

    async def see_row(self, text: str) -> None:
        await self.see(lambda: any(text in row for row in self.rows()), f"a row with `{text}`")

    def rows(self) -> list[str]:
        table = self.app.table
        return ["  ".join(str(cell) for cell in table.get_row_at(index)) for index in range(table.row_count)]

    def chosen(self) -> str:
        return self.rows()[self.app.table.cursor_row]

    def about(self) -> str:
        return str(self.app.screen_stack[0].query_one("#about", Static).content)

    def title(self) -> str:
        return str(self.app.screen_stack[0].query_one("#title", Static).content)


def play(recorder: Recorder, scene: Scene, size: tuple[int, int] = (160, 50)) -> None:
    """Opens the project of a recorder, and plays a scene on it."""

    async def perform() -> None:
        app = RoarApp(bytes(recorder.root))
        async with app.run_test(size=size) as pilot:
            await scene(Screen(app, pilot))

    asyncio.run(perform())


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_the_pipeline_comes_first_with_the_details_of_the_chosen_step(
    recorded: Recorder, size: tuple[int, int]
) -> None:
    async def scene(screen: Screen) -> None:
        await screen.see_row("@3 evaluate.py")
        await screen.see(lambda: "3 steps · 3 jobs" in screen.title(), "the session in the title")
        await screen.see_about(f"job {recorded.uids[0]}")
        await screen.press("j")
        await screen.see_about(f"job {recorded.uids[1]}")
        assert "python train.py --lr 0.1" in screen.about()
        await screen.press("G")
        await screen.see_about(f"job {recorded.uids[2]}")
        detail, views = screen.app.query_one("#detail").region, screen.app.query_one("#views").region
        beside = detail.x >= views.right
        assert beside == (size[0] >= 120)
        assert detail.height > 5

    play(recorded, scene, size)


def test_every_view_lists_and_describes_its_things(recorded: Recorder) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("2")
        await screen.see_row(f"{recorded.uids[2]}  @3")
        await screen.see_about(f"job {recorded.uids[2]}")
        await screen.press("3")
        await screen.see_row("models/svc.bin")
        assert "models/svc.bin" in screen.chosen()
        await screen.see_about("written by (1)")
        await screen.press("4")
        await screen.see_row("active")
        await screen.see_about("jobs     3")
        await screen.press("5")
        await screen.see(lambda: screen.app.table.border_subtitle == "nothing runs now", "an empty list")
        assert screen.about() == ""
        await screen.press("1")
        await screen.see_about(f"job {recorded.uids[0]}")

    play(recorded, scene)


def test_search_keeps_what_holds_the_text_until_escape(recorded: Recorder) -> None:
    async def scene(screen: Screen) -> None:
        for view, text, kept in (("1", "train", 1), ("2", "train.py", 1), ("3", "data/", 2)):
            await screen.press(view)
            # A view takes the keys when it is shown, also from a search that was opened before.
            await screen.see(lambda: screen.app.focused is screen.app.table, "the view to take the keys")
            await screen.see(lambda: screen.app.table.row_count >= 3, "all rows")
            await screen.press("slash", *text, "enter")
            await screen.see(lambda: screen.app.table.row_count == kept, "fewer rows")  # noqa: B023
            assert screen.app.focused is screen.app.table
            await screen.press("escape")
        await screen.see(lambda: screen.app.table.row_count == 7, "all rows again")
        assert not screen.app.query_one("#search", Input).display
        await screen.press("slash", *"[(", "enter")
        await screen.see(lambda: screen.app.table.border_subtitle == "nothing holds this", "no rows")

    play(recorded, scene)


def test_lineage_and_orders(recorded: Recorder) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("3")
        await screen.see_row("raw.csv")
        await screen.press("o")
        await screen.see(lambda: screen.rows()[-1].startswith("1 B"), "the least read at the end")
        await screen.press("g", "l")
        await screen.see_about(f"{recorded.uids[0]}  @1 python preprocess.py")
        await screen.press("l")
        await screen.see_about("written by (1)")

    play(recorded, scene)


def test_what_is_recorded_meanwhile_appears_and_the_cursor_stays(recorded: Recorder) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("2")
        await screen.see_row(recorded.uids[0])
        await screen.press("j")
        chosen = screen.chosen().split()[0]
        await asyncio.to_thread(recorded.job, "python plot.py", ["raw.csv"], {"plot.svg": "svg"})
        await screen.see_row("python plot.py")
        assert screen.chosen().split()[0] == chosen == recorded.uids[1]
        await screen.see(lambda: "4 jobs" in screen.title(), "the session in the title")

    play(recorded, scene)


def test_sessions_of_before_can_be_looked_at(recorded: Recorder, cli: Cli) -> None:
    assert cli("reset", "-y").status == 0

    async def scene(screen: Screen) -> None:
        await screen.see(lambda: "no steps yet" in str(screen.app.table.border_subtitle), "an empty pipeline")
        await screen.press("4")
        await screen.see_row("closed")
        await screen.press("2")
        await screen.see(lambda: screen.app.table.border_subtitle == "no job is recorded yet", "no jobs")
        await screen.press("a")
        await screen.see_row("python train.py")

    play(recorded, scene)


def test_help_explains_the_keys_and_goes_away(recorded: Recorder) -> None:
    async def scene(screen: Screen) -> None:
        await screen.see_row("@1 preprocess.py")
        await screen.press("question_mark")
        await screen.see(lambda: isinstance(screen.app.screen, HelpScreen), "the help")
        await screen.press("escape")
        await screen.see(lambda: not isinstance(screen.app.screen, HelpScreen), "the table")
        await screen.press("t", "r", "enter")
        await screen.see(lambda: screen.app.focused is screen.app.query_one("#detail"), "the details in focus")
        assert screen.app.query_one(TabbedContent).active == "Pipeline"
        assert not screen.app.current_theme.dark

    play(recorded, scene)


def test_a_daemon_that_dies_is_replaced(recorded: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_daemon() as own:
        monkeypatch.setenv("ROAR_RUNTIME_DIR", str(own.runtime))
        monkeypatch.setenv("XDG_STATE_HOME", str(own.home / "state"))
        root = recorded.root.parent / "other"
        root.mkdir()
        own.init(root)
        recorder = Recorder(own, root)
        recorder.put({"a": "1"})
        recorder.job("cp a b", ["a"], {"b": "1"})

        async def scene(screen: Screen) -> None:
            await screen.see_row("@1 cp")
            await asyncio.to_thread(own.kill)
            await asyncio.to_thread(restart_and_record, own, recorder)
            await screen.see_row("@2 mv")
            await screen.see(lambda: not screen.app.query_one("#trouble").display, "no trouble")

        play(recorder, scene)


def restart_and_record(own: Daemon, recorder: Recorder) -> None:
    own.start()
    recorder.job("mv b c", ["b"], {"c": "1"})


def test_without_a_terminal_it_says_what_to_use_instead(recorded: Recorder) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "roar_client", "tui"],
        cwd=recorded.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "TERM": "xterm"},
        check=False,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error[no-terminal]: this is no terminal on which text can be placed\n")
    assert "roar status" in done.stderr.splitlines()[-1]
