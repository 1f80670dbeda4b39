"""The graph of a session."""

from __future__ import annotations

from collections.abc import Mapping

from roar_proto.v1 import sessions_pb2 as pb

from roard.project import Project
from roard.query.disk import look, state_of
from roard.query.find import find_session
from roard.query.graph import DiskFile
from roard.query.session_graph import Output, SessionGraph, load_graph


def get_dag(project: Project, *, check_files: bool, ref: str = "") -> pb.GetDagResponse:
    """Returns steps, files and edges of a session, compared with what is on disk now if asked for.

    ref: its hash or the beginning of it; empty: the active one. Raises SessionNotFound, AmbiguousReference.
    """
    wanted = ref.encode("utf-8", "surrogateescape")
    graph = project.store.recall(("dag", wanted), lambda session: load_graph(session, find_session(session, wanted)))
    disk = look(project, graph.sizes) if check_files else {}
    return pb.GetDagResponse(session=graph.session, steps=graph.dag_steps(disk), files=_files(graph, disk))


def _files(graph: SessionGraph, disk: Mapping[bytes, DiskFile]) -> list[pb.DagFile]:
    """Returns the data files of the latest jobs by path, with their newest recorded content.

    A step that updates a file in place is both its producer and one of its consumers.
    """
    newest: dict[bytes, Output] = {}
    for output in sorted(graph.outputs, key=lambda output: output.job):
        newest[output.path] = output
    labels = {step.id: step.label for step in graph.steps}
    files = {
        path: pb.DagFile(path=path, hash=output.digest, size=output.size, producer=labels[output.step])
        for path, output in newest.items()
    }
    for step in sorted(graph.steps, key=lambda step: -step.job):
        for read in step.reads:
            if not read.code and read.path not in files:
                files[read.path] = pb.DagFile(path=read.path, hash=read.digest, size=read.size)
    for step in graph.steps:
        for read in step.reads:
            if read.path in files:
                files[read.path].consumers.append(step.label)
    for path, file in files.items():
        if path in disk:
            file.state = state_of(file.hash, disk[path])
    return [files[path] for path in sorted(files)]
