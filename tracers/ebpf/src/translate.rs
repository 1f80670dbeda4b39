//! From what the kernel saw to events of the trace.

use proc::{interpreters, is_kernel_path};
use trace::Stat;
use trace::event::{Exec, RENAME_EXCHANGED, What, portable_open_flags};

use crate::names::{self, resolve};
use crate::record::{ABSENT, CREATED, CUT, Kind, NO_NAME, OTHER, Record, SCRIPT, STAT, UNLINKED};

/// A longer path names nothing that could be opened.
const PATH_MAX: usize = libc::PATH_MAX as usize - 1;

/// Events that a record stands for; mostly one.
pub fn events(record: &Record) -> Vec<What> {
    match record.kind {
        Kind::Fork => vec![What::Fork { parent: record.number as u32 }],
        Kind::Exit => vec![What::Exit { status: record.number as u32 }],
        Kind::Exec => executed(record),
        Kind::Open => opened(record),
        Kind::Unseen => opened_unseen(record),
        Kind::Rename => renamed(record).into_iter().collect(),
        Kind::Link => linked(record).into_iter().collect(),
        Kind::Unlink => {
            place(record, 0, false).map(|path| What::Unlink { path, stat: record.stat }).into_iter().collect()
        }
        Kind::Truncate => truncated(record).into_iter().collect(),
        Kind::Utimes => times_set(record).into_iter().collect(),
        Kind::Create => place(record, 0, false)
            .filter(|_| record.stat.is_file())
            .map(|path| What::Create { path, stat: record.stat })
            .into_iter()
            .collect(),
        Kind::Namespace => vec![warning(
            "mount-namespace",
            format!(
                "process {} has mounts of its own: what it changed there may be missing, or under another name",
                record.tgid
            ),
        )],
        Kind::IoUring => vec![warning(
            "io-uring",
            format!(
                "process {} used io_uring in a way that is not followed: a file that it opened or renamed is not seen",
                record.tgid
            ),
        )],
        Kind::Foreign => vec![warning(
            "setuid-program",
            format!(
                "process {} became user {}, whom this collector may not watch: what it did from then on is not seen",
                record.tgid, record.number
            ),
        )],
        Kind::Calibrate => Vec::new(),
    }
}

pub fn warning(code: &str, message: String) -> What {
    What::Warning { code: code.into(), message: message.into_bytes() }
}

/// The path of a place of the record.
fn place(record: &Record, at: usize, follow: bool) -> Option<Vec<u8>> {
    resolve(record.tgid, record.places.get(at)?, follow).map(|place| place.path)
}

fn is_temporary(flags: u32) -> bool {
    flags as i32 & libc::O_TMPFILE == libc::O_TMPFILE
}

fn opened(record: &Record) -> Vec<What> {
    let flags = portable_open_flags(record.flags);
    let Some(path) = place(record, 0, true) else { return Vec::new() };
    if is_kernel_path(&path) || (record.has(UNLINKED) && !is_temporary(flags)) {
        return Vec::new();
    }
    if record.has(CUT) || path.len() > PATH_MAX {
        return vec![warning(
            "open-unseen",
            format!("a file opened by process {} is not seen: its path is too long", record.tgid),
        )];
    }
    let stat = names::with_right_device(record.stat, record.fs_magic, &path);
    vec![What::Open { flags, before: before(record, flags, &stat), path, stat }]
}

/// What stood at the path before an open that may create, truncate or write.
fn before(record: &Record, flags: u32, stat: &Stat) -> Option<Stat> {
    let flags = flags as i32;
    if record.has(CREATED)
        || flags & (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) == 0
        || is_temporary(flags as u32)
    {
        return None;
    }
    if flags & libc::O_TRUNC == 0 {
        return Some(*stat); // opening has changed nothing
    }
    if record.has(OTHER) {
        return Some(Stat { dev: stat.dev, ..record.other });
    }
    // It could not be looked up. That it was not empty is the better guess.
    Some(Stat { size: 1, mtime_ns: 0, ..*stat })
}

/// The descriptor was closed before it could be looked at. What is at the name now is most likely what was opened.
fn opened_unseen(record: &Record) -> Vec<What> {
    let flags = portable_open_flags(record.flags);
    let found = record.places.first().and_then(|place| resolve(record.tgid, place, true));
    let found = found.filter(|place| !place.path.is_empty() && !is_temporary(flags));
    match found {
        Some(place) => {
            let stat = if record.has(STAT) { record.stat } else { place.stat };
            if !stat.is_file() || is_kernel_path(&place.path) {
                return Vec::new();
            }
            let creating = flags as i32 & (libc::O_CREAT | libc::O_EXCL) == libc::O_CREAT | libc::O_EXCL;
            let before = if creating { None } else { before(record, flags, &stat) };
            vec![What::Open { flags, path: place.path, stat, before }]
        }
        None => {
            let (pid, fd) = (record.tgid, record.number);
            let message = format!("a file opened by process {pid} is not seen: descriptor {fd} was closed at once");
            vec![warning("open-unseen", message)]
        }
    }
}

