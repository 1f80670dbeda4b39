//! The files of a directory that was renamed, as they were at that moment.
//!
//! We hear of the rename a little later than it happened, and list the directory even later. What was done meanwhile is
//! known, for it is in the events that follow: they are undone, the last one first.

use std::collections::BTreeMap;

use proc::{Place, files_below};
use trace::Stat;
use trace::event::{Event, RENAME_EXCHANGED, What};

/// A renamed directory with more files is reported as not fully seen.
pub const DIRECTORY_MAX: usize = 100_000;

/// Where something that was at `path` is now, after `later`.
pub fn now_at(path: &[u8], later: &[Event]) -> Vec<u8> {
    let mut now = path.to_vec();
    for event in later {
        if let What::Rename { flags, from, to, .. } = &event.what {
            if let Some(rest) = below(&now, from) {
                now = [to, rest].concat();
            } else if let Some(rest) = below(&now, to).filter(|_| flags & RENAME_EXCHANGED != 0) {
                now = [from, rest].concat();
            }
        }
    }
    now
}

/// What is left of `path` behind `above`; None when it is not there.
fn below<'a>(path: &'a [u8], above: &[u8]) -> Option<&'a [u8]> {
    path.strip_prefix(above).filter(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The files below the directory `now`, and whether there were too many.
pub fn list(now: &[u8]) -> (Vec<Place>, bool) {
    files_below(now, DIRECTORY_MAX)
}

/// The files that were below `root` before `later` happened, given those that are below `now` after it.
pub fn undo(root: &[u8], now: &[u8], files: Vec<Place>, later: &[Event]) -> Vec<Place> {
    let files = files.into_iter().map(|place| (place.path, place.stat)).collect();
    let mut past = Past { root: now.to_vec(), files };
    for event in later.iter().rev() {
        past.undo(&event.what);
    }
    let inside = past.files.into_iter().filter(|(path, _)| below(path, root).is_some_and(|rest| !rest.is_empty()));
    inside.map(|(path, stat)| Place { path, stat }).collect()
}

struct Past {
    /// Where the directory was at that time.
    root: Vec<u8>,
    files: BTreeMap<Vec<u8>, Stat>,
}

impl Past {
    fn undo(&mut self, what: &What) {
        match what {
            What::Open { flags, path, before: None, .. } if flags & libc::O_CREAT as u32 != 0 => {
                self.files.remove(path);
            }
            What::Open { path, stat, before, .. } => {
                if let Some(known) = self.files.get_mut(path) {
                    *known = before.unwrap_or(*stat);
                }
            }
            What::Create { path, .. } | What::Link { to: path, .. } => drop(self.files.remove(path)),
            What::Unlink { path, stat } => self.bring_back(path, stat),
            What::Rename { flags, from, to, stat, replaced } => {
                self.undo_rename(flags & RENAME_EXCHANGED != 0, from, to, stat, replaced.as_ref());
            }
            _ => {}
        }
    }

    fn undo_rename(&mut self, exchanged: bool, from: &[u8], to: &[u8], stat: &Stat, replaced: Option<&Stat>) {
        let mut moving = self.take_below(to);
        if exchanged {
            let back = self.take_below(from);
            self.files.extend(back.into_iter().map(|(rest, stat)| ([to, &rest].concat(), stat)));
        }
        // A file that went out of the directory; of a directory that did, the files are in its own `moved` events.
        if moving.is_empty() && stat.is_file() && below(from, &self.root).is_some() {
            moving.push((Vec::new(), *stat));
        }
        self.files.extend(moving.into_iter().map(|(rest, stat)| ([from, &rest].concat(), stat)));
        if let Some(rest) = below(&self.root, to) {
            self.root = [from, rest].concat();
        } else if let Some(rest) = below(&self.root, from).filter(|_| exchanged) {
            self.root = [to, rest].concat();
        }
        if let Some(replaced) = replaced.filter(|_| !exchanged) {
            self.bring_back(to, replaced);
        }
    }

    fn bring_back(&mut self, path: &[u8], stat: &Stat) {
        if stat.is_file() && below(path, &self.root).is_some() {
            self.files.insert(path.to_vec(), *stat);
        }
    }

    /// Takes out what is at or below a path, named by what follows it.
    fn take_below(&mut self, path: &[u8]) -> Vec<(Vec<u8>, Stat)> {
        let names: Vec<Vec<u8>> = self
            .files
            .range(path.to_vec()..)
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(path))
            .filter(|name| below(name, path).is_some())
            .cloned()
            .collect();
        let taken = names.into_iter().filter_map(|name| {
            let stat = self.files.remove(&name)?;
            Some((name[path.len()..].to_vec(), stat))
        });
        taken.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(ino: u64) -> Stat {
        Stat { ino, mode: u64::from(libc::S_IFREG), ..Stat::default() }
    }

    fn folder() -> Stat {
        Stat { ino: 99, mode: u64::from(libc::S_IFDIR), ..Stat::default() }
    }

    fn event(what: What) -> Event {
        Event { pid: 1, at_ns: 0, what }
    }

    fn rename(from: &str, to: &str, stat: Stat, replaced: Option<Stat>) -> Event {
        event(What::Rename { flags: 0, from: from.into(), to: to.into(), stat, replaced })
    }

    fn created(path: &str) -> Event {
        let flags = (libc::O_CREAT | libc::O_WRONLY) as u32;
        event(What::Open { flags, path: path.into(), stat: file(7), before: None })
    }

    /// Names below /d before `later`, when `left` are what is below `now` afterwards.
    fn before(now: &str, left: &[&str], later: &[Event]) -> Vec<String> {
        assert_eq!(now_at(b"/d", later), now.as_bytes());
        let left = left.iter().map(|path| Place { path: path.as_bytes().to_vec(), stat: file(1) }).collect();
        let found = undo(b"/d", now.as_bytes(), left, later);
        found.into_iter().map(|place| String::from_utf8(place.path).unwrap()).collect()
    }

    #[test]
    fn nothing_later_leaves_the_listing_as_it_is() {
        assert_eq!(before("/d", &["/d/a"], &[]), ["/d/a"]);
    }

    #[test]
    fn what_was_removed_since_was_there_and_what_was_made_was_not() {
        let removed = event(What::Unlink { path: b"/d/gone".into(), stat: file(2) });
        assert_eq!(before("/d", &["/d/a", "/d/new"], &[removed, created("/d/new")]), ["/d/a", "/d/gone"]);
    }

    #[test]
    fn a_directory_is_followed_through_further_renames() {
        let later = [rename("/d", "/e", folder(), None), rename("/e", "/f", folder(), None)];
        assert_eq!(before("/f", &["/f/a", "/f/s/b"], &later), ["/d/a", "/d/s/b"]);
        let later = [rename("/p", "/q", folder(), None)];
        assert_eq!(now_at(b"/p/d", &later), b"/q/d");
    }

    #[test]
    fn files_that_went_out_or_in_since_are_put_back() {
        let out = rename("/d/a", "/x", file(3), None);
        let into = rename("/y", "/d/b", file(4), Some(file(5)));
        assert_eq!(before("/d", &["/d/b"], &[out, into]), ["/d/a", "/d/b"]);
    }

    #[test]
    fn a_name_that_only_begins_alike_is_another() {
        assert_eq!(below(b"/dd/a", b"/d"), None);
        assert_eq!(before("/d", &["/d/a"], &[rename("/dd", "/e", folder(), None)]), ["/d/a"]);
    }

    #[test]
    fn a_file_written_since_is_told_as_it_was() {
        let old = Stat { size: 3, ..file(1) };
        let flags = (libc::O_TRUNC | libc::O_WRONLY) as u32;
        let later = [event(What::Open { flags, path: b"/d/a".into(), stat: file(1), before: Some(old) })];
        let found = undo(b"/d", b"/d", vec![Place { path: b"/d/a".into(), stat: file(1) }], &later);
        assert_eq!(found[0].stat, old);
    }
}
