"""The command line: every command but `run` and `build`, which the native launcher `roar` does itself.

Thin: a command sends one request to the daemon and shows the answer. References are passed on as typed; what counts,
what is stale and what is what is decided by the daemon. Only `output` prints. Must not import roard, SQLAlchemy,
Alembic or pygit2; typer, grpc and rich only where they are used. Start at main.py.
"""
