"""Whether a project's database is sound."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial

from roar_proto.v1 import database_pb2 as pb

from roard.db.checks import RULES, dangling_references, violations, wrong_session_hashes
from roard.db.reading import damage, reader
from roard.errors import shown
from roard.projects import Projects, check_project
from roard.trace.rundir import list_quarantined, runs_dir_of
from roard.upkeep.info import problem_of
from roard.upkeep.places import Places

MOST_LISTED = 20
_RESTORE = (
    "`roar db restore` goes back to the newest backup; without one, `sqlite3 .roar/roar.db .recover` saves what is left"
)
_REPORT = "please report it with this output; `roar db backup` keeps the database as it is"
_CACHE = "stop the daemon and remove `.roar/cache.db`: it is made anew"
_QUARANTINED = "keep them for a bug report; `roar db gc --quarantined` removes them"

_Look = Callable[[sqlite3.Connection, int], list[str]]


def check_database(projects: Projects, root: bytes) -> pb.CheckDatabaseResponse:
    """Returns every check with what it found; of a database that cannot be opened, those that can be made."""
    check_project(root)
    places = Places(root)
    return pb.CheckDatabaseResponse(
        path=places.database, checks=[_opens(projects, root), *_content(places), _cache(places), _runs(root)]
    )


def _opens(projects: Projects, root: bytes) -> pb.DatabaseCheck:
    problem = problem_of(projects, root)
    about = "this roard can open it"
    if problem is None:
        return pb.DatabaseCheck(name="opens", about=about)
    said = f"{problem.reason}: {problem.fact}" + (f" ({problem.cause})" if problem.cause else "")
    return pb.DatabaseCheck(name="opens", about=about, problems=[said], hint=problem.hint)


def _content(places: Places) -> Iterator[pb.DatabaseCheck]:
    """Yields what the database file shows. What is said of a damaged one after the first check is of little worth."""
    try:
        connection = reader(places.database)
    except sqlite3.Error as error:
        yield _check("integrity", "SQLite finds the file whole", [str(error)], _RESTORE)
        return
    with contextlib.closing(connection):
        whole = _made("integrity", "SQLite finds the file whole", connection, damage, _RESTORE)
        yield whole
        if whole.problems:
            return
        yield _made("references", "every row that is named is there", connection, dangling_references, _REPORT)
        for rule in RULES:
            yield _made(rule.name, rule.about, connection, partial(violations, rule), _REPORT)
        about = "every session has the hash of what it holds"
        yield _made("session-hashes", about, connection, wrong_session_hashes, _REPORT)


def _cache(places: Places) -> pb.DatabaseCheck:
    name, about = "hash-cache", "SQLite finds the hash cache whole"
    if not os.path.exists(places.cache):
        return pb.DatabaseCheck(name=name, about=about)
    try:
        with contextlib.closing(reader(places.cache)) as connection:
            return _made(name, about, connection, damage, _CACHE)
    except sqlite3.Error as error:
        return _check(name, about, [str(error)], _CACHE)


def _runs(root: bytes) -> pb.DatabaseCheck:
    aside = [f"`{shown(path)}` is damaged and not recorded" for path in list_quarantined(runs_dir_of(root))]
    return _check("runs", "no run had to be put aside", aside, _QUARANTINED)


def _made(name: str, about: str, connection: sqlite3.Connection, look: _Look, hint: str) -> pb.DatabaseCheck:
    """Returns a check that looks into the database; what it cannot read is a problem too."""
    try:
        found = look(connection, MOST_LISTED + 1)
    except sqlite3.Error as error:
        found = [f"it cannot be read: {error}"]
    return _check(name, about, found, hint)


def _check(name: str, about: str, found: list[str], hint: str) -> pb.DatabaseCheck:
    return pb.DatabaseCheck(
        name=name,
        about=about,
        problems=found[:MOST_LISTED],
        more=len(found) > MOST_LISTED,
        hint=hint if found else "",
    )
