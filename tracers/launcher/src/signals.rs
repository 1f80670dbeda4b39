//! The signals that reach the launcher: all are blocked and read one by one, none interrupts anything.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Left alone: those of a fault in this very process, those that cannot be blocked, and SIGPIPE, which Rust ignores.
const NOT_BLOCKED: [i32; 9] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGKILL,
    libc::SIGSTOP,
    libc::SIGPIPE,
];

/// A signal that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub signal: i32,
    /// Sent by a process (0: one that this pid namespace does not see); None: by the kernel, as for Ctrl-C.
    pub sender: Option<Pid>,
    /// What sigqueue(3) sent along.
    pub value: Option<u64>,
}

/// Whether a signal asks a process to end.
pub fn asks_to_end(signal: i32) -> bool {
    matches!(signal, libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM)
}

/// Whether a signal is one of those that stop a process for its terminal.
pub fn stops_for_terminal(signal: i32) -> bool {
    matches!(signal, libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU)
}

/// Where blocked signals are read.
pub struct Inbox(OwnedFd);

impl Inbox {
    /// Blocks the signals of this process, for good, and opens the inbox.
    pub fn open() -> io::Result<Inbox> {
        let set = blocked_set();
        // SAFETY: `set` is initialised; the descriptor that signalfd returns is new and owned by nobody else.
        unsafe {
            if libc::sigprocmask(libc::SIG_BLOCK, &set, ptr::null_mut()) == -1 {
                return Err(io::Error::last_os_error());
            }
            match libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
                -1 => Err(io::Error::last_os_error()),
                fd => Ok(Inbox(OwnedFd::from_raw_fd(fd))),
            }
        }
    }

    /// Returns the next signal, when there is one.
    pub fn take(&self) -> Option<Arrived> {
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::uninit();
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the buffer is as large as the kernel is told, and initialised when the whole of it was read.
        let info = unsafe {
            match libc::read(self.0.as_raw_fd(), info.as_mut_ptr().cast(), size) {
                got if got == size as isize => info.assume_init(),
                _ => return None,
            }
        };
        Some(Arrived {
            signal: info.ssi_signo as i32,
            sender: (info.ssi_code <= 0).then(|| Pid::from_raw(info.ssi_pid as i32)),
            value: (info.ssi_code == libc::SI_QUEUE).then_some(info.ssi_ptr),
        })
    }

    /// Waits until there is a signal, and returns it.
    pub fn wait(&self) -> Arrived {
        loop {
            if let Some(arrived) = self.wait_for(Duration::MAX) {
                return arrived;
            }
        }
    }

    /// Waits for a signal; returns None when none has come for so long.
    pub fn wait_for(&self, patience: Duration) -> Option<Arrived> {
        let begun = Instant::now();
        loop {
            if let Some(arrived) = self.take() {
                return Some(arrived);
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return None;
            }
            let mut entry = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // Rounded up, so that the last millisecond is not spent asking.
            let timeout = left.as_millis().saturating_add(1).try_into().unwrap_or(-1);
            // SAFETY: one valid entry. An interrupted poll is simply repeated.
            unsafe { libc::poll(&mut entry, 1, timeout) };
        }
    }

    /// For waiting beside other work. Must be called in a runtime. Errors: those of epoll_ctl(2).
    pub fn listen(&self) -> io::Result<Listener<'_>> {
        // SAFETY: `self` is borrowed for longer than this is registered, and keeps its descriptor.
        let readable = unsafe { AsyncFd::register_with_interest(self.as_raw_fd(), Interest::READABLE) }?;
        Ok(Listener { inbox: self, readable })
    }
}

/// An inbox in a runtime.
pub struct Listener<'a> {
    inbox: &'a Inbox,
    readable: AsyncFd<RawFd>,
}

impl Listener<'_> {
    /// Waits until there is a signal, and returns it.
    pub async fn next(&self) -> Arrived {
        loop {
            if let Some(arrived) = self.inbox.take() {
                return arrived;
            }
            match self.readable.readable().await {
                Ok(mut guard) => guard.clear_ready(),
                Err(_) => return std::future::pending().await,
            }
        }
    }
}

impl AsRawFd for Inbox {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn blocked_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset initialises the set; the signal numbers are valid.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        NOT_BLOCKED.iter().for_each(|&signal| {
            libc::sigdelset(set.as_mut_ptr(), signal);
        });
        set.assume_init()
    }
}

/// Sends a signal on as it came, with its value if it had one. A process that is gone is no error.
pub fn forward(arrived: &Arrived, to: Pid) {
    match arrived.value {
        // SAFETY: plain system call; the value is passed on, not looked at.
        Some(value) => unsafe {
            libc::sigqueue(to.as_raw(), arrived.signal, libc::sigval { sival_ptr: value as *mut libc::c_void });
        },
        // SAFETY: plain system call.
        None => unsafe {
            libc::kill(to.as_raw(), arrived.signal);
        },
    }
}

/// Suffers the default action of a signal: stops, or ends this process. Returns when the process is continued, or when
/// the signal does nothing here.
pub fn suffer(signal: i32) {
    // SAFETY: plain system calls on an initialised set; the disposition is the default one.
    unsafe {
        let mut only = MaybeUninit::uninit();
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal);
        let only = only.assume_init();
        libc::signal(signal, libc::SIG_DFL);
        libc::kill(libc::getpid(), signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &only, ptr::null_mut());
        libc::sigprocmask(libc::SIG_BLOCK, &only, ptr::null_mut());
    }
}

/// The name of a signal, such as `SIGTERM`.
pub fn name(signal: i32) -> String {
    match nix::sys::signal::Signal::try_from(signal) {
        Ok(known) => known.as_str().to_owned(),
        Err(_) => format!("signal {signal}"),
    }
}
