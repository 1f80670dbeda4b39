"""Runs that are not recorded yet: their plan, their launchers, their directories, their way into the database.

Start at runs.py. Lives on the event loop; everything that blocks goes to a thread. Must not import service.
"""
