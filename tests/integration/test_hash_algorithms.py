"""`roar run --hash`: further hashes of every content, recorded, shown and found."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from launcher_kit import answer, newest_job, run

COPY = ("sh", "-c", "cat in.bin > out.bin; echo end >> out.bin")
NAMES = ("sha256", "sha512", "md5")


def digests_of(path: Path) -> dict[str, str]:
    return {name: hashlib.new(name, path.read_bytes()).hexdigest() for name in NAMES}


def recorded(project: Path, *options: str) -> dict[str, Any]:
    """Runs the copy, and returns what is recorded of its files by other algorithms."""
    assert run("roar", "run", *options, "--", *COPY, cwd=project).returncode == 0
    job = newest_job(project)
    return {file["path"]: file.get("digests") for file in (*job["inputs"], *job["outputs"])}


def test_inputs_and_outputs_have_the_hashes_that_hashlib_makes(project: Path) -> None:
    (project / "in.bin").write_bytes(b"content" * 400_000)
    options = [word for name in NAMES for word in ("--hash", name)]
    told = recorded(project, *options)
    assert told == {name: digests_of(project / name) for name in ("in.bin", "out.bin")}


def test_what_a_run_asks_for_later_is_made_of_known_contents(project: Path) -> None:
    (project / "in.bin").write_bytes(b"content")
    assert recorded(project) == {"in.bin": None, "out.bin": None}
    told = recorded(project, "--hash", "md5", "--hash", "blake3")
    assert told["in.bin"] == {"md5": hashlib.md5(b"content").hexdigest()}
    # A content keeps what it was once called.
    told = recorded(project, "--hash", "sha256")
    assert told["in.bin"] == {name: digests_of(project / "in.bin")[name] for name in ("sha256", "md5")}


def test_the_settings_ask_for_all_runs(project: Path) -> None:
    (project / "in.bin").write_bytes(b"content")
    text = (project / ".roar" / "config.toml").read_text()
    (project / ".roar" / "config.toml").write_text(text.replace("# algorithms = []", 'algorithms = ["blake3", "md5"]'))
    assert set(recorded(project, "--hash", "sha256")["in.bin"]) == {"md5", "sha256"}


def test_a_content_is_found_and_shown_by_every_hash(project: Path) -> None:
    (project / "in.bin").write_bytes(b"content")
    recorded(project, "--hash", "sha512", "--hash", "md5")
    digests = digests_of(project / "in.bin")
    for word in (digests["md5"], digests["md5"][:8], digests["sha512"], digests["sha512"][:70]):
        artifact = answer(project, "show", word)
        assert artifact["type"] == "artifact"
        assert artifact["digests"] == {name: digests[name] for name in ("md5", "sha512")}
    made = digests_of(project / "out.bin")["md5"]
    assert [job["step"] for job in answer(project, "lineage", made)["jobs"]] == ["@1"]
    shown = run("roar", "show", "@1", cwd=project).stdout.decode()
    assert f"    md5     {digests['md5']}\n    sha512  {digests['sha512']}\n" in shown
    assert f"  md5         {digests['md5']}\n" in run("roar", "show", "in.bin", cwd=project).stdout.decode()


def test_an_unknown_algorithm_is_wrong_usage(project: Path) -> None:
    done = run("roar", "build", "--hash", "crc32", "touch", "made", cwd=project)
    assert done.returncode == 2
    assert b"no hash algorithm `crc32`, choose one of: blake3, sha256, sha512, md5" in done.stderr
    assert not (project / "made").exists()
