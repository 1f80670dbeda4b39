//! From a stopped system call to an event. What a call will do is read before it (`before`), what it did after it
//! succeeded (`after`), from the kernel's objects rather than from the arguments.

use proc::{Named, Place, Tid, behind_fd, files_below, interpreters, is_content, is_deleted, read_link};
use trace::Stat;
use trace::event::{Exec, RENAME_EXCHANGED, What, portable_open_flags};

use crate::sys::{Entry, read_memory, read_string};
use crate::syscalls::Action;

/// A renamed directory with more files is reported as not fully seen.
const DIRECTORY_MAX: usize = 100_000;

/// A call that was seen at its entry, with what must be remembered until it returns.
pub enum Pending {
    /// `named` is where the name can still be read, should the descriptor be gone by the time of the exit.
    Open {
        flags: u32,
        before: Option<Stat>,
        named: Option<(i32, u64)>,
    },
    Rename {
        flags: u32,
        from: Place,
        to: Vec<u8>,
        replaced: Option<Stat>,
    },
    Link {
        from: Vec<u8>,
        to: Vec<u8>,
        stat: Stat,
    },
    Unlink {
        path: Vec<u8>,
        stat: Stat,
    },
    Truncate {
        path: Vec<u8>,
        before: Stat,
    },
    Utimes {
        path: Vec<u8>,
        before: Stat,
    },
    Create {
        path: Vec<u8>,
    },
    /// Reported at the exec event instead of the exit; `file` is the executed file, perhaps a script.
    Exec {
        file: Option<Place>,
    },
    IoUring,
    Namespace,
    Ptrace,
    /// A call that behaves otherwise for a process with a filter.
    Strict,
}

/// Reads what a call is about to do. None: nothing that could matter, let it run.
pub fn before(tid: Tid, entry: &Entry) -> Option<Pending> {
    let args = Args { tid, args: entry.args };
    match Action::from_data(entry.data)? {
        Action::Open => open(&args, None, 0, args.int(1), 0),
        Action::OpenAt => open(&args, Some(0), 1, args.int(2), 0),
        Action::OpenAt2 => {
            let (flags, resolve) = args.how(2)?;
            open(&args, Some(0), 1, flags, resolve)
        }
        Action::Creat => open(&args, None, 0, (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC) as u32, 0),
        Action::OpenByHandle => {
            Some(Pending::Open { flags: portable_open_flags(args.int(2)), before: None, named: None })
        }
        Action::Rename => rename(&args.named(None, 0)?, &args.named(None, 1)?, 0),
        Action::RenameAt => rename(&args.named(Some(0), 1)?, &args.named(Some(2), 3)?, 0),
        Action::RenameAt2 => rename(&args.named(Some(0), 1)?, &args.named(Some(2), 3)?, args.int(4)),
        Action::Link => link(&args.named(None, 0)?, &args.named(None, 1)?, 0),
        Action::LinkAt => link(&args.named(Some(0), 1)?, &args.named(Some(2), 3)?, args.int(4)),
        Action::Unlink => unlink(&args.named(None, 0)?),
        Action::UnlinkAt if args.int(2) & libc::AT_REMOVEDIR as u32 != 0 => None,
        Action::UnlinkAt => unlink(&args.named(Some(0), 1)?),
        Action::Truncate => {
            let place = args.named(None, 0)?.follow().filter(|place| place.stat.is_file())?;
            Some(Pending::Truncate { path: place.path, before: place.stat })
        }
        Action::Utimes => utimes(args.named(None, 0)?.follow()?),
        Action::UtimesAt if args.args[1] == 0 => utimes(behind_fd(tid, i64::from(args.int(0) as i32)).ok()?),
        Action::UtimesAt => utimes(args.named(Some(0), 1)?.follow()?),
        Action::Mknod => mknod(&args.named(None, 0)?, args.int(1)),
        Action::MknodAt => mknod(&args.named(Some(0), 1)?, args.int(2)),
        Action::Exec => Some(Pending::Exec { file: args.named(None, 0).and_then(|named| named.follow()) }),
        Action::ExecAt => Some(Pending::Exec { file: args.named(Some(0), 1).and_then(|named| named.follow()) }),
        Action::IoUring => Some(Pending::IoUring),
        Action::Namespace => Some(Pending::Namespace),
        Action::Ptrace => Some(Pending::Ptrace).filter(|_| wants_to_trace(args.args[0])),
        Action::Clone => None,
        Action::Prctl | Action::Seccomp => Some(Pending::Strict),
    }
}

