//! A daemon of one command alone (ROAR_DAEMON=off): it ends with the command, however that ends.

use std::ffi::{CString, OsString};
use std::fs;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::daemon;

/// It finishes what it is recording first, which takes it five seconds at most.
const PATIENCE: Duration = Duration::from_secs(8);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The directory in which command and daemon meet, and the pipe at whose end the daemon ends.
#[derive(Debug)]
pub struct Tether {
    pub path: PathBuf,
    stdin: PipeReader,
    /// None once the daemon is to end.
    hold: Option<PipeWriter>,
}

impl Tether {
    /// Makes a directory of mode 0700 in `place`, under a name that nobody can guess.
    pub fn make(place: &Path) -> io::Result<Tether> {
        let (stdin, hold) = io::pipe()?;
        let name = CString::new(place.join("roar-XXXXXX").as_os_str().as_bytes())?.into_raw();
        // SAFETY: a C string of ours, in which letters are replaced; the same pointer that into_raw() returned.
        let (made, name) = unsafe { (!libc::mkdtemp(name).is_null(), CString::from_raw(name)) };
        match made {
            true => Ok(Tether { path: OsString::from_vec(name.into_bytes()).into(), stdin, hold: Some(hold) }),
            false => Err(io::Error::last_os_error()),
        }
    }

    /// To be the daemon's standard input.
    pub fn stdin(&self) -> RawFd {
        self.stdin.as_raw_fd()
    }
}

impl Drop for Tether {
    /// Ends the daemon, waits for it, and removes what it may have left.
    fn drop(&mut self) {
        self.hold = None;
        let began = Instant::now();
        while matches!(daemon::take_start_lock(&self.path), Ok(None)) && began.elapsed() < PATIENCE {
            sleep(LOOK_AGAIN);
        }
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_directory_is_private_and_goes_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let tether = Tether::make(folder.path()).unwrap();
        let path = tether.path.clone();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
        drop(tether);
        assert!(!path.exists());
    }
}
