//! `roar internal-handover RUNDIR PARENT DIRFD CLOEXEC PATH ARG0 ...`: a process of a job that runs under the preload
//! backend is about to execute a program that the shim cannot be in. It executes this instead, which puts a ptrace tracer
//! on the process, so on itself, and executes the program: same process, descriptors, signals, cwd and environment.

use std::env;
use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::fd::RawFd;
use std::path::Path;
use std::process::ExitCode;

use libc::c_char;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::program::c_string;
use crate::report;

/// Put by the shim before the names of variables that the loader obeys, which were not meant for us.
const KEPT: &[u8] = b"ROAR_KEPT_";
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// Becomes the program. Returns only when that is not possible.
pub fn hand_over(words: &[OsString]) -> ExitCode {
    let caller = Caller::meet();
    let [rundir, parent, dirfd, cloexec, path, argv @ ..] = words else {
        return report::failure(&Failure::new("usage", "`roar internal-handover` is for roar itself").exit_status(2));
    };
    let number = |word: &OsString| word.to_str().and_then(|text| text.parse::<i32>().ok());
    let program = Target {
        fd: number(dirfd),
        closes: number(cloexec) == Some(1),
        path: c_string(path.clone()),
        argv: argv.iter().cloned().map(c_string).collect(),
        environment: environment(),
    };
    // Should this fail, the program runs unseen, and the record says so.
    let filter = ptrace::take_over(Path::new(rundir), number(parent).unwrap_or(0) as u32);
    caller.restore();
    if let Some(filter) = filter {
        filter.install_for_tracer();
    }
    let error = program.execute();
    let status = if error.raw_os_error() == Some(libc::ENOENT) { NOT_FOUND } else { NOT_EXECUTABLE };
    let name = env::args_os().nth(6).unwrap_or_default();
    report::failure(
        &Failure::new("not-executed", format!("`{}` cannot be executed", name.display()))
            .cause(error.to_string())
            .exit_status(status),
    )
}

struct Target {
    /// The program itself, when it has no name.
    fd: Option<RawFd>,
    /// `fd` is not the program's to keep.
    closes: bool,
    path: CString,
    argv: Vec<CString>,
    environment: Vec<&'static CStr>,
}

impl Target {
    fn execute(&self) -> io::Error {
        let argv: Vec<*const c_char> = self.argv.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect();
        let environment: Vec<*const c_char> =
            self.environment.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect();
        // SAFETY: both vectors end in null, all strings live through the calls.
        unsafe {
            match self.fd {
                Some(fd) => {
                    if self.closes {
                        libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
                    }
                    let (argv, environment) = (argv.as_ptr(), environment.as_ptr());
                    libc::syscall(libc::SYS_execveat, fd, c"".as_ptr(), argv, environment, libc::AT_EMPTY_PATH);
                }
                None => {
                    libc::execve(self.path.as_ptr(), argv.as_ptr(), environment.as_ptr());
                }
            }
        }
        io::Error::last_os_error()
    }
}

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// The variables of the job, in their order, however odd.
fn environment() -> Vec<&'static CStr> {
    let mut found = Vec::new();
    // SAFETY: the vector that execve(2) made ends in null; nothing changes it in this process.
    unsafe {
        let mut at = environ;
        while !(*at).is_null() {
            let word = CStr::from_ptr(*at);
            let kept = word.to_bytes().starts_with(KEPT);
            found.push(if kept { CStr::from_ptr(word.as_ptr().add(KEPT.len())) } else { word });
            at = at.add(1);
        }
    }
    found
}
