"""What queries over many jobs would otherwise count and look for each time: counts, updates in place, newest uses.

Revision: 0007, after 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_COUNT = """
UPDATE jobs SET
  input_count = (SELECT count(*) FROM inputs WHERE job_id = jobs.id AND role = 'data'),
  output_count = (SELECT count(*) FROM outputs WHERE job_id = jobs.id AND role = 'data'),
  output_bytes = (SELECT coalesce(sum(size), 0) FROM outputs WHERE job_id = jobs.id AND role = 'data'),
  code_count = (SELECT count(*) FROM (SELECT path FROM inputs WHERE job_id = jobs.id AND role = 'code'
                                      UNION SELECT path FROM outputs WHERE job_id = jobs.id AND role = 'code')),
  dropped_count = (SELECT count(*) FROM dropped WHERE job_id = jobs.id)
"""
_MARK = """
UPDATE outputs SET in_place = 1
WHERE EXISTS (SELECT 1 FROM inputs WHERE inputs.job_id = outputs.job_id AND inputs.path = outputs.path)
"""
# As db/session_files.py does it, for every job.
_NOTE = """
INSERT INTO session_files (session_id, path, job_id, artifact_id, size, step_id)
SELECT steps.session_id, used.path, used.job_id, used.artifact_id, used.size, CASE WHEN used.written THEN steps.id END
FROM (SELECT job_id, path, artifact_id, size, role, 0 AS written FROM inputs
      UNION ALL SELECT job_id, path, artifact_id, size, role, 1 FROM outputs) AS used
JOIN jobs ON jobs.id = used.job_id
JOIN steps ON steps.id = jobs.step_id
WHERE used.role = 'data'
ORDER BY used.job_id, used.written
ON CONFLICT (session_id, path) DO UPDATE
SET job_id = excluded.job_id, artifact_id = excluded.artifact_id, size = excluded.size,
    step_id = coalesce(excluded.step_id, step_id)
"""


def upgrade() -> None:
    for name, kind in (
        ("input_count", sa.Integer()),
        ("output_count", sa.Integer()),
        ("output_bytes", sa.BigInteger()),
        ("code_count", sa.Integer()),
        ("dropped_count", sa.Integer()),
    ):
        op.add_column("jobs", sa.Column(name, kind, nullable=False, server_default="0"))
    op.execute(_COUNT)
    op.add_column("outputs", sa.Column("in_place", sa.Boolean(), nullable=False, server_default=sa.text("0")))
    op.execute(_MARK)
    op.create_index("ix_output_in_place", "outputs", ["path"], sqlite_where=sa.text("in_place"))
    op.create_table(
        "session_files",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("artifact_id", sa.Integer(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"]),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"]),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"]),
        sa.ForeignKeyConstraint(["step_id"], ["steps.id"]),
        sa.PrimaryKeyConstraint("session_id", "path"),
        sqlite_with_rowid=False,
    )
    op.execute(_NOTE)
