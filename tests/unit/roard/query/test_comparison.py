"""The pure parts of `roar diff`."""

from __future__ import annotations

import pytest
from roar_proto.v1 import diff_pb2 as pb
from roar_proto.v1 import jobs_pb2, types_pb2

from roard.query.comparison.files import compare_files
from roard.query.comparison.pairs import Candidate, Pair, pair
from roard.query.comparison.parameters import parameter_changes
from roard.query.comparison.surroundings import Surroundings, environment_changes, package_changes, surroundings
from roard.query.comparison.values import MOST_VALUES, NoValues, read_values


def changes(a: str, b: str) -> dict[str, tuple[str | None, str | None]]:
    found = parameter_changes([word.encode() for word in a.split()], [word.encode() for word in b.split()])
    return {
        change.name: (
            change.a.decode() if change.HasField("a") else None,
            change.b.decode() if change.HasField("b") else None,
        )
        for change in found
    }


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("python t.py --lr 0.1", "python t.py --lr 0.2", {"--lr": ("0.1", "0.2")}),
        ("python t.py --lr 0.1", "python t.py --lr=0.1", {}),
        ("t --lr 0.1 --wd 1", "t --wd 1 --lr 0.1", {}),
        ("t --lr -0.5", "t --lr -1e3", {"--lr": ("-0.5", "-1e3")}),
        ("t a b", "t a c d", {"argument 2": ("b", "c"), "argument 3": (None, "d")}),
        ("t -v", "t", {"-v": ("", None)}),
        ("t -e3 x", "t -e 4 x", {"-e": ("3", "4")}),
        ("t lr=0.1 +model=big a", "t +model=big lr=0.2 b", {"lr": ("0.1", "0.2"), "argument 1": ("a", "b")}),
        ("t -x 1 -x 2", "t -x 1 -x 3", {"-x (2)": ("2", "3")}),
        ("python a.py", "python3 a.py", {"program": ("python", "python3")}),
        ("t --flag -- --lr", "t --flag -- --lr", {}),
        ("t --config=a=b", "t --config=a=c", {"--config": ("a=b", "a=c")}),
    ],
)
def test_commands_differ_by_option_and_by_place(a: str, b: str, expected: object) -> None:
    assert changes(a, b) == expected


def file(path: str, content: str | None, size: int = 1) -> jobs_pb2.JobFile:
    return jobs_pb2.JobFile(path=path.encode(), hash=(content or "").encode(), size=size)


def test_files_are_changed_added_removed_moved_or_not_known() -> None:
    a = [file("same", "1"), file("new", "2"), file("old", "3"), file("here", "4"), file("lost", "5")]
    b = [file("same", "1"), file("new", "x"), file("fresh", "6"), file("there", "4"), file("lost", None)]
    found = compare_files(a, b)
    assert found.same == 1
    assert [(change.path, change.kind, change.path_b) for change in found.changes] == [
        (b"fresh", pb.CHANGE_KIND_ADDED, b""),
        (b"here", pb.CHANGE_KIND_MOVED, b"there"),
        (b"lost", pb.CHANGE_KIND_UNKNOWN, b""),
        (b"new", pb.CHANGE_KIND_CHANGED, b""),
        (b"old", pb.CHANGE_KIND_REMOVED, b""),
    ]


def test_empty_files_do_not_move_and_one_content_moves_once() -> None:
    a = [file("a", "0", size=0), file("x", "1")]
    b = [file("b", "0", size=0), file("y", "1"), file("z", "1")]
    kinds = [change.kind for change in compare_files(a, b).changes]
    assert kinds.count(pb.CHANGE_KIND_MOVED) == 1
    assert kinds.count(pb.CHANGE_KIND_REMOVED) == 1
    assert kinds.count(pb.CHANGE_KIND_ADDED) == 2


def candidate(id_: int, step: int, shape: str, *outputs: str) -> Candidate:
    return Candidate(id_, step, ("run", shape), frozenset(output.encode() for output in outputs))


def test_counterparts_are_jobs_of_the_same_step_then_of_the_same_shape() -> None:
    a = [candidate(1, 1, "train", "m"), candidate(2, 2, "score", "s"), candidate(3, 3, "plot")]
    b = [candidate(4, 12, "score", "s"), candidate(5, 11, "train", "n"), candidate(6, 14, "clean")]
    assert pair(a, b) == [Pair(1, 5), Pair(2, 4), Pair(3, None), Pair(None, 6)]


def test_a_job_of_both_sides_is_its_own_counterpart() -> None:
    both = candidate(1, 1, "train", "m")
    assert pair([both, candidate(2, 1, "train", "m")], [candidate(3, 1, "train", "m"), both]) == [
        Pair(1, 1),
        Pair(2, 3),
    ]


