"""`roar run --cached`: real commands, whose outputs come back when nothing that they depend on has changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from launcher_kit import answer, jobs, newest_job, run, written

TRAIN = """
import lib
with open("raw.csv") as raw, open("model", "w") as model:
    model.write(raw.read() * lib.TIMES)
print("ran")
"""


@pytest.fixture
def daemon(module_daemon: Path) -> Path:
    """One daemon serves the tests of this file."""
    return module_daemon


@pytest.fixture
def training(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a script that was run once with --cached: raw.csv, lib.py → model."""
    # The first run is not to leave compiled Python behind, which the next would read in place of lib.py.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (project / "train.py").write_text(TRAIN)
    (project / "lib.py").write_text("TIMES = 2")
    (project / "raw.csv").write_text("1")
    assert cached(project) == ("ran", "no earlier run of this command with `--cached`")
    return project


def try_cached(project: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    options.setdefault("stdin", subprocess.DEVNULL)
    return run("roar", "run", "--cached", *words, cwd=project, **options)


def cached(project: Path, *words: str, **options: Any) -> tuple[str, str]:
    """Returns what the command printed, and why it was run; or nothing, and what was restored."""
    done = try_cached(project, *(words or ("python", "train.py")), **options)
    assert done.returncode == 0, done.stderr
    line = done.stderr.decode().splitlines()[0]
    if line.startswith("not cached: "):
        return done.stdout.decode().strip(), line.removeprefix("not cached: ")
    return done.stdout.decode().strip(), line.partition(", ")[2].partition(" · ")[0]


def configure(project: Path, default: str, wanted: str) -> None:
    """Gives a setting another value than its default."""
    config = project / ".roar" / "config.toml"
    text = config.read_text()
    assert f"# {default}\n" in text
    config.write_text(text.replace(f"# {default}\n", f"{wanted}\n"))


def test_outputs_are_restored_and_a_job_that_says_so_is_recorded(training: Path) -> None:
    first = newest_job(training)
    (training / "model").chmod(0o640)
    (training / "model").unlink()
    done = try_cached(training, "python", "train.py")
    second = newest_job(training)
    line = f"@1 train.py · cached: as job {first['id']}, restored 1 file (2 B) · job {second['id']}\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (0, b"", line)
    assert (training / "model").read_text() == "11"
    assert (second["cached_from"], first["cached_from"]) == (first["id"], None)
    same = ("step", "command", "cwd", "inputs", "outputs", "code", "session", "status", "exit_code", "tracer")
    assert {name: second[name] for name in same} == {name: first[name] for name in same}
    assert (second["duration_s"], second["complete"], second["processes"]) == (0, True, [])
    assert second["git"]["commit"] == first["git"]["commit"]


def test_what_is_in_place_is_left_alone(training: Path) -> None:
    before = (training / "model").stat()
    assert cached(training) == ("", "all files in place")
    assert (training / "model").stat() == before


def test_the_permissions_of_an_output_come_back(project: Path) -> None:
    words = ("sh", "-c", "cat data.in > tool && chmod 751 tool")
    (project / "data.in").write_text("x")
    cached(project, *words)
    (project / "tool").unlink()
    assert cached(project, *words) == ("", "restored 1 file (1 B)")
    assert (project / "tool").stat().st_mode & 0o7777 == 0o751


def test_a_directory_that_is_gone_is_made_again_and_other_content_is_replaced(project: Path) -> None:
    words = ("sh", "-c", "mkdir -p out/deep; echo 1 > out/deep/a; echo 2 > b")
    cached(project, *words)
    subprocess.run(["rm", "-r", "out"], cwd=project, check=True)
    (project / "b").write_text("edited by hand")
    assert cached(project, *words) == ("", "restored 2 files (4 B)")
    assert ((project / "out/deep/a").read_text(), (project / "b").read_text()) == ("1\n", "2\n")
    assert not list((project / ".roar/objects/new").iterdir())


@pytest.mark.parametrize("name", ["raw.csv", "lib.py", "train.py"])
def test_a_changed_input_runs_the_command_and_the_old_one_restores_what_it_made(training: Path, name: str) -> None:
    old = (training / name).read_text()
    (training / name).write_text(old + "\n# 3")
    assert cached(training) == ("ran", f"inputs changed: {name}")
    (training / name).write_text(old)
    assert cached(training)[0] == ""
    assert (training / "model").read_text() == "11"


def test_a_missing_input_is_the_commands_business(training: Path) -> None:
    (training / "raw.csv").unlink()
    done = try_cached(training, "python", "train.py")
    assert done.returncode == 1
    assert done.stderr.startswith(b"not cached: inputs changed: raw.csv\n")


def test_the_environment_counts_but_not_that_of_the_terminal(training: Path) -> None:
    assert cached(training, env={**os.environ, "SEED": "1"}) == ("ran", "environment variable SEED differs")
    noise = {"TERM": "dumb", "COLUMNS": "7", "SSH_TTY": "/dev/pts/9", "OLDPWD": "/", "SHLVL": "9", "ROAR_X": "1"}
    assert cached(training, env={**os.environ, **noise})[0] == ""
    without = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    assert cached(training, env=without) == ("ran", "environment variable PYTHONDONTWRITEBYTECODE differs")


def test_no_value_of_the_environment_is_kept_anywhere(training: Path, daemon: Path) -> None:
    secret = "hunter2-and-more"
    cached(training, env={**os.environ, "API_KEY": secret})
    places = [training / ".roar", daemon.parent]
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    assert any(file.name == "roar.db" for file in files)
    assert [file for file in files if secret.encode() in file.read_bytes()] == []


def test_a_changed_package_runs_the_command(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    package = project / "env" / "lib" / "python3" / "site-packages" / "dep.py"
    package.parent.mkdir(parents=True)
    (project / "env" / "pyvenv.cfg").touch()
    package.write_text("X = 1")
    (project / "use.py").write_text("import dep\nopen('out', 'w').write(str(dep.X))")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    cached(project, "python", "use.py")
    assert cached(project, "python", "use.py") == ("", "all files in place")
    package.write_text("X = 22")
    assert cached(project, "python", "use.py") == ("", f"programs or packages changed: {package}")
    assert (project / "out").read_text() == "22"


def test_source_counts_where_python_read_only_what_it_had_compiled(project: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    (project / "train.py").write_text(TRAIN)
    (project / "lib.py").write_text("TIMES = 2")
    (project / "raw.csv").write_text("1")
    subprocess.run(["python", "-c", "import lib"], cwd=project, check=True)
    cached(project)
    assert [file["path"] for file in newest_job(project)["code"] if "lib" in file["path"]] != ["lib.py"]
    assert cached(project)[0] == ""
    (project / "lib.py").write_text("TIMES = 33")
    assert cached(project) == ("ran", "programs or packages changed: " + str(project / "lib.py"))
    assert (project / "model").read_text() == "1" * 33


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("cat old; echo made", "it wrote no file"),
        ("sed -i s/o/a/ old", "it changed `old` in place"),
        ("echo more >> old", "it added to `old`"),
        ("cat old > new; mv new old", "it changed `old` in place"),
        ("mv old new", "it changed or moved `old`, which it read"),
        ("git config a.b c; echo > new", "it wrote `{root}/.git/config`, which is not among its outputs"),
    ],
)
def test_what_cannot_be_repeated_from_its_outputs_is_always_run(project: Path, script: str, why: str) -> None:
    (project / "old").write_text("old")
    for _ in range(2):
        done = try_cached(project, "sh", "-c", script)
    uid = jobs(project)[1]["id"]
    reason = f"not cached: job {uid} can stand for no other: {why.format(root=project)}"
    assert done.stderr.decode().splitlines()[0] == reason


def test_a_job_that_wrote_outside_the_project_is_always_run(project: Path, tmp_path: Path) -> None:
    configure(project, "ignore_tmp_files = true", "ignore_tmp_files = false")
    words = ("sh", "-c", f"echo 1 > {tmp_path}/out; echo 2 > inside")
    cached(project, *words)
    assert f"it wrote `{tmp_path}/out` outside the project" in cached(project, *words)[1]


def test_a_failed_job_stands_for_nothing(project: Path) -> None:
    for _ in range(2):
        done = try_cached(project, "sh", "-c", "echo 1 > out; exit 3")
        assert done.returncode == 3
        assert done.stderr.startswith(b"not cached: no earlier run of this command with `--cached`\n")


def test_what_flows_in_or_into_an_output_keeps_a_command_from_being_spared(training: Path) -> None:
    stdin = subprocess.PIPE
    assert "standard input" in cached(training, input=b"x", stdin=None)[1]
    with (training / "out").open("w") as out:
        done = run("roar", "run", "--cached", "python", "train.py", cwd=training, stdin=subprocess.DEVNULL,
                   capture_output=False, stdout=out, stderr=stdin)  # fmt: skip
    assert done.stderr.startswith(b"not cached: it may print into out, and what it prints is not kept\n")
    assert (training / "out").read_text() == "ran\n"
    # A log that is no output is as good as a terminal.
    with (training / ".roar" / "log").open("w") as log:
        done = run("roar", "run", "--cached", "python", "train.py", cwd=training, stdin=subprocess.DEVNULL,
                   capture_output=False, stdout=log, stderr=stdin)  # fmt: skip
    assert b" cached: as job " in done.stderr


def test_what_is_in_the_way_of_an_output_is_left_to_the_command(training: Path) -> None:
    (training / "model").unlink()
    (training / "model").mkdir()
    done = try_cached(training, "python", "train.py")
    assert done.returncode == 1
    assert done.stderr.startswith(b"not cached: model is no regular file now\n")


def test_a_damaged_object_is_found_out_and_kept_anew(training: Path) -> None:
    (kept,) = (training / ".roar" / "objects").glob("??/*")
    kept.chmod(0o600)
    kept.write_text("xx")
    (training / "model").unlink()
    assert cached(training) == ("ran", "output model is damaged in the store")
    (training / "model").unlink()
    assert cached(training) == ("", "restored 1 file (2 B)")
    subprocess.run(["rm", "-r", ".roar/objects"], cwd=training, check=True)
    (training / "model").unlink()
    assert cached(training)[0] == "ran"


def test_steps_builds_and_settings(training: Path) -> None:
    assert run("roar", "run", "python", "train.py", cwd=training, stdin=subprocess.DEVNULL).stdout == b"ran\n"
    done = try_cached(training, "@1")
    assert (done.stdout, done.stderr.decode().splitlines()[0]) == (b"", "@1: python train.py")
    configure(training, "enabled = false", "enabled = true")
    run_here = {"cwd": training, "stdin": subprocess.DEVNULL}
    assert run("roar", "run", "python", "train.py", **run_here).stdout == b""
    assert run("roar", "run", "--no-cached", "python", "train.py", **run_here).stdout == b"ran\n"
    for words, printed in (((), b"ran\n"), (("--cached",), b"ran\n"), ((), b"ran\n"), (("--cached",), b"")):
        assert run("roar", "build", *words, "python", "train.py", **run_here).stdout == printed
    assert newest_job(training)["step"] == "@B1"


def test_nothing_is_kept_beyond_the_limit(project: Path) -> None:
    configure(project, 'max_size = "10 GiB"', 'max_size = "1000 B"')
    for size in (600, 600, 1001):
        words = ("sh", "-c", f"head -c {size} /dev/urandom > out{size}; : {len(jobs(project))}")
        cached(project, *words)
    kept = [file.stat().st_size for file in (project / ".roar" / "objects").glob("??/*")]
    assert kept == [600]
    assert "larger than `cache.max_size`" in cached(project, *words)[1]


def test_no_daemon_is_needed_to_be_there(training: Path) -> None:
    assert run("roar", "daemon", "stop", cwd=training).returncode == 0
    assert cached(training)[0] == ""
    assert run("roar", "daemon", "stop", cwd=training).returncode == 0
    assert cached(training, env={**os.environ, "ROAR_DAEMON": "off"})[0] == ""
    assert answer(training, "log")["total"] == 3


def test_a_job_of_an_older_session_stands_for_a_new_one(training: Path) -> None:
    assert run("roar", "reset", "-y", cwd=training).returncode == 0
    assert cached(training) == ("", "all files in place")
    assert (newest_job(training)["step"], written(newest_job(training))) == ("@1", ["model"])


def test_a_file_that_the_caller_printed_into_is_no_output_of_the_next_run(project: Path) -> None:
    (project / "n.txt").write_text("2\n1\n")
    with (project / "sorted.txt").open("wb") as sink:
        done = subprocess.run(
            ["roar", "run", "--cached", "sort", "n.txt"], cwd=project, stdin=subprocess.DEVNULL, stdout=sink,
            stderr=subprocess.PIPE, check=True,
        )  # fmt: skip
    assert b"not cached: it may print into sorted.txt" in done.stderr
    (project / "sorted.txt").write_text("my notes")
    assert cached(project, "sort", "n.txt") == ("1\n2", "no earlier run of this command with `--cached`")
    assert (project / "sorted.txt").read_text() == "my notes"


@pytest.mark.parametrize(
    ("script", "made"),
    [
        ("mkdir -p ck; echo 1 > ck/a; ln -sfn a ck/latest", "link `ck/latest`"),
        ("echo 1 > a; ln -sfn a latest", "link `latest`"),
        ("mkdir -p ck/empty; echo 1 > ck/a", "empty directory `ck/empty`"),
    ],
)
def test_what_is_no_file_cannot_be_put_back(project: Path, script: str, made: str) -> None:
    cached(project, "sh", "-c", script)
    said = cached(project, "sh", "-c", script)[1]
    assert said.endswith(f"can stand for no other: it made the {made}"), said


def test_links_and_directories_of_before_do_not_matter_and_new_ones_are_as_open_as_those_above(project: Path) -> None:
    (project / "old").symlink_to("raw")
    (project / "nothing").mkdir()
    project.chmod(0o750)
    cached(project, "sh", "-c", "mkdir -p a/b; echo 1 > a/b/c")
    subprocess.run(["rm", "-r", "a"], cwd=project, check=True)
    assert cached(project, "sh", "-c", "mkdir -p a/b; echo 1 > a/b/c") == ("", "restored 1 file (2 B)")
    assert {(project / name).stat().st_mode & 0o777 for name in ("a", "a/b")} == {0o750}


def test_a_variable_of_the_project_is_part_of_the_environment(training: Path) -> None:
    assert run("roar", "env", "set", "SEED", "7", cwd=training).returncode == 0
    assert cached(training) == ("ran", "environment variable SEED differs")
    assert cached(training) == ("", "all files in place")


def test_hashes_that_nobody_made_are_made_by_a_run(training: Path) -> None:
    first = newest_job(training)["id"]
    words = ("--hash", "sha256", "python", "train.py")
    reason = f"job {first} was recorded without the hashes that are asked for now"
    assert cached(training, *words) == ("ran", reason)
    assert cached(training, *words) == ("", "all files in place")
    [model] = newest_job(training)["outputs"]
    assert set(model["digests"]) == {"sha256"}
