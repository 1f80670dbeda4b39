//! One event of the raw trace, and its bytes (TRACE_FORMAT.md, sections 2 and 3).

use crate::Stat;

/// Something that a process of the run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Thread-group id.
    pub pid: u32,
    /// Nanoseconds since the start of the run.
    pub at_ns: u64,
    pub what: What,
}

/// Flag bit of `What::Rename`: the two names were exchanged.
pub const RENAME_EXCHANGED: u32 = 1;

/// What happened. Paths are absolute and resolved; see TRACE_FORMAT.md, section 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Fork { parent: u32 },
    Exec(Exec),
    Exit { status: u32 },
    Open { flags: u32, path: Vec<u8>, stat: Stat, before: Option<Stat> },
    Rename { flags: u32, from: Vec<u8>, to: Vec<u8>, stat: Stat, replaced: Option<Stat> },
    Link { from: Vec<u8>, to: Vec<u8>, stat: Stat },
    Unlink { path: Vec<u8>, stat: Stat },
    Truncate { path: Vec<u8>, before: Stat },
    Utimes { path: Vec<u8>, before: Stat, after: Stat },
    Create { path: Vec<u8>, stat: Stat },
    Inherit { fd: u32, flags: u32, path: Vec<u8>, stat: Stat },
    Moved { from: Vec<u8>, to: Vec<u8>, stat: Stat },
    Warning { code: Vec<u8>, message: Vec<u8> },
}

/// A successful execve(2): the program that runs now, and the `#!` file that asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    pub exe: Vec<u8>,
    pub stat: Stat,
    /// Empty when the executed file was the program itself.
    pub script: Vec<u8>,
    pub script_stat: Option<Stat>,
    pub argv: Vec<Vec<u8>>,
}

/// Bytes before the fields of an event: length, CRC, kind, padding, pid, time.
pub const FRAME_HEAD: usize = 24;
/// A longer frame is never written (a long argv is cut) and never believed.
pub const FRAME_MAX: usize = 1 << 20;

impl Event {
    /// The whole frame, length and CRC included. An argv that does not fit loses its last words.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Fields(vec![0; FRAME_HEAD]);
        out.0[8] = self.what.kind();
        out.0[12..16].copy_from_slice(&self.pid.to_le_bytes());
        out.0[16..24].copy_from_slice(&self.at_ns.to_le_bytes());
        self.what.encode(&mut out);
        let mut frame = out.0;
        let length = frame.len() as u32;
        let crc = crc32fast::hash(&frame[8..]);
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frame[4..8].copy_from_slice(&crc.to_le_bytes());
        frame
    }

    /// Decodes a frame whose length and CRC are known to be right. None: a kind that this version does not know, or
    /// fields that do not fit it.
    pub fn decode(frame: &[u8]) -> Option<Event> {
        let mut fields = Cursor(frame.get(FRAME_HEAD..)?);
        let pid = u32::from_le_bytes(frame[12..16].try_into().ok()?);
        let at_ns = u64::from_le_bytes(frame[16..24].try_into().ok()?);
        Some(Event { pid, at_ns, what: What::decode(frame[8], &mut fields)? })
    }
}

impl What {
    fn kind(&self) -> u8 {
        match self {
            What::Fork { .. } => 1,
            What::Exec(_) => 2,
            What::Exit { .. } => 3,
            What::Open { .. } => 4,
            What::Rename { .. } => 5,
            What::Link { .. } => 6,
            What::Unlink { .. } => 7,
            What::Truncate { .. } => 8,
            What::Utimes { .. } => 9,
            What::Create { .. } => 10,
            What::Inherit { .. } => 11,
            What::Moved { .. } => 12,
            What::Warning { .. } => 13,
        }
    }

    fn encode(&self, out: &mut Fields) {
        match self {
            What::Fork { parent } => out.u32(*parent),
            What::Exec(exec) => {
                out.stat(&exec.stat).bytes(&exec.exe).bytes(&exec.script).maybe(exec.script_stat.as_ref());
                out.words(&exec.argv)
            }
            What::Exit { status } => out.u32(*status),
            What::Open { flags, path, stat, before } => out.u32(*flags).bytes(path).stat(stat).maybe(before.as_ref()),
            What::Rename { flags, from, to, stat, replaced } => {
                out.u32(*flags).bytes(from).bytes(to).stat(stat).maybe(replaced.as_ref())
            }
            What::Link { from, to, stat } | What::Moved { from, to, stat } => out.bytes(from).bytes(to).stat(stat),
            What::Unlink { path, stat } | What::Create { path, stat } => out.bytes(path).stat(stat),
            What::Truncate { path, before } => out.bytes(path).stat(before),
            What::Utimes { path, before, after } => out.bytes(path).stat(before).stat(after),
            What::Inherit { fd, flags, path, stat } => out.u32(*fd).u32(*flags).bytes(path).stat(stat),
            What::Warning { code, message } => out.bytes(code).bytes(message),
        };
    }

