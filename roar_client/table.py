"""The commands: name, module, group in the help, one line. A module is imported only when its command is called."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command of `roar`."""

    name: str
    about: str
    """One line for the overview; the first line of the command's own help is the same (a test compares them)."""
    native: bool = False
    """Done by the launcher, not by this package; `roar NAME -h` is its help."""

    @property
    def module(self) -> str:
        return f"roar_client.commands.{self.name}"


NATIVE_USAGE = (
    "[-q] [-n NAME] [--tracer T] [--[no-]tracer-fallback] [--[no-]cached] [--hash A] "
    "[--] COMMAND [ARG...] | @N [ARG...]"
)


@dataclass(frozen=True)
class Group:
    """Commands that serve the same purpose."""

    title: str
    commands: tuple[Command, ...]


GROUPS = (
    Group(
        "Start here",
        (
            Command("init", "Make a project of this directory"),
            Command("run", "Run a command and record it as a step", native=True),
            Command("build", "Run a command and record it as a build step", native=True),
            Command("dag", "Show the pipeline as a graph"),
            Command("rerun", "Run again what is out of date, in order, and nothing else"),
        ),
    ),
    Group(
        "Look",
        (
            Command("status", "Show what is up to date and what is not"),
            Command("log", "List the newest jobs"),
            Command("show", "Show everything about a job, a session or a file"),
            Command("lineage", "Show everything that a file was made from"),
            Command("inputs", "List the data that something was made from"),
            Command("search", "Find jobs by their commands and files by their paths"),
            Command("diff", "Show what two jobs, files or sessions differ in"),
            Command("top", "List the largest or most used files"),
        ),
    ),
    Group(
        "Live",
        (
            Command("ps", "List what runs now"),
            Command("watch", "Follow a run until it is recorded"),
            Command("tui", "Browse the project on the whole terminal"),
        ),
    ),
    Group(
        "Change",
        (
            Command("pop", "Take the newest job back, with the files that it made"),
            Command("label", "Put keys and values on sessions, jobs and files"),
        ),
    ),
    Group(
        "Setup",
        (
            Command("reset", "Start a new session and keep the old one"),
            Command("session", "List old sessions, show them, go back to one"),
            Command("config", "Look at the settings of this project and change them"),
            Command("env", "Look after the variables that every run and build gets"),
            Command("ignore", "Leave files out of later records"),
            Command("track", "Count files that would be left out"),
            Command("db", "Look after this project's database"),
            Command("gc", "Remove kept outputs that are of no use any more"),
            Command("tracer", "Look after the backends that watch commands"),
            Command("daemon", "Look after the daemon"),
            Command("completion", "Print what makes a shell complete the words of roar"),
            Command("doctor", "Check this installation with real programs"),
        ),
    ),
)
COMMANDS = {command.name: command for group in GROUPS for command in group.commands}
