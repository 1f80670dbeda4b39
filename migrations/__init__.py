"""The schema histories, run by Alembic. A file under versions/ is never edited once merged."""
