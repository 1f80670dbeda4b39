//! The other side of tracers/bpf/roar_event.h: records of the ring buffer, and values of the maps.

use aya::Pod;
use trace::Stat;

/// Runs that can be watched at once.
pub const RUN_SLOTS: u32 = 1024;

/// Bits of `Head::known`.
pub const STAT: u32 = 0x01;
pub const OTHER: u32 = 0x02;
pub const CREATED: u32 = 0x04;
pub const UNLINKED: u32 = 0x08;
pub const SCRIPT: u32 = 0x10;
pub const CUT: u32 = 0x20;
pub const ABSENT: u32 = 0x40;
pub const NO_NAME: u32 = 0x80;

/// What a record is about; `enum roar_kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Fork,
    Exec,
    Exit,
    Open,
    Unseen,
    Rename,
    Link,
    Unlink,
    Truncate,
    Utimes,
    Create,
    Namespace,
    IoUring,
    Foreign,
    Calibrate,
}

const KINDS: [Kind; 15] = [
    Kind::Fork,
    Kind::Exec,
    Kind::Exit,
    Kind::Open,
    Kind::Unseen,
    Kind::Rename,
    Kind::Link,
    Kind::Unlink,
    Kind::Truncate,
    Kind::Utimes,
    Kind::Create,
    Kind::Namespace,
    Kind::IoUring,
    Kind::Foreign,
    Kind::Calibrate,
];

/// `struct roar_stat`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct RawStat {
    dev: u64,
    ino: u64,
    size: u64,
    mtime_ns: i64,
    ctime_ns: i64,
    mode: u64,
}

impl From<RawStat> for Stat {
    fn from(raw: RawStat) -> Stat {
        let RawStat { dev, ino, size, mtime_ns, ctime_ns, mode } = raw;
        Stat { dev, ino, size, mtime_ns, ctime_ns, mode }
    }
}

/// `struct roar_event`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct RawHead {
    at_ns: u64,
    kind: u32,
    run: u32,
    tgid: u32,
    tid: u32,
    flags: u32,
    number: i32,
    known: u32,
    fs_magic: u32,
    stat: RawStat,
    other: RawStat,
    parts: u32,
    size: u32,
}

const HEAD: usize = 144;
const PART: usize = 8;
const _: () = assert!(size_of::<RawHead>() == HEAD && size_of::<RawStat>() == 48);

/// Value of the map `calls`, of which only the keys matter here.
pub type Pending = [u8; 680];

/// Value of the map `processes`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessValue {
    pub run: u32,
    pub foreign: u32,
}

/// Value of the map `runs`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct RunValue {
    pub lost: u64,
    pub processes: u64,
}

/// The value of the map `settings`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    pub hash_table: u64,
    pub hash_shift: u32,
    pub calibrating: u32,
    pub only_user: u32,
    pub mount_ns: u32,
    pub unread: u64,
}

const _: () = assert!(size_of::<ProcessValue>() == 8 && size_of::<RunValue>() == 16 && size_of::<Settings>() == 32);

// SAFETY: integers only, without padding.
unsafe impl Pod for ProcessValue {}
// SAFETY: likewise.
unsafe impl Pod for RunValue {}
// SAFETY: likewise.
unsafe impl Pod for Settings {}

/// A name of the file system, as the kernel saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Absolute and resolved.
    Path(Vec<u8>),
    /// What a process wrote, and the directory from which it is to be followed.
    Text { base: Vec<u8>, text: Vec<u8> },
}

/// One event, as it came out of the ring buffer.
#[derive(Clone, Debug)]
pub struct Record {
    pub at_ns: u64,
    pub kind: Kind,
    pub run: u32,
    pub tgid: u32,
    pub flags: u32,
    pub number: i32,
    pub known: u32,
    pub fs_magic: u32,
    pub stat: Stat,
    pub other: Stat,
    pub places: Vec<Place>,
    pub argv: Vec<Vec<u8>>,
}

