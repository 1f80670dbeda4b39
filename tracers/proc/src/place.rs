//! From what a process named to the object that the kernel means, through /proc: links, dirfd, cwd and roots resolved.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use trace::Stat;

use crate::Tid;

/// A path as a thread gave it to a system call: relative to a descriptor, or to its cwd (AT_FDCWD).
pub struct Named {
    pub tid: Tid,
    pub dirfd: i32,
    pub path: Vec<u8>,
    /// RESOLVE_IN_ROOT of openat2(2): `dirfd` is the root of everything.
    pub in_root: bool,
}

/// An object of the file system: where it is, and what.
#[derive(Clone, Debug)]
pub struct Place {
    pub path: Vec<u8>,
    pub stat: Stat,
}

impl Named {
    /// The same object, named from here: `/proc/TID/cwd/…`, `/proc/TID/fd/N/…`, `/proc/TID/root/…`.
    fn seen_from_here(&self) -> Vec<u8> {
        let tid = self.tid;
        if let Some(absolute) = self.path.strip_prefix(b"/") {
            return own_proc(tid, &self.path)
                .unwrap_or_else(|| [format!("/proc/{tid}/root/").as_bytes(), absolute].concat());
        }
        let base = match self.dirfd {
            libc::AT_FDCWD => format!("/proc/{tid}/cwd/"),
            fd => format!("/proc/{tid}/fd/{fd}/"),
        };
        // An empty path (AT_EMPTY_PATH) is the descriptor itself.
        let base = if self.path.is_empty() { base.trim_end_matches('/').as_bytes() } else { base.as_bytes() };
        [base, &self.path].concat()
    }

    /// Stat of the object at the end of all links; None when there is nothing, or it cannot be reached.
    pub fn stat(&self) -> Option<Stat> {
        if self.in_root {
            return Stat::of_fd(self.open_in_root().ok()?.as_raw_fd()).ok();
        }
        Stat::of_path(&self.seen_from_here()).ok()
    }

    fn open_in_root(&self) -> io::Result<OwnedFd> {
        let root = Named { tid: self.tid, dirfd: self.dirfd, path: Vec::new(), in_root: false };
        let root = open_path(&root.seen_from_here(), libc::O_DIRECTORY)?;
        let path = CString::new(self.path.as_slice())?;
        // SAFETY: all zero is a valid `open_how`, which has private padding.
        let mut how: libc::open_how = unsafe { std::mem::zeroed() };
        how.flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
        how.resolve = libc::RESOLVE_IN_ROOT;
        // SAFETY: `path` is NUL-terminated, `how` of the given size; the descriptor is ours when the call succeeds.
        unsafe {
            let how = &raw const how;
            let fd =
                libc::syscall(libc::SYS_openat2, root.as_raw_fd(), path.as_ptr(), how, size_of::<libc::open_how>());
            if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd as i32)) }
        }
    }

    /// The object at the end of all links. None when it cannot be reached.
    pub fn follow(&self) -> Option<Place> {
        let fd = open_path(&self.seen_from_here(), 0).ok()?;
        Some(Place { path: path_of(&fd).ok()?, stat: Stat::of_fd(fd.as_raw_fd()).ok()? })
    }

    /// The name itself, its last word not followed, and what is there. None when its directory cannot be reached.
    pub fn entry(&self) -> Option<(Vec<u8>, Option<Stat>)> {
        let whole = self.seen_from_here();
        let end = whole.iter().rposition(|&byte| byte != b'/')? + 1;
        let start = whole[..end].iter().rposition(|&byte| byte == b'/')? + 1;
        let word = &whole[start..end];
        if word == b"." || word == b".." || self.path.is_empty() {
            return self.follow().map(|place| (place.path, Some(place.stat)));
        }
        let directory = open_path(&whole[..start], libc::O_DIRECTORY).ok()?;
        let mut path = path_of(&directory).ok()?;
        if path != b"/" {
            path.push(b'/');
        }
        path.extend_from_slice(word);
        Some((path.clone(), Stat::of_link(&path).ok()))
    }
}

/// `/proc/self`, `/dev/stdin` and their like mean the caller, which we are not.
fn own_proc(tid: Tid, path: &[u8]) -> Option<Vec<u8>> {
    let own = [
        (&b"/proc/self/"[..], format!("/proc/{tid}/")),
        (b"/proc/thread-self/", format!("/proc/{tid}/")),
        (b"/dev/fd/", format!("/proc/{tid}/fd/")),
        (b"/dev/stdin", format!("/proc/{tid}/fd/0")),
        (b"/dev/stdout", format!("/proc/{tid}/fd/1")),
        (b"/dev/stderr", format!("/proc/{tid}/fd/2")),
    ];
    own.iter().find_map(|(prefix, ours)| Some([ours.as_bytes(), path.strip_prefix(*prefix)?].concat()))
}

fn open_path(path: &[u8], flags: i32) -> io::Result<OwnedFd> {
    let path = CString::new(path)?;
    // SAFETY: `path` is NUL-terminated; the descriptor is ours when the call succeeds.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC | flags);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

fn path_of(fd: &OwnedFd) -> io::Result<Vec<u8>> {
    read_link(&format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

/// Where a magic link of /proc points to.
pub fn read_link(path: &str) -> io::Result<Vec<u8>> {
    Ok(std::fs::read_link(path)?.into_os_string().into_vec())
}

/// What a descriptor of a process refers to. The path ends in ` (deleted)` when the name is gone.
pub fn behind_fd(tid: Tid, fd: i64) -> io::Result<Place> {
    let link = format!("/proc/{tid}/fd/{fd}");
    let stat = Stat::of_path(link.as_bytes())?;
    Ok(Place { path: read_link(&link)?, stat })
}

/// Files of the kernel's own file systems are state, not content.
pub fn is_kernel_path(path: &[u8]) -> bool {
    path.starts_with(b"/proc/") || path.starts_with(b"/sys/")
}

/// Regular files below a directory, links not followed, at most `limit`; true when there were more.
pub fn files_below(directory: &[u8], limit: usize) -> (Vec<Place>, bool) {
    let mut files = Vec::new();
    let mut waiting = vec![directory.to_vec()];
    while let Some(directory) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(OsStr::from_bytes(&directory)) else { continue };
        for entry in entries.flatten() {
            let path = entry.path().into_os_string().into_vec();
            match Stat::of_link(&path) {
                Ok(stat) if stat.is_dir() => waiting.push(path),
                Ok(_) if files.len() >= limit => return (files, true),
                Ok(stat) if stat.is_file() => files.push(Place { path, stat }),
                _ => {}
            }
        }
    }
    (files, false)
}

/// False for what has no name (any more) and what the kernel makes up.
pub fn is_content(place: &Place) -> bool {
    place.stat.is_file() && place.path.starts_with(b"/") && !is_kernel_path(&place.path) && !is_deleted(place)
}

/// The kernel appends ` (deleted)`; a file may also be called so.
pub fn is_deleted(place: &Place) -> bool {
    place.path.ends_with(b" (deleted)")
        && Stat::of_link(&place.path).map(|stat| stat.id()).ok() != Some(place.stat.id())
}
