"""The files of a session, each as the newest job that used it left or found it: kept by every recording."""

from __future__ import annotations

from sqlalchemy.orm import Session

# A job's writes come after its reads. The step that wrote a file stays when a later job only reads it: what that found
# there may be somebody's edit.
_NOTE = """
INSERT INTO session_files (session_id, path, job_id, artifact_id, size, step_id)
SELECT steps.session_id, used.path, used.job_id, used.artifact_id, used.size, CASE WHEN used.written THEN steps.id END
FROM (SELECT job_id, path, artifact_id, size, 0 AS written FROM inputs WHERE role = 'data' AND job_id {which}
      UNION ALL SELECT job_id, path, artifact_id, size, 1 FROM outputs WHERE role = 'data' AND job_id {which}) AS used
JOIN jobs ON jobs.id = used.job_id
JOIN steps ON steps.id = jobs.step_id
WHERE true
ORDER BY used.job_id, used.written
ON CONFLICT (session_id, path) DO UPDATE
SET job_id = excluded.job_id, artifact_id = excluded.artifact_id, size = excluded.size,
    step_id = coalesce(excluded.step_id, step_id)
"""
_OF_JOB = _NOTE.format(which="= :job")
_OF_SESSION = _NOTE.format(
    which="IN (SELECT jobs.id FROM jobs JOIN steps ON steps.id = jobs.step_id WHERE steps.session_id = :session)"
)
_FORGET = "DELETE FROM session_files WHERE session_id = :session"


def note_job(session: Session, job_id: int) -> None:
    """Brings the files of a session up to date with its newest job, which was just inserted. Index: primary keys."""
    session.connection().exec_driver_sql(_OF_JOB, {"job": job_id})


def forget_all(session: Session, session_id: int) -> None:
    """Removes the files of a session: before one of its jobs is removed, to be noted anew from the others."""
    session.connection().exec_driver_sql(_FORGET, {"session": session_id})


def note_all(session: Session, session_id: int) -> None:
    """Notes the files of a session that has none. Looks at every use of a file in it: a second for a million."""
    session.connection().exec_driver_sql(_OF_SESSION, {"session": session_id})
