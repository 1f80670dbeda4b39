//! A process that has the run directory count as in use until the command ends, whatever becomes of the launcher. The
//! processes of the job cannot: under the preload backend they keep no descriptor open.

use std::io;
use std::os::fd::RawFd;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

/// The launcher's end, which outlives the command.
pub struct Keeper(Pid);

impl Keeper {
    /// Must be called with no second thread. Errors: no process can be made.
    pub fn start(lock: RawFd, command: Pid) -> io::Result<Keeper> {
        // SAFETY: there is one thread, so the child may do what its parent could.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(Keeper(child)),
            ForkResult::Child => keep(lock, command.as_raw()),
        }
    }
}

impl Drop for Keeper {
    /// Waits until it is gone: for a run around this one it would still be running, and where nobody reaps orphans it would
    /// stay a zombie.
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
        let _ = waitpid(self.0, None);
    }
}

fn keep(lock: RawFd, command: i32) -> ! {
    // SAFETY: plain system calls; the second ends this process without running the exit handlers of the launcher.
    unsafe {
        let pidfd = libc::syscall(libc::SYS_pidfd_open, command, 0) as RawFd;
        let keep = [lock, pidfd];
        ptrace::detach(if pidfd < 0 { &keep[..1] } else { &keep }, c"roar-keeper");
        wait_for_end(pidfd, command);
        libc::_exit(0)
    }
}

/// Returns when a process has ended. `pidfd` is negative before Linux 5.3.
fn wait_for_end(pidfd: RawFd, pid: i32) {
    const LOOK_MS: i32 = 200;
    let mut wanted = libc::pollfd { fd: pidfd, events: libc::POLLIN, revents: 0 };
    // SAFETY: `wanted` lives through the calls; signal 0 only asks.
    unsafe {
        while libc::poll(&raw mut wanted, 1, if pidfd < 0 { LOOK_MS } else { -1 }) <= 0 {
            if pidfd < 0 && libc::kill(pid, 0) < 0 {
                break;
            }
        }
    }
}
