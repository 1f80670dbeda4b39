//! The ptrace backend: a process of its own that watches the command and everything it starts.
//!
//! `start` forks the tracer, `attach` lets it seize the process that is about to execute the command, `Filter::install`
//! in that process makes the interesting calls stop. The tracer appends events to the run directory and lives as long as
//! any traced process does, whatever becomes of the launcher: the filter needs it to answer. See tracing in `wait`,
//! and what is read from a call in `observe`.

mod filter;
mod observe;
mod registers;
mod sys;
mod syscalls;
mod take_over;
mod wait;

use std::ffi::CStr;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use trace::Clock;
use trace::log::LogWriter;

pub use filter::Filter;
pub use take_over::{TakenOver, take_over};

/// The launcher's end of a running tracer.
pub struct Tracer {
    pid: libc::pid_t,
    control: UnixStream,
    done: bool,
}

/// Forks a tracer that will write to the stream `name` of `rundir`, keeping `lock` (the descriptor of its lock file) open. Must be
/// called while the process has a single thread. Errors: the trace cannot be created, no process or descriptor left.
pub fn start(rundir: &Path, name: &str, lock: RawFd, clock: Clock) -> io::Result<Tracer> {
    let log = LogWriter::create(rundir, name, clock)?;
    let (ours, theirs) = UnixStream::pair()?;
    // SAFETY: single-threaded, so the child may do anything its parent could.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            drop(ours);
            let keep = [log.as_raw_fd(), theirs.as_raw_fd(), lock];
            detach(&keep, c"roar-ptrace");
            serve(theirs, log, clock);
            // SAFETY: ends this process without running the exit handlers of the launcher it was copied from.
            unsafe { libc::_exit(0) }
        }
        pid => Ok(Tracer { pid, control: ours, done: false }),
    }
}

impl Tracer {
    pub fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// Has the tracer seize a child of ours; returns when it is watched. Errors: those of PTRACE_SEIZE (EPERM: the machine
    /// forbids it, or another tracer is there already); the tracer is of no use then.
    pub fn attach(&mut self, child: libc::pid_t) -> io::Result<()> {
        self.control.write_all(&child.to_le_bytes())?;
        let mut answer = [0; 4];
        self.control.read_exact(&mut answer)?;
        match i32::from_le_bytes(answer) {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Waits, at most `patience`, for the last traced process to end. Everything that happened before the end of a process
    /// that the launcher has waited for is in the trace already: the tracer reaps first. Returns the number of events that
    /// the tracer could not write, as far as it is known.
    pub fn finish(&mut self, patience: Duration) -> u64 {
        let mut lost = [0; 8];
        let known = self.control.set_read_timeout(Some(patience)).and_then(|()| self.control.read_exact(&mut lost));
        self.done = known.is_ok();
        known.map_or(0, |()| u64::from_le_bytes(lost))
    }

    /// Whether it has said its last word: it ends by itself at once.
    pub fn is_done(&self) -> bool {
        self.done
    }
}

/// The tracer's life: one child to attach, then nothing but events.
fn serve(mut control: UnixStream, log: LogWriter, clock: Clock) {
    let mut watcher = wait::Watcher::new(log, clock);
    let mut child = [0; 4];
    if control.read_exact(&mut child).is_err() {
        return;
    }
    let attached = watcher.attach(i32::from_le_bytes(child));
    let errno = attached.as_ref().err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EIO));
    // A launcher that died meanwhile does not end the watch.
    let _ = control.write_all(&errno.to_le_bytes());
    if attached.is_ok() {
        let lost = watcher.watch();
        let _ = control.write_all(&lost.to_le_bytes());
    }
}

/// Makes a forked process independent of the terminal, pipes and directory of the one that it was copied from. It goes by
/// `name`; only the descriptors of `keep` stay open.
pub fn detach(keep: &[RawFd], name: &CStr) {
    let mut keep: Vec<u32> = keep.iter().map(|&fd| fd as u32).collect();
    keep.sort_unstable();
    // SAFETY: integers and a constant string; closes only descriptors that nothing below uses.
    unsafe {
        libc::setsid();
        for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGHUP, libc::SIGPIPE, libc::SIGTSTP] {
            libc::signal(signal, libc::SIG_IGN);
        }
        libc::prctl(libc::PR_SET_NAME, name.as_ptr());
        libc::chdir(c"/".as_ptr());
        let mut first = 0;
        for fd in keep {
            if fd > first {
                libc::syscall(libc::SYS_close_range, first, fd - 1, 0);
            }
            first = fd + 1;
        }
        libc::syscall(libc::SYS_close_range, first, u32::MAX, 0);
    }
}
