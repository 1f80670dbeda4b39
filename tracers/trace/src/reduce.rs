//! The truth rules (TRACE_FORMAT.md, section 4): events in, the files that the job read and wrote out. Pure.
//!
//! Two things are kept apart. A *file* is one content object, an inode as long as it lives; a *name* is a path that leads
//! to it now. Renames and links move names, opens change files. What existed before the job under some path is that
//! name's *origin*, and a read is always recorded under its origin: the path where the job found the content.

use std::collections::{BTreeMap, HashMap};

use crate::Stat;
use crate::event::{Event, Exec, RENAME_EXCHANGED, What};

type Path = Vec<u8>;
type FileNumber = usize;

/// Use of content that existed before the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub path: Path,
    /// Of the content that was read.
    pub stat: Stat,
    pub executed: bool,
    /// Where this content lies at the end, when not at `path`.
    pub now_at: Option<Path>,
    /// The job changed or removed this content.
    pub replaced: bool,
}

/// A regular file of the end that the job created, changed or moved into place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub path: Path,
    /// At the end.
    pub stat: Stat,
    /// Nothing was at this path before the job.
    pub created: bool,
    /// Some of what the file held before the job may still be in it.
    pub updated: bool,
}

/// What a job read and wrote; each path once, in the order of paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FileUses {
    pub reads: Vec<Read>,
    pub writes: Vec<Write>,
}

/// Folds the events of a run. `at_end` tells what is at a path when the job has ended, without following a link.
/// O(events · log names) time, but a renamed directory costs the names below it.
pub fn reduce<'a>(events: impl IntoIterator<Item = &'a Event>, at_end: impl Fn(&[u8]) -> Option<Stat>) -> FileUses {
    let mut files = Files::default();
    for event in events {
        files.apply(&event.what);
    }
    files.settle(at_end)
}

/// One content object that the job touched.
struct File {
    /// It was not made by the job.
    existed: bool,
    /// Before the job wrote it; its mtime follows utimes(2) as long as nothing else changed.
    base: Stat,
    opened_for_write: bool,
    /// Seen to differ from what it was, whatever its stat says at the end.
    changed: bool,
    /// All content is the job's: reading it is no longer a read of what was there before.
    wiped: bool,
    /// Names that lead here now, of those that are known.
    links: usize,
    /// Origins under which it was read.
    read_as: Vec<Path>,
}

/// A path that leads to a file now.
#[derive(Clone)]
struct Name {
    file: FileNumber,
    /// Where the job found the file, if it existed before; None for the job's own.
    origin: Option<Path>,
    /// Put here by the job: created, renamed or linked.
    placed: bool,
}

struct ReadMark {
    file: FileNumber,
    stat: Stat,
    executed: bool,
}

#[derive(Default)]
struct Files {
    files: Vec<File>,
    names: BTreeMap<Path, Name>,
    by_id: HashMap<(u64, u64), FileNumber>,
    /// Files from before whose known names are all gone, as they were then: a link from before may still lead there.
    parted: HashMap<(u64, u64), (FileNumber, Stat)>,
    reads: BTreeMap<Path, ReadMark>,
    /// Paths at which a file stood before the job, and which one, when that is known.
    occupied_before: HashMap<Path, Option<FileNumber>>,
}

/// How a file was opened, in words.
pub(crate) struct Access {
    pub reads: bool,
    pub writes: bool,
    pub truncates: bool,
}

impl Access {
    pub fn of(flags: u32) -> Access {
        let mode = flags as i32 & libc::O_ACCMODE;
        let truncates = flags as i32 & libc::O_TRUNC != 0;
        Access { reads: mode != libc::O_WRONLY, writes: mode != libc::O_RDONLY || truncates, truncates }
    }
}

impl Files {
    fn apply(&mut self, what: &What) {
        match what {
            What::Open { flags, path, stat, before } => self.open(*flags, path, stat, before.as_ref()),
            What::Inherit { flags, path, stat, .. } => {
                let keep = !(libc::O_TRUNC | libc::O_CREAT) as u32;
                self.open(flags & keep, path, stat, Some(stat));
            }
            What::Exec(exec) => self.exec(exec),
            What::Create { path, stat } => self.made(path, stat),
            What::Rename { flags, from, to, stat, replaced } => {
                self.rename(flags & RENAME_EXCHANGED != 0, from, to, stat, replaced.as_ref());
            }
            What::Moved { from, to, stat } => self.moved(from, to, stat),
            What::Link { from, to, stat } => self.link(from, to, stat),
            What::Unlink { path, stat } => self.unlink(path, stat),
            What::Truncate { path, before } => {
                let file = self.found(path, before);
                self.files[file].opened_for_write = true;
            }
            What::Utimes { path, before, after } => self.utimes(path, before, after),
            What::Fork { .. } | What::Exit { .. } | What::Warning { .. } => {}
        }
    }