def test_of_two_jobs_with_one_shape_outputs_decide() -> None:
    a = [candidate(1, 1, "train", "m1"), candidate(2, 2, "train", "m2")]
    b = [candidate(3, 3, "train", "m2"), candidate(4, 4, "train", "m1")]
    assert pair(a, b) == [Pair(1, 4), Pair(2, 3)]


def test_two_jobs_that_were_asked_for_are_counterparts_whatever_they_are() -> None:
    a = [candidate(1, 1, "train"), candidate(2, 2, "prepare")]
    b = [candidate(3, 3, "score"), candidate(4, 1, "train"), candidate(5, 2, "prepare")]
    assert pair(a, b, Pair(1, 3)) == [Pair(1, 3), Pair(2, 5), Pair(None, 4)]


def values(name: str, text: str) -> dict[str, str]:
    return {key: value.decode() for key, value in read_values(name.encode(), text.encode()).items()}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("m.json", '{"acc": 0.970, "per": {"a": [1, 2]}}', {"acc": "0.97", "per.a[0]": "1", "per.a[1]": "2"}),
        ("m.json", "97", {"value": "97"}),
        ("m.json", '{"empty": {}, "none": null}', {"empty": "{}", "none": "null"}),
        ("p.yaml", "lr: 0.1\nwhen: 2026-01-02\n", {"lr": "0.1", "when": '"2026-01-02"'}),
        ("p.toml", "[opt]\nlr = 0.1\n", {"opt.lr": "0.1"}),
        ("m.csv", "metric,value\nacc,0.9\n", {"value[metric=acc]": "0.9"}),
        ("m.csv", "x,y\n1,2\n1,3\n", {"x[1]": "1", "y[1]": "2", "x[2]": "1", "y[2]": "3"}),
        ("m.tsv", "epoch\tloss\n1\t0.5\n", {"loss[epoch=1]": "0.5"}),
        ("m.csv", "", {}),
    ],
)
def test_values_have_names(name: str, text: str, expected: dict[str, str]) -> None:
    assert values(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.json", "{"),
        ("m.json", "[" * 100_000),
        ("m.json", "[" + "1," * MOST_VALUES + "1]"),
        ("m.yaml", "a: [b"),
        ("m.yaml", "!!python/object/apply:os.system ['true']"),
        ("m.yaml", "a: &a [*a]"),
        ("m.yaml", "\n".join(f"x{i}: &x{i} [" + ", ".join([f"*x{i - 1}" if i else "1"] * 9) + "]" for i in range(12))),
        ("m.toml", "= 1"),
    ],
    ids=["cut", "deep", "many", "bad-yaml", "code", "circle", "bomb", "bad-toml"],
)
def test_what_has_no_values_says_why(name: str, text: str) -> None:
    with pytest.raises(NoValues):
        values(name, text)


def test_packages_are_known_by_what_the_job_read() -> None:
    site = b"/usr/lib/python3.11/site-packages/"
    a = surroundings(
        [
            site + b"numpy-1.26.4.dist-info/METADATA",
            site + b"numpy/__init__.py",
            site + b"six.py",
            b"/lib/libz.so.1.2.13",
        ],
        [b"/usr/bin/python3"],
    )
    b = surroundings(
        [
            site + b"numpy-2.0.0.dist-info/METADATA",
            site + b"numpy/__init__.py",
            site + b"yaml/x.py",
            b"/lib/libz.so.1.3",
        ],
        [],
    )
    assert {change.name: (change.a, change.b) for change in package_changes(a, b)} == {
        "libz.so": (b"1.2.13", b"1.3"),
        "numpy": (b"1.26.4", b"2.0.0"),
        "six": (b"", b""),
        "yaml": (b"", b""),
    }
    assert a.pythons == {"3.11"}


def test_a_version_that_only_one_side_knows_is_no_difference() -> None:
    site = b"/v/lib/python3.12/site-packages/"
    known = surroundings([site + b"scikit_learn-1.5.dist-info/RECORD", site + b"torch/_C.so"], [])
    used = surroundings([site + b"scikit_learn/x.py", site + b"torch/__init__.py"], [])
    assert package_changes(known, used) == []


def test_what_two_machines_differ_in() -> None:
    a100 = types_pb2.Gpu(name="A100", driver="550.54", toolkit="CUDA 12.4")
    old = types_pb2.Machine(system="Linux 6.1", cores=8, memory_bytes=16 << 30, gpus=[a100, a100])
    new = types_pb2.Machine(system="Linux 6.1", cores=8, memory_bytes=32 << 30, container="docker")
    job = jobs_pb2.Job(hostname="box")
    before, after = Surroundings(machine=old), Surroundings(machine=new)
    found = {change.name: (change.a, change.b) for change in environment_changes(job, job, before, after)}
    assert found == {
        "memory": (b"16.0 GiB", b"32.0 GiB"),
        "container": (b"", b"docker"),
        "gpu": (b"2 x A100, driver 550.54, CUDA 12.4", b""),
    }
    assert environment_changes(job, job, before, Surroundings()) == []
