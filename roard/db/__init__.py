"""The databases of a project: lineage (tables.py is the schema, store.py the engine) and hash cache.

Queries are functions: Session first, typed rows out, never a commit; only `store.write()` commits.
Must not import trace, hashing or context.
"""
