"""Content of files: stat keys and when they can be trusted, digests, the threads that make them.

Knows files only: must not import db, trace or context.
"""
