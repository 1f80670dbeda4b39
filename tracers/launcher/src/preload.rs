//! The launcher's part of the preload backend (tracers/preload): makes the shared log, and has the child join it.

use std::env;
use std::ffi::{CStr, CString, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use libc::{c_char, c_int};
use trace::Clock;
use trace::event::{Event, FRAME_HEAD, What};
use trace::log::{self, LAUNCHER, LogWriter, stream_path};

use crate::keeper::Keeper;
use crate::program::c_string;
use crate::rundir::RunDir;
use crate::spawn::Held;
use crate::watch::Backend;

const SHIM: &str = "libroar_preload.so";
/// Of the log, at first; processes that need more add to it.
const SIZE: u64 = 1 << 20;
/// Bytes of the frame that the processes remember things in, see log.c.
const TABLE: usize = FRAME_HEAD + 4096 * 8;

/// Has the child watch itself from its exec on, and everything that it starts. Errors: the shim is not there, or cannot be
/// loaded; no room for the log.
pub fn attach(rundir: &RunDir, held: &mut Held, clock: Clock) -> io::Result<Keeper> {
    let paths = ShimPaths::of_run(&rundir.path)?;
    create_log(&rundir.path, clock)?;
    held.join(&paths)?;
    say_start(&rundir.path, held.pid.as_raw(), clock)?;
    Keeper::start(rundir.lock_fd(), held.pid)
}

fn create_log(rundir: &Path, clock: Clock) -> io::Result<()> {
    let path = stream_path(rundir, Backend::Preload.name());
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    // SAFETY: the descriptor is open. With zeros as holes, a full disk would end the processes that write, by SIGBUS.
    if unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, SIZE as libc::off_t) } != 0 {
        return Err(io::Error::other("no room for the trace"));
    }
    file.write_all(&log::header(clock, log::SHARED, SIZE))?;
    // The table of shim's log.c: a frame of a kind that no event has. The hint in the header may stay before it.
    file.write_all(&(TABLE as u32).to_le_bytes())
}

/// What the child is handed over: nobody in it sees these being opened.
fn say_start(rundir: &Path, pid: i32, clock: Clock) -> io::Result<()> {
    let mut log = LogWriter::create(rundir, LAUNCHER, clock)?;
    let said = std::iter::once(What::Fork { parent: 0 }).chain(proc::inherited(pid));
    said.for_each(|what| log.append(&Event { pid: pid as u32, at_ns: clock.elapsed_ns(), what }));
    match log.flush() {
        0 => Ok(()),
        _ => Err(io::Error::other("no room for the trace")),
    }
}

/// What a process must know to take part.
pub struct ShimPaths {
    shim: CString,
    roar: CString,
    rundir: CString,
}

impl ShimPaths {
    fn of_run(rundir: &Path) -> io::Result<ShimPaths> {
        let roar = env::current_exe()?.canonicalize()?;
        let shim = find_shim(&roar)?;
        let rundir = fs::canonicalize(rundir)?;
        let [shim, roar, rundir] = [shim, roar, rundir].map(|path| c_string(path.into_os_string()));
        Ok(ShimPaths { shim, roar, rundir })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.shim, &self.roar, &self.rundir].map(|path| path.to_bytes_with_nul()).concat()
    }

    pub fn from_bytes(bytes: &[u8]) -> io::Result<ShimPaths> {
        let mut words = bytes.split(|&byte| byte == 0).map(|word| c_string(OsString::from_vec(word.to_vec())));
        match (words.next(), words.next(), words.next()) {
            (Some(shim), Some(roar), Some(rundir)) => Ok(ShimPaths { shim, roar, rundir }),
            _ => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        }
    }
}

/// Where the wheel puts it, and where cargo's programs find that of the source tree.
fn find_shim(roar: &Path) -> io::Result<PathBuf> {
    let installed = roar.parent().and_then(Path::parent).map(|prefix| prefix.join("lib/roar").join(SHIM));
    let candidates = [installed, Some(roar.with_file_name(SHIM))];
    let mut found = candidates.into_iter().flatten().filter(|path| path.exists());
    found.next().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("`{SHIM}` is not installed")))
}

type Join = unsafe extern "C" fn(*const c_char, *const c_char, *const c_char) -> c_int;
type Execve = unsafe extern "C" fn(*const c_char, *const *const c_char, *const *const c_char) -> c_int;

/// The shim, loaded into the child of the launcher.
pub struct Shim {
    execve: Execve,
}

unsafe extern "C" {
    static environ: *const *const c_char;
}

impl Shim {
    /// Loads the shim and joins the run. In a forked process with one thread only; it stays loaded. Errors: it cannot be
    /// loaded here, or not reach the log.
    pub fn join(paths: &ShimPaths) -> io::Result<Shim> {
        // SAFETY: the shim does nothing when it is loaded into a process whose environment does not ask for it.
        let library = unsafe { libc::dlopen(paths.shim.as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return Err(io::Error::from_raw_os_error(libc::ELIBACC));
        }
        // Read by the shim until the exec.
        let [shim, roar, rundir] =
            [&paths.shim, &paths.roar, &paths.rundir].map(|path| Box::leak(path.clone().into_boxed_c_str()).as_ptr());
        // SAFETY: the functions have these types, see shim.c.
        let (errno, execve) = unsafe {
            let join: Join = std::mem::transmute(symbol(library, c"roar_join")?);
            let execve: Execve = std::mem::transmute(symbol(library, c"roar_execve")?);
            (join(shim, roar, rundir), execve)
        };
        if errno == 0 { Ok(Shim { execve }) } else { Err(io::Error::from_raw_os_error(errno)) }
    }

    /// execv(3). Returns why it did not.
    pub fn execv(&self, path: &CStr, argv: &[CString]) -> nix::Error {
        let words: Vec<*const c_char> = argv.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect();
        // SAFETY: `path` and all words live through the call; the one thread here does not change `environ`.
        unsafe { (self.execve)(path.as_ptr(), words.as_ptr(), environ) };
        nix::Error::last()
    }
}

fn symbol(library: *mut libc::c_void, name: &CStr) -> io::Result<*mut libc::c_void> {
    // SAFETY: `library` is loaded.
    let found = unsafe { libc::dlsym(library, name.as_ptr()) };
    if found.is_null() { Err(io::Error::from_raw_os_error(libc::ELIBACC)) } else { Ok(found) }
}
