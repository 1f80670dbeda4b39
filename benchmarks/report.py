"""benchmarks/RESULTS.md: one section per benchmark, each replaced by a new run of it; figures as people read them."""

from __future__ import annotations

import os
import platform
import re
import time
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"


def put_section(path: Path, text: str) -> None:
    """Replaces the section that begins with the same `# ` line as the text, or adds it at the end."""
    heading = text.partition("\n")[0]
    old = path.read_text() if path.exists() else ""
    sections = [part for part in re.split(r"^(?=# )", old, flags=re.MULTILINE) if part.strip()]
    titles = [part.partition("\n")[0] for part in sections]
    at = titles.index(heading) if heading in titles else len(sections)
    sections[at : at + 1] = [text]
    path.write_text("\n\n".join(part.strip() for part in sections) + "\n")


def shown(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"


def machine() -> str:
    """Returns what a reader must know of this machine; not its name."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    facts = [
        f"{os.cpu_count()} × {models[0] if models else platform.machine()}",
        f"{memory:.0f} GiB",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        time.strftime("%Y-%m-%d"),
    ]
    return " · ".join(facts)
