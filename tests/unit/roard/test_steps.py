"""Which commands are the same step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roard.model import StepCandidate
from roard.steps import choose_step, fold_digits, read_command, shape_of

ROOT = b"/p"


def shape(command: str, cwd: bytes = ROOT) -> tuple[str, str]:
    found = shape_of([word.encode() for word in command.split(" ")], cwd, ROOT)
    return found.text, found.name


@pytest.mark.parametrize(
    ("command", "text", "name"),
    [
        ("python train.py --lr 1", "python train.py", "train.py"),
        ("python3.11 train.py --lr 2", "python train.py", "train.py"),
        ("/usr/bin/python3 /p/train.py", "python train.py", "train.py"),
        ("python -u -W error -X dev ./train.py x", "python train.py", "train.py"),
        ("python src/../train.py", "python train.py", "train.py"),
        ("python /elsewhere/train.py", "python /elsewhere/train.py", "train.py"),
        ("python -m pkg.train --lr 1", "python -m pkg.train", "pkg.train"),
        ("python -um pkg.train", "python -m pkg.train", "pkg.train"),
        ("python -mpkg.train", "python -m pkg.train", "pkg.train"),
        ("python -c print(1)", "python -c print(1)", "python -c print(1)"),
        ("python - x", "python", "python"),
        ("python", "python", "python"),
        ("bash run.sh a b", "bash run.sh", "run.sh"),
        ("bash -e -o pipefail run.sh", "bash run.sh", "run.sh"),
        ("sh -c ls>/p/x", "sh -c ls>x", "ls>/p/x"),
        ("bash -euo pipefail -c make", "bash -c make", "make"),
        ("./run.sh 1", "run.sh", "run.sh"),
        ("bin/prepare --all", "bin/prepare", "prepare"),
        ("/opt/tool/bin/prepare", "/opt/tool/bin/prepare", "prepare"),
        ("Rscript --vanilla fit.R 1", "Rscript fit.R", "fit.R"),
        ("node -e 1+1", "node -e 1+1", "node 1+1"),
        ("git commit -m x", "git commit", "git commit"),
        ("dvc repro -f", "dvc repro", "dvc repro"),
        ("make -j2 V=1 data", "make data", "make data"),
        ("sort in.txt -o out.txt", "sort", "sort"),
        ("cp a b", "cp", "cp"),
        ("env A=1 python train.py", "python train.py", "train.py"),
        ("nice -n 10 timeout 60s python train.py", "python train.py", "train.py"),
        ("uv run python train.py", "python train.py", "train.py"),
        ("uv pip install x", "uv pip", "uv pip"),
        ("env", "env", "env"),
        ("torchrun --n 2 ./train.py --lr 1", "torchrun train.py", "torchrun train.py"),
        ("python -m torch.distributed.run train.py", "python -m torch.distributed.run train.py", None),
        ("make -C sub data", "make data", "make data"),
        ("git -C sub commit", "git commit", "git commit"),
        ("uv run ./train.py", "train.py", "train.py"),
        ("uv run train.py --lr 1", "train.py", "train.py"),
    ],
)
def test_the_shape_of_a_command(command: str, text: str, name: str | None) -> None:
    assert shape(command) == (text, name or shape(command)[1])


def test_a_script_counts_from_the_project_wherever_the_command_stands() -> None:
    assert shape("python ../train.py", b"/p/exp1") == shape("python train.py")


def test_a_long_text_is_cut_for_display_only() -> None:
    text, name = shape("sh -c " + "x" * 60)
    assert text.endswith("x" * 60)
    assert len(name) == 40


@given(st.lists(st.binary(max_size=20).filter(lambda word: b"\0" not in word), min_size=1, max_size=6))
def test_every_command_has_a_shape(argv: list[bytes]) -> None:
    found = shape_of(argv, ROOT, ROOT)
    found.text.encode()
    found.name.encode()


def candidate(step_id: int, *outputs: bytes, argv: bytes = b"") -> StepCandidate:
    return StepCandidate(step_id, [argv or b"%d" % step_id], b"", frozenset(outputs))


@pytest.mark.parametrize(
    ("candidates", "outputs", "expected"),
    [
        ([], [b"a"], None),
        ([candidate(1, b"a")], [b"a"], 1),
        ([candidate(1, b"a")], [b"b"], None),
        ([candidate(1, b"a"), candidate(2, b"b")], [b"a"], 1),
        ([candidate(1, b"a"), candidate(2, b"a", b"b")], [b"a", b"b"], 2),
        ([candidate(1, b"a"), candidate(2, b"b")], [], 2),
        ([candidate(1, b"a"), candidate(2)], [b"c"], 2),
        ([candidate(1, b"runs/20240101/m.pt")], [b"runs/20240202/m.pt"], 1),
        ([candidate(1, b"epoch1.pt")], [b"epoch2.pt"], None),
        ([candidate(1, b"shard-1", b"shard-2")], [b"shard-1", b"shard-2", b"shard-3"], 1),
        # The same command in the same directory: whatever it makes.
        ([candidate(1, b"a", argv=b"same"), candidate(2, b"b")], [b"b"], 1),
        ([candidate(1, b"a", argv=b"same"), candidate(2, b"b")], [], 1),
        ([candidate(1, b"a", argv=b"same"), candidate(2, b"b", argv=b"same")], [b"a"], 1),
        ([candidate(1, b"a", argv=b"same"), candidate(2, b"b", argv=b"same")], [b"c"], 2),
    ],
)
def test_a_job_belongs_to_the_step_of_its_command_or_that_wrote_the_same_files(
    candidates: list[StepCandidate], outputs: list[bytes], expected: int | None
) -> None:
    assert choose_step(candidate(0, *outputs, argv=b"same"), candidates) == expected


@pytest.mark.parametrize(
    ("command", "parameters", "script"),
    [
        ("python train.py --lr 1", 2, None),
        ("env A=1 python -u train.py x", 5, None),
        ("python -m pkg.train --lr 1", 3, None),
        ("python -mpkg.train --lr 1", 2, None),
        ("python -c print(1) x", 3, None),
        ("python", 1, None),
        ("sh -c ls x", 3, None),
        ("node -e", 2, None),
        ("git commit -m x", 2, None),
        ("make", 1, None),
        ("sort -o out.txt in.txt", 1, None),
        ("torchrun -n 2 train.py --lr 1", 1, 3),
        ("accelerate launch --cpu train.py x", 1, 3),
    ],
)
def test_where_the_parameters_of_a_command_begin(command: str, parameters: int, script: int | None) -> None:
    found = read_command([word.encode() for word in command.split(" ")], ROOT, ROOT)
    assert (found.parameters, found.script) == (parameters, script)


@pytest.mark.parametrize(
    "commands",
    [
        ("python a.py", "python b.py"),
        ("torchrun -n 2 a.py", "torchrun -n 2 b.py"),
        ("accelerate launch a.py", "accelerate launch b.py"),
        ("mpirun -n 4 python a.py", "mpirun -n 4 python b.py"),
        ("python -m torch.distributed.run a.py", "python -m torch.distributed.run b.py"),
        ("uv run a.py", "uv run b.py"),
        ("jupyter nbconvert --execute a.ipynb", "jupyter nbconvert --execute b.ipynb"),
        ("make -f a.mk data", "make -f b.mk data"),
        ("snakemake -s a.smk", "snakemake -s b.smk"),
        ("./a.sh", "./b.sh"),
        ("docker run image python a.py", "docker run image python b.py"),
    ],
)
def test_two_scripts_are_never_one_step(commands: tuple[str, str]) -> None:
    assert shape(commands[0]) != shape(commands[1])


def test_runs_of_two_digits_fold_and_single_digits_do_not() -> None:
    assert fold_digits(b"a1/b22/c333.pt") == b"a1/b#/c#.pt"
