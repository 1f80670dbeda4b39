"""What must hold in a lineage database beyond what SQLite looks after: one statement a rule."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import groupby

from roard.db.sessions import session_hash


@dataclass(frozen=True)
class Rule:
    """Something that must hold, and the statement that finds where it does not."""

    name: str
    about: str
    statement: str
    """Selects one text a violation."""


RULES = (
    Rule(
        "active-session",
        "exactly one session is active",
        "SELECT n || ' sessions are active' FROM (SELECT count(*) AS n FROM sessions WHERE active) WHERE n != 1",
    ),
    Rule(
        "steps",
        "every step belongs to a session and has a job",
        """
        SELECT 'step ' || id || ' has no session' FROM steps WHERE session_id NOT IN (SELECT id FROM sessions)
        UNION ALL
        SELECT 'step ' || id || ' has no job' FROM steps
          WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.step_id = steps.id)
        """,
    ),
    Rule(
        "jobs",
        "every job belongs to a step and keeps the hash of what it was recorded from",
        """
        SELECT 'job ' || uid || ' has no step' FROM jobs WHERE step_id NOT IN (SELECT id FROM steps)
        UNION ALL
        SELECT 'job ' || uid || ' has no payload hash' FROM jobs WHERE length(payload_hash) != 32
        UNION ALL
        SELECT 'job ' || uid || ' has no content hash' FROM jobs WHERE length(content_hash) != 32
        """,
    ),
    Rule(
        "popped",
        "no job is recorded and popped at once",
        """
        SELECT 'job ' || uid || ' is popped, and recorded too' FROM popped
          WHERE EXISTS (SELECT 1 FROM jobs
                        WHERE jobs.id = job_id OR jobs.uid = popped.uid OR jobs.run_id = popped.run_id)
        """,
    ),
    Rule(
        "artifacts",
        "every artifact has a digest of 32 bytes",
        "SELECT 'artifact ' || id || ' has ' || length(hash) || ' bytes' FROM artifacts WHERE length(hash) != 32",
    ),
    Rule(
        "digests",
        "every digest by another algorithm is as long as its algorithm makes it, and names one content",
        """
        SELECT 'artifact ' || artifact_id || ' has a ' || algorithm || ' of ' || length(digest) || ' bytes'
          FROM artifact_digests
          WHERE length(digest) IS NOT CASE algorithm WHEN 'md5' THEN 16 WHEN 'sha256' THEN 32 WHEN 'sha512' THEN 64 END
        UNION ALL
        SELECT count(*) || ' artifacts have the ' || algorithm || ' ' || lower(hex(digest)) FROM artifact_digests
          WHERE algorithm != 'md5' GROUP BY digest, algorithm HAVING count(*) > 1
        """,
    ),
    *(
        Rule(
            table,
            f"every {noun} has a content of its size, or says why it has none",
            f"""
            SELECT '{noun} ' || quote(path) || ' of job ' || job_id || ' has neither content nor reason' FROM {table}
              WHERE artifact_id IS NULL AND hash_note = ''
            UNION ALL
            SELECT '{noun} ' || quote(path) || ' of job ' || job_id || ' has another size than its content' FROM {table}
              JOIN artifacts ON artifacts.id = artifact_id WHERE artifacts.size != {table}.size
            """,  # noqa: S608  # of the names below
        )
        for table, noun in (("inputs", "input"), ("outputs", "output"))
    ),
)
_SESSIONS = "SELECT id, hash FROM sessions ORDER BY id"
_CONTENT = """
SELECT session_id, kind, number, shape, jobs.content_hash FROM steps
  JOIN jobs ON jobs.id = (SELECT max(id) FROM jobs WHERE step_id = steps.id)
ORDER BY session_id, kind, number
"""


def violations(rule: Rule, connection: sqlite3.Connection, most: int) -> list[str]:
    """Returns where a rule does not hold, so many places at most. Raises sqlite3.Error."""
    return [str(text) for (text,) in connection.execute(f"SELECT * FROM ({rule.statement}) LIMIT {most}")]  # noqa: S608


def dangling_references(connection: sqlite3.Connection, most: int) -> list[str]:
    """Returns rows that name others which are not there, so many at most. Raises sqlite3.Error."""
    rows = connection.execute("PRAGMA foreign_key_check").fetchmany(most)
    return [f"a row of `{table}` names one of `{parent}` that is not there" for table, _, parent, _ in rows]


def wrong_session_hashes(connection: sqlite3.Connection, most: int) -> list[str]:
    """Returns the sessions whose hash is not that of what they hold, so many at most. Raises sqlite3.Error."""
    rows = groupby(connection.execute(_CONTENT), key=lambda row: row[0])
    content = {session: session_hash(row[1:] for row in steps) for session, steps in rows}
    empty = session_hash(())
    wrong = [
        f"session {stored.hex()[:12]} should be {content.get(session, empty).hex()[:12]}"
        for session, stored in connection.execute(_SESSIONS)
        if stored != content.get(session, empty)
    ]
    return wrong[:most]
