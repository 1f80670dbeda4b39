//! The directory in which daemon and clients of a user meet: found, made, and refused when others could get in.

use std::env;
use std::ffi::{CString, OsString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, geteuid, gethostname};

use crate::failure::Failure;
use crate::tether::Tether;

/// A socket address has room for 108 bytes; some are kept for the daemon's temporary names.
const SOCKET_PATH_MAX: usize = 100;
const SOCKET: &str = "roard.sock";

/// A directory that is ours alone.
#[derive(Debug)]
pub struct RuntimeDir {
    pub path: PathBuf,
    /// Of a directory that only this command knows.
    tether: Option<Tether>,
}

impl RuntimeDir {
    /// Finds the directory, and makes it when it is not there. Errors: unsafe-runtime-dir.
    pub fn open() -> Result<RuntimeDir, Failure> {
        let path = choose(&Surroundings::look());
        check_length(&path)?;
        make(&path)?;
        check_owner(&path)?;
        Ok(RuntimeDir { path, tether: None })
    }

    /// Makes a directory for a daemon of this command alone, which ends, and takes the directory with it, when the value
    /// that this returns is dropped. Errors: no-daemon.
    pub fn private() -> Result<RuntimeDir, Failure> {
        let cannot = |error: io::Error| {
            Failure::new("no-daemon", "no private runtime directory can be made").cause(error.to_string())
        };
        let usual = env::temp_dir();
        // Six letters take the place of the last six.
        let place = if check_length(&usual.join("roar-XXXXXX")).is_ok() { &usual } else { Path::new("/tmp") };
        let tether = Tether::make(place).map_err(cannot)?;
        Ok(RuntimeDir { path: tether.path.clone(), tether: Some(tether) })
    }

    /// What ties a private daemon to this command; None: it is the user's daemon.
    pub fn tether(&self) -> Option<&Tether> {
        self.tether.as_ref()
    }

    pub fn socket(&self) -> PathBuf {
        self.path.join(SOCKET)
    }

    /// Random word that the daemon wrote there; every call must carry it.
    pub fn token(&self) -> io::Result<String> {
        Ok(fs::read_to_string(self.path.join("roard.token"))?.trim().to_owned())
    }

    /// What a daemon says that cannot write its log yet.
    pub fn daemons_stderr(&self) -> PathBuf {
        self.path.join("roard.stderr")
    }
}

/// What the choice of the directory depends on.
struct Surroundings {
    wanted: Option<PathBuf>,
    xdg: Option<PathBuf>,
    /// /run/user/UID, when it is there.
    run_user: Option<PathBuf>,
    /// On a local file system, and not read-only.
    local_home: Option<PathBuf>,
    host: String,
    uid: u32,
}

impl Surroundings {
    fn look() -> Surroundings {
        let uid = geteuid().as_raw();
        let run_user = PathBuf::from(format!("/run/user/{uid}"));
        Surroundings {
            wanted: absolute(env::var_os("ROAR_RUNTIME_DIR")),
            xdg: absolute(env::var_os("XDG_RUNTIME_DIR")).filter(|path| path.is_dir()),
            run_user: run_user.is_dir().then_some(run_user),
            local_home: absolute(env::var_os("HOME")).filter(|home| is_local(home) && is_writable(home)),
            host: gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            uid,
        }
    }
}

