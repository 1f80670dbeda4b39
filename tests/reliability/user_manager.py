"""systemd's service manager of a user, really started: in a mount namespace and a cgroup of its own.

It refuses to start where the machine was not booted with systemd, which it tells from a directory below /run, and it
needs a cgroup that it may divide. Root can give it both without anybody else noticing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon_kit import wait_for

SYSTEMD = Path("/usr/lib/systemd/systemd")
SCRIPT = """\
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$GROUP"
echo $$ > "/sys/fs/cgroup/$GROUP/cgroup.procs"
exec {systemd} --user --unit=basic.target --log-target=console --log-level=warning
"""


def why_not() -> str:
    """Returns why no manager can be started here; empty when one can."""
    if not SYSTEMD.exists() or not shutil.which("systemctl"):
        return "there is no systemd"
    if os.geteuid() != 0:
        return "only root can give it a mount namespace and a cgroup"
    trial = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
    trial.append("umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir $0 && rmdir $0")
    done = subprocess.run(
        [*trial, f"/sys/fs/cgroup/roar-trial-{os.getpid()}"], capture_output=True, text=True, check=False
    )
    return f"it cannot have a cgroup of its own: {done.stderr.strip()}" if done.returncode else ""


@dataclass(frozen=True)
class UserManager:
    """A manager that runs, and the world in which it does."""

    process: subprocess.Popen[bytes]
    namespace: str
    """Of its mounts; it outlives the manager, as what commands have started does."""
    environment: Mapping[str, str]

    def words(self, *words: str, cwd: Path) -> list[str]:
        """Returns the words that run a command where the manager is seen."""
        return ["nsenter", f"--mount={self.namespace}", f"--wd={cwd}", "--", *words]

    def run(self, *words: str, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
        """Runs a command there, to its end."""
        return subprocess.run(
            self.words(*words, cwd=cwd),
            env=self.environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def start(self, *words: str, cwd: Path) -> subprocess.Popen[str]:
        """Starts a command there."""
        return subprocess.Popen(
            self.words(*words, cwd=cwd),
            env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def property(self, name: str, unit: str = "roard.service") -> str:
        """Returns what the manager says of a unit."""
        return self.run("systemctl", "--user", "show", "--value", "-p", name, unit).stdout.strip()


@contextlib.contextmanager
def user_manager(home: Path) -> Iterator[UserManager]:
    """Yields a manager for a user with this home directory; ends it, and all that it has started."""
    group = f"roar-test-{os.getpid()}-{home.name}"
    runtime = f"/run/user/{os.geteuid()}"
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": runtime, "GROUP": group}
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT.format(systemd=SYSTEMD)], env=environment
    )
    runs = ("systemctl", "--user", "is-system-running")
    try:
        wait_for(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "systemd\n", "the manager's own mounts")
        with open(f"/proc/{process.pid}/ns/mnt", "rb") as mounts:
            manager = UserManager(process, f"/proc/{os.getpid()}/fd/{mounts.fileno()}", environment)
            wait_for(lambda: manager.run(*runs).returncode == 0, "the manager")
            yield manager
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(10)
        _remove(group)


def _remove(group: str) -> None:
    """Ends the processes of a cgroup, which are all ours, and removes it, by way of a mount of its own."""
    script = "umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; [ ! -d $0 ] ||"
    script += " { echo 1 > $0/cgroup.kill; find $0 -depth -type d -exec rmdir {} +; }"
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, f"/sys/fs/cgroup/{group}"]
    wait_for(lambda: subprocess.run(words, capture_output=True, check=False).returncode == 0, "an empty cgroup")
