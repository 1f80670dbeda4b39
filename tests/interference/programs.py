"""The programs of test_interference.py: what is run, with what around it, and what is known to differ."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

NODE_ENV = "for (const name of Object.keys(process.env).sort()) console.log(name + '=' + process.env[name])"
POOL = """
import multiprocessing, sys
def square(x): return open("in.txt").read(1) + str(x * x)
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool: print(pool.map(square, range(20)))
"""
CLOSED = """
import os, subprocess, sys
print(sorted(int(fd) for fd in os.listdir("/proc/self/fd")))
print(subprocess.run(["/usr/bin/env"], env={}, capture_output=True).stdout)
print(subprocess.run([sys.executable, "-c", "import os; print(len(os.environ), os.listdir('/proc/self/fd'))"],
      env={"A": "1", "LC_ALL": "C.UTF-8"}, close_fds=False, capture_output=True).stdout)
"""
SESSION = """
import os
print(os.getpgid(0) == int(os.environ["CALLER_GROUP"]), os.getsid(0) == int(os.environ["CALLER_SESSION"]))
print(os.getpid() == os.getpgid(0), os.nice(0), os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0))
print(os.getgroups(), os.getresuid(), os.getresgid(), os.getcwd(), os.isatty(0), os.isatty(1))
"""
DAEMON = """
import os, sys
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon.txt", "w").write(open("in.txt").read())
        os.write(write, b"done")
    os._exit(0)
os.close(write)
print(os.wait()[1], os.read(read, 10))
"""
CHROOT = """
mkdir -p root/bin root/etc
cp /bin/sh /bin/cat root/bin/
for library in $(ldd /bin/sh /bin/cat | grep -o '/[^ )]*' | sort -u); do
    case $library in *:) continue ;; esac
    mkdir -p root/$(dirname $library) && cp -n $library root/$library
