//! The streams of a raw trace: appending events to one, reading all of them back (TRACE_FORMAT.md, section 2).

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::Clock;
use crate::event::{Event, FRAME_HEAD, FRAME_MAX};

/// The stream in which the launcher tells what it hands to the command.
pub const LAUNCHER: &str = "launcher";
/// Streams are files of this name, a dot, the backend, and a dot and a number where a backend has several.
const PREFIX: &[u8] = b"trace.";
const MAGIC: [u8; 8] = *b"ROARTRAC";
const VERSION: u32 = 2;
/// Bytes before the first frame.
pub const HEADER: usize = 64;
/// Header flag: several processes write into it at once, through shared memory.
pub const SHARED: u32 = 1;
/// Events kept in memory while the disk is full: about 16 MiB of ordinary ones.
const BACKLOG_MAX: usize = 100_000;
/// Events of one write(2), where there are many.
const EVENTS_AT_ONCE: usize = 256;

/// Where the stream `name` of a run is: a backend, or a backend, a dot and a number.
pub fn stream_path(rundir: &Path, name: &str) -> PathBuf {
    rundir.join(OsStr::from_bytes(&[PREFIX, name.as_bytes()].concat()))
}

/// The first bytes of a stream. `size`: bytes allocated, of a shared log.
pub fn header(clock: Clock, flags: u32, size: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&flags.to_le_bytes());
    bytes[16..24].copy_from_slice(&clock.start_ns().to_le_bytes());
    bytes[24..32].copy_from_slice(&(HEADER as u64).to_le_bytes());
    bytes[40..48].copy_from_slice(&size.to_le_bytes());
    bytes
}

/// Appends events, each with one write(2), so that nothing is lost with the process that writes.
pub struct LogWriter {
    file: File,
    backlog: VecDeque<Vec<u8>>,
    /// Events given up, the backlog being full.
    lost: u64,
}

impl LogWriter {
    /// Creates the stream `name` of a run. Errors: EEXIST when there is one.
    pub fn create(rundir: &Path, name: &str, clock: Clock) -> io::Result<LogWriter> {
        let mut file = OpenOptions::new().append(true).create_new(true).open(stream_path(rundir, name))?;
        file.write_all(&header(clock, 0, 0))?;
        Ok(LogWriter { file, backlog: VecDeque::new(), lost: 0 })
    }

    /// Never fails: while the disk refuses, events wait in memory, and are retried with every later one.
    pub fn append(&mut self, event: &Event) {
        if self.backlog.len() >= BACKLOG_MAX {
            self.lost += 1;
            return;
        }
        self.backlog.push_back(event.encode());
        self.flush();
    }

    /// Like `append` of each event, with one write(2) for many.
    pub fn append_all(&mut self, events: &[Event]) {
        for events in events.chunks(EVENTS_AT_ONCE) {
            if self.backlog.len() >= BACKLOG_MAX {
                self.lost += events.len() as u64;
                continue;
            }
            // One entry of the backlog that holds several frames.
            self.backlog.push_back(events.iter().flat_map(Event::encode).collect());
            self.flush();
        }
    }

    /// Tries to write what waits. Returns the number of events that are not in the file: still waiting, or lost.
    pub fn flush(&mut self) -> u64 {
        while let Some(frame) = self.backlog.front_mut() {
            match self.file.write(frame) {
                Ok(written) if written == frame.len() => drop(self.backlog.pop_front()),
                // A disk that fills up in the middle of a frame: the rest must follow right behind.
                Ok(written) => drop(frame.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.backlog.len() as u64 + self.lost
    }

    /// True when the run was recorded and its directory removed: nobody will read what follows.
    pub fn is_removed(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.nlink() == 0)
    }
}

/// A file of raw events.
#[derive(Debug, Default)]
pub struct Stream {
    /// Who wrote it: "ptrace", "launcher", ...
    pub backend: String,
    /// It is the backend's only one, or its first: that of the whole run, not of some of its processes.
    pub main: bool,
    /// Events that its writers could not put into it.
    pub lost: u64,
    /// Bytes of frames that are not whole: a writer was killed while it wrote, or the file is damaged.
    pub torn_bytes: u64,
}

/// An event, and the index of the stream that tells it.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub stream: usize,
    pub event: Event,
}

/// What all streams of a run hold.
#[derive(Debug, Default)]
pub struct Log {
    /// In the order of their names.
    pub streams: Vec<Stream>,
    /// In the order of time; those of one stream and one time in the order in which they were written.
    pub told: Vec<Told>,
}

/// Reads every whole frame of every stream. A stream that is shorter than its header is empty, a run without streams as
/// well. Errors, with the path in the text: those of reading; InvalidData for a stream of another version, or none.
pub fn read(rundir: &Path) -> io::Result<Log> {
    let mut log = Log::default();
    for path in stream_paths(rundir)? {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
        let bytes = fs::read(&path).map_err(named)?;
        let mut stream = name_stream(&path);
        let number = log.streams.len();
        let events = decode(&bytes, &mut stream).map_err(named)?;
        log.told.extend(events.into_iter().map(|event| Told { stream: number, event }));
        log.streams.push(stream);
    }
    log.told.sort_by_key(|told| told.event.at_ns);
    Ok(log)
}

/// The streams of a run, in the order of their names. Errors: those of reading the directory.
pub(crate) fn stream_paths(rundir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(rundir)? {
        let entry = entry?;
        if entry.file_name().as_bytes().starts_with(PREFIX) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn name_stream(path: &Path) -> Stream {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let name = String::from_utf8_lossy(name.strip_prefix(PREFIX).unwrap_or_default()).into_owned();
    let (backend, number) = name.split_once('.').unwrap_or((&name, ""));
    Stream { backend: backend.to_owned(), main: number.is_empty(), ..Stream::default() }
}

/// The events of a stream; notes in `stream` what is missing.
fn decode(bytes: &[u8], stream: &mut Stream) -> io::Result<Vec<Event>> {
    let Some((head, mut rest)) = bytes.split_first_chunk::<HEADER>() else {
        stream.torn_bytes = bytes.len() as u64;
        return Ok(Vec::new());
    };
    let Head { shared, lost } = Head::decode(head)?;
    stream.lost = lost;
    let mut events = Vec::new();
    while let Some((frame, behind)) = next_frame(rest) {
        match is_whole(frame) {
            true => events.extend(Event::decode(frame)),
            // Memory that the writers share.
            false if shared && is_memory(frame) => {}
            // Its writer was killed; others went on behind it.
            false if shared => stream.torn_bytes += frame.len() as u64,
            false => break,
        }
        rest = behind;
    }
    // What nobody has written into is no damage.
    let used = rest.len() - rest.iter().rev().take_while(|&&byte| byte == 0).count();
    stream.torn_bytes += used as u64;
    Ok(events)
}

/// What readers must know of a header.
pub(crate) struct Head {
    pub shared: bool,
    /// Events that its writers could not put into it.
    pub lost: u64,
}

impl Head {
    /// Errors: InvalidData for a stream of another version, or none.
    pub fn decode(head: &[u8; HEADER]) -> io::Result<Head> {
        if head[..8] != MAGIC || head[8..12] != VERSION.to_le_bytes() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("not a trace of version {VERSION}")));
        }
        let lost = u64::from_le_bytes(std::array::from_fn(|at| head[32 + at]));
        Ok(Head { shared: head[12] & SHARED as u8 != 0, lost })
    }
}

