"""Run directories and the files in them; tracers/TRACE_FORMAT.md is the specification.

The raw trace is read by the Rust reducer only. Must not import db, hashing or context.
"""
