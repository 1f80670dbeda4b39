"""What two jobs, files or sessions differ in, with real repositories and real files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from daemon_kit import git
from query_lab import Lab, counted, digest
from roar_proto.v1 import diff_pb2 as pb

from roard.errors import ArtifactNotFound, NotComparable
from roard.query import diff as query

OLD, NEW = "print(1)\nprint('same')\n", "print(2)\nprint('same')\n"


def diff(lab: Lab, a: str, b: str, depth: int = 0, *, without_patches: bool = False) -> pb.DiffResponse:
    root = lab.project.root
    request = pb.DiffRequest(
        project_root=root, a=a.encode(), b=b.encode(), cwd=root, depth=depth, without_patches=without_patches
    )
    return query.diff(lab.project, request)


def head(root: Path) -> str:
    said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def commit(lab: Lab, message: str, **files: str) -> str:
    """Commits files, whose names have no suffix here, and returns the commit."""
    for name, content in files.items():
        lab.put(f"{name}.py", content)
    if not (lab.root / ".git").exists():
        git(lab.root, "init", "-q", "-b", "main")
    git(lab.root, "add", "*.py")
    git(lab.root, "commit", "-q", "--allow-empty", "-m", message)
    return head(lab.root)


def shown(changes: list[pb.ValueChange]) -> dict[str, tuple[bytes, bytes]]:
    return {change.name: (change.a, change.b) for change in changes}


def test_two_runs_of_a_step_differ_in_parameters_and_outputs(lab: Lab) -> None:
    lab.job("@1", {"data": "d"}, {"model": "1", "log": "l"}, argv="python t.py --lr 0.1")
    lab.job("@1", {"data": "d"}, {"model": "2", "log": "l"}, argv="python t.py --lr 0.2")
    found = diff(lab, "@-2", "@-1")
    (job,) = found.jobs
    assert shown(list(job.parameters)) == {"--lr": (b"0.1", b"0.2")}
    assert [(change.path, change.kind, change.hash_a) for change in job.outputs] == [
        (b"model", pb.CHANGE_KIND_CHANGED, digest(b"1"))
    ]
    assert (job.same_inputs, job.same_outputs, found.identical, found.same_jobs) == (1, 1, False, 0)


def test_the_same_run_twice_is_identical(lab: Lab) -> None:
    first, second = (lab.job("@1", {"data": "d"}, {"model": "1"}) for _ in range(2))
    found = diff(lab, first, second)
    assert (found.identical, list(found.jobs), found.same_jobs) == (True, [], 1)
    assert diff(lab, first, first).identical


def test_jobs_upstream_are_compared_with_their_counterparts(lab: Lab) -> None:
    lab.job("@1", {"raw": "r"}, {"base": "b"})
    pre_a = lab.job("@2", {"base": "b"}, {"train": "t1"}, argv="python pre.py --seed 1")
    lab.job("@3", {"train": "t1"}, {"model": "m1"})
    pre_b = lab.job("@2", {"base": "b"}, {"train": "t2"}, argv="python pre.py --seed 2")
    lab.job("@3", {"train": "t2"}, {"model": "m2"})
    found = diff(lab, "@-3", "@-1")
    assert [(job.a.step, shown(list(job.parameters))) for job in found.jobs] == [
        ("@3", {}),
        ("@2", {"--seed": (b"1", b"2")}),
    ]
    assert found.same_jobs == 1
    (read,) = found.jobs[0].inputs
    assert (read.producer_a, read.producer_b) == (pre_a, pre_b)
    assert [job.a.step for job in diff(lab, "@-3", "@-1", depth=1).jobs] == ["@3"]


def test_two_files_are_compared_with_what_made_them(lab: Lab) -> None:
    lab.job("@1", {}, {"model": "1"}, argv="python t.py --lr 0.1")
    lab.job("@1", {}, {"model": "2"}, argv="python t.py --lr 0.2")
    found = diff(lab, digest(b"1").hex()[:12], "model")
    assert (found.a.artifact.path, found.file.hash_a, found.file.hash_b) == (b"model", digest(b"1"), digest(b"2"))
    assert shown(list(found.jobs[0].parameters)) == {"--lr": (b"0.1", b"0.2")}


def test_what_made_two_files_is_compared_although_it_is_not_the_same_step(lab: Lab) -> None:
    lab.job("@1", {"data": "d"}, {"a.bin": "1"}, argv="python old.py")
    lab.job("@2", {"data": "d"}, {"b.bin": "1"}, argv="python new.py")
    found = diff(lab, "a.bin", "b.bin")
    assert found.identical
    (job,) = found.jobs
    assert (job.a.step, job.b.step, shown(list(job.parameters))) == ("@1", "@2", {"argument 1": (b"old.py", b"new.py")})
    assert [change.kind for change in job.outputs] == [pb.CHANGE_KIND_MOVED]


def test_two_sessions_are_compared_step_by_step(lab: Lab) -> None:
    lab.job("@1", {}, {"data": "1"}, argv="python load.py --n 0")
    lab.job("@1", {}, {"data": "1"}, argv="python load.py --n 1")
    lab.job("@2", {"data": "1"}, {"plot": "p"})
    lab.reset()
    lab.job("@1", {}, {"data": "1"}, argv="python load.py --n 2")
    lab.job("@3", {"data": "1"}, {"table": "t"})
    old, new = lab.session_hashes()
    found = diff(lab, old, new)
    assert [(job.a.step, job.b.step) for job in found.jobs] == [("@1", "@1"), ("@2", ""), ("", "@3")]
    assert shown(list(found.jobs[0].parameters)) == {"--n": (b"1", b"2")}
    assert (found.identical, found.a.session.number, found.b.session.number) == (False, 1, 2)


def test_things_of_two_kinds_are_refused(lab: Lab) -> None:
    lab.job("@1", {"raw": "r"}, {"out": "o"})
    with pytest.raises(NotComparable) as refused:
        diff(lab, "@1", "raw")
    assert refused.value.fact == "`@1` is a job and `raw` is a file"
    with pytest.raises(ArtifactNotFound):
        diff(lab, "raw", "nothing")


def test_root_inputs_have_no_jobs_to_compare(lab: Lab) -> None:
    lab.job("@1", {"x.bin": "1", "y.bin": "2"}, {"out": "o"})
    found = diff(lab, "x.bin", "y.bin")
    assert (found.identical, list(found.jobs), found.file.path, found.file.path_b) == (False, [], b"x.bin", b"y.bin")


def test_content_that_nobody_knows_is_neither_the_same_nor_different(lab: Lab) -> None:
    lab.job("@1", {"db": None}, {"out": "o"})
    lab.job("@1", {"db": None}, {"out": "o"})
    (job,) = diff(lab, "@-2", "@-1").jobs
    assert [change.kind for change in job.inputs] == [pb.CHANGE_KIND_UNKNOWN]


# code


def test_code_two_commits_apart_has_commits_and_the_patch_of_git(lab: Lab) -> None:
    one = commit(lab, "one", train=OLD)
    lab.job("@1", {}, {"m": "1"}, code={"train.py": OLD}, commit=one)
    commit(lab, "two", other="x\n")
    three = commit(lab, "three\n\nbody", train=NEW)
    lab.job("@1", {}, {"m": "2"}, code={"train.py": NEW}, commit=three)
    found = diff(lab, "@-2", "@-1")
    (commits,) = found.commits
    assert [one.summary for one in commits.only_b] == ["three", "two"]
    assert (commits.commit_a, commits.commit_b, list(commits.only_a), commits.problem) == (one, three, [], "")
    (patch,) = found.patches
    real = subprocess.run(
        ["git", "diff", "--abbrev=7", one, three, "--", "train.py"], cwd=lab.root, capture_output=True, check=True
    )
    assert (patch.text, patch.note) == (real.stdout, "")
    (change,) = found.jobs[0].code
    assert (change.dirty_a, change.dirty_b) == (False, False)
    assert list(diff(lab, "@-2", "@-1", without_patches=True).patches) == []


def test_commits_that_changed_other_files_make_no_patch(lab: Lab) -> None:
    one = commit(lab, "one", train=OLD)
    lab.job("@1", {}, {"m": "1"}, code={"train.py": OLD}, commit=one)
    two = commit(lab, "two", other="x\n")
    lab.job("@1", {}, {"m": "2"}, code={"train.py": OLD}, commit=two)
    found = diff(lab, "@-2", "@-1")
    assert (list(found.patches), list(found.jobs[0].code), found.jobs[0].same_code) == ([], [], 1)
    assert [one.summary for one in found.commits[0].only_b] == ["two"]


def test_uncommitted_code_is_marked_and_compared_as_it_ran(lab: Lab) -> None:
    one = commit(lab, "one", train=OLD)
    lab.job("@1", {}, {"m": "1"}, code={"train.py": OLD}, commit=one)
    lab.job("@1", {}, {"m": "2"}, code={"train.py": NEW}, commit=one, changed=["train.py"])
    found = diff(lab, "@-2", "@-1")
    (change,) = found.jobs[0].code
    assert (change.dirty_a, change.dirty_b) == (False, True)
    assert list(found.commits) == []
    assert b"-print(1)\n+print(2)\n" in found.patches[0].text


def test_uncommitted_code_that_is_gone_is_replaced_by_its_commit_with_a_note(lab: Lab) -> None:
    one = commit(lab, "one", train=OLD)
    lab.job("@1", {}, {"m": "1"}, code={"train.py": NEW}, commit=one, changed=["train.py"])
    lab.put("train.py", "print(3)\n")
    lab.job("@1", {}, {"m": "2"}, code={"train.py": "print(3)\n"}, commit=one, changed=["train.py"])
    (patch,) = diff(lab, "@-2", "@-1").patches
    assert "what a ran is gone" in patch.note
    assert b"+print(3)" in patch.text


def test_a_commit_that_is_gone_is_said_and_the_code_is_still_compared_by_hash(lab: Lab) -> None:
    one = commit(lab, "one", train=OLD)
    lab.job("@1", {}, {"m": "1"}, code={"train.py": OLD}, commit=one)
    git(lab.root, "commit", "-q", "--amend", "-m", "rewritten", "--date", "2001-01-01T00:00:00")
    lab.put("train.py", NEW)
    git(lab.root, "commit", "-qa", "--amend", "-m", "rewritten")
    git(lab.root, "reflog", "expire", "--expire=now", "--all")
    git(lab.root, "gc", "-q", "--prune=now")
    two = head(lab.root)
    lab.job("@1", {}, {"m": "2"}, code={"train.py": NEW}, commit=two)
    found = diff(lab, "@-2", "@-1")
    assert found.commits[0].problem == f"commit {one} is not in the repository any more"
    assert [change.path for change in found.jobs[0].code] == [b"train.py"]
    assert (found.patches[0].text, found.patches[0].note) == (
        b"",
        "what a ran is neither on disk nor in git any more",
    )


def test_new_code_is_a_patch_from_nothing(lab: Lab) -> None:
    one = commit(lab, "one", train=OLD, helper="x = 1\n")
    lab.job("@1", {}, {"m": "1"}, code={"train.py": OLD}, commit=one)
    lab.job("@1", {}, {"m": "1"}, code={"train.py": OLD, "helper.py": "x = 1\n"}, commit=one)
    (patch,) = diff(lab, "@-2", "@-1").patches
    assert b"new file mode" in patch.text
    assert b"+x = 1" in patch.text


def test_outside_git_code_is_compared_by_hash_and_by_what_is_on_disk(lab: Lab) -> None:
    lab.job("@1", {}, {"m": "1"}, code={"train.py": OLD}, commit="")
    lab.job("@1", {}, {"m": "2"}, code={"train.py": NEW}, commit="")
    found = diff(lab, "@-2", "@-1")
    assert (list(found.commits), list(found.notes)) == ([], [])
    assert found.patches[0].note == "what a ran is neither on disk nor in git any more"


def test_a_repository_that_cannot_be_read_is_said(lab: Lab) -> None:
    lab.job("@1", {}, {"m": "1"}, code={"train.py": OLD})
    lab.job("@1", {}, {"m": "2"}, code={"train.py": NEW})
    (lab.root / ".git").write_text("gitdir: /nowhere\n")
    assert diff(lab, "@-2", "@-1").notes[0].startswith("git could not be read: ")


# values


def test_figures_are_compared_while_both_contents_are_on_disk(lab: Lab) -> None:
    lab.job("@1", {}, {"runs/1/metrics.json": '{"acc": 0.9, "n": 1}'})
    lab.job("@1", {}, {"runs/2/metrics.json": '{"acc": 0.8, "n": 1}'})
    found = diff(lab, "runs/1/metrics.json", "runs/2/metrics.json")
    assert (shown(list(found.file.values)), found.file.values_changed) == ({"acc": (b"0.9", b"0.8")}, 1)


def test_figures_that_were_written_over_are_found_in_git(lab: Lab) -> None:
    commit(lab, "one", train=OLD)
    lab.job("@1", {}, {"metrics.json": '{"acc": 0.9}'})
    git(lab.root, "add", "metrics.json")
    git(lab.root, "commit", "-qm", "figures")
    lab.job("@1", {}, {"metrics.json": '{"acc": 0.8}'})
    (change,) = diff(lab, "@-2", "@-1").jobs[0].outputs
    assert (shown(list(change.values)), change.values_note) == ({"acc": (b"0.9", b"0.8")}, "")


def test_figures_that_are_gone_say_so(lab: Lab) -> None:
    lab.job("@1", {}, {"metrics.json": '{"acc": 0.9}', "plot.png": "1"})
    lab.job("@1", {}, {"metrics.json": '{"acc": 0.8}', "plot.png": "2"})
    figures, picture = diff(lab, "@-2", "@-1").jobs[0].outputs
    assert figures.values_note == "the content of a is neither on disk nor in git any more"
    assert (picture.values_note, list(picture.values)) == ("", [])


def test_a_large_file_is_never_read(lab: Lab) -> None:
    big = " " * (300 << 10)
    lab.job("@1", {}, {"a.json": "1" + big})
    lab.job("@1", {}, {"a.json": "2" + big})
    (change,) = diff(lab, "@-2", "@-1").jobs[0].outputs
    assert change.values_note == "larger than 256 KiB"


# surroundings


def test_packages_and_programs_come_from_what_was_left_out(lab: Lab) -> None:
    site = "/v/lib/python3.12/site-packages"
    lab.job("@1", dropped={f"{site}/numpy-1.0.dist-info/METADATA": "package"}, programs=["/usr/bin/python3", "/bin/sh"])
    lab.job("@1", dropped={f"{site}/numpy-2.0.dist-info/METADATA": "package"})
    (job,) = diff(lab, "@-2", "@-1").jobs
    assert shown(list(job.packages)) == {"numpy": (b"1.0", b"2.0")}
    assert [(change.name, change.a, change.HasField("b")) for change in job.environment] == [
        ("program", b"/bin/sh", False)
    ]


def test_statements_do_not_grow_with_jobs(lab: Lab) -> None:
    for round_ in ("a", "b"):
        for number in range(1, 4):
            lab.job(f"@{number}", {f"f{number}": round_}, {f"f{number + 1}": round_})
        lab.reset()
    few_hashes = lab.session_hashes()
    for round_ in ("c", "d"):
        for number in range(1, 14):
            lab.job(f"@{number}", {f"f{number}": round_}, {f"f{number + 1}": round_})
        lab.reset()
    many_hashes = lab.session_hashes()
    with counted() as few:
        assert len(diff(lab, few_hashes[0], few_hashes[1]).jobs) == 3
    with counted() as many:
        assert len(diff(lab, many_hashes[2], many_hashes[3]).jobs) == 13
    assert len(few) == len(many) <= 45, "\n".join(many)
