//! Names that the kernel's cache did not resolve are resolved here, a little late, by asking the file system.

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use proc::{Place, read_link};
use trace::Stat;

use crate::record;

/// File systems whose stat(2) shows other device numbers than their inodes have: include/uapi/linux/magic.h.
const BTRFS: u32 = 0x9123_683E;
const OVERLAYFS: u32 = 0x794C_7630;
const BCACHEFS: u32 = 0xCA45_1A4E;

/// Where a place is. Its stat is all zeros when nothing is there, or when the kernel has resolved it. None: it cannot be
/// found any more.
pub fn resolve(pid: u32, place: &record::Place, follow: bool) -> Option<Place> {
    match place {
        record::Place::Path(path) => Some(Place { path: path.clone(), stat: Stat::default() }),
        record::Place::Text { base, text } => {
            let whole = absolute(pid, base, text);
            if follow || text.is_empty() { follow_all(&whole) } else { entry(&whole) }
        }
    }
}

/// `/proc/self` means the caller, which we are not.
fn absolute(pid: u32, base: &[u8], text: &[u8]) -> Vec<u8> {
    let own = [
        (&b"/proc/self/"[..], format!("/proc/{pid}/")),
        (b"/proc/thread-self/", format!("/proc/{pid}/")),
        (b"/dev/fd/", format!("/proc/{pid}/fd/")),
    ];
    let found = own.iter().find_map(|(prefix, ours)| Some([ours.as_bytes(), text.strip_prefix(*prefix)?].concat()));
    let slash = if base.ends_with(b"/") || text.starts_with(b"/") { &b""[..] } else { b"/" };
    let base = if base == b"/" && text.starts_with(b"/") { &b""[..] } else { base };
    found.unwrap_or_else(|| [base, slash, text].concat())
}

/// What a name means to a process that stands in a directory.
pub fn from_directory(directory: &[u8], name: &[u8]) -> Option<Place> {
    match name.starts_with(b"/") {
        true => follow_all(name),
        false => follow_all(&[directory, b"/", name].concat()),
    }
}

fn follow_all(path: &[u8]) -> Option<Place> {
    let fd = open_path(path, 0)?;
    let path = read_link(&format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()?;
    Some(Place { path, stat: Stat::of_fd(fd.as_raw_fd()).ok()? })
}

/// The directory resolved, the last word as it is.
fn entry(path: &[u8]) -> Option<Place> {
    let end = path.iter().rposition(|&byte| byte != b'/')? + 1;
    let start = path[..end].iter().rposition(|&byte| byte == b'/')? + 1;
    let word = &path[start..end];
    if word == b"." || word == b".." {
        return follow_all(path);
    }
    let mut whole = follow_all(&path[..start])?.path;
    if whole != b"/" {
        whole.push(b'/');
    }
    whole.extend_from_slice(word);
    let stat = Stat::of_link(&whole).unwrap_or_default();
    Some(Place { path: whole, stat })
}

fn open_path(path: &[u8], flags: i32) -> Option<OwnedFd> {
    let path = CString::new(path).ok()?;
    // SAFETY: `path` is NUL-terminated; the descriptor is ours when the call succeeds.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC | flags);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))
    }
}

/// The stat as stat(2) shows it. Some file systems show a device of their own making, which only they can tell; asked
/// after the fact, they do as long as the file is there.
pub fn with_right_device(stat: Stat, fs_magic: u32, path: &[u8]) -> Stat {
    if ![BTRFS, OVERLAYFS, BCACHEFS].contains(&fs_magic) {
        return stat;
    }
    match Stat::of_link(path) {
        Ok(shown) if shown.ino == stat.ino => Stat { dev: shown.dev, ..stat },
        _ => stat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_as_the_process_meant_them() {
        for (base, text, whole) in [
            ("/d", "a", "/d/a"),
            ("/", "a", "/a"),
            ("/", "/a", "/a"),
            ("/jail", "/a", "/jail/a"),
            ("/d", "/dev/fd/3", "/proc/7/fd/3"),
        ] {
            assert_eq!(absolute(7, base.as_bytes(), text.as_bytes()), whole.as_bytes());
        }
    }

    #[test]
    fn the_last_word_is_not_followed_unless_asked() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("target", folder.path().join("link")).unwrap();
        std::fs::write(folder.path().join("target"), "x").unwrap();
        let base = folder.path().canonicalize().unwrap().into_os_string().into_encoded_bytes();
        let place = record::Place::Text { base: base.clone(), text: b"./link".to_vec() };
        assert_eq!(resolve(1, &place, false).unwrap().path, [&base[..], b"/link"].concat());
        assert_eq!(resolve(1, &place, true).unwrap().path, [&base[..], b"/target"].concat());
    }
}
