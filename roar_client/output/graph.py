"""The pipeline and lineages as graphs in text: parents above, lines down to what read their files."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from roar_proto.v1 import jobs_pb2, lineage_pb2, sessions_pb2

from lineage_graph.text import ASCII, UNICODE, draw
from roar_client.output.human import ago, command_line, short, size
from roar_client.output.jobs import STATE_SPANS, status_span
from roar_client.output.steps import session_line
from roar_client.output.text import BLANK, Line, Span, decoded, line, visible, wants_unicode


@dataclass(frozen=True)
class Block:
    """A node of a drawing: its lines, with the edges beside them."""

    node: str
    lines: Sequence[Line]


def dag_blocks(response: sessions_pb2.GetDagResponse) -> list[Block]:
    """Returns the graph of a session step by step."""
    drawn = {step.step for step in response.steps}
    edges = [(parent, step.step) for step in response.steps for parent in step.parents if parent in drawn]
    texts = {
        step.step: [_step_title(step), *_step_details(step, response.files, None, all_files=False)]
        for step in response.steps
    }
    return _blocks([step.step for step in response.steps], edges, texts)


def dag_lines(
    response: sessions_pb2.GetDagResponse,
    executions: Sequence[jobs_pb2.Job] | None,
    *,
    stale_only: bool,
    all_files: bool,
) -> list[Line]:
    """Returns the graph of a session. executions: every job, oldest first, to be listed with its step."""
    steps = [step for step in response.steps if step.stale or not stale_only]
    head = [session_line(response.session)]
    if not steps:
        if response.steps:
            return [*head, BLANK, line("nothing is stale")]
        return [*head, BLANK, line("no steps yet: put ", Span("roar run", "head"), " in front of a command")]
    drawn = {step.step for step in steps}
    edges = [(parent, step.step) for step in steps for parent in step.parents if parent in drawn]
    texts = {
        step.step: [_step_title(step), *_step_details(step, response.files, executions, all_files=all_files)]
        for step in steps
    }
    return [*head, BLANK, *_graph([step.step for step in steps], edges, texts), *_legend(steps)]


def _step_title(step: sessions_pb2.DagStep) -> Line:
    job = step.job
    parts: list[Span | str] = [Span(step.step, "step"), f" {visible(step.name)}  "]
    parts.append(Span(f"in {job.input_count:,} · out {job.output_count:,}", "dim"))
    if step.executions > 1:
        parts.append(Span(f" · ran {step.executions:,} times", "dim"))
    ended = status_span(job)
    if ended.text != "ok":
        parts += ["  ", ended]
    if step.stale:
        parts += ["  ", Span("stale", "warn")]
    return line(*parts)


def _step_details(
    step: sessions_pb2.DagStep,
    files: Iterable[sessions_pb2.DagFile],
    executions: Sequence[jobs_pb2.Job] | None,
    *,
    all_files: bool,
) -> list[Line]:
    roots = [file for file in files if step.step in file.consumers and not file.producer]
    made = [file for file in files if file.producer == step.step]
    details: list[Line] = []
    for sign, group in zip(_signs(), (roots, made), strict=True):
        if all_files:
            details += [line(Span(f"{sign} ", "dim"), *_file_spans(file)) for file in group]
        elif group:
            details.append(line(Span(f"{sign} ", "dim"), ", ".join(decoded(file.path) for file in group)))
    details += [line(Span("! ", "warn"), Span(visible(reason), "warn")) for reason in step.stale_reasons]
    if executions is not None:
        details += [_execution(job, latest=job.uid == step.job.uid) for job in executions if job.step == step.step]
    return details


def _signs() -> tuple[str, str]:
    return ("←", "→") if wants_unicode() else ("<-", "->")


def _file_spans(file: sessions_pb2.DagFile) -> list[Span]:
    spans = [Span(short(file.hash), "id"), Span(f" {size(file.size).rjust(10)}  ", "dim"), Span(decoded(file.path))]
    if file.state in {sessions_pb2.FILE_STATE_CHANGED, sessions_pb2.FILE_STATE_MISSING}:
        spans += [Span("  "), STATE_SPANS[file.state]]
    return spans


def _execution(job: jobs_pb2.Job, *, latest: bool) -> Line:
    mark = Span("") if latest else Span("  superseded", "dim")
    command = command_line(job.argv)
    return line(
        Span(job.uid, "id"), "  ", Span(ago(job.started_at_ns), "dim"), "  ", status_span(job), mark, f"  {command}"
    )


def _legend(steps: Sequence[sessions_pb2.DagStep]) -> list[Line]:
    if not any(step.stale for step in steps):
        return []
    return [BLANK, line(Span("stale: what it read is not what is there now, or a step before it is stale", "dim"))]


def lineage_lines(response: lineage_pb2.GetLineageResponse) -> list[Line]:
    """Returns the jobs that a file or job was made by, the first of them on top."""
    head: list[Line] = []
    if response.hash or response.path:
        name = decoded(response.path) or "content without a recorded name"
        spans = [
            Span(name, "head"),
            Span("  "),
            Span(short(response.hash), "id"),
            Span(f"  {size(response.size)}", "dim"),
        ]
        head = [tuple(spans), BLANK]
    if not response.jobs:
        return [*head, line("no recorded job made it: the lineage starts here")]
    jobs = sorted(response.jobs, key=lambda job: job.sequence)
    drawn = {job.uid for job in jobs}
    made_by = {(edge.consumer, edge.path): edge.producer for edge in response.edges}
    texts = {job.uid: [_job_title(job), *_job_details(job, made_by, drawn)] for job in jobs}
    edges = {(edge.producer, edge.consumer) for edge in response.edges if edge.producer in drawn}
    lines = [*head, *_graph([job.uid for job in jobs], edges, texts)]
    if response.truncated:
        lines += [BLANK, line(Span("there is more above: leave out --depth, or make it larger", "dim"))]
    return lines


def _job_title(job: jobs_pb2.Job) -> Line:
    parts = [Span(job.uid, "id"), Span("  "), Span(job.step, "step"), Span(f" {command_line(job.argv)}")]
    ended = status_span(job)
    if ended.text != "ok":
        parts += [Span("  "), ended]
    return (*parts, Span(f"  {ago(job.started_at_ns)}", "dim"))


def _job_details(job: jobs_pb2.Job, made_by: Mapping[tuple[str, bytes], str], drawn: Container[str]) -> list[Line]:
    """Returns the inputs that no job of the drawing made, and the outputs."""
    read, made = _signs()
    lines = []
    for file in job.inputs:
        producer = made_by.get((job.uid, file.path), "")
        if not producer:
            lines.append(_file_line(read, file))
        elif producer not in drawn:
            lines.append((*_file_line(read, file), Span("  made by ", "dim"), Span(producer, "id")))
    return lines + [_file_line(made, file) for file in job.outputs]


def _file_line(sign: str, file: jobs_pb2.JobFile) -> Line:
    return line(Span(f"{sign} ", "dim"), Span(short(file.hash), "id"), f"  {decoded(file.path)}")


def _graph(nodes: Sequence[str], edges: Iterable[tuple[str, str]], texts: Mapping[str, Sequence[Line]]) -> list[Line]:
    """Returns the drawing with the text of each node beside it."""
    return [spans for block in _blocks(nodes, edges, texts) for spans in block.lines]


def _blocks(nodes: Sequence[str], edges: Iterable[tuple[str, str]], texts: Mapping[str, Sequence[Line]]) -> list[Block]:
    drawn = draw(nodes, edges, UNICODE if wants_unicode() else ASCII)
    blocks = []
    for index, block in enumerate(drawn):
        first, *rest = texts[block.node]
        beside = rest or [BLANK]
        lines = [line(Span(f"{block.head} ", "graph"), *first), line(Span(f"{block.links} ", "graph"), *beside[0])]
        lines += [line(Span(f"{block.fill} ", "graph"), *text) for text in beside[1:]]
        if index == len(drawn) - 1 and not rest:
            lines.pop()
        blocks.append(Block(block.node, lines))
    return blocks
