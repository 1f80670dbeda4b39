//! Starts the command: a child that waits until the tracer has hold of it, then becomes the command.

use std::io::{self, Read, Write};

use nix::unistd::{ForkResult, Pid, fork};

use crate::caller::Caller;
use crate::program::Program;

/// A child that waits for its go.
pub struct Held {
    pub pid: Pid,
    /// One byte: `TRACED` or `UNTRACED`. Its end means that the launcher is gone, and the child ends.
    go: io::PipeWriter,
    /// From the child: reports of REPORT bytes; its end means that the command runs.
    reports: io::PipeReader,
}

const TRACED: u8 = b't';
const UNTRACED: u8 = b'u';

/// Errno of each step, 0 when it went well.
const REPORT: usize = 4;

/// Why the command does not run.
#[derive(Debug)]
pub enum StartError {
    /// The seccomp filter was refused; the child still waits.
    Filter(io::Error),
    /// execve(2) failed; the child is gone.
    Exec(io::Error),
    /// The child was killed before it could exec.
    Gone,
}

impl Held {
    /// Forks. The child has the caller's signal state again, and allows `tracer` to attach. Must be called with no second
    /// thread.
    pub fn fork(program: &Program, caller: &Caller, tracer: Option<Pid>) -> io::Result<Held> {
        let filter = ptrace::Filter::build();
        let (go_out, go) = io::pipe()?;
        let (reports, reports_in) = io::pipe()?;
        // SAFETY: there is one thread, so the child may allocate.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => {
                drop((go_out, reports_in));
                let mut held = Held { pid: child, go, reports };
                // Until this, the tracer would not be let in. A child that is gone is noticed later.
                let _ = held.report();
                Ok(held)
            }
            ForkResult::Child => {
                drop((go, reports));
                caller.restore();
                become_command(program, &filter, tracer, go_out, reports_in)
            }
        }
    }

    /// Lets the child become the command. After `Filter`, and only then, this may be called a second time.
    pub fn start(&mut self, traced: bool) -> Result<(), StartError> {
        self.go.write_all(&[if traced { TRACED } else { UNTRACED }]).map_err(|_| StartError::Gone)?;
        if traced {
            match self.report() {
                Some(0) => {}
                Some(errno) => return Err(StartError::Filter(io::Error::from_raw_os_error(errno))),
                None => return Err(StartError::Gone),
            }
        }
        match self.report() {
            None => Ok(()),
            Some(errno) => Err(StartError::Exec(io::Error::from_raw_os_error(errno))),
        }
    }

    /// Ends the child, which has not become the command, and waits for that.
    pub fn dismiss(self) {
        drop(self.go);
        let _ = nix::sys::wait::waitpid(self.pid, None);
    }

    fn report(&mut self) -> Option<i32> {
        let mut errno = [0; REPORT];
        self.reports.read_exact(&mut errno).ok()?;
        Some(i32::from_ne_bytes(errno))
    }
}

/// The child's part, up to exec. All descriptors of the launcher are closed by exec.
fn become_command(
    program: &Program,
    filter: &ptrace::Filter,
    tracer: Option<Pid>,
    mut go: io::PipeReader,
    mut reports: io::PipeWriter,
) -> ! {
    if let Some(tracer) = tracer {
        // SAFETY: plain system call. Without Yama it fails, and is not needed.
        unsafe { libc::prctl(libc::PR_SET_PTRACER, tracer.as_raw()) };
    }
    let mut say = |errno: i32| reports.write_all(&errno.to_ne_bytes());
    let _ = say(0);
    let mut word = [0];
    while go.read_exact(&mut word).is_ok() {
        if word[0] == TRACED {
            match filter.install() {
                Ok(()) => drop(say(0)),
                Err(error) => {
                    let _ = say(error.raw_os_error().unwrap_or(libc::EIO));
                    continue;
                }
            }
        }
        let _ = say(program.execute() as i32);
        break;
    }
    // SAFETY: ends the child at once; nothing of the launcher may be flushed or dropped here.
    unsafe { libc::_exit(127) }
}