/// Says what a call did that succeeded with `result`, as zero or more events.
pub fn after(tid: Tid, pid: Tid, pending: Pending, result: i64, mut say: impl FnMut(What)) {
    match pending {
        Pending::Open { flags, before, named } => opened(tid, flags, before, named, result, say),
        Pending::Rename { flags, from, to, replaced } => renamed(flags, from, to, replaced, say),
        Pending::Link { from, to, stat } => say(What::Link { from, to, stat }),
        Pending::Unlink { path, stat } => say(What::Unlink { path, stat }),
        Pending::Truncate { path, before } => say(What::Truncate { path, before }),
        Pending::Utimes { path, before } => {
            if let Ok(after) = Stat::of_path(&path) {
                say(What::Utimes { path, before, after });
            }
        }
        Pending::Create { path } => {
            if let Ok(stat) = Stat::of_link(&path) {
                say(What::Create { path, stat });
            }
        }
        Pending::IoUring => say(warning(
            "io-uring",
            format!("process {pid} uses io_uring: files that it opened or renamed through it are not seen"),
        )),
        Pending::Namespace if is_elsewhere(tid) => say(warning(
            "mount-namespace",
            format!("process {pid} has mounts of its own: what it changed there may be missing, or under another name"),
        )),
        Pending::Exec { .. } | Pending::Namespace | Pending::Ptrace | Pending::Strict => {}
    }
}

/// Says of a call that failed what the record must know.
pub fn refused(pid: Tid, pending: &Pending) -> Option<What> {
    let (code, message) = match pending {
        Pending::Ptrace => ("nested-tracer", "could not trace other processes, as it is traced itself"),
        Pending::Strict => ("seccomp-strict", "could not enter the strict mode of seccomp, as roar filters its calls"),
        _ => return None,
    };
    Some(warning(code, format!("process {pid} {message}")))
}

/// Says what a process runs now. `file` is what was executed.
pub fn executed(tid: Tid, file: Option<Place>) -> Vec<What> {
    let Ok(exe) = read_link(&format!("/proc/{tid}/exe")) else { return Vec::new() };
    let Ok(stat) = Stat::of_path(format!("/proc/{tid}/exe").as_bytes()) else { return Vec::new() };
    let script = file.filter(|file| file.stat.id() != stat.id() && file.stat.is_file());
    let words = std::fs::read(format!("/proc/{tid}/cmdline")).unwrap_or_default();
    let argv = words.strip_suffix(b"\0").unwrap_or(&words).split(|&byte| byte == 0).map(<[u8]>::to_vec).collect();
    let find = |path| Named { tid, dirfd: libc::AT_FDCWD, path, in_root: false }.follow();
    let mut said = script.as_ref().map_or_else(Vec::new, |script| interpreters(find, script, &stat));
    let script_stat = script.as_ref().map(|script| script.stat);
    let script = script.map(|script| script.path).unwrap_or_default();
    said.push(What::Exec(Exec { exe, stat, script, script_stat, argv }));
    said
}

pub fn warning(code: &str, message: String) -> What {
    What::Warning { code: code.into(), message: message.into_bytes() }
}

fn open(args: &Args, dirfd: Option<usize>, path: usize, flags: u32, resolve: u64) -> Option<Pending> {
    let flags = portable_open_flags(flags);
    if flags & libc::O_PATH as u32 != 0 {
        return None;
    }
    // Only an open that may change something needs to know what was there; a reader finds it as it is.
    let changes = flags as i32 & (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) != 0;
    let temporary = flags as i32 & libc::O_TMPFILE == libc::O_TMPFILE;
    let in_root = resolve & libc::RESOLVE_IN_ROOT != 0;
    let found = || Named { in_root, ..args.named(dirfd, path)? }.stat();
    let before = if changes && !temporary { found() } else { None };
    let named = (!in_root).then(|| (args.dirfd(dirfd), args.args[path]));
    Some(Pending::Open { flags, before, named })
}

fn opened(tid: Tid, flags: u32, before: Option<Stat>, named: Option<(i32, u64)>, fd: i64, mut say: impl FnMut(What)) {
    let by_name = || {
        let (dirfd, address) = named?;
        Named { tid, dirfd, path: read_string(tid, address).ok()?, in_root: false }.follow()
    };
    // A sibling thread may have closed the descriptor already: then the name has to do.
    let place = match behind_fd(tid, fd) {
        Ok(place) => place,
        Err(error) => match by_name() {
            Some(place) => place,
            None => {
                let message = format!("a file opened by process {tid} is not seen: /proc/{tid}/fd/{fd}: {error}");
                return say(warning("open-unseen", message));
            }
        },
    };
    let temporary = flags as i32 & libc::O_TMPFILE == libc::O_TMPFILE;
    if place.stat.is_file() && (is_content(&place) || temporary) {
        say(What::Open { flags, path: place.path, stat: place.stat, before });
    }
}