/// Splits the first frame off, as long as it says it is.
pub(crate) fn next_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    if !(FRAME_HEAD..=FRAME_MAX).contains(&length) {
        return None;
    }
    bytes.split_at_checked(length)
}

/// Whether what no frame could be split off may be the beginning of one: not the memory that nobody has written into.
pub(crate) fn may_begin_frame(bytes: &[u8]) -> bool {
    bytes.get(..4).is_none_or(|length| length != [0; 4])
}

/// Whether a frame of a shared log is the memory of its writers.
pub(crate) fn is_memory(frame: &[u8]) -> bool {
    frame[8] == 0
}

pub(crate) fn is_whole(frame: &[u8]) -> bool {
    frame[4..8] == crc32fast::hash(&frame[8..]).to_le_bytes()
}

impl AsRawFd for LogWriter {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::What;

    fn event(pid: u32, at_ns: u64) -> Event {
        Event { pid, at_ns, what: What::Fork { parent: 1 } }
    }

    fn pids(log: &Log) -> Vec<u32> {
        log.told.iter().map(|told| told.event.pid).collect()
    }

    #[test]
    fn streams_are_merged_by_time() {
        let rundir = tempfile::tempdir().unwrap();
        let clock = Clock::start();
        for (name, events) in [("ptrace", [(1, 10), (3, 30)]), ("preload", [(2, 20), (4, 30)])] {
            let mut writer = LogWriter::create(rundir.path(), name, clock).unwrap();
            events.into_iter().for_each(|(pid, at_ns)| writer.append(&event(pid, at_ns)));
        }
        fs::write(rundir.path().join("record"), "no stream").unwrap();
        let log = read(rundir.path()).unwrap();
        assert_eq!(log.streams.iter().map(|stream| stream.backend.as_str()).collect::<Vec<_>>(), ["preload", "ptrace"]);
        assert_eq!(pids(&log), [1, 2, 4, 3]);
    }

    #[test]
    fn a_numbered_stream_is_that_of_some_processes_only() {
        for (name, backend, main) in [("trace.ebpf", "ebpf", true), ("trace.ptrace.77", "ptrace", false)] {
            let stream = name_stream(Path::new(name));
            assert_eq!((stream.backend.as_str(), stream.main), (backend, main));
        }
    }

    #[test]
    fn a_stream_cut_anywhere_yields_what_was_whole() {
        let rundir = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::create(rundir.path(), "ptrace", Clock::start()).unwrap();
        (1..4).for_each(|pid| writer.append(&event(pid, u64::from(pid))));
        let path = stream_path(rundir.path(), "ptrace");
        let whole = fs::read(&path).unwrap();
        let frame = event(1, 1).encode().len();
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let found = read(rundir.path()).unwrap().told.len();
            assert_eq!(found, length.saturating_sub(HEADER) / frame, "cut at {length}");
        }
    }

    #[test]
    fn in_a_shared_log_a_torn_frame_is_skipped_and_the_unwritten_rest_ignored() {
        let rundir = tempfile::tempdir().unwrap();
        let mut bytes = header(Clock::start(), SHARED, 4096).to_vec();
        for pid in 1..4 {
            bytes.extend(event(pid, u64::from(pid)).encode());
        }
        let frame = (bytes.len() - HEADER) / 3;
        bytes[HEADER + frame + 4] ^= 1;
        bytes[32] = 5;
        bytes.resize(4096, 0);
        fs::write(stream_path(rundir.path(), "preload"), &bytes).unwrap();
        let log = read(rundir.path()).unwrap();
        assert_eq!(pids(&log), [1, 3]);
        assert_eq!((log.streams[0].torn_bytes, log.streams[0].lost), (frame as u64, 5));
    }
}
