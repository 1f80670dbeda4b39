"""Whole programs, as people run them: each with what it finds before it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"
PYTHON = sys.executable

FRAMES = """
import pandas, pyarrow.dataset, pyarrow.parquet
frame = pandas.read_csv("in.csv")
frame["z"] = frame.x * frame.y
frame.to_parquet("whole.parquet")
frame.to_parquet("parts", partition_cols=["k"])
frame.to_csv("out.csv.gz", index=False)
frame.to_feather("out.feather")
old = pandas.read_parquet("old.parquet")
pyarrow.parquet.write_table(pyarrow.Table.from_pandas(old), "old.parquet")
back = pandas.read_parquet("parts")
table = pyarrow.dataset.dataset("lake", partitioning=["k"]).to_table()
pyarrow.dataset.write_dataset(table, "copied", format="parquet", partitioning=["k"], use_threads=True)
mapped = pyarrow.memory_map("out.feather").read()
assert len(back) == len(frame) and len(mapped)
"""
FRAMES_SETUP = """
import pandas, pyarrow.dataset
frame = pandas.DataFrame({"x": range(900), "y": range(900), "k": [n % 3 for n in range(900)]})
frame.to_csv("in.csv", index=False)
frame.to_parquet("old.parquet")
frame.to_parquet("lake-unused.parquet")
pyarrow.dataset.write_dataset(pyarrow.Table.from_pandas(frame), "lake", format="parquet", partitioning=["k"])
"""
HDF = """
import h5py, numpy
with h5py.File("old.h5", "r") as old, h5py.File("new.h5", "w") as new:
    new["copy"] = old["values"][:] * 2
    new["linked"] = h5py.ExternalLink("linked.h5", "values")
    assert new["linked"][0] == 0
with h5py.File("grown.h5", "a") as grown:
    grown["values"].resize(200, 0)
with h5py.File("virtual.h5", "w") as file:
    layout = h5py.VirtualLayout((2, 100), "i8")
    for at, name in enumerate(["old.h5", "linked.h5"]):
        layout[at] = h5py.VirtualSource(name, "values", (100,))
    file.create_virtual_dataset("both", layout)
with h5py.File("virtual.h5") as file:
    assert file["both"][1, 5] == 5
array = numpy.memmap("raw.bin", "i4", "r+", shape=(100,))
array[3] = 9
array.flush()
numpy.savez("arrays.npz", a=array)
numpy.save("array.npy", numpy.load("given.npy", mmap_mode="r")[::2])
"""
HDF_SETUP = """
import h5py, numpy
for name in ["old.h5", "linked.h5", "grown.h5"]:
    with h5py.File(name, "w") as file:
        file.create_dataset("values", data=numpy.arange(100), maxshape=(None,), chunks=(10,))
numpy.zeros(100, "i4").tofile("raw.bin")
numpy.save("given.npy", numpy.arange(1000))
"""
TORCH = """
import os, pathlib, torch
from torch.utils.data import DataLoader, Dataset
class Files(Dataset):
    def __init__(self): self.paths = sorted(pathlib.Path("data").glob("*.pt"))
    def __len__(self): return len(self.paths)
    def __getitem__(self, at): return torch.load(self.paths[at])
def main():
    model = torch.nn.Linear(16, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    old = torch.load("old.pt")
    model.load_state_dict(old["model"])
    os.mkdir("out")
    for context, sharing in ("fork", "file_system"), ("forkserver", "file_descriptor"), ("spawn", "file_descriptor"):
        torch.multiprocessing.set_sharing_strategy(sharing)
        for batch in DataLoader(Files(), batch_size=8, num_workers=2, multiprocessing_context=context):
            loss = model(batch).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, f"out/{context}.tmp")
        os.replace(f"out/{context}.tmp", f"out/{context}.pt")
        torch.save(model.state_dict(), "last.pt")
    model.load_state_dict(torch.load("last.pt"))
    torch.jit.save(torch.jit.script(model), "out/model.ts")
    assert torch.jit.load("given.ts")(torch.ones(16)).shape == (1,)
    mapped = torch.load("mapped.pt", mmap=True)
    torch.from_file("shared.bin", shared=True, size=64).fill_(mapped["weight"].sum())
    torch.from_file("private.bin", size=64).fill_(1)
