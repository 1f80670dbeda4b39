//! The descriptors that a command starts with.

use trace::event::{What, portable_open_flags};

use crate::Tid;
use crate::place::{behind_fd, is_content};

/// Regular files among the descriptors that a command starts with, those it will close at exec left out.
pub fn inherited(tid: Tid) -> Vec<What> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{tid}/fd")) else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers.into_iter().filter_map(|fd| inherited_fd(tid, fd)).collect()
}

fn inherited_fd(tid: Tid, fd: u32) -> Option<What> {
    let place = behind_fd(tid, i64::from(fd)).ok().filter(is_content)?;
    let info = std::fs::read_to_string(format!("/proc/{tid}/fdinfo/{fd}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = portable_open_flags(u32::from_str_radix(flags.trim(), 8).ok()?);
    let inherited = flags & (libc::O_CLOEXEC | libc::O_PATH) as u32 == 0;
    inherited.then_some(What::Inherit { fd, flags, path: place.path, stat: place.stat })
}
