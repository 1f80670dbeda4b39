//! A process that tells signals sent to the whole process group from those sent to the launcher alone.
//!
//! `kill -TERM -PGID`, timeout(1) and `os.killpg` reach launcher and command alike; siginfo does not say so, and sending
//! the signal on would deliver it twice. The witness is in the same group, does nothing, and is asked what it got.

use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

use crate::caller;

/// kill(2) on a group signals one process after the other: the launcher may read its signal before the witness has its.
const GROUP_DELIVERY: Duration = Duration::from_millis(2);
/// A stopped witness does not answer. One on a busy machine does, late; without it, the command would get the signal twice.
const ANSWER: Duration = Duration::from_secs(1);

/// The launcher's end.
pub struct Witness {
    process: Option<(Pid, UnixStream)>,
    /// Signals that the witness told of and that were not asked for yet, as bits.
    told: u64,
}

impl Witness {
    /// Starts the witness. Must be called with all signals blocked and no second thread. Where it cannot be started, every
    /// signal counts as sent to the launcher alone.
    pub fn start() -> Witness {
        Witness { process: start().ok(), told: 0 }
    }

    /// Whether the whole group got this signal. To be asked once for each signal that the launcher gets, whoever sent it.
    pub fn saw(&mut self, signal: i32) -> bool {
        std::thread::sleep(GROUP_DELIVERY);
        self.told |= self.process.as_ref().and_then(|(_, line)| ask(line)).unwrap_or(0);
        let seen = self.told & bit(signal) != 0;
        self.told &= !bit(signal);
        seen
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if let Some((pid, _)) = self.process {
            let _ = kill(pid, Signal::SIGKILL);
            let _ = waitpid(pid, None);
        }
    }
}

fn ask(mut line: &UnixStream) -> Option<u64> {
    let mut answer = [0; 8];
    line.write_all(&[0]).ok()?;
    line.read_exact(&mut answer).ok()?;
    Some(u64::from_ne_bytes(answer))
}

fn start() -> std::io::Result<(Pid, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(ANSWER))?;
    // SAFETY: there is one thread; the child only makes system calls.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok((child, ours)),
        ForkResult::Child => testify(theirs.as_raw_fd()),
    }
}

/// Answers until the launcher is gone. Holds no descriptor but its own, so that it keeps nobody's pipe open.
fn testify(line: RawFd) -> ! {
    // SAFETY: plain system calls on buffers of the given size; descriptors are not used by anything else afterwards.
    unsafe {
        libc::dup2(line, 0);
        caller::close_from(1);
        libc::prctl(libc::PR_SET_NAME, c"roar-witness".as_ptr());
        let mut question = 0_u8;
        while libc::read(0, (&raw mut question).cast(), 1) == 1 {
            let seen = drain().to_ne_bytes();
            libc::write(0, seen.as_ptr().cast(), seen.len());
        }
        libc::_exit(0)
    }
}

/// Takes all pending signals; returns them as bits.
fn drain() -> u64 {
    let mut seen = 0;
    let mut all = MaybeUninit::uninit();
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: sigfillset initialises the set; no siginfo is asked for.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        let all = all.assume_init();
        loop {
            match libc::sigtimedwait(&all, std::ptr::null_mut(), &now) {
                -1 => return seen,
                signal => seen |= bit(signal),
            }
        }
    }
}

fn bit(signal: i32) -> u64 {
    1 << (signal as u32 - 1)
}
