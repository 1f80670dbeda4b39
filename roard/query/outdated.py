"""The steps that are out of date, in the order in which they are to be run again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from roar_proto.v1 import sessions_pb2 as pb
from roar_proto.v1 import types_pb2

from roard.errors import shown
from roard.project import Project
from roard.query.dag import get_dag
from roard.query.find import find_step

_ENDINGS = {types_pb2.JOB_STATUS_FAILED: "failed", types_pb2.JOB_STATUS_INTERRUPTED: "was interrupted"}


def outdated_steps(project: Project, goals: Iterable[str]) -> pb.ListOutdatedStepsResponse:
    """Returns what is out of date of the active session; with goals only those steps and what they are made from.

    Raises StepNotFound, BadReference.
    """
    with project.store.read() as session:
        wanted = [find_step(session, goal.encode("utf-8", "surrogateescape")).label for goal in goals]
    graph = get_dag(project, check_files=True)
    steps = {step.step: step for step in graph.steps}
    order = _in_order(steps)
    reasons = {label: _reasons(step) for label, step in steps.items()}
    _pass_on(steps, order, reasons)
    kept = _with_ancestors(steps, wanted) if wanted else set(steps)
    _add_makers_of_missing(graph.files, reasons, kept)
    return pb.ListOutdatedStepsResponse(
        steps=[
            pb.OutdatedStep(step=steps[label], reasons=reasons[label])
            for label in order
            if label in kept and reasons[label]
        ]
    )


def _reasons(step: pb.DagStep) -> list[str]:
    """Returns why a step by itself is out of date. One that never ended well has never been up to date."""
    ending = _ENDINGS.get(step.job.status, "") if step.has_succeeded else ""
    return [*([f"its newest job {ending}"] if ending else []), *step.stale_reasons]


def _pass_on(steps: Mapping[str, pb.DagStep], order: Iterable[str], reasons: Mapping[str, list[str]]) -> None:
    """Makes what reads from a step that did not end well out of date as well; staleness is passed on already."""
    for label in order:
        above = (parent for parent in steps[label].parents if reasons[parent] and not steps[parent].stale)
        reasons[label].extend(f"{parent} is out of date" for parent in above)


def _add_makers_of_missing(
    files: Sequence[pb.DagFile], reasons: Mapping[str, list[str]], kept: Collection[str]
) -> None:
    """Adds the reason for which a step is run again although it is up to date: what it made is needed and gone."""
    gone = [file for file in files if file.producer and file.state == pb.FILE_STATE_MISSING]
    again = True
    while again:
        again = False
        for file in gone:
            reader = next((label for label in file.consumers if reasons[label] and label in kept), None)
            if reader is not None and reader != file.producer and not reasons[file.producer]:
                reasons[file.producer].append(f"`{shown(file.path)}`, which {reader} reads, is missing")
                again = True


def _with_ancestors(steps: Mapping[str, pb.DagStep], goals: Iterable[str]) -> set[str]:
    found: set[str] = set()
    todo = list(goals)
    while todo:
        label = todo.pop()
        if label not in found:
            found.add(label)
            todo.extend(steps[label].parents)
    return found


def _in_order(steps: Mapping[str, pb.DagStep]) -> list[str]:
    """Returns the steps so that each comes after its parents, else build steps first and by number."""
    ordered: dict[str, None] = {}

    def place(label: str) -> None:
        stack = [label]
        while stack:
            waiting = [parent for parent in steps[stack[-1]].parents if parent not in ordered]
            if waiting:
                stack.append(waiting[0])
            else:
                ordered[stack.pop()] = None

    for label in steps:
        if label not in ordered:
            place(label)
    return list(ordered)
