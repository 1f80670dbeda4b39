//! Sealed messages of a run directory: one protobuf message a file, whole or absent (TRACE_FORMAT.md, section 1).

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use prost::Message;

use crate::failpoint::failpoint;

const MAGIC: &[u8; 4] = b"ROAR";
const VERSION: u32 = 1;
const HEAD: usize = 24;

/// Which file of the run directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `record`: what is known before the start.
    Record,
    /// `folded`: what the command read and wrote; its presence seals the run.
    Folded,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Record => "record",
            Kind::Folded => "folded",
        }
    }

    fn written(self) -> &'static str {
        match self {
            Kind::Record => "launcher.record-written",
            Kind::Folded => "launcher.folded-written",
        }
    }

    fn tag(self) -> &'static [u8; 4] {
        match self {
            Kind::Record => b"RREC",
            Kind::Folded => b"FOLD",
        }
    }
}

/// Why a sealed message could not be read.
#[derive(Debug)]
pub enum SealedError {
    Io(io::Error),
    /// The file is there and is not what it should be.
    Corrupt(String),
}

impl fmt::Display for SealedError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealedError::Io(error) => error.fmt(out),
            SealedError::Corrupt(why) => write!(out, "corrupt: {why}"),
        }
    }
}

impl std::error::Error for SealedError {}

/// Writes a message to a temporary name and renames it: whatever dies, a reader sees all of it or nothing. Survives a
/// power failure only after `make_durable`. Errors: those of the calls.
pub fn write<M: Message>(rundir: &Path, kind: Kind, message: &M) -> io::Result<()> {
    let temporary = rundir.join(format!("{}.tmp", kind.name()));
    std::fs::write(&temporary, seal(kind, message))?;
    failpoint(kind.written())?;
    std::fs::rename(&temporary, rundir.join(kind.name()))
}

/// Makes a sealed run directory, its name included, survive a power failure: four or more syncs, each as slow as the
/// disk. Errors: those of fsync(2).
pub fn make_durable(rundir: &Path) -> io::Result<()> {
    for kind in [Kind::Record, Kind::Folded] {
        failpoint("launcher.sync")?;
        File::open(rundir.join(kind.name()))?.sync_data()?;
    }
    File::open(rundir)?.sync_all()?;
    rundir.parent().map_or(Ok(()), |runs| File::open(runs)?.sync_all())
}

/// Reads a message. Errors: Io when it is not there; Corrupt on any deviation from the format.
pub fn read<M: Message + Default>(rundir: &Path, kind: Kind) -> Result<M, SealedError> {
    let bytes = std::fs::read(rundir.join(kind.name())).map_err(SealedError::Io)?;
    M::decode(unseal(kind, &bytes).map_err(SealedError::Corrupt)?)
        .map_err(|error| SealedError::Corrupt(error.to_string()))
}

fn seal<M: Message>(kind: Kind, message: &M) -> Vec<u8> {
    let body = message.encode_to_vec();
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(kind.tag());
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

fn unseal(kind: Kind, bytes: &[u8]) -> Result<&[u8], String> {
    let (head, body) = bytes.split_at_checked(HEAD).ok_or("shorter than its header")?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if &head[..4] != MAGIC || &head[4..8] != kind.tag() {
        return Err(format!("no {:?} message", kind));
    }
    if number(8) != VERSION {
        return Err(format!("framing version {}, this roar knows {VERSION}", number(8)));
    }
    let length = u64::from(number(16)) | u64::from(number(20)) << 32;
    if length != body.len() as u64 {
        return Err(format!("{} bytes instead of {length}", body.len()));
    }
    if number(12) != crc32fast::hash(body) {
        return Err("wrong CRC".into());
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::RunRecord;

    fn record() -> RunRecord {
        RunRecord { run_id: "0190".into(), argv: vec![b"\xff".to_vec()], ..RunRecord::default() }
    }

    #[test]
    fn a_message_comes_back_as_it_was() {
        let bytes = seal(Kind::Record, &record());
        assert_eq!(RunRecord::decode(unseal(Kind::Record, &bytes).unwrap()).unwrap(), record());
    }

    #[test]
    fn a_message_cut_anywhere_is_refused() {
        let bytes = seal(Kind::Record, &record());
        for length in 0..bytes.len() {
            assert!(unseal(Kind::Record, &bytes[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = seal(Kind::Record, &record());
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(Kind::Record, &damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_message_of_another_kind_is_refused() {
        assert!(unseal(Kind::Folded, &seal(Kind::Record, &record())).is_err());
    }
}
