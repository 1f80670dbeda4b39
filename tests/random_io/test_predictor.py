"""The predictor by itself: small programs, and what anybody would say that they do."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import pytest
from io_filesystem import UnspecifiedError
from io_generator import Seeded, is_specified, make_program, seeded_program, without_line
from io_judge import judge
from io_predictor import Prediction, predict
from io_program import Op, Program, lines_of, parse
from io_recorder import Outcome
from io_shrink import shrink
from roar_proto.v1 import run_pb2, types_pb2

SHEBANG = b"#!/interpreter --script\n"


def uses(text: str) -> tuple[str, str]:
    """Returns what a program reads and writes."""
    predicted = predict(parse(text), SHEBANG)
    return " ".join(sorted(predicted.reads)), " ".join(sorted(predicted.writes))


@pytest.mark.parametrize(
    ("text", "reads", "writes"),
    [
        ("file a x 1\nopen 0 open - a 0", "a", ""),
        ("file a x 1\nopen 0 open - a 1\nwrite 0 y 1", "", "a"),
        ("file a x 1\nopen 0 open - a 2", "a", ""),
        ("file a x 0\nopen 0 open - a 2", "", ""),
        ("file a x 1\nopen 0 open - a 1001\nopen 1 open - a 0", "", "a"),
        ("file a x 1\nrename rename - a - b 0", "a", "b"),
        ("file a x 1\nrename rename - a - b 0\nrename rename - b - a 0", "a", ""),
        ("file a x 1\nsame b a\nopen 0 open - a 1\nwrite 0 y 1", "", "a"),
        ("file a x 1\nlink - a - b 0", "a", "b"),
        ("dir d\nfile d/a x 1\nfile d/b x 1\nrename rename - d - e 0", "d/a d/b", "e/a e/b"),
        ("alias l a\nopen 0 open - l 101", "", "a"),
        ("file a x 1\nopen 0 open - a 2\nmmap 0 0 shared rw\nclose 0\npoke 0 y", "a", "a"),
        ("tmpfile 0 . 2\nlink - %0 - a 1", "", "a"),
        ("open 0 open - a 101\nunlink - a", "", ""),
        ("script s\nspawn s", "s", ""),
        ("file a x 1\nfd a 0 2", "a", ""),
        ("race a", "", "a"),
        ("fork\nopen 0 open - a 101\nyield\nwrite 0 x 1\nend\nunlink - a\nresume 0", "", ""),
    ],
)
def test_a_small_program_uses_these_files(text: str, reads: str, writes: str) -> None:
    assert uses(text) == (reads, writes)


def test_processes_take_turns_and_share_offsets() -> None:
    text = (
        "open 0 open - a 102\nwrite 0 one 1\nfork\nwrite 0 two 1\nyield\nwrite 0 four 1\nend\nwrite 0 three 1\nresume 0"
    )
    assert predict(parse(text), SHEBANG).tree["a"] == ("file", b"onetwothreefour")


def test_an_old_file_opened_by_proc_without_a_name_is_not_specified() -> None:
    with pytest.raises(UnspecifiedError):
        predict(parse("file a x 1\nopen 0 open - a 1\nunlink - a\nopen 1 open - %0 0"), SHEBANG)


def test_a_program_is_read_as_it_was_written() -> None:
    for seed in range(50):
        program = seeded_program(seed, SHEBANG)
        assert parse(str(program)) == program


def test_a_seed_always_gives_the_same_program() -> None:
    assert make_program(Seeded(7), SHEBANG) == make_program(Seeded(7), SHEBANG)


def test_a_line_is_left_out_with_its_block() -> None:
    program = parse("file a x 1\nfd a 0 0\nyield\nfork\nexec\nend\nrace b")
    assert list(lines_of(without_line(program, 2).ops)) == ["yield", "race b"]
    assert not without_line(program, 0).inherited


def test_shrinking_leaves_what_is_needed() -> None:
    program = parse("file a x 1\ndir d\nmkdir - e\nfork\nrace b\nthread\nrename rename - a - c 0\nend\nend\nrace f")

    def first_bad(some: Sequence[Program]) -> int | None:
        moves = ("c" in uses(str(one))[1].split() if is_specified(one, SHEBANG) else False for one in some)
        return next((at for at, moved in enumerate(moves) if moved), None)

    assert str(shrink(program, first_bad)) == "file a x 1\nrename rename - a - c 0"


def outcome_of(prediction: Prediction) -> Outcome:
    """Returns a run of `file a x 1, open 0 open - a 0` that went as predicted."""
    facts = os.stat(__file__)
    stat = types_pb2.StatKey(ino=facts.st_ino, size=1, mtime_ns=facts.st_mtime_ns)
    read = run_pb2.FileRead(path=b"/p/a", stat=stat)
    values = list(facts)
    values[6] = 1
    now = os.stat_result(values, {"st_mtime_ns": facts.st_mtime_ns})
    return Outcome(
        said=prediction.said,
        tree=prediction.tree,
        reads={"a": read},
        writes={},
        inodes={"a": facts.st_ino},
        now={"a": now},
        warnings=(),
    )


def test_the_judge_sees_what_is_missing_or_wrong() -> None:
    prediction = predict(parse("file a x 1\nopen 0 open - a 0"), SHEBANG)
    right = outcome_of(prediction)
    assert not judge(prediction, right).is_bad
    assert judge(prediction, dataclasses.replace(right, reads={})).record == ("missed read: `a`",)
    assert judge(prediction, dataclasses.replace(right, said=["0 x"])).model
    write = {"b": run_pb2.FileWrite(path=b"/p/b")}
    assert judge(prediction, dataclasses.replace(right, writes=write)).record == ("false write: `b`",)
    right.reads["a"].replaced = True
    assert "called replaced" in judge(prediction, right).record[0]


def test_a_block_keeps_its_body() -> None:
    assert parse("thread\nexec\nend").ops == (Op(("thread",), (Op(("exec",)),)),)
