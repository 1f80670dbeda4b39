"""What was recorded, as the commands show it: read-only use cases, one file each.

Every function takes the open project (or a reading session of its store) and returns messages of the contract. Files on
disk are only compared with, never changed. The number of SQL statements never depends on the number of jobs or files.
Must not import service or record. `graph.py` is the pure part: edges and staleness.
"""
