"""A real pipeline from end to end: the example, as somebody would record it, and what is then known about it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "digits"
STEPS = {"@1": ["preprocess.py"], "@2": ["train.py", "--c", "4"], "@3": ["evaluate.py"]}
DATA = {
    "@1": ({"config.json"}, {"data/train.npz", "data/test.npz"}),
    "@2": ({"data/train.npz"}, {"models/svc.joblib"}),
    "@3": ({"data/test.npz", "models/svc.joblib"}, {"reports/metrics.json", "reports/confusion.png"}),
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory, module_daemon: None) -> Path:
    """The example with its three steps recorded."""
    del module_daemon
    project = tmp_path_factory.mktemp("digits")
    ignored = shutil.ignore_patterns("data", "models", "reports", "__pycache__")
    shutil.copytree(EXAMPLE, project, ignore=ignored, dirs_exist_ok=True)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], cwd=project, check=True)
    subprocess.run(["roar", "init", "-y"], cwd=project, check=True, capture_output=True)
    subprocess.run([*git, "add", "-A"], cwd=project, check=True)
    subprocess.run([*git, "commit", "-qm", "start"], cwd=project, check=True)
    for words in STEPS.values():
        subprocess.run(["roar", "run", sys.executable, *words], cwd=project, check=True, capture_output=True)
    return project


def ask(project: Path, *words: str) -> Any:
    done = subprocess.run(["roar", *words, "--json"], cwd=project, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_its_real_inputs_and_outputs(digits: Path, step: str) -> None:
    job = ask(digits, "show", step)
    inputs, outputs = DATA[step]
    assert {file["path"] for file in job["inputs"]} == inputs
    assert {file["path"] for file in job["outputs"]} == outputs
    assert job["warnings"] == []
    assert job["exit_code"] == 0
    assert job["command"][1:] == STEPS[step]


@pytest.mark.parametrize("step", STEPS)
def test_hashes_are_those_of_the_files(digits: Path, step: str) -> None:
    job = ask(digits, "show", step)
    for file in job["inputs"] + job["outputs"]:
        content = (digits / file["path"]).read_bytes()
        assert (file["hash"], file["size"]) == (blake3(content).hexdigest(), len(content)), file["path"]


def test_the_commit_is_recorded_and_the_tree_is_clean(digits: Path) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=digits, capture_output=True, text=True, check=True)
    git = ask(digits, "show", "@2")["git"]
    assert (git["commit"], git["dirty"]) == (head.stdout.strip(), False)


def test_the_graph_has_three_steps_and_the_edges_between_them(digits: Path) -> None:
    dag = ask(digits, "dag")
    assert {step["step"]: step["parents"] for step in dag["steps"]} == {"@1": [], "@2": ["@1"], "@3": ["@1", "@2"]}
    assert [step["stale"] for step in dag["steps"]] == [False] * 3


def test_the_report_leads_back_to_the_configuration(digits: Path) -> None:
    lineage = ask(digits, "lineage", "reports/metrics.json")
    assert [job["step"] for job in lineage["jobs"]] == ["@3", "@2", "@1"]