fn absolute(value: Option<OsString>) -> Option<PathBuf> {
    value.map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Whether what belongs below a home directory can be made there.
fn is_writable(home: &Path) -> bool {
    let state = home.join(".local/state/roar");
    let nearest = state.ancestors().find(|folder| folder.exists()).unwrap_or(home);
    access(nearest, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

/// The first place that there is; those of a home with a long name are passed over.
fn choose(around: &Surroundings) -> PathBuf {
    let below_home = || {
        let home = around.local_home.as_ref()?;
        let path = home.join(format!(".local/state/roar/run-{}", around.host));
        check_length(&path).is_ok().then_some(path)
    };
    around
        .wanted
        .clone()
        .or_else(|| Some(around.xdg.as_ref()?.join("roar")))
        .or_else(|| Some(around.run_user.as_ref()?.join("roar")))
        .or_else(below_home)
        .unwrap_or_else(|| PathBuf::from(format!("/tmp/roar-{}", around.uid)))
}

/// Whether a socket on this file system is seen by this machine only.
fn is_local(path: &Path) -> bool {
    // From linux/magic.h and the file systems' own sources: NFS, SMB, CIFS, SMB2, AFS, Coda, 9P, FUSE, Ceph, Lustre, GPFS.
    const REMOTE: [u32; 11] = [
        0x6969,
        0x517B,
        0xFF53_4D42,
        0xFE53_4D42,
        0x5346_414F,
        0x7375_7245,
        0x0102_1997,
        0x6573_5546,
        0x00C3_6400,
        0x0BD0_0BD0,
        0x4750_4653,
    ];
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    let mut facts = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: a C string and a place for the answer, which is read only when the call succeeded.
    unsafe {
        libc::statfs(path.as_ptr(), facts.as_mut_ptr()) == 0 && !REMOTE.contains(&(facts.assume_init().f_type as u32))
    }
}

fn check_length(path: &Path) -> Result<(), Failure> {
    let length = path.join(SOCKET).as_os_str().len();
    match length <= SOCKET_PATH_MAX {
        true => Ok(()),
        false => {
            Err(unsafe_dir(path, &format!("its socket would have a name of {length} bytes, {SOCKET_PATH_MAX} fit")))
        }
    }
}

fn make(path: &Path) -> Result<(), Failure> {
    let made = match path.parent() {
        Some(parent) => DirBuilder::new().recursive(true).mode(0o700).create(parent),
        None => Ok(()),
    };
    match made.and_then(|()| DirBuilder::new().mode(0o700).create(path)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unsafe_dir(path, &error.to_string())),
        _ => Ok(()),
    }
}

fn check_owner(path: &Path) -> Result<(), Failure> {
    let facts = fs::symlink_metadata(path).map_err(|error| unsafe_dir(path, &error.to_string()))?;
    let problem = if facts.is_symlink() {
        "it is a symbolic link"
    } else if !facts.is_dir() {
        "it is not a directory"
    } else if facts.uid() != geteuid().as_raw() {
        "it belongs to another user"
    } else if facts.mode() & 0o077 != 0 {
        "other users have access to it"
    } else {
        return Ok(());
    };
    Err(unsafe_dir(path, problem))
}

fn unsafe_dir(path: &Path, problem: &str) -> Failure {
    Failure::new("unsafe-runtime-dir", format!("the runtime directory `{}` cannot be used: {problem}", path.display()))
        .hint("remove it, or set ROAR_RUNTIME_DIR to a directory of your own with mode 0700")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn around() -> Surroundings {
        Surroundings {
            wanted: Some("/wanted".into()),
            xdg: Some("/xdg".into()),
            run_user: Some("/run/user/7".into()),
            local_home: Some("/home/ann".into()),
            host: "box".into(),
            uid: 7,
        }
    }

    #[test]
    fn the_places_are_tried_in_order() {
        let mut around = around();
        assert_eq!(choose(&around), Path::new("/wanted"));
        around.wanted = None;
        assert_eq!(choose(&around), Path::new("/xdg/roar"));
        around.xdg = None;
        assert_eq!(choose(&around), Path::new("/run/user/7/roar"));
        around.run_user = None;
        assert_eq!(choose(&around), Path::new("/home/ann/.local/state/roar/run-box"));
        around.local_home = Some(format!("/home/{}", "a".repeat(150)).into());
        assert_eq!(choose(&around), Path::new("/tmp/roar-7"));
        around.local_home = None;
        assert_eq!(choose(&around), Path::new("/tmp/roar-7"));
    }

    fn judge(path: &Path) -> Result<(), String> {
        check_length(path).and_then(|()| make(path)).and_then(|()| check_owner(path)).map_err(|failure| failure.fact)
    }

    #[test]
    fn a_new_directory_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/roar");
        assert_eq!(judge(&path), Ok(()));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(judge(&path), Ok(()));
    }

    #[test]
    fn what_others_may_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roar");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(judge(&path).unwrap_err().ends_with("other users have access to it"));
    }

    #[test]
    fn links_files_and_long_names_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        symlink("/tmp", folder.path().join("link")).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(judge(&folder.path().join("link")).unwrap_err().ends_with("it is a symbolic link"));
        assert!(judge(&folder.path().join("file")).unwrap_err().ends_with("it is not a directory"));
        assert!(judge(&folder.path().join("n".repeat(100))).is_err());
    }
}