if __name__ == "__main__":
    main()
"""
TORCH_SETUP = """
import os, torch
os.mkdir("data")
for number in range(16):
    torch.save(torch.ones(16) * number, f"data/{number}.pt")
model = torch.nn.Linear(16, 1)
for name in "mapped.pt", "last.pt", "unused.pt":
    torch.save(model.state_dict(), name)
torch.save({"model": model.state_dict()}, "old.pt")
torch.jit.save(torch.jit.script(model), "given.ts")
for name in "shared.bin", "private.bin":
    open(name, "wb").write(bytes(256))
"""
SQLITE = """
import sqlite3
for journal in ["wal", "delete", "persist"]:
    base = sqlite3.connect(journal + ".db", isolation_level=None)
    base.execute("pragma journal_mode=" + journal)
    base.execute("create table if not exists t(x)")
    base.executemany("insert into t values (?)", [(n,) for n in range(50)])
    base.execute("attach 'shared.db' as other")
    base.execute("insert into t select x from other.t")
    base.execute("vacuum")
    base.close()
base = sqlite3.connect("file:readonly.db?mode=ro", uri=True)
assert base.execute("select sum(x) from t").fetchone()
base.close()
copy = sqlite3.connect("backup.db")
sqlite3.connect("wal.db").backup(copy)
copy.close()
"""
SQLITE_SETUP = """
for name in shared readonly wal unused; do sqlite3 $name.db 'create table t(x); insert into t values (1), (2)'; done
"""
GIT = """
g() { git -c user.name=Ada -c user.email=ada@example.org -c init.defaultBranch=main -c gc.auto=0 -c pack.threads=1 "$@"; }
export GIT_AUTHOR_DATE=2000-01-01T00:00:00Z GIT_COMMITTER_DATE=2000-01-01T00:00:00Z
g init -q --separate-git-dir=store tree
cp a.txt tree/ && mkdir tree/sub && cp b.txt tree/sub/
cd tree
g add -A && g commit -qm one
for n in 1 2 3 4; do echo $n >> a.txt; g commit -qam $n; done
g checkout -q -b side HEAD~2 && echo side > side.txt && g add -A && g commit -qm side
g checkout -q main && g merge -q --no-edit side && g mv sub/b.txt sub/c.txt && g commit -qm moved && g rm -q side.txt
g stash -q && g stash pop -q && g reset -q --hard && g tag v1
cd ..
g clone -q --bare store bare.git
g clone -q --no-local --bare old.git packed.git
g -C packed.git gc -q
g -C store gc -q --prune=now
g -C bare.git repack -adq
g -C old.git fetch -q ../bare.git main:main
"""
GIT_SETUP = """
export GIT_AUTHOR_DATE=2000-01-01T00:00:00Z GIT_COMMITTER_DATE=2000-01-01T00:00:00Z
echo a > a.txt; echo b > b.txt; git init -q --bare old.git
git -c user.name=Ada -c user.email=ada@example.org -C old.git commit-tree -m old $(git -C old.git mktree < /dev/null) > id
git -C old.git update-ref refs/heads/old $(cat id)
"""
MAKEFILE = """
CC = gcc
OBJECTS = main.o one.o two.o three.o four.o
all: program libparts.a count.txt
program: $(OBJECTS)
\t$(CC) -g -o $@ $^
%.o: %.c parts.h generated.h
\t$(CC) -g -O1 -MMD -c -o $@ $<
generated.h: table.txt
\tawk '{ print "#define " $$1 " " $$2 }' $< > $@.tmp && mv $@.tmp $@
libparts.a: one.o two.o
\tar rcs $@ $^ && ranlib $@
count.txt: program
\t./program | sort -o $@ && strip -o stripped program
"""
PART = '#include "parts.h"\nint {name}(void) {{ return FIRST; }}\n'
SOURCES = {
    "Makefile": MAKEFILE,
    "table.txt": "FIRST 1\nSECOND 2\n",
    "parts.h": '#include "generated.h"\nint one(void), two(void), three(void), four(void);\n',
    "main.c": '#include <stdio.h>\n#include "parts.h"\nint main(void) { return !printf("%d\\n", one() + four()); }\n',
    "unused.c": "int unused;\n",
    **{f"{name}.c": PART.format(name=name) for name in ("one", "two", "three", "four")},
}
CRATE = {
    "tiny/Cargo.toml": '[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2021"\n',
    "tiny/build.rs": 'fn main() { std::fs::copy("given.txt", std::env::var("OUT_DIR").unwrap() + "/given.txt").unwrap(); println!("cargo:rerun-if-changed=given.txt"); }\n',
    "tiny/given.txt": "7",
    "tiny/src/lib.rs": 'pub fn given() -> &\'static str { include_str!(concat!(env!("OUT_DIR"), "/given.txt")) }\n',
    "tiny/src/main.rs": 'fn main() { std::fs::write("ran.txt", tiny::given()).unwrap(); }\n',
    "tiny/unused.txt": "-",
}
PACKAGE = {
    "package.json": '{"name": "tiny", "version": "1.0.0", "license": "MIT", "files": ["lib", "index.js"], "main": "index.js"}\n',
    "index.js": 'module.exports = require("./lib/deep.js");\n',
    "lib/deep.js": "module.exports = 42;\n",
    "README.md": "# tiny\n",
    "unused.js": "",
    "job.js": """\
