"""Which writes of a session decide about its edges and what is stale: few, however often its steps were run.

graph.py takes the newest write that fits, by several rules, and the chain of versions that updates in place make from
what was read. Here are the writes that any of these rules can choose, and no others: all would be thousands for a path.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from roard.query.graph import Write

# A session's jobs are between its first and its last, mostly alone there: so each look goes to its place in an index
# and stops at the first row. An index that orders by job_id has no column for it: it ends with the primary key.
_NEWEST = """
(SELECT o.job_id
 FROM outputs AS o INDEXED BY {index} JOIN jobs ON jobs.id = o.job_id JOIN steps ON steps.id = jobs.step_id
 WHERE o.job_id BETWEEN (SELECT first FROM span) AND {last} AND steps.session_id = :session AND {which}
 ORDER BY o.job_id DESC LIMIT 1)
"""
_LAST, _BEFORE = "(SELECT last FROM span)", "odd.job_id - 1"
_BY_OTHERS = "o.path = odd.path AND jobs.step_id <> odd.step_id"
_ANY = _NEWEST.format(index="ix_output_path", last=_LAST, which="o.path = paths.path")
_EARLIER = _NEWEST.format(index="ix_output_path", last=_BEFORE, which="o.path = odd.path")
_EARLIER_BY_OTHERS = _NEWEST.format(index="ix_output_path", last=_BEFORE, which=_BY_OTHERS)
_SAME = f"o.artifact_id = odd.artifact_id AND {_BY_OTHERS}"
_SAME_EARLIER = _NEWEST.format(index="ix_output_artifact", last=_BEFORE, which=_SAME)
_SAME_EVER = _NEWEST.format(index="ix_output_artifact", last=_LAST, which=_SAME)

_WRITES = f"""
WITH RECURSIVE
  latest(step_id, job_id) AS MATERIALIZED (
    SELECT steps.id, (SELECT max(jobs.id) FROM jobs WHERE jobs.step_id = steps.id)
    FROM steps WHERE steps.session_id = :session),
  span(first, last) AS MATERIALIZED (
    SELECT (SELECT min(jobs.id) FROM jobs JOIN steps ON steps.id = jobs.step_id WHERE steps.session_id = :session),
           (SELECT max(job_id) FROM latest)),
  reads(job_id, step_id, path, artifact_id) AS MATERIALIZED (
    SELECT i.job_id, latest.step_id, i.path, i.artifact_id
    FROM latest CROSS JOIN inputs AS i ON i.job_id = latest.job_id),
  paths(path) AS (SELECT DISTINCT path FROM reads),
  newest(path, job_id) AS MATERIALIZED (
    SELECT path, {_ANY} FROM paths),
  odd(job_id, step_id, path, artifact_id) AS MATERIALIZED (
    SELECT reads.* FROM newest
    CROSS JOIN outputs AS o ON o.job_id = newest.job_id AND o.path = newest.path
    CROSS JOIN jobs ON jobs.id = o.job_id
    CROSS JOIN reads ON reads.path = newest.path
    WHERE NOT coalesce(
      o.artifact_id = reads.artifact_id AND o.job_id < reads.job_id AND jobs.step_id <> reads.step_id, 0)),
  known(path, artifact_id) AS (
    SELECT path, artifact_id FROM odd WHERE artifact_id IS NOT NULL
    UNION SELECT odd.path, o.artifact_id FROM odd
      CROSS JOIN outputs AS o ON o.job_id = {_EARLIER} AND o.path = odd.path
      WHERE odd.artifact_id IS NULL),
  versions(path, artifact_id, job_id) AS (
    SELECT path, artifact_id, NULL FROM known
    WHERE EXISTS (SELECT 1 FROM outputs AS o INDEXED BY ix_output_in_place WHERE o.path = known.path AND o.in_place)
    UNION SELECT o.path, o.artifact_id, o.job_id FROM versions
      CROSS JOIN inputs AS i INDEXED BY ix_input_artifact
        ON i.artifact_id = versions.artifact_id AND i.path = versions.path
        AND i.job_id BETWEEN (SELECT first FROM span) AND (SELECT last FROM span)
      CROSS JOIN outputs AS o ON o.job_id = i.job_id AND o.path = i.path AND o.in_place
      CROSS JOIN jobs ON jobs.id = o.job_id
      CROSS JOIN steps ON steps.id = jobs.step_id AND steps.session_id = :session),
  wanted(path, job_id) AS (
    SELECT path, job_id FROM newest
    UNION SELECT path, job_id FROM odd  -- what the reader wrote there itself
    UNION SELECT path, {_EARLIER} FROM odd
    UNION SELECT path, {_EARLIER_BY_OTHERS} FROM odd
    UNION SELECT path, coalesce({_SAME_EARLIER}, {_SAME_EVER}) FROM odd
    UNION SELECT path, job_id FROM versions WHERE job_id IS NOT NULL)
SELECT o.path, made.hash, o.size, o.job_id, jobs.step_id, o.in_place, over.hash
FROM wanted
CROSS JOIN outputs AS o ON o.job_id = wanted.job_id AND o.path = wanted.path
CROSS JOIN jobs ON jobs.id = o.job_id
LEFT JOIN artifacts AS made ON made.id = o.artifact_id
LEFT JOIN inputs AS read ON o.in_place AND read.job_id = o.job_id AND read.path = o.path
LEFT JOIN artifacts AS over ON over.id = read.artifact_id
"""  # noqa: S608  # of the texts above


def load_writes(session: Session, session_id: int, sizes: dict[bytes, set[int]]) -> dict[bytes, list[Write]]:
    """Returns, by path, the writes that matter to what the latest jobs read; adds their sizes. One statement.

    Indexes: ix_output_path, ix_output_artifact, ix_output_in_place, ix_input_artifact.
    """
    rows = session.connection().exec_driver_sql(_WRITES, {"session": session_id}).all()
    writes: dict[bytes, list[Write]] = {}
    for path, digest, size, job_id, step_id, in_place, over in rows:
        was_read = (over or b"") if in_place else None
        writes.setdefault(path, []).append(Write(path, digest or b"", job_id, step_id, was_read))
        sizes.setdefault(path, set()).add(size)
    return writes
