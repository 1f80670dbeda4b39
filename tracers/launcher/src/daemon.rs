//! Starts the daemon, detached from everything that is ours.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

use crate::caller;
use crate::failure::Failure;
use crate::handover::beside;
use crate::runtime_dir::RuntimeDir;

const DAEMON: &str = "roard";
/// The lock that is handed on to the daemon.
const LOCK_FD: RawFd = 3;
/// Takes errno when exec fails.
const REPORT_FD: RawFd = 4;
/// Lines of a daemon's stderr that are worth showing.
const LAST_WORDS: usize = 3;

/// Starts a daemon unless somebody else is doing that already; does not wait until it listens. Returns whether it started
/// one. Must be called with no second thread. Errors: there is no program `roard`, or none may be started here.
pub fn start(place: &RuntimeDir) -> Result<bool, Failure> {
    let cannot = |cause: String| Failure::new("no-daemon", format!("cannot start `{DAEMON}`")).cause(cause);
    let Some(lock) = take_start_lock(place).map_err(|error| cannot(error.to_string()))? else { return Ok(false) };
    if std::env::var_os("ROAR_DAEMON").is_some_and(|wish| wish == "require") {
        return Err(Failure::new("no-daemon", "no daemon runs, and ROAR_DAEMON=require keeps it from being started")
            .hint("run `roar daemon start`"));
    }
    if is_traced() {
        // A daemon that is born inside somebody's trace would be part of that job.
        return Err(Failure::new("no-daemon", "no daemon runs, and none is started from within a traced command"));
    }
    let program = beside(DAEMON).map_err(|error| cannot(error.to_string()))?;
    match launch(&program, place, lock.as_raw_fd()) {
        Ok(()) => Ok(true),
        Err(error) => Err(cannot(format!("`{}`: {error}", program.display())).hint("install roar again")),
    }
}

/// Why a daemon that was started is not there any more; None while it lives.
pub fn obituary(place: &RuntimeDir) -> Option<Failure> {
    take_start_lock(place).ok()??;
    let words = fs::read_to_string(place.daemons_stderr()).unwrap_or_default();
    let last: Vec<&str> = words.trim().lines().rev().take(LAST_WORDS).collect();
    let last: String = last.iter().rev().map(|line| format!("{line}\n")).collect();
    Some(Failure::new("no-daemon", format!("`{DAEMON}` ended while it started")).cause(last))
}

/// Returns the lock unless a daemon, or who is starting one, has it. A daemon inherits it, and holds it until it ends.
fn take_start_lock(place: &RuntimeDir) -> io::Result<Option<File>> {
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(place.start_lock())?;
    // SAFETY: the descriptor is open.
    let taken = unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0;
    Ok(taken.then_some(lock))
}

fn is_traced() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|pid| pid.trim() != "0"))
}

/// Executes the program in a session of its own, as a child of nobody here.
fn launch(program: &Path, place: &RuntimeDir, lock: RawFd) -> io::Result<()> {
    let path = CString::new(program.as_os_str().as_bytes())?;
    let environment = environment(place)?;
    let stderr = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(place.daemons_stderr())?;
    let (mut report, report_in) = io::pipe()?;
    // SAFETY: there is one thread, so the child may do anything.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            drop(report_in);
            let _ = waitpid(child, None);
            let mut errno = [0; 4];
            match io::Read::read_exact(&mut report, &mut errno) {
                Ok(()) => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno))),
                Err(_) => Ok(()),
            }
        }
        ForkResult::Child => become_daemon(&path, &environment, [lock, report_in.as_raw_fd(), stderr.as_raw_fd()]),
    }
}

/// The child's part: forks once more, so that the daemon's parent is gone, and executes it. Of all descriptors it keeps
/// the lock, and `report` and `stderr` for what goes wrong.
fn become_daemon(path: &CString, environment: &[CString], [lock, report, stderr]: [RawFd; 3]) -> ! {
    // SAFETY: single-threaded; descriptors are moved to known places, and everything else is closed, so nothing of the
    // caller's is held open. No object of the launcher is used or dropped afterwards.
    unsafe {
        libc::setsid();
        if libc::fork() != 0 {
            libc::_exit(0);
        }
        let aside = [lock, report, stderr].map(|fd| libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, REPORT_FD + 1));
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for (from, to) in [(null, 0), (null, 1), (aside[2], 2), (aside[0], LOCK_FD), (aside[1], REPORT_FD)] {
            libc::dup2(from, to);
        }
        libc::fcntl(REPORT_FD, libc::F_SETFD, libc::FD_CLOEXEC);
        caller::close_from(REPORT_FD + 1);
        caller::reset_signals();
        libc::umask(0o077);
        libc::chdir(c"/".as_ptr());
        let errno = nix::unistd::execve(path, &[path], environment).err().map_or(0, |errno| errno as i32);
        libc::write(REPORT_FD, errno.to_ne_bytes().as_ptr().cast(), 4);
        libc::_exit(127)
    }
}

/// The environment of the daemon: this process's, with the place to meet and the path of the launcher, and without what
/// one shell set to steer its own Python, git or loader: the daemon serves all projects, for long.
fn environment(place: &RuntimeDir) -> io::Result<Vec<CString>> {
    const LEFT_OUT: [&[u8]; 4] = [b"PYTHON", b"GIT_", b"LD_", b"ROAR_"];
    let launcher = std::env::current_exe()?;
    let kept = std::env::vars_os().filter(|(name, _)| LEFT_OUT.iter().all(|start| !name.as_bytes().starts_with(start)));
    let own = [("ROAR_LAUNCHER", launcher.into_os_string()), ("ROAR_RUNTIME_DIR", place.path.clone().into_os_string())];
    let all = kept.chain(own.map(|(name, value)| (name.into(), value)));
    all.map(|(name, value)| Ok(CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())?)).collect()
}
