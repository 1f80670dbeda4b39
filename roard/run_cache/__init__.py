"""`roar run --cached`: outputs are kept by their content, and put in place when a run would only make them again.

`keep.py` decides at the end of a run whether its outputs may ever stand for another run's, and keeps them; `restore.py`
answers the launcher before a run. `objects.py` knows files only, `surroundings.py` the environment only.
"""
