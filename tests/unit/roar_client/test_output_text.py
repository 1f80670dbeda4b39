"""Lines as they reach a pipe and a terminal."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roar_client.output import text
from roar_client.output.text import Span, columns, line, show, visible, width_of


class Terminal(io.StringIO):
    """A stdout that a person reads."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def become_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Puts a terminal in the place of stdout; within the test, because pytest changes stdout before it."""
    stdout = Terminal()
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "20")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return stdout


LONG = [line("a" * 15, Span("b" * 15, "good"))]


def test_a_pipe_gets_plain_text_and_all_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    show(LONG, crop=True)
    assert capsys.readouterr().out == "a" * 15 + "b" * 15 + "\n"


def test_a_terminal_gets_colours_and_an_ellipsis(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = become_terminal(monkeypatch)
    show(LONG, crop=True)
    assert terminal.getvalue() == "a" * 15 + "\x1b[32mbbbb…\x1b[0m\n"


def test_a_line_that_must_not_be_cut_is_left_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = become_terminal(monkeypatch)
    show(LONG)
    assert terminal.getvalue() == "a" * 15 + "\x1b[32m" + "b" * 15 + "\x1b[0m\n"


def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = become_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    show(LONG, crop=True)
    assert terminal.getvalue() == "a" * 15 + "bbbb…\n"


def test_a_dumb_terminal_is_treated_as_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = become_terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    show(LONG, crop=True)
    assert terminal.getvalue() == "a" * 15 + "b" * 15 + "\n"


def test_force_color_colours_a_pipe_and_cuts_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.delenv("NO_COLOR", raising=False)
    show(LONG, crop=True)
    assert capsys.readouterr().out == "a" * 15 + "\x1b[32m" + "b" * 15 + "\x1b[0m\n"


def test_markup_in_file_names_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = become_terminal(monkeypatch)
    show([line("[red]x[/red] :smile:")])
    assert terminal.getvalue() == "[red]x[/red] :smile:\n"


def test_an_encoding_without_our_signs_gets_others(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stdout)
    show([line("a · b … é")])
    stdout.flush()
    assert raw.getvalue() == b"a - b ... \\xe9\n"


def test_columns_stand_below_each_other_whatever_the_characters() -> None:
    rows = [(Span("a"), Span("x")), (Span("日本"), Span("y")), (Span("e\u0301"), Span("z"))]
    lines = ["".join(span.text for span in spans) for spans in columns(rows)]
    assert lines == ["a     x", "日本  y", "e\u0301     z"]


@given(st.text())
def test_visible_text_is_one_printable_line(content: str) -> None:
    shown = visible(content)
    assert shown.isprintable()
    assert width_of(shown) >= 0
    assert not content.isprintable() or shown == content


def test_rows_may_differ_in_length() -> None:
    assert [len(spans) for spans in text.columns([(Span("a"),), (Span("b"), Span("c"))])] == [1, 3]


@given(st.lists(st.text("ab 日é\u0301", max_size=8)), st.integers(2, 20))
def test_a_cropped_line_fits_and_is_the_beginning_of_the_line(parts: list[str], width: int) -> None:
    whole = "".join(parts)
    cut = "".join(span.text for span in text._cropped(line(*parts), width))
    assert width_of(cut.rstrip()) <= width
    assert cut == whole or (cut.endswith("…") and whole.startswith(cut[:-1]))