    fn open(&mut self, flags: u32, path: &[u8], stat: &Stat, before: Option<&Stat>) {
        let access = Access::of(flags);
        let may_create = flags as i32 & libc::O_CREAT != 0;
        let temporary = flags as i32 & libc::O_TMPFILE == libc::O_TMPFILE;
        if temporary {
            self.add_file(stat, false);
            return;
        }
        if may_create && before.is_none() {
            // Known by this name only when another process opened it and told so first; an inode number alone may have
            // come back.
            match self.by_name(path, stat) {
                Some(number) => self.own(number),
                None => return self.made(path, stat),
            }
        }
        // What an open with O_TRUNC found is only in `before`; a reader finds what it opened.
        let found = before.filter(|before| before.id() == stat.id()).unwrap_or(stat);
        let number = self.found(path, found);
        let empty = found.size == 0;
        let file = &self.files[number];
        // Filled since by the job itself, as far as anybody knows.
        let was_empty = empty || (file.opened_for_write && file.base.size == 0);
        if access.reads && !access.truncates && !(access.writes && was_empty) {
            self.mark_read(path, number, found, false);
        }
        let file = &mut self.files[number];
        file.opened_for_write |= access.writes;
        if access.truncates {
            file.wiped = true;
            file.changed |= !empty;
        }
    }

    fn exec(&mut self, exec: &Exec) {
        let script = exec.script_stat.as_ref().map(|stat| (&exec.script, stat));
        // A program without a name, from memory or removed, is no file that could be had again.
        let program = Some((&exec.exe, &exec.stat)).filter(|(path, _)| !path.ends_with(b" (deleted)"));
        for (path, stat) in program.into_iter().chain(script) {
            let number = self.found(path, stat);
            self.mark_read(path, number, stat, true);
        }
    }

    fn rename(&mut self, exchange: bool, from: &[u8], to: &[u8], stat: &Stat, replaced: Option<&Stat>) {
        let stat = &self.known_stat(from, stat);
        let replaced = replaced.map(|replaced| self.known_stat(to, replaced));
        let replaced = replaced.as_ref();
        let same_file = replaced.is_some_and(|replaced| replaced.is_known() && replaced.id() == stat.id());
        if from == to || same_file {
            return; // rename(2): nothing happens when both are links to one file
        }
        if exchange {
            let parked = [from, b"\0exchange"].concat();
            self.carry(from, &parked, stat);
            if let Some(other) = replaced {
                self.carry(to, from, other);
                self.use_moved(from, other);
            }
            self.carry(&parked, to, stat);
            self.use_moved(to, stat);
            return;
        }
        // A link or folder that makes room is no file; whether something unknown was one nobody can say.
        if let Some(replaced) = replaced.filter(|replaced| replaced.is_file() || !replaced.is_known()) {
            self.unlink(to, replaced);
        }
        self.carry(from, to, stat);
        self.use_moved(to, stat);
    }

    /// What stands at a path: what the backend saw, or what is known of the name when it could not see it.
    fn known_stat(&self, path: &[u8], stat: &Stat) -> Stat {
        if stat.is_known() {
            return *stat;
        }
        let below = [path, b"/"].concat();
        let is_dir = || self.names.range(below.clone()..).next().is_some_and(|(name, _)| name.starts_with(&below));
        match self.names.get(path) {
            Some(name) => self.files[name.file].base,
            None if is_dir() => Stat { mode: u64::from(libc::S_IFDIR), ..*stat },
            None => *stat,
        }
    }

    /// Moves every known name at or below `from`; a file not known yet is found first.
    fn carry(&mut self, from: &[u8], to: &[u8], stat: &Stat) {
        if stat.is_dir() {
            let below = [from, b"/"].concat();
            let inside = |path: &Path| path.starts_with(&below);
            let moving: Vec<Path> = self
                .names
                .range(below.clone()..)
                .map(|(path, _)| path)
                .take_while(|path| inside(path))
                .cloned()
                .collect();
            for old in moving {
                self.carry_name(&old, &[to, &old[from.len()..]].concat());
            }
        } else if stat.is_file() {
            self.found(from, stat);
            self.carry_name(from, to);
        }
    }

    fn carry_name(&mut self, from: &[u8], to: &[u8]) {
        if let Some(mut name) = self.drop_name(from) {
            name.placed = true;
            self.set_name(to, name);
        }
    }

    /// A file that was moved is a file that was used: its content is at the new path now.
    fn use_moved(&mut self, to: &[u8], stat: &Stat) {
        if let Some(name) = self.names.get(to).filter(|_| stat.is_file()) {
            let (file, origin) = (name.file, name.origin.clone());
            self.mark_origin(origin, file, stat, false);
        }
    }

