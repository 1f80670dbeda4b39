//! Ends the launcher the way the command ended.

use std::process::ExitCode;

use crate::signals;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Of exit(2), 0 to 255.
    Code(i32),
    /// The signal that killed it.
    Signal(i32),
}

impl Exit {
    /// Of a wait(2) status that says that the process is gone.
    pub fn of_status(status: i32) -> Exit {
        match libc::WIFSIGNALED(status) {
            true => Exit::Signal(libc::WTERMSIG(status)),
            false => Exit::Code(libc::WEXITSTATUS(status)),
        }
    }

    pub fn code(self) -> Option<i32> {
        match self {
            Exit::Code(code) => Some(code),
            Exit::Signal(_) => None,
        }
    }

    pub fn signal(self) -> Option<i32> {
        match self {
            Exit::Code(_) => None,
            Exit::Signal(signal) => Some(signal),
        }
    }
}

/// Returns the exit status to end with, or ends this process by the same signal, without a core file of its own.
pub fn like(exit: Exit) -> ExitCode {
    let signal = match exit {
        Exit::Code(code) => return ExitCode::from(code as u8),
        Exit::Signal(signal) => signal,
    };
    // SAFETY: plain system call. No core limit: a core_pattern that is a pipe does not ask for it.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0) };
    signals::suffer(signal);
    // Only the first process of a pid namespace gets here: it cannot be killed by its own signals.
    ExitCode::from(128_u8.wrapping_add(signal as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_are_read_as_wait_2_says() {
        assert_eq!(Exit::of_status(0), Exit::Code(0));
        assert_eq!(Exit::of_status(7 << 8), Exit::Code(7));
        assert_eq!(Exit::of_status(255 << 8), Exit::Code(255));
        assert_eq!(Exit::of_status(libc::SIGTERM), Exit::Signal(libc::SIGTERM));
        assert_eq!(Exit::of_status(libc::SIGSEGV | 0x80), Exit::Signal(libc::SIGSEGV));
        assert_eq!(Exit::of_status(34), Exit::Signal(34));
    }
}
