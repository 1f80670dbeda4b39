"""What the daemon gives back at rest."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import hashlib, os, sqlite3
import grpc, sqlalchemy.orm
from roard import memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

memory.limit_heaps()
heap = [bytes(1000) for _ in range(25_000)]
before = resident()
del heap
memory.give_back()
after = resident()
assert sqlite3.connect(":memory:").execute("SELECT hex(zeroblob(2))").fetchone() == ("0000",)
assert hashlib.sha256(b"").hexdigest().startswith("e3b0c442")
sqlalchemy.select(sqlalchemy.text("1")).compile()
grpc.insecure_channel("unix:/nowhere").close()
memory.give_back()
print(before - after)
"""


def test_memory_is_given_back_and_everything_works_on() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(said.stdout) > 20 << 20, "the heap has 25 MB, program text 10 MiB or more"
