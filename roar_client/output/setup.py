"""What `init`, `reset` and `daemon` say."""

from __future__ import annotations

from collections.abc import Iterable

from roar_proto.v1 import daemon_pb2, sessions_pb2

from roar_client.errors import shown
from roar_client.output.human import SHORT_HASH, ago, local_time, plural, size
from roar_client.output.runs import run_lines
from roar_client.output.text import BLANK, Line, Span, ask, columns, decoded, line, note, say


def show_initialised(root: bytes, *, created: bool, above: bytes | None, is_home: bool) -> None:
    """Prints where the project is; above: the project that it lies in, if any; is_home: it is the home directory."""
    say(f"{'made' if created else 'there is already'} a roar project in {shown(root)}")
    if created and above is not None:
        note(f"note: it lies inside the project {shown(above)}; commands below it belong to the new one")
        note(f"hint: if that one was meant, remove `{shown(root)}/.roar` again")
    if created and is_home:
        note("note: this is your home directory; every command below it that has no project nearer belongs to this one")
        note(f"hint: for a project of its own, remove `{shown(root)}/.roar` again and run `roar init` in its directory")
    if created:
        note("hint: put `roar run` in front of a command to record it")


def confirm_reset(session: sessions_pb2.Session) -> bool:
    """Asks whether to close a session."""
    steps = plural(session.run_steps + session.build_steps, "step")
    return ask(
        f"close the session {session.hash[:SHORT_HASH]} ({steps}, {plural(session.jobs, 'job')}) and start a new one?"
    )


def show_reset(response: sessions_pb2.ResetSessionResponse) -> None:
    """Prints what was closed, and how to reach it."""
    if response.closed.number == response.opened.number:
        say("the session is empty already")
        return
    say(f"closed session {response.closed.hash[:SHORT_HASH]} ({plural(response.closed.jobs, 'job')})")
    closed = response.closed.hash[:SHORT_HASH]
    note(f"hint: `roar session use {closed}` goes back to it, `roar log --session {closed}` lists its jobs")


def show_started(hello: daemon_pb2.HelloResponse, *, already: bool) -> None:
    """Prints which daemon is there now."""
    say(f"roard {hello.version} {'is running already' if already else 'started'}, pid {hello.pid}")


def show_stopped(answer: daemon_pb2.StopDaemonResponse | None) -> None:
    """Prints what became of the daemon; None: there was none."""
    say("no daemon is running" if answer is None else "the daemon has ended")
    if answer is not None and answer.runs_in_flight:
        note(f"note: {plural(answer.runs_in_flight, 'run')} going on; the next daemon records what ends meanwhile")


def show_steps(steps: Iterable[str]) -> None:
    """Prints what is done, when it is done."""
    for step in steps:
        say(step)


def show_plan(unit: str, steps: Iterable[str]) -> None:
    """Prints a unit, and as talk what would be done with it."""
    say(unit.rstrip())
    for step in steps:
        note(step)


def daemon_lines(status: daemon_pb2.GetDaemonStatusResponse) -> list[Line]:
    """Returns how the daemon is and what it is busy with."""
    daemon = status.daemon
    facts = [
        ("since", f"{local_time(status.started_at_ns)} ({ago(status.started_at_ns)})"),
        ("memory", size(status.rss_bytes)),
        ("socket", decoded(status.socket_path)),
        ("log", decoded(status.log_path)),
    ]
    facts += [("project" if index == 0 else "", decoded(root)) for index, root in enumerate(status.projects)]
    title = line(Span("running", "good"), f"  roard {daemon.version}, pid {daemon.pid}")
    lines = [title, *columns([(Span(name, "dim"), Span(text)) for name, text in facts], indent="  ")]
    if status.runs:
        lines += [BLANK, line(Span(f"runs ({len(status.runs)})", "head"))]
        lines += run_lines(status.runs, with_project=True)
    return lines
