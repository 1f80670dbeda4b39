"""How often, how long and from which seed the tests of this folder run."""

from __future__ import annotations

import os
import random
import time

LONG = os.environ.get("ROAR_LONG") == "1"


def figure(short: int, long: int) -> int:
    """Returns the number for this run: the long one under `make test-long`."""
    return long if LONG else short


def seeded(what: str) -> random.Random:
    """Returns a random source, and prints its seed: ROAR_SEED, else 1, or one by the clock in a long run."""
    seed = int(os.environ.get("ROAR_SEED") or (time.time_ns() % 1_000_000_000 if LONG else 1))
    print(f"{what}: ROAR_SEED={seed}")
    return random.Random(seed)