impl Record {
    /// None: not a record of this version.
    pub fn decode(bytes: &[u8]) -> Option<Record> {
        if bytes.len() < HEAD {
            return None;
        }
        // SAFETY: there are enough bytes, and any are a valid `RawHead`.
        let head = unsafe { bytes.as_ptr().cast::<RawHead>().read_unaligned() };
        let mut record = Record {
            at_ns: head.at_ns,
            kind: *KINDS.get((head.kind as usize).checked_sub(1)?)?,
            run: head.run,
            tgid: head.tgid,
            flags: head.flags,
            number: head.number,
            known: head.known,
            fs_magic: head.fs_magic,
            stat: head.stat.into(),
            other: head.other.into(),
            places: Vec::new(),
            argv: Vec::new(),
        };
        let mut rest = bytes.get(HEAD..head.size as usize)?;
        for _ in 0..head.parts {
            let size = u32::from_ne_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
            let content = rest.get(PART..PART + size)?;
            record.take_part(rest[0], content)?;
            rest = rest.get((PART + size).next_multiple_of(8)..).unwrap_or_default();
        }
        Some(record)
    }

    pub fn has(&self, known: u32) -> bool {
        self.known & known != 0
    }

    fn take_part(&mut self, part: u8, content: &[u8]) -> Option<()> {
        match part {
            1 => self.places.push(Place::Path(upright(content))),
            2 => self.places.push(Place::Text { base: upright(content), text: Vec::new() }),
            3 => match self.places.last_mut()? {
                Place::Text { text, .. } => *text = content.to_vec(),
                Place::Path(_) => return None,
            },
            4 => {
                let words = content.strip_suffix(b"\0").unwrap_or(content);
                self.argv = words.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect();
            }
            _ => {}
        }
        Some(())
    }
}

/// The kernel sends the last name first.
fn upright(names: &[u8]) -> Vec<u8> {
    let names = names.strip_suffix(b"/").unwrap_or(names);
    let mut path = Vec::with_capacity(names.len() + 1);
    for name in names.rsplit(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    if path.is_empty() {
        path.push(b'/');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, parts: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; HEAD];
        bytes[8..12].copy_from_slice(&kind.to_ne_bytes());
        for (part, content) in parts {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            bytes.extend([*part, 0, 0, 0]);
            bytes.extend((content.len() as u32).to_ne_bytes());
            bytes.extend_from_slice(content);
        }
        let size = bytes.len() as u32;
        bytes[136..140].copy_from_slice(&(parts.len() as u32).to_ne_bytes());
        bytes[140..144].copy_from_slice(&size.to_ne_bytes());
        bytes
    }

    #[test]
    fn paths_arrive_last_name_first() {
        let bytes = record(6, &[(1, b"c/b/a/"), (2, b"d/"), (3, b"../x")]);
        let places = Record::decode(&bytes).unwrap().places;
        let text = Place::Text { base: b"/d".to_vec(), text: b"../x".to_vec() };
        assert_eq!(places, [Place::Path(b"/a/b/c".to_vec()), text]);
    }

    #[test]
    fn the_root_is_a_slash() {
        assert_eq!(upright(b""), b"/");
        assert_eq!(upright(b"//"), b"/");
    }

    #[test]
    fn words_may_be_empty() {
        let decoded = Record::decode(&record(2, &[(4, b"sh\0\0-c\0")])).unwrap();
        assert_eq!(decoded.argv, [&b"sh"[..], b"", b"-c"]);
    }

    #[test]
    fn a_record_cut_anywhere_is_refused() {
        let bytes = record(6, &[(1, b"c/b/a/")]);
        for length in 0..bytes.len() {
            assert!(Record::decode(&bytes[..length]).is_none(), "{length}");
        }
        assert!(Record::decode(&record(99, &[])).is_none());
    }
}