/// Whether a process sees other mounts than the tracer.
fn is_elsewhere(tid: Tid) -> bool {
    let own = read_link("/proc/self/ns/mnt").ok();
    read_link(&format!("/proc/{tid}/ns/mnt")).is_ok_and(|theirs| Some(theirs) != own)
}

/// PTRACE_TRACEME, PTRACE_ATTACH, PTRACE_SEIZE.
fn wants_to_trace(request: u64) -> bool {
    [0, 16, 0x4206].contains(&request)
}

fn rename(from: &Named, to: &Named, flags: u32) -> Option<Pending> {
    let (path, stat) = from.entry()?;
    let (to, replaced) = to.entry()?;
    let exchanged = flags & libc::RENAME_EXCHANGE != 0;
    let flags = if exchanged { RENAME_EXCHANGED } else { 0 };
    let has_content = |stat: &Stat| stat.is_file() || stat.is_dir();
    match (stat, replaced) {
        // Two names of one file, or a directory exchanged with itself: nothing happens.
        (Some(stat), Some(replaced)) if stat.id() == replaced.id() => None,
        (Some(stat), replaced) if has_content(&stat) || replaced.as_ref().is_some_and(has_content) => {
            Some(Pending::Rename { flags, from: Place { path, stat }, to, replaced })
        }
        _ => None,
    }
}

fn renamed(flags: u32, from: Place, to: Vec<u8>, replaced: Option<Stat>, mut say: impl FnMut(What)) {
    let back = replaced.filter(|other| flags & RENAME_EXCHANGED != 0 && other.is_dir()).is_some();
    let (source, directory) = (from.path.clone(), from.stat.is_dir());
    say(What::Rename { flags, from: from.path, to: to.clone(), stat: from.stat, replaced });
    if directory {
        moved_with(&source, &to, &mut say);
    }
    if back {
        moved_with(&to, &source, &mut say);
    }
}

/// The files of a directory that was at `from` and is at `to` now.
fn moved_with(from: &[u8], to: &[u8], say: &mut impl FnMut(What)) {
    let (files, more) = files_below(to, DIRECTORY_MAX);
    for Place { path, stat } in files {
        let old = [from, &path[to.len()..]].concat();
        say(What::Moved { from: old, to: path, stat });
    }
    if more {
        let name = String::from_utf8_lossy(to);
        say(warning(
            "directory-too-large",
            format!("`{name}` was renamed: files beyond {DIRECTORY_MAX} in it are not seen"),
        ));
    }
}

fn link(from: &Named, to: &Named, flags: u32) -> Option<Pending> {
    let unnamed = from.path.is_empty();
    let place = if unnamed || flags & libc::AT_SYMLINK_FOLLOW as u32 != 0 {
        from.follow()?
    } else {
        let (path, stat) = from.entry()?;
        Place { path, stat: stat? }
    };
    if !place.stat.is_file() {
        return None;
    }
    let (to, _) = to.entry()?;
    let from = if is_deleted(&place) { Vec::new() } else { place.path };
    Some(Pending::Link { from, to, stat: place.stat })
}

fn unlink(named: &Named) -> Option<Pending> {
    let (path, stat) = named.entry()?;
    stat.filter(Stat::is_file).map(|stat| Pending::Unlink { path, stat })
}

fn utimes(place: Place) -> Option<Pending> {
    is_content(&place).then_some(Pending::Utimes { path: place.path, before: place.stat })
}

fn mknod(named: &Named, mode: u32) -> Option<Pending> {
    let kind = mode & libc::S_IFMT;
    (kind == libc::S_IFREG || kind == 0).then_some(())?;
    Some(Pending::Create { path: named.entry()?.0 })
}

/// The arguments of a call, read as what they are.
struct Args {
    tid: Tid,
    args: [u64; 6],
}

impl Args {
    fn int(&self, at: usize) -> u32 {
        self.args[at] as u32
    }

    fn dirfd(&self, at: Option<usize>) -> i32 {
        at.map_or(libc::AT_FDCWD, |at| self.int(at) as i32)
    }

    fn named(&self, dirfd: Option<usize>, path: usize) -> Option<Named> {
        let path = read_string(self.tid, self.args[path]).ok()?;
        Some(Named { tid: self.tid, dirfd: self.dirfd(dirfd), path, in_root: false })
    }

    /// Flags and resolve flags of a `struct open_how`: its first and third eight bytes.
    fn how(&self, at: usize) -> Option<(u32, u64)> {
        let mut how = [0; 24];
        let count = read_memory(self.tid, self.args[at], &mut how).ok()?;
        let word = |at: usize| Some(u64::from_ne_bytes(how[at..at + 8].try_into().ok()?));
        if count == how.len() { Some((word(0)? as u32, word(16)?)) } else { None }
    }
}
