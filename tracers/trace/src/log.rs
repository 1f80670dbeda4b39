//! The raw trace file: appending events to it, reading it back (TRACE_FORMAT.md, section 2).

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::event::{Event, FRAME_HEAD, FRAME_MAX};

/// Name of the raw trace in a run directory.
pub const NAME: &str = "trace";
const HEADER: [u8; 16] = *b"ROARTRAC\x01\0\0\0\0\0\0\0";
/// Events kept in memory while the disk is full: about 16 MiB of ordinary ones.
const BACKLOG_MAX: usize = 100_000;

/// Appends events, each with one write(2), so that nothing is lost with the process that writes.
pub struct LogWriter {
    file: File,
    backlog: VecDeque<Vec<u8>>,
    /// Events given up, the backlog being full.
    lost: u64,
}

impl LogWriter {
    /// Creates the trace of a run. Errors: EEXIST when there is one.
    pub fn create(rundir: &Path) -> io::Result<LogWriter> {
        let mut file = OpenOptions::new().append(true).create_new(true).open(rundir.join(NAME))?;
        file.write_all(&HEADER)?;
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

/// What a trace file holds.
pub struct Log {
    pub events: Vec<Event>,
    /// Bytes behind the last whole frame: the writer was killed while it wrote, or the file is damaged.
    pub torn_bytes: u64,
}

/// Reads every whole frame. A trace that is missing or shorter than its header is empty.
/// Errors: those of reading; InvalidData for a file that is no trace, or of another version.
pub fn read(rundir: &Path) -> io::Result<Log> {
    let bytes = match std::fs::read(rundir.join(NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let Some(mut rest) = bytes.get(HEADER.len()..) else {
        return Ok(Log { events: Vec::new(), torn_bytes: bytes.len() as u64 });
    };
    if bytes[..HEADER.len()] != HEADER {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a trace of version 1"));
    }
    let mut events = Vec::new();
    while let Some((frame, behind)) = next_frame(rest) {
        events.extend(Event::decode(frame));
        rest = behind;
    }
    Ok(Log { events, torn_bytes: rest.len() as u64 })
}

/// Splits the first frame off when it is whole and its CRC right.
fn next_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let crc = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    if !(FRAME_HEAD..=FRAME_MAX).contains(&length) {
        return None;
    }
    let (frame, behind) = bytes.split_at_checked(length)?;
    (crc32fast::hash(&frame[8..]) == crc).then_some((frame, behind))
}

impl AsRawFd for LogWriter {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}
