//! The part of stat(2) that tells whether a file is still the same, and what it is.

use std::ffi::CString;
use std::io;
use std::os::fd::RawFd;

/// What stat(2) says of a file: identity, size in bytes, times in nanoseconds since the Unix epoch, mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stat {
    pub dev: u64,
    pub ino: u64,
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub mode: u64,
}

impl Stat {
    /// Follows symbolic links. Errors: those of stat(2); EINVAL for a path with a NUL byte.
    pub fn of_path(path: &[u8]) -> io::Result<Stat> {
        Stat::at(libc::AT_FDCWD, path, 0)
    }

    /// Of the path itself, link or not. Errors as `of_path`.
    pub fn of_link(path: &[u8]) -> io::Result<Stat> {
        Stat::at(libc::AT_FDCWD, path, libc::AT_SYMLINK_NOFOLLOW)
    }

    /// Of an open descriptor, O_PATH ones included.
    pub fn of_fd(fd: RawFd) -> io::Result<Stat> {
        Stat::at(fd, b"", libc::AT_EMPTY_PATH)
    }

    fn at(dirfd: RawFd, path: &[u8], flags: i32) -> io::Result<Stat> {
        let path = CString::new(path)?;
        let mut raw = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: `path` is NUL-terminated and `raw` is large enough; it is read only after the kernel filled it.
        let raw = unsafe {
            if libc::fstatat(dirfd, path.as_ptr(), raw.as_mut_ptr(), flags) != 0 {
                return Err(io::Error::last_os_error());
            }
            raw.assume_init()
        };
        Ok(Stat {
            dev: raw.st_dev as u64,
            ino: raw.st_ino as u64,
            size: raw.st_size as u64,
            mtime_ns: raw.st_mtime as i64 * 1_000_000_000 + raw.st_mtime_nsec as i64,
            ctime_ns: raw.st_ctime as i64 * 1_000_000_000 + raw.st_ctime_nsec as i64,
            mode: u64::from(raw.st_mode),
        })
    }

    /// False for the one that is all zeros: there was a file, and a backend could not learn which.
    pub fn is_known(&self) -> bool {
        self.mode != 0
    }

    /// Which file it is, as long as it exists.
    pub fn id(&self) -> (u64, u64) {
        (self.dev, self.ino)
    }

    pub fn is_file(&self) -> bool {
        self.mode & u64::from(libc::S_IFMT) == u64::from(libc::S_IFREG)
    }

    pub fn is_dir(&self) -> bool {
        self.mode & u64::from(libc::S_IFMT) == u64::from(libc::S_IFDIR)
    }

    /// True when file, size and mtime are the same: the bytes are, unless somebody set the times back.
    pub fn same_content(&self, other: &Stat) -> bool {
        self.id() == other.id() && self.size == other.size && self.mtime_ns == other.mtime_ns
    }
}
