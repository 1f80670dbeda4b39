"""`roar pop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roar_client.commands.options import Json, examples, new_app

if TYPE_CHECKING:
    from roar_proto.v1 import jobs_pb2

    from roar_client.project import Project

app = new_app()


@app.command(
    epilog=examples(
        "roar pop --dry-run",
        "roar pop -y",
        "roar pop --undo",
    )
)
def pop(
    *,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring the job back that was popped last.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the popped jobs that can be brought back.")] = False,
    json: Json = False,
) -> None:
    """Take the newest job back, with the files that it made.

    The newest job of the active session is removed, as if it had not been recorded. Its outputs go into the trash, but
    for those that git tracks, that have changed since, that were there before, that another job has made or read, or
    that lie outside of the project: these stay where they are. `roar pop --undo` brings job and files back, also
    several, the last one first; `roar db gc --trash` empties the trash.
    """
    from roar_client.errors import USAGE, ClientError
    from roar_client.output.text import can_ask
    from roar_client.project import here

    if undo and listing:
        hint = "see `roar pop --help`"
        raise ClientError("usage", "--undo and --list exclude each other", hint=hint, exit_code=USAGE)
    project = here()
    if listing:
        _list(project, json=json)
    elif undo:
        _undo(project, dry_run=dry_run, json=json)
    elif not (yes or dry_run or can_ask()):
        raise ClientError("usage", "there is nobody to ask", hint="say `roar pop -y`", exit_code=USAGE)
    else:
        _pop(project, ask=not yes and not dry_run, dry_run=dry_run, json=json)


def _pop(project: Project, *, ask: bool, dry_run: bool, json: bool) -> None:
    from roar_proto.v1 import jobs_pb2

    from roar_client.connection import connect, insist
    from roar_client.output.pop import answered, confirm_pop, pop_lines, popped_document, show_popped
    from roar_client.output.text import show

    with connect() as daemon:
        looking = jobs_pb2.PopJobRequest(project_root=project.root, dry_run=True)
        answer: jobs_pb2.PopJobResponse = daemon.call(daemon.jobs.PopJob, looking)
    if dry_run:
        answered("pop", popped_document(answer, dry_run=True), pop_lines(answer, done=False), json=json)
        return
    if ask:
        show(pop_lines(answer, done=False))
        if not confirm_pop():
            raise typer.Exit(1)
    # By its id: should the daemon die over it, the question can be asked again, and no other job is taken for it.
    wanted = jobs_pb2.PopJobRequest(project_root=project.root, job_uid=answer.job.uid)
    done = insist(lambda daemon: daemon.call(daemon.jobs.PopJob, wanted))
    lines = [] if ask else pop_lines(done, done=True)
    answered("pop", popped_document(done, dry_run=False), lines, json=json)
    show_popped(done, json=json)


def _undo(project: Project, *, dry_run: bool, json: bool) -> None:
    from roar_proto.v1 import jobs_pb2

    from roar_client.connection import connect, insist
    from roar_client.output.pop import answered, restored_document, restored_lines

    with connect() as daemon:
        looking = jobs_pb2.UndoPopRequest(project_root=project.root, dry_run=True)
        answer: jobs_pb2.UndoPopResponse = daemon.call(daemon.jobs.UndoPop, looking)
    if not dry_run:
        wanted = jobs_pb2.UndoPopRequest(project_root=project.root, job_uid=answer.job.uid)
        done = insist(lambda daemon: daemon.call(daemon.jobs.UndoPop, wanted))
        # Of a job that was back already when the question was asked again, the files are those of the first answer.
        files = done.files or answer.files
        answer = jobs_pb2.UndoPopResponse(job=done.job, files=files, session_hash=done.session_hash)
    document = restored_document(answer, dry_run=dry_run)
    answered("pop-undo", document, restored_lines(answer, done=not dry_run), json=json)


def _list(project: Project, *, json: bool) -> None:
    from roar_proto.v1 import jobs_pb2

    from roar_client.connection import connect
    from roar_client.output.pop import answered, list_document, list_lines
    from roar_client.output.text import note

    with connect() as daemon:
        request = jobs_pb2.ListPoppedRequest(project_root=project.root)
        answer: jobs_pb2.ListPoppedResponse = daemon.call(daemon.jobs.ListPopped, request)
    answered("pop-list", list_document(answer), list_lines(answer), json=json)
    if not answer.popped and not json:
        note("no job was popped, or the trash is empty")