fn executed(record: &Record) -> Vec<What> {
    let Some(mut exe) = place(record, 0, true) else { return Vec::new() };
    let stat = names::with_right_device(record.stat, record.fs_magic, &exe);
    if record.has(UNLINKED) {
        exe.extend_from_slice(b" (deleted)");
    }
    let mut exec = Exec { exe, stat, argv: command_line(record), ..Exec::default() };
    let mut said = Vec::new();
    if let Some(script) = script_of(record) {
        // Where it stood then; that process may have gone by now.
        let cwd = place(record, 2, true).unwrap_or_else(|| b"/".to_vec());
        said = interpreters(|name| names::from_directory(&cwd, &name), &script, &stat);
        exec.script_stat = Some(script.stat);
        exec.script = script.path;
    }
    said.push(What::Exec(exec));
    said
}

/// The script that was executed, if it was one.
fn script_of(record: &Record) -> Option<proc::Place> {
    let found = record.places.get(1).filter(|_| record.has(SCRIPT))?;
    let script = resolve(record.tgid, found, true)?;
    let stat = match record.has(OTHER) {
        true => names::with_right_device(record.other, record.fs_magic, &script.path),
        false => script.stat,
    };
    stat.is_file().then_some(proc::Place { stat, ..script })
}

/// A long one is cut in the kernel; the process may still be there to ask.
fn command_line(record: &Record) -> Vec<Vec<u8>> {
    if record.has(CUT) {
        let words = std::fs::read(format!("/proc/{}/cmdline", record.tgid)).unwrap_or_default();
        let words = words.strip_suffix(b"\0").unwrap_or(&words);
        let whole: Vec<Vec<u8>> = words.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect();
        if whole.first() == record.argv.first() {
            return whole;
        }
    }
    record.argv.clone()
}

fn renamed(record: &Record) -> Option<What> {
    let exchanged = record.flags & libc::RENAME_EXCHANGE != 0;
    let flags = if exchanged { RENAME_EXCHANGED } else { 0 };
    let (from, to) = (place(record, 0, false)?, place(record, 1, false)?);
    let has_content = |stat: &Stat| stat.is_file() || stat.is_dir();
    let replaced = (record.has(OTHER) && !record.has(ABSENT)).then_some(record.other);
    // A link that is moved over a file removes it.
    let removes = !exchanged && replaced.as_ref().is_some_and(has_content);
    if !record.has(STAT) || has_content(&record.stat) || removes {
        return Some(What::Rename { flags, from, to, stat: record.stat, replaced });
    }
    // Exchanged with a link, say: told from the side that has content.
    let other = replaced.filter(|other| exchanged && has_content(other))?;
    Some(What::Rename { flags, from: to, to: from, stat: other, replaced: Some(record.stat) })
}

fn linked(record: &Record) -> Option<What> {
    let to = place(record, 1, false)?;
    let named = record.places.first().and_then(|place| resolve(record.tgid, place, true));
    let stat = match record.has(STAT) {
        true => record.stat,
        false => Stat::of_link(&to).ok()?,
    };
    if !stat.is_file() {
        return None;
    }
    let from = match named {
        _ if record.has(NO_NAME) => Vec::new(),
        Some(named) => named.path,
        None => return Some(link_unseen(record.tgid, &to)),
    };
    Some(What::Link { from, to, stat })
}

/// The old name led there by a link that was changed at once.
fn link_unseen(pid: u32, to: &[u8]) -> What {
    let name = String::from_utf8_lossy(to);
    warning("open-unseen", format!("process {pid} linked a file to `{name}` whose old name is not seen"))
}

fn truncated(record: &Record) -> Option<What> {
    let path = place(record, 0, true)?;
    let stat = if record.has(STAT) { record.stat } else { Stat::of_path(&path).ok()? };
    let before = if record.has(OTHER) { record.other } else { Stat { mtime_ns: 0, ..stat } };
    (stat.is_file() && !is_kernel_path(&path)).then_some(What::Truncate { path, before })
}

fn times_set(record: &Record) -> Option<What> {
    let path = place(record, 0, true)?;
    let known = record.has(OTHER) && record.has(STAT) && !is_kernel_path(&path);
    known.then_some(What::Utimes { path, before: record.other, after: record.stat })
}
