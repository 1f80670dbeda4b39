//! Reads the streams of a run while they are written: a preview, whose last word the fold has (TRACE_FORMAT.md, section 2).

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::event::{Event, FRAME_MAX};
use crate::log::{self, HEADER, Head};

/// Bytes of one read.
const CHUNK: usize = 256 << 10;
/// Bytes that are read by one call: some 30,000 events, which take a few milliseconds.
const AT_MOST: u64 = 4 << 20;

/// How far each stream of a run has been read. Keeps no descriptor: a run may have thousands of streams.
pub struct Follower {
    rundir: PathBuf,
    tails: HashMap<PathBuf, Tail>,
}

impl Follower {
    /// Begins at the start of all streams.
    pub fn new(rundir: &Path) -> Follower {
        Follower { rundir: rundir.to_owned(), tails: HashMap::new() }
    }

    /// Returns what the streams have gained since the last call, those of one stream in their order. Of a lot only the
    /// first 4 MiB; the next call goes on there. To be called now and then, not again and again: a frame that is just
    /// being written is waited for until the next call. A stream that cannot be read is one without news.
    pub fn news(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut left = AT_MOST;
        for path in log::stream_paths(&self.rundir).unwrap_or_default() {
            let tail = self.tails.entry(path.clone()).or_default();
            let begun = tail.at;
            let _ = tail.read(&path, left, &mut events);
            left = left.saturating_sub(tail.at - begun);
        }
        events
    }
}

#[derive(Default)]
struct Tail {
    /// Of the next frame; 0: the header has not been read.
    at: u64,
    shared: bool,
    /// Where a frame was not whole at the last call.
    unfinished: Option<u64>,
    /// Damaged: nothing behind counts.
    ended: bool,
}

impl Tail {
    /// Reads on, a frame more than `most` bytes at most.
    fn read(&mut self, path: &Path, most: u64, events: &mut Vec<Event>) -> io::Result<()> {
        if self.ended || most == 0 {
            return Ok(());
        }
        let file = File::open(path)?;
        let end = file.metadata()?.len();
        if end <= self.at || (self.at == 0 && !self.read_head(&file)?) {
            return Ok(());
        }
        let stop = end.min(self.at + most);
        let mut size = CHUNK;
        while self.at < stop && !self.ended {
            let mut chunk = vec![0; size.min((end - self.at) as usize)];
            file.read_exact_at(&mut chunk, self.at)?;
            let before = self.at;
            if !self.take(&chunk, events) {
                break;
            }
            // Nothing taken: a frame that is longer than this chunk.
            match self.at == before {
                true if size < FRAME_MAX => size = FRAME_MAX,
                true => break,
                false => size = CHUNK,
            }
        }
        Ok(())
    }

    /// Returns whether the header is there.
    fn read_head(&mut self, file: &File) -> io::Result<bool> {
        let mut head = [0; HEADER];
        match file.read_exact_at(&mut head, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            done => done?,
        }
        match Head::decode(&head) {
            Ok(head) => (self.at, self.shared) = (HEADER as u64, head.shared),
            Err(_) => self.ended = true,
        }
        Ok(!self.ended)
    }