    fn decode(kind: u8, from: &mut Cursor) -> Option<What> {
        Some(match kind {
            1 => What::Fork { parent: from.u32()? },
            2 => What::Exec(Exec {
                stat: from.stat()?,
                exe: from.bytes()?,
                script: from.bytes()?,
                script_stat: from.maybe()?,
                argv: from.words()?,
            }),
            3 => What::Exit { status: from.u32()? },
            4 => What::Open { flags: from.u32()?, path: from.bytes()?, stat: from.stat()?, before: from.maybe()? },
            5 => What::Rename {
                flags: from.u32()?,
                from: from.bytes()?,
                to: from.bytes()?,
                stat: from.stat()?,
                replaced: from.maybe()?,
            },
            6 => What::Link { from: from.bytes()?, to: from.bytes()?, stat: from.stat()? },
            7 => What::Unlink { path: from.bytes()?, stat: from.stat()? },
            8 => What::Truncate { path: from.bytes()?, before: from.stat()? },
            9 => What::Utimes { path: from.bytes()?, before: from.stat()?, after: from.stat()? },
            10 => What::Create { path: from.bytes()?, stat: from.stat()? },
            11 => What::Inherit { fd: from.u32()?, flags: from.u32()?, path: from.bytes()?, stat: from.stat()? },
            12 => What::Moved { from: from.bytes()?, to: from.bytes()?, stat: from.stat()? },
            13 => What::Warning { code: from.bytes()?, message: from.bytes()? },
            _ => return None,
        })
    }
}

/// Appends fields to a frame.
struct Fields(Vec<u8>);

impl Fields {
    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.u32(value.len() as u32);
        self.0.extend_from_slice(value);
        self
    }

    fn stat(&mut self, stat: &Stat) -> &mut Self {
        for value in [stat.dev, stat.ino, stat.size, stat.mtime_ns as u64, stat.ctime_ns as u64, stat.mode] {
            self.0.extend_from_slice(&value.to_le_bytes());
        }
        self
    }

    fn maybe(&mut self, stat: Option<&Stat>) -> &mut Self {
        self.0.push(u8::from(stat.is_some()));
        match stat {
            Some(stat) => self.stat(stat),
            None => self,
        }
    }

    fn words(&mut self, words: &[Vec<u8>]) -> &mut Self {
        let mut room = FRAME_MAX - self.0.len() - 4;
        let fits = |word: &&Vec<u8>| {
            let needed = word.len() + 4;
            let ok = needed <= room;
            room = room.saturating_sub(needed);
            ok
        };
        let kept: Vec<&Vec<u8>> = words.iter().take_while(fits).collect();
        self.u32(kept.len() as u32);
        kept.into_iter().fold(self, |out, word| out.bytes(word))
    }
}

/// Takes fields from a frame; None when they run out.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let count = self.u32()? as usize;
        Some(self.take(count)?.to_vec())
    }

    fn stat(&mut self) -> Option<Stat> {
        Some(Stat {
            dev: self.u64()?,
            ino: self.u64()?,
            size: self.u64()?,
            mtime_ns: self.u64()? as i64,
            ctime_ns: self.u64()? as i64,
            mode: self.u64()?,
        })
    }

    /// Outer None: malformed; inner None: not there.
    fn maybe(&mut self) -> Option<Option<Stat>> {
        match self.take(1)?[0] {
            0 => Some(None),
            1 => Some(Some(self.stat()?)),
            _ => None,
        }
    }

    fn words(&mut self) -> Option<Vec<Vec<u8>>> {
        let count = self.u32()?;
        (0..count).map(|_| self.bytes()).collect()
    }
}

/// Flags of open(2) as x86-64 numbers them, whatever the machine.
pub fn portable_open_flags(flags: u32) -> u32 {
    if cfg!(target_arch = "x86_64") {
        return flags;
    }
    // arch/arm64/include/uapi/asm/fcntl.h: (here, on x86-64)
    const MOVED: [(u32, u32); 4] =
        [(0o040_000, 0o200_000), (0o100_000, 0o400_000), (0o200_000, 0o040_000), (0o400_000, 0o100_000)];
    let rest = flags & !MOVED.iter().fold(0, |all, (here, _)| all | here);
    MOVED.iter().filter(|(here, _)| flags & here != 0).fold(rest, |all, (_, there)| all | there)
}
