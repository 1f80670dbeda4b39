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
use crate::failure::{Failure, USAGE_ERROR};
use crate::handover::beside;
use crate::runtime_dir::RuntimeDir;
use crate::tether::Tether;

const DAEMON: &str = "roard";
/// Held by whoever starts a daemon, and by the daemon so started.
const START_LOCK: &str = "roard.start";
/// The lock that is handed on to the daemon.
const LOCK_FD: RawFd = 3;
/// Takes errno when exec fails.
const REPORT_FD: RawFd = 4;
/// Lines of a daemon's stderr that are worth showing.
const LAST_WORDS: usize = 3;

/// What the user wants of daemons: the variable ROAR_DAEMON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The user's daemon, started when it is not there.
    Auto,
    /// The user's daemon, which somebody else starts.
    Require,
    /// None that outlives a command: each starts its own.
    Off,
}

impl Mode {
    /// Errors: the variable has none of its values.
    pub fn wanted() -> Result<Mode, Failure> {
        match std::env::var_os("ROAR_DAEMON").unwrap_or_default().as_bytes() {
            b"" | b"auto" => Ok(Mode::Auto),
            b"require" => Ok(Mode::Require),
            b"off" => Ok(Mode::Off),
            other => Err(Failure::new("usage", format!("ROAR_DAEMON cannot be `{}`", other.escape_ascii()))
                .hint("choose one of: auto, require, off")
                .exit_status(USAGE_ERROR)),
        }
    }
}

/// Whether this command may start a daemon for all that follow. Errors: why not.
pub fn may_start() -> Result<(), Failure> {
    if Mode::wanted()? == Mode::Require {
        return Err(Failure::new("no-daemon", "no daemon runs, and ROAR_DAEMON=require keeps it from being started")
            .hint("run `roar daemon start`"));
    }
    if is_traced() {
        // A daemon that is born inside somebody's trace would be part of that job.
        return Err(Failure::new("no-daemon", "no daemon runs, and none is started from within a traced command"));
    }
    Ok(())
}

/// Starts a daemon unless somebody else is doing that already; does not wait until it listens. Returns whether it started
/// one. Must be called with no second thread. Errors: there is no program `roard`, or none may be started here.
pub fn start(place: &RuntimeDir) -> Result<bool, Failure> {
    let cannot = |cause: String| Failure::new("no-daemon", format!("cannot start `{DAEMON}`")).cause(cause);
    let Some(lock) = take_start_lock(&place.path).map_err(|error| cannot(error.to_string()))? else { return Ok(false) };
    may_start()?;
    let program = beside(DAEMON).map_err(|error| cannot(error.to_string()))?;
    match launch(&program, place, lock.as_raw_fd()) {
        Ok(()) => Ok(true),
        Err(error) => Err(cannot(format!("`{}`: {error}", program.display())).hint("install roar again")),
    }
}

/// How a daemon that was started has ended.
pub enum Ending {
    /// Another one, which does not listen, still holds the place: one that finishes what it was recording.
    GaveWay,
    Died(Failure),
}

/// Returns how a daemon that was started has ended; None while it lives.
pub fn ending(place: &RuntimeDir) -> Option<Ending> {
    take_start_lock(&place.path).ok()??;
    let words = fs::read_to_string(place.daemons_stderr()).unwrap_or_default();
    if words.starts_with("error[daemon-already-running]") {
        return Some(Ending::GaveWay);
    }
    let last: Vec<&str> = words.trim().lines().rev().take(LAST_WORDS).collect();
    let last: String = last.iter().rev().map(|line| format!("{line}\n")).collect();
    Some(Ending::Died(Failure::new("no-daemon", format!("`{DAEMON}` ended while it started")).cause(last)))
}

/// Returns the lock unless a daemon, or who is starting one, has it. A daemon inherits it, and holds it until it ends.
pub fn take_start_lock(runtime_dir: &Path) -> io::Result<Option<File>> {
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(runtime_dir.join(START_LOCK))?;
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
    let program = CString::new(program.as_os_str().as_bytes())?;
    let mut argv = vec![program.clone()];
    argv.extend(place.tether().map(|_| c"--private".to_owned()));
    let environment = environment(place)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let stdin = place.tether().map_or(null.as_raw_fd(), Tether::stdin);
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
        ForkResult::Child => {
            let streams = [stdin, null.as_raw_fd(), stderr.as_raw_fd()];
            become_daemon(&argv, &environment, streams, [lock, report_in.as_raw_fd()])
        }
    }
}

/// The child's part: forks once more, so that the daemon's parent is gone, and executes it with these standard streams.
/// Of all other descriptors it keeps the lock, and `report` for what goes wrong.
fn become_daemon(argv: &[CString], environment: &[CString], streams: [RawFd; 3], [lock, report]: [RawFd; 2]) -> ! {
    // SAFETY: single-threaded; descriptors are moved to known places, and everything else is closed, so nothing of the
    // caller's is held open. No object of the launcher is used or dropped afterwards.
    unsafe {
        libc::setsid();
        if libc::fork() != 0 {
            libc::_exit(0);
        }
        let [stdin, stdout, stderr] = streams;
        let aside =
            [stdin, stdout, stderr, lock, report].map(|fd| libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, REPORT_FD + 1));
        for (from, to) in aside.into_iter().zip([0, 1, 2, LOCK_FD, REPORT_FD]) {
            libc::dup2(from, to);
        }
        libc::fcntl(REPORT_FD, libc::F_SETFD, libc::FD_CLOEXEC);
        caller::close_from(REPORT_FD + 1);
        caller::reset_signals();
        libc::umask(0o077);
        libc::chdir(c"/".as_ptr());
        let errno = nix::unistd::execve(&argv[0], argv, environment).err().map_or(0, |errno| errno as i32);
        libc::write(REPORT_FD, errno.to_ne_bytes().as_ptr().cast(), 4);
        libc::_exit(127)
    }
}

/// The environment of the daemon: this process's, with the place to meet and the path of the launcher, and without what
/// one shell set to steer its own Python, git or loader, or a service manager told a service: the daemon serves all
/// projects, for long.
fn environment(place: &RuntimeDir) -> io::Result<Vec<CString>> {
    const LEFT_OUT: [&[u8]; 6] = [b"PYTHON", b"GIT_", b"LD_", b"ROAR_", b"NOTIFY_SOCKET", b"JOURNAL_STREAM"];
    let launcher = std::env::current_exe()?;
    let kept = std::env::vars_os().filter(|(name, _)| LEFT_OUT.iter().all(|start| !name.as_bytes().starts_with(start)));
    let own = [("ROAR_LAUNCHER", launcher.into_os_string()), ("ROAR_RUNTIME_DIR", place.path.clone().into_os_string())];
    let all = kept.chain(own.map(|(name, value)| (name.into(), value)));
    all.map(|(name, value)| Ok(CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())?)).collect()
}