const fs = require("fs"), path = require("path"), { Worker } = require("worker_threads");
const value = require("./index.js") + JSON.parse(fs.readFileSync("given.json")).value;
fs.mkdirSync("out", { recursive: true });
fs.writeFileSync("out/a.txt", String(value));
fs.copyFileSync("given.json", "out/copied.json");
fs.promises.rename("moved.txt", "out/moved.txt").then(() => fs.promises.appendFile("grown.txt", "more"));
fs.createReadStream("streamed.txt").pipe(fs.createWriteStream("out/streamed.txt"));
new Worker('require("fs").writeFileSync("out/worker.txt", require("fs").readFileSync("worked.txt"))', { eval: true });
""",
    "given.json": '{"value": 1}',
    "moved.txt": "m",
    "grown.txt": "g",
    "streamed.txt": "s" * 100_000,
    "worked.txt": "w",
}
TREE = {f"tree/{folder}/{name}.txt": f"{folder}{name}" for folder in ("a", "b", "b/c") for name in range(4)}
TAR = """
tar cf a.tar tree && tar czf a.tar.gz -C tree a && tar cJf a.tar.xz tree/b
mkdir x y && tar xf a.tar -C x && tar xzf a.tar.gz -C y
tar xf a.tar -C over --strip-components=1 && tar xf a.tar.xz --keep-old-files -C y
tar rf grown.tar tree/a/0.txt && tar df a.tar tree/b && tar uf grown.tar tree/a/1.txt
tar cf removed.tar --remove-files gone
"""
RSYNC = """
rsync -a tree/ copy/
rsync -a --delete --exclude=1.txt tree/ mirror/
rsync -a --inplace --checksum tree/a/ inplace/
rsync -a --link-dest=$PWD/tree tree/ linked/
rsync -a --remove-source-files gone/ moved/
"""
SHELL = """
sort in.txt > sorted.txt
sed -i s/a/b/ edited.txt
install -m 644 in.txt installed.txt
split -n 2 in.txt part.
cat part.aa part.ab | tee teed.txt | gzip > out.gz
cp -r tree copied && mv tree/b moved && ln tree/a/0.txt hard.txt && ln -s in.txt soft && cat soft >> log.txt
find copied -name '*.txt' | xargs -P 2 -n 3 sha256sum | sort > sums.txt
patch -s -p0 < change.diff
truncate -s 1 cut.txt
perl -pi -e 's/x/y/' perl.txt
dd if=in.txt of=patched.bin bs=1 seek=2 count=2 conv=notrunc status=none
mktemp -p . temporary.XXXX | xargs rm
"""


@dataclass(frozen=True)
class Whole:
    """A shell script that is the job, in an empty folder with these files."""

    script: str
    files: Mapping[str, str] = field(default_factory=dict)
    setup: str = ""
    """Shell script that runs before the job, untraced."""
    needs: tuple[str, ...] = ()
    """As in the headers of the cases."""
    hint: str = ""
    """How to get what it needs, where that is not obvious."""
    tolerated: tuple[str, ...] = ()
    """Codes of warnings that may be there."""


def python(script: str, setup: str, *modules: str) -> Whole:
    """A script in Python, and one that makes what it needs."""
    files = {"job.py": script, "setup.py": setup}
    needs = tuple(f"python:{module}" for module in modules)
    return Whole(f"{PYTHON} job.py", files, f"{PYTHON} setup.py && rm setup.py", needs)


def pytorch() -> Whole:
    """A training with workers that read files, under an interpreter that has torch."""
    python = os.environ.get("ROAR_TORCH_PYTHON")
    return Whole(
        f"{python or PYTHON} job.py",
        {"job.py": TORCH, "setup.py": TORCH_SETUP},
        f"{python or PYTHON} setup.py && rm setup.py",
        (f"program:{python}" if python else "python:torch",),
        "ROAR_TORCH_PYTHON may name a Python that has it",
        ("still-running",),  # servers of multiprocessing and torch, which end by themselves some time later
    )


PROGRAMS: Mapping[str, Whole] = {
    "scikit-learn": Whole(
        "\n".join(f"{PYTHON} {name}.py" for name in ("preprocess", "train", "evaluate")),
        {path.name: path.read_text() for path in DIGITS.iterdir() if path.suffix in {".py", ".json"}},
        needs=("python:sklearn", "python:matplotlib"),
    ),
    "pandas and pyarrow": python(FRAMES, FRAMES_SETUP, "pandas", "pyarrow"),
    "PyTorch": pytorch(),
    "h5py and numpy": python(HDF, HDF_SETUP, "h5py", "numpy"),
    "sqlite": Whole(
        f"{PYTHON} job.py && sqlite3 shared.db 'update t set x = 3' && echo 'select * from t;' | sqlite3 -readonly readonly.db",
        {"job.py": SQLITE},
        SQLITE_SETUP,
        ("program:sqlite3",),
    ),
    "git": Whole(GIT, setup=GIT_SETUP, needs=("program:git",)),
    "make -j2 with gcc": Whole(
        "make -s -j2 && touch four.c && make -s -j2", SOURCES, needs=("program:make", "program:gcc")
    ),
    "cargo": Whole(
        "cd tiny && cargo build -q --offline && cargo run -q --offline && touch src/main.rs && cargo build -q --offline",
        CRATE,
        needs=("program:cargo",),
    ),
    "node": Whole("node job.js", PACKAGE, needs=("program:node",)),
    "npm pack": Whole("npm pack --silent --offline", PACKAGE, needs=("program:npm",)),
    "tar": Whole(
        TAR, {**TREE, "grown.tar": "", "gone/a": "1", "over/a/0.txt": "old"}, needs=("program:tar", "program:xz")
    ),
    "rsync": Whole(
        RSYNC,
        {**TREE, "mirror/a/0.txt": "old", "mirror/extra.txt": "-", "inplace/0.txt": "a?", "gone/g.txt": "g"},
        needs=("program:rsync",),
    ),
    "shell tools": Whole(
        SHELL,
        {
            **TREE,
            **{f"{name}.txt": "xab\nab\n" for name in ("in", "edited", "log", "cut", "perl", "patch")},
            "patched.bin": "12345678",
            "change.diff": "--- patch.txt\n+++ patch.txt\n@@ -1,2 +1,2 @@\n-xab\n+xyz\n ab\n",
        },
        needs=("program:perl", "program:patch"),
    ),
}
