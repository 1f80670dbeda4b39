"""The filters of a project, with what they ask of the machine, of git and of the user."""

from __future__ import annotations

import os
import pwd
from typing import NamedTuple

from roard.context.git import GitUnreadable, Repository, open_repository
from roard.filters import Facts, Filters, Use, Verdict
from roard.ignore import IgnoreRules, read_rules
from roard.project import Project


class Judgement(NamedTuple):
    """What a file stands for, and the line of `.roarignore` that said so; empty: rules of ours."""

    verdict: Verdict
    decided_by: bytes = b""


class Judge:
    """Says what the files of one job stand for. Made for one job: it remembers what it saw."""

    def __init__(self, filters: Filters, ignore: IgnoreRules, *, git_problem: str, ignore_problem: str) -> None:
        self._filters = filters
        self._ignore = ignore
        self.git_problem = git_problem
        """Why git could not say what it tracks; empty when it could, or there is none."""
        self.ignore_problem = ignore_problem
        """What of `.roarignore` decided nothing, and why; empty when all of it did."""

    def __call__(self, path: bytes, use: Use) -> Judgement:
        """Returns the judgement on a file; absolute, resolved path."""
        rule = self._ignore.rule_of(path)
        if rule is None:
            return Judgement(self._filters.judge(path, use))
        verdict = self._filters.judge(path, use, wanted=rule.tracks)
        if rule.tracks or not verdict.is_recorded:
            return Judgement(verdict)
        return Judgement(Verdict.IGNORED, b"%s: %s" % (str(rule).encode(), rule.text))


def judge_for(project: Project) -> Judge:
    """Returns a judge with the project's settings as they are now. Raises ConfigError."""
    repository, git_problem = None, ""
    try:
        repository = open_repository(project.root)
        # Read now, not at the first file: a broken index must not surprise in the middle.
        _ = repository and repository.index
    except GitUnreadable as error:
        repository, git_problem = None, str(error)
    try:
        ignore = read_rules(project.root)
        ignore_problem = f"no pattern: {ignore.what_is_wrong()}" if ignore.mistakes else ""
    except OSError as error:
        ignore, ignore_problem = IgnoreRules(project.root, b""), error.strerror or str(error)
    filters = Filters(facts_of(project, repository))
    return Judge(filters, ignore, git_problem=git_problem, ignore_problem=ignore_problem)


def facts_of(project: Project, repository: Repository | None) -> Facts:
    """Returns what the rules must know. The daemon's home and TMPDIR stand for the job's: it is the same user."""
    home = os.environb.get(b"HOME") or os.fsencode(pwd.getpwuid(os.getuid()).pw_dir)
    return Facts(
        root=project.root,
        homes=_as_written_and_resolved(home),
        temporary=_as_written_and_resolved(os.environb.get(b"TMPDIR", b"")),
        settings=project.settings().filters,
        is_environment=_is_environment,
        is_tracked=repository.is_tracked if repository else None,
        is_ignored=repository.is_ignored if repository else _never,
    )


def _as_written_and_resolved(path: bytes) -> tuple[bytes, ...]:
    places = {path.rstrip(b"/"), os.path.realpath(path).rstrip(b"/")} if path.startswith(b"/") else set()
    return tuple(sorted(places - {b""}))


def _is_environment(directory: bytes) -> bool:
    return any(os.path.exists(os.path.join(directory, name)) for name in (b"pyvenv.cfg", b"conda-meta"))


def _never(_path: bytes) -> bool:
    return False
