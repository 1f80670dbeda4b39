"""Quantities as people read them."""

from __future__ import annotations

import pytest

from roar_client.output import human

S = 1_000_000_000


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1500, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (1288490188, "1.2 GiB"),
        (1024**6, "1024.0 PiB"),
    ],
)
def test_size(number: int, text: str) -> None:
    assert human.size(number) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0ms"),
        (840_000_000, "840ms"),
        (999_600_000, "1.0s"),
        (12_340_000_000, "12.3s"),
        (59_960_000_000, "1m00s"),
        (133 * S, "2m13s"),
        (3599 * S, "59m59s"),
        (11_100 * S, "3h05m"),
    ],
)
def test_duration(nanoseconds: int, text: str) -> None:
    assert human.duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "in the future"),
        (0, "just now"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (3600, "1 hour ago"),
        (90_000, "1 day ago"),
        (86_400 * 8, "1 week ago"),
        (86_400 * 70, "2 months ago"),
        (86_400 * 800, "2 years ago"),
    ],
)
def test_ago(monkeypatch: pytest.MonkeyPatch, seconds: int, text: str) -> None:
    monkeypatch.setattr(human, "now_ns", lambda: 1_000_000_000 * S)
    assert human.ago((1_000_000_000 - seconds) * S) == text


def test_commands_are_one_line_that_a_shell_takes_back() -> None:
    assert human.command_line([b"python", b"a b.py", b"--x=1"]) == "python 'a b.py' --x=1"
    assert human.command_line([b"sh", b"-c", b"a\nb\x1b[2J"]) == "sh -c 'a\\nb\\x1b[2J'"
    assert human.command_line([b"caf\xe9"]) == "'caf\ufffd'"


def test_plurals_and_hashes() -> None:
    assert (human.plural(1, "file"), human.plural(1200, "file")) == ("1 file", "1,200 files")
    assert (human.short(bytes.fromhex("ab" * 32)), human.short(b"")) == ("ab" * 6, "-" * 12)
