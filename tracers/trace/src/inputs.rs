//! Which files a job reads and leaves alone, as far as it has come: a guess, made while it runs, at what the fold will say.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use contract::FileRead;

use crate::Stat;
use crate::event::{Event, What};
use crate::fold::stat_key;
use crate::reduce::Access;

/// Files that are remembered, in some 60 MiB; those of a job that opens more are left to its end.
const MOST: usize = 500_000;

/// The files that a job has opened, by device and inode.
#[derive(Default)]
pub struct Inputs {
    files: HashMap<(u64, u64), Use>,
}

enum Use {
    /// Only ever read, this content last.
    Read(Stat),
    /// Opened for writing, too: it will not stay what it is, or is the job's own.
    Written,
}

impl Inputs {
    /// Takes note of an event. Returns the files whose content is known by it to be read; the same content once only.
    pub fn note(&mut self, event: &Event) -> Vec<FileRead> {
        match &event.what {
            What::Open { flags, path, stat, .. } | What::Inherit { flags, path, stat, .. } => {
                if !Access::of(*flags).writes {
                    return self.read(path, stat, false).into_iter().collect();
                }
                self.written(stat);
            }
            What::Exec(exec) => {
                let script = exec.script_stat.as_ref().map(|stat| (&exec.script, stat));
                let files = [(&exec.exe, &exec.stat)].into_iter().chain(script);
                return files.filter_map(|(path, stat)| self.read(path, stat, true)).collect();
            }
            What::Create { stat, .. } | What::Truncate { before: stat, .. } => self.written(stat),
            _ => {}
        }
        Vec::new()
    }

    /// Files seen so far.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    fn read(&mut self, path: &[u8], stat: &Stat, executed: bool) -> Option<FileRead> {
        if !stat.is_file() || self.is_full(stat) {
            return None;
        }
        match self.files.entry(stat.id()) {
            Entry::Vacant(entry) => drop(entry.insert(Use::Read(*stat))),
            Entry::Occupied(mut entry) => match entry.get() {
                Use::Read(last) if last != stat => drop(entry.insert(Use::Read(*stat))),
                Use::Read(_) | Use::Written => return None,
            },
        }
        Some(FileRead { path: path.to_owned(), stat: Some(stat_key(stat)), executed, ..FileRead::default() })
    }

    fn written(&mut self, stat: &Stat) {
        if stat.is_file() && !self.is_full(stat) {
            self.files.insert(stat.id(), Use::Written);
        }
    }

    fn is_full(&self, stat: &Stat) -> bool {
        self.files.len() >= MOST && !self.files.contains_key(&stat.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Exec;

    fn stat(ino: u64, ctime_ns: i64) -> Stat {
        Stat { dev: 1, ino, size: 9, mtime_ns: ctime_ns, ctime_ns, mode: u64::from(libc::S_IFREG | 0o644) }
    }

    fn open(path: &str, flags: i32, stat: Stat) -> Event {
        let what = What::Open { flags: flags as u32, path: path.into(), stat, before: None };
        Event { pid: 1, at_ns: 0, what }
    }

    fn told(inputs: &mut Inputs, event: Event) -> Vec<(String, i64)> {
        let files = inputs.note(&event).into_iter();
        files.map(|file| (String::from_utf8(file.path).unwrap(), file.stat.unwrap_or_default().ctime_ns)).collect()
    }

    #[test]
    fn a_content_is_told_once_whatever_names_it_is_read_by() {
        let mut inputs = Inputs::default();
        assert_eq!(told(&mut inputs, open("/a", libc::O_RDONLY, stat(1, 5))), [("/a".to_owned(), 5)]);
        assert_eq!(told(&mut inputs, open("/a", libc::O_RDONLY, stat(1, 5))), []);
        assert_eq!(told(&mut inputs, open("/link", libc::O_RDONLY, stat(1, 5))), []);
        assert_eq!(told(&mut inputs, open("/a", libc::O_RDONLY, stat(1, 6))), [("/a".to_owned(), 6)]);
        assert_eq!(inputs.count(), 1);
    }

    #[test]
    fn what_was_opened_for_writing_is_never_told_again() {
        for flags in [libc::O_WRONLY, libc::O_RDWR, libc::O_RDONLY | libc::O_TRUNC, libc::O_WRONLY | libc::O_CREAT] {
            let mut inputs = Inputs::default();
            assert_eq!(told(&mut inputs, open("/a", flags, stat(1, 5))), []);
            assert_eq!(told(&mut inputs, open("/a", libc::O_RDONLY, stat(1, 6))), [], "{flags:o}");
            assert_eq!(inputs.count(), 1);
        }
    }

    #[test]
    fn programs_and_scripts_are_read_and_directories_are_not() {
        let mut inputs = Inputs::default();
        let exec = Exec {
            exe: b"/bin/sh".to_vec(),
            stat: stat(1, 5),
            script: b"/p/run.sh".to_vec(),
            script_stat: Some(stat(2, 6)),
            argv: Vec::new(),
        };
        let event = Event { pid: 1, at_ns: 0, what: What::Exec(exec) };
        let files: Vec<FileRead> = inputs.note(&event);
        assert_eq!(
            files.iter().map(|file| (&file.path[..], file.executed)).collect::<Vec<_>>(),
            [(&b"/bin/sh"[..], true), (&b"/p/run.sh"[..], true)]
        );
        let directory = Stat { mode: u64::from(libc::S_IFDIR), ..stat(3, 7) };
        assert_eq!(told(&mut inputs, open("/p", libc::O_RDONLY, directory)), []);
        assert_eq!(inputs.count(), 2);
    }
}
