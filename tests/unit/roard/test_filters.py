"""The rules about which files count, as a table: one line, one path."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roard.config import FilterSettings
from roard.filters import Facts, Filters, Use, Verdict, is_source

ENVIRONMENTS = {b"/home/ann/p/.venv", b"/opt/conda", b"/home/ann/p/envs/deep", b"/tmp/venv"}
TRACKED = {b"train.py", b"params.yaml", b"run", b"Makefile", b"src/model.cu", b"notes.ipynb", b"data/old.py"}
IGNORED = (b"/home/ann/p/data/", b"/home/ann/p/scratch/")

FACTS = Facts(
    root=b"/home/ann/p",
    homes=(b"/home/ann",),
    temporary=(b"/scratch/tmp",),
    settings=FilterSettings(),
    is_environment=lambda directory: directory in ENVIRONMENTS,
    is_tracked=lambda path: path.removeprefix(b"/home/ann/p/") in TRACKED,
    is_ignored=lambda path: path.startswith(IGNORED),
)


def verdict(path: str, use: Use = Use.READ, facts: Facts = FACTS) -> Verdict:
    """Returns what a fresh set of rules says; paths without a slash in front are inside the project."""
    return Filters(facts).judge(path.encode() if path.startswith("/") else b"/home/ann/p/" + path.encode(), use)


@pytest.mark.parametrize(
    ("path", "use", "expected"),
    [
        # roar's own files are nothing at all
        (".roar/roar.db", Use.WRITTEN, Verdict.NOTHING),
        (".roar/runs/x/trace", Use.READ, Verdict.NOTHING),
        # version control
        (".git/HEAD", Use.READ, Verdict.VCS),
        ("vendor/lib/.git/config", Use.READ, Verdict.VCS),
        ("sub/.git", Use.READ, Verdict.VCS),
        (".gitignore", Use.READ, Verdict.DATA),
        # tracked: source or executed is code, the rest data
        ("train.py", Use.READ, Verdict.CODE),
        ("train.py", Use.EXECUTED, Verdict.CODE),
        ("train.py", Use.WRITTEN, Verdict.CODE),
        ("run", Use.EXECUTED, Verdict.CODE),
        ("run", Use.READ, Verdict.DATA),
        ("Makefile", Use.READ, Verdict.CODE),
        ("src/model.cu", Use.READ, Verdict.CODE),
        ("notes.ipynb", Use.READ, Verdict.CODE),
        ("params.yaml", Use.READ, Verdict.DATA),
        ("data/old.py", Use.READ, Verdict.CODE),
        # not tracked: source that was read is code unless git ignores it
        ("new.py", Use.READ, Verdict.CODE),
        ("new.py", Use.EXECUTED, Verdict.CODE),
        ("generated.py", Use.WRITTEN, Verdict.DATA),
        ("scratch/try.py", Use.READ, Verdict.DATA),
        ("scratch/try.sh", Use.EXECUTED, Verdict.DATA),
        ("a.out", Use.EXECUTED, Verdict.DATA),
        ("table.csv", Use.READ, Verdict.DATA),
        ("data/table.csv", Use.READ, Verdict.DATA),
        ("__pycache__/train.cpython-311.pyc", Use.WRITTEN, Verdict.CODE),
        ("weights.pyc", Use.READ, Verdict.DATA),
        # packages inside the project
        (".venv/lib/python3.11/site-packages/numpy/core.py", Use.READ, Verdict.PACKAGE),
        (".venv/bin/python", Use.EXECUTED, Verdict.PACKAGE),
        ("envs/deep/bin/pytest", Use.EXECUTED, Verdict.PACKAGE),
        ("envs/other/x.csv", Use.READ, Verdict.DATA),
        ("web/node_modules/react/index.js", Use.READ, Verdict.PACKAGE),
        # names that only look like places outside
        ("usr/lib/x.csv", Use.READ, Verdict.DATA),
        ("tmp/x.csv", Use.READ, Verdict.DATA),
        (".cache/x.csv", Use.READ, Verdict.DATA),
    ],
)
def test_inside_the_project(path: str, use: Use, expected: Verdict) -> None:
    assert verdict(path, use) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # package
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", Verdict.PACKAGE),
        ("/usr/lib/python3.11/os.py", Verdict.PACKAGE),
        ("/usr/bin/python3.11", Verdict.PACKAGE),
        ("/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0", Verdict.PACKAGE),
        ("/opt/conda/bin/git", Verdict.PACKAGE),
        ("/opt/conda/lib/libmkl.so", Verdict.PACKAGE),
        ("/home/ann/.pyenv/versions/3.11.7/bin/python3.11", Verdict.PACKAGE),
        ("/home/ann/.local/lib/python3.10/site-packages/x.py", Verdict.PACKAGE),
        ("/home/ann/.local/bin/black", Verdict.PACKAGE),
        ("/home/ann/.cargo/registry/src/serde/lib.rs", Verdict.PACKAGE),
        ("/usr/local/cargo/bin/cargo", Verdict.PACKAGE),
        ("/usr/lib/R/library/stats/R/stats.rdb", Verdict.PACKAGE),
        ("/home/ann/R/x86_64-pc-linux-gnu-library/4.2/dplyr/R/dplyr.rdb", Verdict.PACKAGE),
        ("/home/ann/go/pkg/mod/golang.org/x/y.go", Verdict.PACKAGE),
        ("/srv/app/node_modules/x/index.js", Verdict.PACKAGE),
        ("/tmp/venv/lib/python3.11/site-packages/x.py", Verdict.PACKAGE),
        # system
        ("/usr/share/zoneinfo/UTC", Verdict.SYSTEM),
        ("/usr/bin/env", Verdict.SYSTEM),
        ("/usr/local/bin/tool", Verdict.SYSTEM),
        ("/usr/local/lib/libx.so", Verdict.SYSTEM),
        ("/lib/x86_64-linux-gnu/libc.so.6", Verdict.SYSTEM),
        ("/lib64/ld-linux-x86-64.so.2", Verdict.SYSTEM),
        ("/etc/passwd", Verdict.SYSTEM),
        ("/proc/cpuinfo", Verdict.SYSTEM),
        ("/sys/devices/system/cpu/online", Verdict.SYSTEM),
        ("/dev/urandom", Verdict.SYSTEM),
        ("/run/systemd/x", Verdict.SYSTEM),
        ("/var/lib/dpkg/status", Verdict.SYSTEM),
        ("/var/cache/fontconfig/x", Verdict.SYSTEM),
        ("/home/ann/.gitconfig", Verdict.SYSTEM),
        ("/home/ann/.bashrc", Verdict.SYSTEM),
        ("/home/ann/.condarc", Verdict.SYSTEM),
        ("/home/ann/.config/matplotlib/matplotlibrc", Verdict.SYSTEM),
        ("/.dockerenv", Verdict.SYSTEM),
        # cache
        ("/home/ann/.cache/pip/x", Verdict.CACHE),
        ("/home/ann/.cache/fontconfig/x", Verdict.CACHE),
        ("/home/ann/.nv/ComputeCache/x", Verdict.CACHE),
        ("/home/ann/.triton/cache/x", Verdict.CACHE),
        ("/home/bob/lib/__pycache__/m.cpython-311.pyc", Verdict.CACHE),
        ("/tmp/torchinductor_ann/x.so", Verdict.CACHE),
        # temporary
        ("/tmp/x.csv", Verdict.TEMPORARY),
        ("/var/tmp/x.csv", Verdict.TEMPORARY),
        ("/dev/shm/torch_123", Verdict.TEMPORARY),
        ("/scratch/tmp/x.csv", Verdict.TEMPORARY),
        # version control
        ("/home/ann/other/.git/HEAD", Verdict.VCS),
        # everything else is data
        ("/data/train.csv", Verdict.DATA),
        ("/opt/data/train.csv", Verdict.DATA),
        ("/mnt/nfs/train.csv", Verdict.DATA),
        ("/home/ann/datasets/train.csv", Verdict.DATA),
        ("/run/media/ann/disk/train.csv", Verdict.DATA),
        ("/home/ann/p2/train.csv", Verdict.DATA),
        ("/home/ann/other/tool.py", Verdict.DATA),
        ("/usr/local/share/corpus/a.txt", Verdict.DATA),
        ("/usr/local/data/a.txt", Verdict.DATA),
        ("/home/ann/.cache/huggingface/hub/model.safetensors", Verdict.DATA),
        ("/home/ann/.cache/torch/hub/checkpoints/resnet.pth", Verdict.DATA),
        ("/home/ann/scikit_learn_data/digits.pkz", Verdict.DATA),
        ("/home/ann/.keras/datasets/mnist.npz", Verdict.DATA),
        ("/scratch/train.csv", Verdict.DATA),
    ],
)
def test_outside_the_project(path: str, expected: Verdict) -> None:
    assert verdict(path) is expected


@pytest.mark.parametrize(
    ("switch", "path"),
    [
        ("ignore_package_reads", "/usr/lib/python3/dist-packages/yaml/__init__.py"),
        ("ignore_system_reads", "/etc/passwd"),
        ("ignore_cache", "/home/ann/.cache/pip/x"),
        ("ignore_torch_cache", "/tmp/torchinductor_ann/x.so"),
        ("ignore_tmp_files", "/tmp/x.csv"),
    ],
)
def test_a_rule_that_is_switched_off_leaves_data(switch: str, path: str) -> None:
    off = replace(FACTS, settings=replace(FilterSettings(), **{switch: False}))
    assert verdict(path, facts=off) is Verdict.DATA
    assert not verdict(path).is_recorded


def test_outside_git_nothing_but_compiled_python_is_code() -> None:
    outside_git = replace(FACTS, is_tracked=None)
    assert verdict("train.py", Use.EXECUTED, outside_git) is Verdict.DATA
    assert verdict("__pycache__/train.cpython-311.pyc", Use.READ, outside_git) is Verdict.CODE


@pytest.mark.parametrize("root", [b"/tmp/p", b"/opt/p", b"/usr/p", b"/home/ann/.cache/p", b"/tmp/venv/p"])
def test_no_rule_for_places_outside_hides_a_file_of_the_project(root: bytes) -> None:
    filters = Filters(replace(FACTS, root=root))
    assert filters.judge(root + b"/data/x.csv", Use.READ) is Verdict.DATA


@given(
    st.lists(st.sampled_from(["usr", "tmp", "etc", ".cache", "lib", "site-packages", "a"]), max_size=6),
    st.text("ab.", max_size=4),
)
def test_inside_the_project_only_packages_and_git_are_left_out(folders: list[str], name: str) -> None:
    found = verdict("/".join(["sub", *folders, f"x{name}"]))
    assert found.is_recorded


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_any_path_has_a_verdict(name: bytes) -> None:
    filters = Filters(FACTS)
    for place in (b"/", b"/home/ann/", b"/home/ann/p/", b"/usr/local/"):
        for use in Use:
            assert filters.judge(place + name, use) in Verdict


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"a.py", True),
        (b"a.PY", True),
        (b"a.R", True),
        (b"Makefile", True),
        (b"a.csv", False),
        (b".py", False),
        (b"py", False),
    ],
)
def test_source_is_told_by_its_name(name: bytes, expected: bool) -> None:  # noqa: FBT001
    assert is_source(name) is expected