    /// Not by way of its old name: after an exchange of directories, that is another file's new one.
    fn moved(&mut self, from: &[u8], to: &[u8], stat: &Stat) {
        // Not told, or a directory that was renamed to where it was.
        if !stat.is_known() || from == to {
            return;
        }
        if self.by_name(to, stat).is_none() {
            let file = self.by_inode(stat).unwrap_or_else(|| self.add_file(stat, true));
            let origin = self.files[file].existed.then(|| from.to_vec());
            self.occupy(origin.as_ref(), file);
            self.set_name(to, Name { file, origin, placed: true });
        }
        self.use_moved(to, stat);
    }

    fn link(&mut self, from: &[u8], to: &[u8], stat: &Stat) {
        let origin = if from.is_empty() {
            None
        } else {
            let number = self.found(from, stat);
            self.mark_read(from, number, stat, false);
            self.names.get(from).and_then(|name| name.origin.clone())
        };
        let file = self.by_inode(stat).unwrap_or_else(|| self.add_file(stat, false));
        self.set_name(to, Name { file, origin, placed: true });
    }

    fn unlink(&mut self, path: &[u8], stat: &Stat) {
        let Some(name) = self.drop_name(path) else {
            self.occupied_before.entry(path.to_vec()).or_insert(None);
            return;
        };
        let file = &self.files[name.file];
        let id = file.base.id();
        // The last known name is gone, so the inode number may come back as another file.
        if file.links == 0 && self.by_id.get(&id) == Some(&name.file) {
            self.by_id.remove(&id);
            if file.existed && stat.is_known() {
                self.parted.insert(id, (name.file, *stat));
            }
        }
    }

    fn utimes(&mut self, path: &[u8], before: &Stat, after: &Stat) {
        let Some(number) = self.lookup(path, before) else { return };
        let file = &mut self.files[number];
        if file.base.size != before.size || file.base.mtime_ns != before.mtime_ns {
            file.changed |= file.opened_for_write;
        }
        file.base.mtime_ns = after.mtime_ns;
        if let Some((_, last)) = self.parted.get_mut(&before.id()).filter(|(_, last)| last.same_content(before)) {
            last.mtime_ns = after.mtime_ns;
        }
        for origin in &file.read_as {
            if let Some(mark) = self.reads.get_mut(origin).filter(|mark| mark.stat.same_content(before)) {
                (mark.stat.mtime_ns, mark.stat.ctime_ns) = (after.mtime_ns, after.ctime_ns);
            }
        }
    }

    fn by_name(&self, path: &[u8], stat: &Stat) -> Option<FileNumber> {
        self.names.get(path).map(|name| name.file).filter(|&file| self.files[file].base.id() == stat.id())
    }

    /// The file with this inode number, if that still is the same one.
    fn by_inode(&self, stat: &Stat) -> Option<FileNumber> {
        let parted = || self.parted.get(&stat.id()).filter(|(_, last)| last.same_content(stat)).map(|(file, _)| *file);
        self.by_id.get(&stat.id()).copied().or_else(parted)
    }

    fn lookup(&self, path: &[u8], stat: &Stat) -> Option<FileNumber> {
        self.by_name(path, stat).or_else(|| self.by_inode(stat))
    }

    fn set_name(&mut self, path: &[u8], name: Name) {
        self.files[name.file].links += 1;
        if let Some(old) = self.names.insert(path.to_vec(), name) {
            self.files[old.file].links -= 1;
        }
    }

    fn drop_name(&mut self, path: &[u8]) -> Option<Name> {
        let name = self.names.remove(path)?;
        self.files[name.file].links -= 1;
        Some(name)
    }

    /// The file at `path`, taken as one that existed before the job unless it is known.
    fn found(&mut self, path: &[u8], stat: &Stat) -> FileNumber {
        let number = self.lookup(path, stat).unwrap_or_else(|| self.add_file(stat, true));
        self.correct(number, stat);
        if self.names.get(path).is_none_or(|name| name.file != number) {
            self.by_id.insert(stat.id(), number);
            // Another name of a known file (a hard link from before), or the first name of a new one.
            let origin = self.files[number].existed.then(|| path.to_vec());
            self.occupy(origin.as_ref(), number);
            self.set_name(path, Name { file: number, origin, placed: false });
        }
        number
    }

    /// The files of a renamed directory may have been looked at late, when the job had changed them: a stat that is told
    /// after that, but is not younger by ctime (whose clock is coarse), says what was there.
    fn correct(&mut self, number: FileNumber, stat: &Stat) {
        let file = &mut self.files[number];
        if file.opened_for_write || stat.id() != file.base.id() {
            return;
        }
        if file.base.ctime_ns >= stat.ctime_ns {
            file.base = *stat;
        }
        for origin in &file.read_as {
            if let Some(mark) = self.reads.get_mut(origin).filter(|mark| mark.stat.ctime_ns >= stat.ctime_ns) {
                mark.stat = *stat;
            }
        }
    }

