//! Starts the command: a child that is held until a backend watches it, then becomes the command.

use std::io::{self, Read, Write};

use nix::unistd::{ForkResult, Pid, fork};

use crate::caller::Caller;
use crate::preload::{Shim, ShimPaths};
use crate::program::{self, Program};

/// A child that does as it is told, until it becomes the command.
pub struct Held {
    pub pid: Pid,
    /// Orders; its end means that the launcher is gone, and the child ends.
    orders: io::PipeWriter,
    /// Errno of each order, 0 when it went well; its end means that the command runs.
    reports: io::PipeReader,
}

/// Orders, each followed by what it needs: a process id; nothing; the paths of `preload`; nothing.
const PERMIT: u8 = b'p';
const FILTER: u8 = b'f';
const JOIN: u8 = b'j';
const EXECUTE: u8 = b'x';

/// Why the command does not run.
#[derive(Debug)]
pub enum StartError {
    /// execve(2) failed; the child is gone.
    Exec(io::Error),
    /// The child was killed before it could exec.
    Gone,
}

impl Held {
    /// Forks. The child has the caller's signal state again. Must be called with no second thread.
    pub fn fork(program: &Program, caller: &Caller) -> io::Result<Held> {
        let filter = ptrace::Filter::build();
        let (orders_out, orders) = io::pipe()?;
        let (reports, reports_in) = io::pipe()?;
        // SAFETY: there is one thread, so the child may allocate.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(Held { pid: child, orders, reports }),
            ForkResult::Child => {
                drop((orders, reports));
                caller.restore();
                become_command(program, &filter, orders_out, reports_in)
            }
        }
    }

    /// Lets a process of ours attach to the child, where Yama would not.
    pub fn permit(&mut self, tracer: Pid) -> io::Result<()> {
        self.order(PERMIT, &tracer.as_raw().to_ne_bytes())
    }

    /// Puts the seccomp filter of the ptrace backend on the child. From then on it needs its tracer.
    pub fn install_filter(&mut self) -> io::Result<()> {
        self.order(FILTER, &[])
    }

    /// Has the child execute the command as a process of the preload backend does.
    pub fn join(&mut self, paths: &ShimPaths) -> io::Result<()> {
        let text = paths.to_bytes();
        self.order(JOIN, &[&(text.len() as u32).to_ne_bytes(), text.as_slice()].concat())
    }

    /// Lets the child become the command.
    pub fn execute(&mut self) -> Result<(), StartError> {
        self.orders.write_all(&[EXECUTE]).map_err(|_| StartError::Gone)?;
        match self.report() {
            None => Ok(()),
            Some(errno) => Err(StartError::Exec(io::Error::from_raw_os_error(errno))),
        }
    }

    /// Ends the child, which has not become the command, and waits for that.
    pub fn dismiss(self) {
        drop(self.orders);
        let _ = nix::sys::wait::waitpid(self.pid, None);
    }

    fn order(&mut self, order: u8, details: &[u8]) -> io::Result<()> {
        self.orders.write_all(&[&[order], details].concat())?;
        match self.report() {
            Some(0) => Ok(()),
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => Err(io::Error::new(io::ErrorKind::BrokenPipe, "it was killed before it began")),
        }
    }

    fn report(&mut self) -> Option<i32> {
        read(&mut self.reports).map(i32::from_ne_bytes)
    }
}

/// The child's part, up to exec. All descriptors of the launcher are closed by exec.
fn become_command(
    program: &Program,
    filter: &ptrace::Filter,
    mut orders: io::PipeReader,
    mut reports: io::PipeWriter,
) -> ! {
    let mut shim = None;
    while let Some([order]) = read(&mut orders) {
        let done = match order {
            PERMIT => read(&mut orders).map(|pid| permit(i32::from_ne_bytes(pid))),
            FILTER => Some(filter.install()),
            JOIN => join(&mut orders).map(|joined| joined.map(|joined| shim = Some(joined))),
            _ => {
                let error = match shim {
                    Some(shim) => program.execute(&move |path, argv| shim.execv(path, argv)),
                    None => program.execute(&program::execv),
                };
                let _ = reports.write_all(&(error as i32).to_ne_bytes());
                break;
            }
        };
        let Some(done) = done else { break };
        let errno = done.err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EIO));
        let _ = reports.write_all(&errno.to_ne_bytes());
    }
    // SAFETY: ends the child at once; nothing of the launcher may be flushed or dropped here.
    unsafe { libc::_exit(127) }
}

fn read<const SIZE: usize>(pipe: &mut io::PipeReader) -> Option<[u8; SIZE]> {
    let mut bytes = [0; SIZE];
    pipe.read_exact(&mut bytes).ok().map(|()| bytes)
}

/// Without Yama this fails, and is not needed.
fn permit(tracer: i32) -> io::Result<()> {
    // SAFETY: plain system call.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, tracer) };
    Ok(())
}

fn join(orders: &mut io::PipeReader) -> Option<io::Result<Shim>> {
    let mut text = vec![0; u32::from_ne_bytes(read(orders)?) as usize];
    orders.read_exact(&mut text).ok()?;
    Some(ShimPaths::from_bytes(&text).and_then(|paths| Shim::join(&paths)))
}
