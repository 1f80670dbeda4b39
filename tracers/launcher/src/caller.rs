//! What the caller handed over, as it was before Rust's runtime and roar changed anything; the command gets it back.
//!
//! Before `main`, Rust ignores SIGPIPE and opens /dev/null for each standard descriptor that is closed. Neither may be
//! seen by the command, so both are looked at even earlier.

use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);
static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

/// Run by the loader before `main`.
#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static LOOK_EARLY: extern "C" fn() = look_early;

extern "C" fn look_early() {
    SIGPIPE_IGNORED.store(is_ignored(libc::SIGPIPE), Ordering::Relaxed);
    for (fd, closed) in CLOSED.iter().enumerate() {
        // SAFETY: F_GETFD reads one flag; a descriptor that is not open is answered with EBADF.
        closed.store(unsafe { libc::fcntl(fd as RawFd, libc::F_GETFD) } == -1, Ordering::Relaxed);
    }
}

/// The state that the command must start with.
pub struct Caller {
    mask: libc::sigset_t,
    sigchld_ignored: bool,
    /// Descriptors that the caller handed over, 2 left out.
    descriptors: Vec<RawFd>,
}

impl Caller {
    /// Must be called before roar opens anything. SIGCHLD is made to arrive from here on.
    pub fn meet() -> Caller {
        let sigchld_ignored = is_ignored(libc::SIGCHLD);
        set_ignored(libc::SIGCHLD, false);
        let mut mask = MaybeUninit::uninit();
        // SAFETY: with no new mask, the call only fills `mask`, and cannot fail.
        let mask = unsafe {
            libc::sigprocmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr());
            mask.assume_init()
        };
        Caller { mask, sigchld_ignored, descriptors: inherited_descriptors() }
    }

    /// The open descriptors that the command inherits, 2 left out.
    pub fn descriptors(&self) -> &[RawFd] {
        &self.descriptors
    }

    /// Puts everything back, in a process that is about to exec. Async-signal-safe.
    pub fn restore(&self) {
        set_ignored(libc::SIGCHLD, self.sigchld_ignored);
        set_ignored(libc::SIGPIPE, SIGPIPE_IGNORED.load(Ordering::Relaxed));
        for (fd, closed) in CLOSED.iter().enumerate() {
            if closed.load(Ordering::Relaxed) {
                // SAFETY: the descriptor is the /dev/null that Rust's runtime put there; nothing here uses it.
                unsafe { libc::close(fd as RawFd) };
            }
        }
        // SAFETY: `mask` was filled by sigprocmask.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &self.mask, ptr::null_mut()) };
    }

    /// Lets go of all that was inherited but stderr, so that whoever waits for the other end of a pipe waits for the
    /// command only, not for the recording after it.
    pub fn let_go(&self) {
        // SAFETY: the path is a C string; the descriptor is used below only.
        let null = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        for &fd in &self.descriptors {
            // SAFETY: these descriptors are the caller's; no object of this program owns one of them.
            unsafe {
                if fd > libc::STDERR_FILENO {
                    libc::close(fd);
                } else if null >= 0 {
                    libc::dup2(null, fd);
                }
            }
        }
        if null >= 0 {
            // SAFETY: opened above.
            unsafe { libc::close(null) };
        }
    }
}

/// The open descriptors that survived an exec, 2 left out; those of standard input and output only without /proc.
fn inherited_descriptors() -> Vec<RawFd> {
    let Ok(folder) = fs::read_dir("/proc/self/fd") else { return vec![libc::STDIN_FILENO, libc::STDOUT_FILENO] };
    let names = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    names.filter(|&fd| fd != libc::STDERR_FILENO && survives_exec(fd)).collect()
}

fn survives_exec(fd: RawFd) -> bool {
    // SAFETY: F_GETFD reads one flag.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with no new action, the call only fills `action`, which is valid when zeroed.
    let action = unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

fn set_ignored(signal: i32, ignored: bool) {
    // SAFETY: both dispositions are valid for every signal that is given here; no handler is installed.
    unsafe { libc::signal(signal, if ignored { libc::SIG_IGN } else { libc::SIG_DFL }) };
}

/// Gives every signal its default action and blocks none, in a forked process.
pub fn reset_signals() {
    let mut none = MaybeUninit::uninit();
    // SAFETY: plain system calls; sigemptyset initialises the set. Signals that cannot be changed are left alone.
    unsafe {
        (1..=libc::SIGRTMAX()).for_each(|signal| {
            libc::signal(signal, libc::SIG_DFL);
        });
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
}

/// Closes all descriptors from `first` on. For a forked process that owns none of them any more.
pub fn close_from(first: RawFd) {
    // SAFETY: plain system calls; see above.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) == 0 {
            return;
        }
        // Linux before 5.9.
        for fd in first..libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 65536) as RawFd {
            libc::close(fd);
        }
    }
}