    /// Takes the frames from the beginning of `bytes`. Returns whether to go on behind them.
    fn take(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> bool {
        let mut rest = bytes;
        while let Some((frame, behind)) = log::next_frame(rest) {
            // The writers' own memory is the first frame; elsewhere kind 0 is a frame whose writer has not begun.
            let is_table = self.shared && self.at == HEADER as u64 && log::is_memory(frame);
            if !is_table && log::is_whole(frame) {
                events.extend(Event::decode(frame));
            } else if !is_table && !self.shared {
                self.ended = true;
                return false;
            } else if !is_table && self.unfinished.replace(self.at) != Some(self.at) {
                return false;
            }
            self.at += frame.len() as u64;
            rest = behind;
        }
        log::may_begin_frame(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use crate::event::What;
    use crate::log::{LogWriter, SHARED, header, stream_path};
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    fn event(pid: u32) -> Event {
        Event { pid, at_ns: u64::from(pid), what: What::Fork { parent: 1 } }
    }

    fn long_event(pid: u32, length: usize) -> Event {
        Event { pid, at_ns: 0, what: What::Warning { code: b"long".to_vec(), message: vec![b'x'; length] } }
    }

    fn pids(events: &[Event]) -> Vec<u32> {
        events.iter().map(|event| event.pid).collect()
    }

    fn append(path: &Path, bytes: &[u8]) {
        OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    #[test]
    fn each_event_is_told_once_as_streams_grow_and_are_added() {
        let rundir = tempfile::tempdir().unwrap();
        let mut follower = Follower::new(rundir.path());
        assert_eq!(follower.news(), []);
        let mut first = LogWriter::create(rundir.path(), "ebpf", Clock::start()).unwrap();
        assert_eq!(follower.news(), []);
        first.append(&event(1));
        assert_eq!(pids(&follower.news()), [1]);
        let mut second = LogWriter::create(rundir.path(), "ptrace.7", Clock::start()).unwrap();
        first.append(&event(2));
        second.append(&event(3));
        assert_eq!(pids(&follower.news()), [2, 3]);
        assert_eq!(follower.news(), []);
    }

    #[test]
    fn a_stream_that_grows_byte_by_byte_is_read_as_a_whole() {
        let rundir = tempfile::tempdir().unwrap();
        let path = stream_path(rundir.path(), "ptrace");
        let mut bytes = header(Clock::start(), 0, 0).to_vec();
        (1..4).for_each(|pid| bytes.extend(event(pid).encode()));
        fs::write(&path, "").unwrap();
        let mut follower = Follower::new(rundir.path());
        let mut told = Vec::new();
        for byte in bytes {
            append(&path, &[byte]);
            told.extend(pids(&follower.news()));
        }
        assert_eq!(told, [1, 2, 3]);
    }

    #[test]
    fn nothing_counts_behind_a_damaged_frame_of_an_ordinary_stream() {
        let rundir = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::create(rundir.path(), "ptrace", Clock::start()).unwrap();
        let mut damaged = event(2).encode();
        damaged[4] ^= 1;
        writer.append(&event(1));
        append(&stream_path(rundir.path(), "ptrace"), &damaged);
        writer.append(&event(3));
        let mut follower = Follower::new(rundir.path());
        assert_eq!(pids(&follower.news()), [1]);
        writer.append(&event(4));
        assert_eq!(follower.news(), []);
    }

    #[test]
    fn what_is_no_stream_of_this_version_has_no_news() {
        let rundir = tempfile::tempdir().unwrap();
        fs::write(stream_path(rundir.path(), "ptrace"), vec![b'?'; 4096]).unwrap();
        let mut follower = Follower::new(rundir.path());
        assert_eq!(follower.news(), []);
        assert_eq!(follower.news(), []);
    }

    #[test]
    fn frames_longer_than_a_read_are_read() {
        let rundir = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::create(rundir.path(), "ptrace", Clock::start()).unwrap();
        let long = FRAME_MAX - 100;
        [event(1), long_event(2, long), event(3)].iter().for_each(|event| writer.append(event));
        assert_eq!(pids(&Follower::new(rundir.path()).news()), [1, 2, 3]);
    }

    #[test]
    fn a_lot_is_told_in_parts_without_a_loss() {
        let rundir = tempfile::tempdir().unwrap();
        let count = 3 * AT_MOST as u32 / 100_000;
        let streams =
            ["ptrace", "ptrace.7"].map(|name| LogWriter::create(rundir.path(), name, Clock::start()).unwrap());
        for (mut writer, pids) in streams.into_iter().zip([0..count / 2, count / 2..count]) {
            pids.for_each(|pid| writer.append(&long_event(pid, 100_000)));
        }
        let mut follower = Follower::new(rundir.path());
        let mut told = Vec::new();
        let mut calls = 0;
        while told.len() < count as usize && calls < 10 {
            let news = pids(&follower.news());
            assert!(news.len() * 100_000 < AT_MOST as usize + 2 * FRAME_MAX);
            told.extend(news);
            calls += 1;
        }
        assert_eq!(told, (0..count).collect::<Vec<_>>());
        assert!(calls > 2, "{calls} calls");
    }

    /// A shared log as the shim makes it: a table of 4 words, then frames, then nothing yet.
    fn shared_log(frames: &[Vec<u8>]) -> Vec<u8> {
        const TABLE: usize = crate::event::FRAME_HEAD + 32;
        let mut bytes = header(Clock::start(), SHARED, 8192).to_vec();
        bytes.extend((TABLE as u32).to_le_bytes());
        bytes.resize(HEADER + TABLE, 0);
        bytes.extend(frames.concat());
        bytes.resize(8192, 0);
        bytes
    }

    #[test]
    fn a_frame_of_a_shared_log_that_is_being_written_is_waited_for_once() {
        let rundir = tempfile::tempdir().unwrap();
        let path = stream_path(rundir.path(), "preload");
        // Reserved and no more: its length, and zeros.
        let reserved = |pid| {
            let frame = event(pid).encode();
            [&frame[..4], &vec![0; frame.len() - 4][..]].concat()
        };
        let write = |frames: &[Vec<u8>]| fs::write(&path, shared_log(frames)).unwrap();
        let mut follower = Follower::new(rundir.path());
        write(&[event(1).encode(), reserved(2), event(3).encode()]);
        assert_eq!(pids(&follower.news()), [1]);
        write(&[event(1).encode(), event(2).encode(), event(3).encode(), reserved(4), event(5).encode()]);
        assert_eq!(pids(&follower.news()), [2, 3]);
        // Its writer was killed, or is not scheduled.
        assert_eq!(pids(&follower.news()), [5]);
        assert_eq!(follower.news(), []);
    }
}