    fn made(&mut self, path: &[u8], stat: &Stat) {
        let file = self.add_file(stat, false);
        self.set_name(path, Name { file, origin: None, placed: true });
    }

    /// Notes that this file was at a path before the job; another one that was there earlier stays the first.
    fn occupy(&mut self, origin: Option<&Path>, file: FileNumber) {
        if let Some(origin) = origin {
            self.occupied_before.entry(origin.clone()).or_insert(Some(file));
        }
    }

    /// What was taken for a file from before is the job's: nothing was there when it created it.
    fn own(&mut self, number: FileNumber) {
        let file = &mut self.files[number];
        if !file.existed {
            return;
        }
        file.existed = false;
        for origin in std::mem::take(&mut file.read_as) {
            self.reads.remove(&origin);
        }
        for name in self.names.values_mut().filter(|name| name.file == number) {
            name.placed = true;
            name.origin = None;
        }
        self.occupied_before.retain(|_, file| *file != Some(number));
    }

    fn add_file(&mut self, stat: &Stat, existed: bool) -> FileNumber {
        self.files.push(File {
            existed,
            base: *stat,
            opened_for_write: false,
            changed: false,
            wiped: false,
            links: 0,
            read_as: Vec::new(),
        });
        self.by_id.insert(stat.id(), self.files.len() - 1);
        self.files.len() - 1
    }

    fn mark_read(&mut self, path: &[u8], file: FileNumber, stat: &Stat, executed: bool) {
        let origin = self.names.get(path).and_then(|name| name.origin.clone());
        self.mark_origin(origin, file, stat, executed);
    }

    fn mark_origin(&mut self, origin: Option<Path>, number: FileNumber, stat: &Stat, executed: bool) {
        let file = &self.files[number];
        let Some(origin) = origin.filter(|_| !file.wiped) else { return };
        // After the job's own writes, what is read is no longer what was there: keep what it was.
        let stat = if file.opened_for_write && !file.base.same_content(stat) { file.base } else { *stat };
        let mark = self.reads.entry(origin).or_insert_with_key(|origin| {
            self.files[number].read_as.push(origin.clone());
            ReadMark { file: number, stat, executed: false }
        });
        mark.executed |= executed;
    }

    fn settle(self, at_end: impl Fn(&[u8]) -> Option<Stat>) -> FileUses {
        let mut uses = FileUses::default();
        let mut names_of: HashMap<FileNumber, Vec<&Path>> = HashMap::new();
        for (path, name) in &self.names {
            names_of.entry(name.file).or_default().push(path);
            let Some(stat) = at_end(path).filter(Stat::is_file) else { continue };
            // Moved away and back again is where it was.
            let returned = name.origin.as_ref() == Some(path);
            if (name.placed && !returned) || self.is_changed(name.file, &stat) {
                let created = !self.occupied_before.contains_key(path);
                let updated = self.keeps_content(name.file);
                uses.writes.push(Write { path: path.clone(), stat, created, updated });
            }
        }
        for (path, mark) in &self.reads {
            let names = names_of.get(&mark.file).map_or(&[][..], Vec::as_slice);
            uses.reads.push(self.settle_read(path, mark, names, &at_end));
        }
        uses
    }

    fn settle_read(
        &self,
        path: &Path,
        mark: &ReadMark,
        names: &[&Path],
        at_end: impl Fn(&[u8]) -> Option<Stat>,
    ) -> Read {
        let now = if names.contains(&path) { Some(path) } else { names.first().copied() };
        let untouched = now.and_then(|now| at_end(now)).is_some_and(|stat| stat.same_content(&mark.stat));
        let file = &self.files[mark.file];
        // A file that only somebody else changed is left to the daemon, which looks at it anyway.
        let replaced = now.is_none() || file.changed || file.wiped || (file.opened_for_write && !untouched);
        let now_at = now.filter(|&now| now != path).cloned();
        Read { path: path.clone(), stat: mark.stat, executed: mark.executed, now_at, replaced }
    }

    fn keeps_content(&self, number: FileNumber) -> bool {
        let file = &self.files[number];
        file.existed && !file.wiped && file.base.size > 0
    }

    fn is_changed(&self, number: FileNumber, stat: &Stat) -> bool {
        let file = &self.files[number];
        file.changed || (file.opened_for_write && !file.base.same_content(stat))
    }
}

#[cfg(test)]
#[path = "reduce_tests.rs"]
mod tests;
