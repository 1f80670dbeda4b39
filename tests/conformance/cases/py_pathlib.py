#: about = "pathlib: reading, writing, renaming, linking, touching, globbing"
#: reads = ["in.txt", "moved.txt", "hard.txt", "replaces.txt"]
#: writes = ["out/text.txt", "there.txt", "hard_alias.txt", "replaced.txt", "touched_new.txt"]
#: [before]
#: "in.txt" = "i"
#: "moved.txt" = "m"
#: "hard.txt" = "h"
#: "replaces.txt" = "r"
#: "replaced.txt" = "gone"
#: "touched.txt" = "t"
#: "removed.txt" = "x"
import os
from pathlib import Path

here = Path()
out = here / "out"
out.mkdir()
(out / "text.txt").write_text((here / "in.txt").read_text())
Path("moved.txt").rename("there.txt")
Path("replaces.txt").replace("replaced.txt")
os.link("hard.txt", "hard_alias.txt")
Path("soft_alias.txt").symlink_to("in.txt")
Path("touched.txt").touch()
Path("touched_new.txt").touch()
Path("removed.txt").unlink()
found = sorted(path.name for path in here.rglob("*.txt") if path.stat().st_size)
