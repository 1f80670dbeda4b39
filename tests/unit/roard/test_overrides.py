"""Words that take the place of those of a recorded command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roard.errors import BadOverride
from roard.overrides import override
from roard.steps import read_command


def overridden(recorded: str, words: str) -> str:
    argv = [word.encode() for word in recorded.split()]
    return b" ".join(override(argv, read_command(argv, b"/p", b"/p"), [w.encode() for w in words.split()])).decode()


@pytest.mark.parametrize(
    ("recorded", "words", "expected"),
    [
        # Options: the form of the recorded command stays.
        ("python t.py --lr 0.1", "--lr 0.2", "python t.py --lr 0.2"),
        ("python t.py --lr 0.1", "--lr=0.2", "python t.py --lr 0.2"),
        ("python t.py --lr=0.1", "--lr 0.2", "python t.py --lr=0.2"),
        ("python t.py --lr=0.1", "--lr=", "python t.py --lr="),
        ("python t.py -e 3", "-e 5", "python t.py -e 5"),
        ("python t.py -e3", "-e 5", "python t.py -e5"),
        ("python t.py -e 3", "-e5", "python t.py -e 5"),
        ("python t.py --shift -0.5", "--shift -2", "python t.py --shift -2"),
        ("python t.py --lr 0.1 --seed 1", "--seed 2 --lr 0.2", "python t.py --lr 0.2 --seed 2"),
        # Neither by a text nor by the beginning of one.
        ("python t.py --epochs 3 --ep 1", "--ep 2", "python t.py --epochs 3 --ep 2"),
        ("python t.py --note --lr=1 --lr 1", "--lr 2 --lr 3", "python t.py --note --lr=2 --lr 3"),
        # What is not there is added at the end, before a `--`.
        ("python t.py data", "--lr 0.2", "python t.py data --lr 0.2"),
        ("python t.py data", "--lr=0.2 -v", "python t.py data --lr=0.2 -v"),
        ("python t.py -v -- data", "--lr 0.2", "python t.py -v --lr 0.2 -- data"),
        ("python t.py --set a", "--set b --set c", "python t.py --set b --set c"),
        # Flags.
        ("python t.py -v data", "-q", "python t.py -v data -q"),
        ("python t.py data -v", "-v", "python t.py data -v"),
        ("python t.py data --resume", "--resume=last", "python t.py data --resume=last"),
        # Positional words, by their order among those that are neither options nor values.
        ("python t.py in out", "in2", "python t.py in2 out"),
        ("python t.py in --lr 1 out", "in2 out2", "python t.py in2 --lr 1 out2"),
        ("python t.py data --verbose", "--verbose other", "python t.py other --verbose"),
        ("python t.py -- -x y", "z", "python t.py -- z y"),
        ("sort - -o out", "in", "sort in -o out"),
        # Several values of one option follow each other.
        ("python t.py --layers 64 32", "--layers 8 4", "python t.py --layers 8 4"),
        # Assignments, as of hydra, make and dd.
        ("python t.py lr=0.1 model.depth=3", "model.depth=4", "python t.py lr=0.1 model.depth=4"),
        ("python t.py lr=0.1", "seed=2", "python t.py lr=0.1 seed=2"),
        ("python t.py data lr=1", "lr=2 data2", "python t.py data2 lr=2"),
        # Program, script and subcommand stay.
        ("env A=1 python t.py", "A=2", "env A=1 python t.py A=2"),
        ("make -j4 data V=1", "-j8 V=2", "make -j4 data V=2 -j8"),
        ("git commit -m x", "-m y", "git commit -m y"),
        ("torchrun --n 2 t.py in --lr 1", "--lr 2 --n 4 in2", "torchrun --n 4 t.py in2 --lr 2"),
        ("python t.py", "", "python t.py"),
    ],
)
def test_words_find_their_place(recorded: str, words: str, expected: str) -> None:
    assert overridden(recorded, words) == expected


@pytest.mark.parametrize(
    ("recorded", "words", "named", "problem"),
    [
        ("python t.py in", "a b", "`b`", "has one word that is no option or value of one; this would be number 2"),
        ("python t.py --verbose in", "a", "`a`", "has no word that is no option"),
        ("python t.py --lr 0.1", "--lr", "`--lr`", "it has a value in the recorded command, `0.1`: give one"),
        ("python t.py --lr=0.1", "--lr", "`--lr`", "give one"),
        ("python t.py --set a --set b", "--set c", "`--set`", "it stands 2 times in the recorded command"),
    ],
)
def test_a_word_without_a_place_is_refused(recorded: str, words: str, named: str, problem: str) -> None:
    with pytest.raises(BadOverride) as refused:
        overridden(recorded, words)
    assert refused.value.fact.startswith(named)
    assert problem in refused.value.cause


def test_values_are_words_whatever_is_in_them() -> None:
    argv = [b"python", b"t.py", b"--note", b"a b", b"caf\xe9"]
    words = [b"--note", b"it's; rm -rf $HOME", b"\xff"]
    assert override(argv, read_command(argv, b"/p", b"/p"), words) == [*argv[:3], words[1], words[2]]


WORDS = st.lists(
    st.sampled_from([b"--a", b"--a=1", b"-b", b"-b2", b"x", b"-", b"--", b"k=v", b"-3", b"t.py"]), max_size=6
)


@given(WORDS)
def test_without_words_a_command_stays_as_it_is(parameters: list[bytes]) -> None:
    argv = [b"python", b"t.py", *parameters]
    assert override(argv, read_command(argv, b"/p", b"/p"), []) == argv


@given(WORDS, WORDS)
def test_program_and_script_always_stay(parameters: list[bytes], words: list[bytes]) -> None:
    argv = [b"python", b"t.py", *parameters]
    try:
        found = override(argv, read_command(argv, b"/p", b"/p"), words)
    except BadOverride:
        return
    assert found[:2] == argv[:2]
    assert len(found) >= len(argv)