done
echo inside > root/etc/file
"""
MAKEFILE = "all: a b\n\t@cat a b > all && cat all\na b: in.txt\n\t@sort $< > $@\n"
GIT_ENV = "GIT_AUTHOR_DATE=2000-01-01T00:00:00Z GIT_COMMITTER_DATE=2000-01-01T00:00:00Z"
GIT_IDENTITY = "-c user.name=Ada -c user.email=ada@example.org -c init.defaultBranch=main -c gc.auto=0"
MASK_SANITIZER = (
    "sed -E 's/==[0-9]+==/==PID==/; s/\\(pid=[0-9]+\\)/(pid=PID)/; s/0x[0-9a-f]+/0xADDRESS/g; s/T[0-9]+/T/g'"
)
NO_DEBUGGER = "nested-tracer"


@dataclass(frozen=True)
class Program:
    """A command whose behaviour must be the same with and without a tracer."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    redirect: str = ""
    """Of the whole command, as in the shell."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Beside `in.txt`, which is always there."""
    setup: str = ""
    """Shell script that runs before, in the same folder."""
    builds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Programs to compile: name in the folder → source in c/, and flags."""
    needs: tuple[str, ...] = ()
    """Commands without which it is skipped; `root`: to be root."""
    environment: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    """Backend → code of the warning with which it may behave otherwise."""


def sh(script: str, **more: object) -> Program:
    return Program(("sh", "-c", script), **more)  # type: ignore[arg-type]


def python(script: str, *words: str, **more: object) -> Program:
    return Program((sys.executable, "-c", script, *words), **more)  # type: ignore[arg-type]


def c(command: str, source: str, *flags: str, **more: object) -> Program:
    """A shell command line that uses `./PROGRAM`, compiled from c/SOURCE.c."""
    return sh(command, builds={source: (f"{source}.c", *flags)}, **more)


PROGRAMS: dict[str, Program] = {
    # What a program is started with.
    "env": Program(("env",)),
    "environment of python": python("import os; print(dict(os.environ))"),
    "environment of perl": Program(("perl", "-e", 'print map { "$_=$ENV{$_}\\n" } sort keys %ENV'), needs=("perl",)),
    "environment of node": Program(("node", "-e", NODE_ENV), needs=("node",)),
    "environment of a shell in a shell": sh("export A=1; sh -c 'env -u A env'"),
    "environment of the kernel": sh("tr '\\0' '\\n' < /proc/self/environ | sed 's/^LD_PRELOAD=.*//; /^ROAR_/d; /^$/d'"),
    "env -i": Program(("env", "-i", "sh", "-c", "env; cat in.txt")),
    "env -i and a program": Program(("env", "-i", "A=1", "/usr/bin/env")),
    "descriptors": sh("ls /proc/self/fd; exec 9< in.txt; ls /proc/self/fd"),
    "descriptors of python": python(CLOSED),
    "descriptors given to the command": sh("ls /proc/self/fd; cat <&7", redirect="7<in.txt 8>>out.txt"),
    "session, group, priority, ids": python(SESSION),
    "umask, cwd, limits": sh("umask; pwd; pwd -P; ulimit -a; ulimit -Ha; umask 027; echo > new"),
    "signal dispositions": sh("grep -E '^(Sig|Shd)[BIC]' /proc/self/status; exec grep ^Cap /proc/self/status"),
    "ignored signals": sh("trap '' INT HUP CHLD; exec grep ^SigIgn /proc/self/status"),
    "words that need quotes": Program(("printf", "%s\\n", "", " ", "*", "a\nb", "'\"$", "é\\")),
    "100 KB of arguments": Program(
        (sys.executable, "-c", "import sys; print(hash(sys.argv[1]) != 0, len(sys.argv[1]))", "x" * 100_000)
    ),
    # How it ends.
    **{f"exit {status}": sh(f"exit {status}") for status in (0, 1, 2, 126, 127, 128, 255)},
    **{
        f"killed by {name}": sh(f"ulimit -c 0; kill -{name} $$")
        for name in ("HUP", "INT", "KILL", "SEGV", "TERM", "USR1", "ALRM")
    },
    "abort in python": python("import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()"),
    "uncaught exception": python("raise SystemExit('gone')"),
    "a command that is not there": sh("nothing-of-this-name 2>&1 | sed 's/^[^:]*: [0-9]*: //'; ./in.txt 2>/dev/null"),
    "a script without #!": sh("chmod +x script; ./script; echo $?", files={"script": "cat in.txt; exit 3"}),
    # What it reads and writes.
    "stdin to its end": Program(("wc", "-c"), stdin=b"x" * 300_000),
    "stdin closed": sh("cat; echo $?", redirect="<&-"),
    "stdout closed": sh("echo text; echo $? >&2", redirect=">&-"),
    "all closed": sh("ls /proc/self/fd > list; exit 5", redirect="<&- >&- 2>&-"),
    "half of stdin": sh("head -c 5; cat | wc -c", stdin=b"0123456789" * 10),
    "a closed pipe": sh("yes | head -3; (yes; echo $? >&2) 2>/dev/null | true"),
    "stdout and stderr in turn": sh("for i in 1 2 3; do echo out $i; echo err $i >&2; done"),
    # Tools.
    "awk, sed, sort, uniq, cut, tr": sh(
        "awk '{print $1, NR}' in.txt | sort -r | sed s/a/b/ | uniq -c | cut -c1-9 | tr a-z A-Z"
    ),
    "sort with little memory": sh("seq 60000 | sort -R --random-source=in.txt -S 64k -T . | sort -n | tail -1; ls"),
    "find and xargs": sh("mkdir -p d/e; touch d/1 d/e/2; find . -type f | sort | xargs -P2 -n1 echo | sort"),
    "timeout": sh("timeout 0.1 sleep 9; echo $?; timeout -s KILL 0.1 sleep 9; echo $?; timeout 60 cat in.txt"),
    "nohup": sh("nohup cat in.txt", stdin=b"more"),
    "setsid": sh("setsid -w sh -c 'cat in.txt; exit 6'; echo $?"),
    "nice, env and stdbuf": sh("nice -n 3 nice; stdbuf -oL cat in.txt; env A=1 sh -c 'echo $A'", needs=("stdbuf",)),
    "tar": sh("tar cf a.tar --mtime=@0 --owner=0 --group=0 in.txt && tar tvf a.tar && tar xOf a.tar | cksum"),
    "xz and gzip": sh(
        "tar cJf a.tar.xz --mtime=@0 in.txt && xz -dc a.tar.xz | tar t; gzip -nk in.txt; zcat in.txt.gz", needs=("xz",)
    ),
    "cp, mv, ln, rm": sh("cp -a in.txt a; mv a b; ln b c; ln -s c d; rm b; cat d; stat -c '%h %s %F' c d"),
    "dd": sh("dd if=/dev/zero of=zeros bs=64k count=9 status=none; cksum zeros"),
    "git": sh(
        f"export {GIT_ENV}; g='git {GIT_IDENTITY}'; $g init -q .; $g add in.txt; $g commit -qm one; $g log --format=%H; $g clone -q . two; $g -C two status -s; $g gc -q; $g fsck"
    ),
    "make -j2": sh("make -s -j2", files={"Makefile": MAKEFILE}, needs=("make",)),
    "gcc": sh(
        "gcc -O1 -o a main.c && ./a; gcc nothing.c; echo $?",
        files={"main.c": '#include <stdio.h>\nint main(void) { return puts("hi") < 0; }\n'},
        needs=("gcc",),
    ),
    "perl": Program(
        (
            "perl",
            "-e",
            'open F, "<", "in.txt"; print <F>; if (!fork) { exec "cat", "in.txt" } wait; print $? >> 8; exit 3',
        ),
        needs=("perl",),
    ),
    "node": Program(
        (
            "node",
            "-e",
            'const c = require("child_process"); console.log(c.execSync("cat in.txt; env | wc -l").toString(), require("fs").readdirSync("."))',
        ),
        needs=("node",),
    ),
    "sqlite": sh(
        "sqlite3 a.db 'create table t(x); insert into t values (1), (2); select sum(x) from t;'; ls", needs=("sqlite3",)
    ),
    "pool of forked workers": python(POOL, "fork", files={"pool.py": POOL}),
    "pool of spawned workers": Program((sys.executable, "pool.py", "spawn"), files={"pool.py": POOL}),
    "pool behind a fork server": Program((sys.executable, "pool.py", "forkserver"), files={"pool.py": POOL}),
    "a daemon": python(DAEMON),
    "bash: trap, coproc, substitution": Program(
        (
            "bash",
            "-c",
            "trap 'echo trapped' TERM; kill $$; coproc cat; echo hi >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x; diff <(echo a) <(echo b)",
        ),
        needs=("bash",),
    ),
    "bash: job control": Program(
        (
            "bash",
            "-c",
            "exec 2>/dev/null; set -m; sleep 60 & kill -STOP %1; until jobs -s | grep Stopped; do :; done; kill -KILL %1; while jobs -p | grep -q .; do :; done; echo gone",
        ),
        needs=("bash",),
    ),
    "little memory": sh("ulimit -v 20000; cat in.txt; cat /nothing; echo $?"),
    "no file may grow": sh("trap '' XFSZ; ulimit -f 0; cat in.txt; : > empty; echo x > full; echo $?"),
    "few descriptors": sh("ulimit -n 5; cat in.txt; (exec 3< in.txt; cat in.txt) 2>&1"),
    # Programs that know the kernel.
    "descriptors, errno, limits in C": c("./descriptors in.txt", "descriptors"),
    "small stacks": c("./stacks in.txt", "stacks"),
    "every way to start a program": c("./spawn /usr/bin/printenv", "spawn"),
    "a static program": c("./static_reader in.txt; echo $?", "static_reader", "-static"),
    "a static program in an empty environment": c("env -i B=1 ./static_reader in.txt", "static_reader", "-static"),
    "a static program is the command": Program(
        ("./reader", "in.txt"), builds={"reader": ("static_reader.c", "-static")}
    ),
    "a static-pie program": c("./static_reader in.txt", "static_reader", "-static-pie"),
    "a 32-bit program": c("./descriptors in.txt; echo $?", "descriptors", "-m32"),
    "signals and calls": c("./signals", "signals"),
    "own filter that refuses": c("./seccomp errno in.txt", "seccomp"),
    "own filter that kills": c("./seccomp kill in.txt; echo $?", "seccomp"),
    "own filter without a tracer": c("./seccomp trace in.txt; echo $?", "seccomp"),
    "strict mode": c("./seccomp strict in.txt; echo $?", "seccomp", known={"ptrace": "seccomp-strict"}),
    "own LD_PRELOAD": sh(
        "LD_PRELOAD=$PWD/own.so ./uses in.txt nothing in.txt; LD_PRELOAD= ./uses in.txt",
        builds={"own.so": ("own_preload.c", "-shared", "-fPIC"), "uses": ("uses_preload.c",)},
    ),
    "LD_PRELOAD around roar": sh(
        "./uses in.txt; env | grep ^LD_",
        environment={"LD_PRELOAD": "./own.so"},
        builds={"own.so": ("own_preload.c", "-shared", "-fPIC"), "uses": ("uses_preload.c",)},
    ),
    "is there a debugger": c("./traceme", "traceme", known={"ptrace": NO_DEBUGGER}),
    "strace": sh(
        "strace -f -qq -e trace=/^open -o log cat in.txt; echo $?; grep -c in.txt log",
        needs=("strace",),
        known={"ptrace": NO_DEBUGGER},
    ),
    "gdb": c(
        "gdb -q -batch -nx -ex 'break main' -ex run -ex 'print argc' -ex continue --args ./ids 2>&1 | grep -v -e libthread -e debuginfod | sed -E 's/process [0-9]+/process PID/; s/0x[0-9a-f]+/ADDRESS/g'",
        "ids",
        needs=("gdb",),
        known={"ptrace": NO_DEBUGGER},
    ),
    "address sanitizer": c(
        f"ASAN_OPTIONS=detect_leaks=0 ./sanitized overflow in.txt 2>&1 | {MASK_SANITIZER} | head -8",
        "sanitized",
        "-fsanitize=address",
    ),
    "address sanitizer finds nothing": c(
        "ASAN_OPTIONS=detect_leaks=0 ./sanitized fine in.txt; echo $?", "sanitized", "-fsanitize=address"
    ),
    "leak sanitizer": c(
        f"(./sanitized leak in.txt; echo $?) 2>&1 | {MASK_SANITIZER}",
        "sanitized",
        "-fsanitize=address",
        known={"ptrace": NO_DEBUGGER},
    ),
    "thread sanitizer": c(
        "./sanitized race in.txt 2>/dev/null; echo $?; ./sanitized fine in.txt; echo $?",
        "sanitized",
        "-fsanitize=thread",
    ),
    "undefined behaviour sanitizer": c("./sanitized fine in.txt; echo $?", "sanitized", "-fsanitize=undefined"),
    "valgrind": c(
        "valgrind -q --error-exitcode=9 --leak-check=full ./sanitized leak in.txt 2>/dev/null; echo $?",
        "sanitized",
        needs=("valgrind",),
    ),
    "user namespace": sh("unshare -r sh -c 'id -u; cat in.txt' 2>&1", needs=("unshare",)),
    "process namespace": sh(
        "unshare -r -p -f --mount-proc sh -c 'echo $$; cat in.txt; ls /proc/self/fd' 2>&1", needs=("unshare",)
    ),
    "mount namespace": sh(
        "unshare -m sh -c 'mount -t tmpfs none sub && echo x > sub/file && ls sub'; ls sub",
        setup="mkdir sub",
        needs=("root",),
    ),
    "chroot": sh(
        "chroot root /bin/sh -c 'cat /etc/file; echo new > /etc/new; exec /bin/cat /etc/new'",
        setup=CHROOT,
        needs=("root",),
    ),
    "another user": sh(
        "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'id -u; cat in.txt; env'", needs=("root", "setpriv")
    ),
    "setuid, started by another user": c(
        "chown 0 ids; chmod 4755 ids; setpriv --reuid=65534 --regid=65534 --clear-groups ./ids",
        "ids",
        needs=("root", "setpriv"),
    ),
}
