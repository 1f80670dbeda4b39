"""`roar tui`: the project on a whole terminal. Start at app.py.

link.py asks the daemon, views.py has one table for each kind of thing, detail.py what is known of one of them. Loaded
by that command only, and the only place that imports textual. Text comes from output/, as for the other commands.
"""
