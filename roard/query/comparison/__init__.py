"""The parts of `roar diff`, each of which answers one question; `roard/query/diff.py` puts them together.

Start at `sides`: the two things, and the jobs behind them. `pairs`, `parameters`, `files`, `surroundings` and `values`
are pure. `contents` finds old contents on disk and in git, of which `figures` and `patches` make what changed in them.
"""
