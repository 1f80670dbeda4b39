//! Scripts whose interpreter is a script.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use trace::Stat;
use trace::event::What;

use crate::Tid;
use crate::place::{Named, Place};

/// Scripts that are the interpreter of a script, which the kernel follows four deep, as opens. `last`, the program at the
/// end, is not among them.
pub fn interpreters(tid: Tid, script: &Place, last: &Stat) -> Vec<What> {
    const DEPTH: usize = 4;
    let mut said = Vec::new();
    let mut path = script.path.clone();
    for _ in 0..DEPTH {
        let Some(place) = interpreter_of(tid, &path).filter(|place| place.stat.id() != last.id()) else { break };
        let Place { path: next, stat } = place;
        path.clone_from(&next);
        said.push(What::Open { flags: libc::O_RDONLY as u32, path: next, stat, before: None });
    }
    said
}

fn interpreter_of(tid: Tid, script: &[u8]) -> Option<Place> {
    let mut head = [0; 256];
    let count = std::fs::File::open(OsStr::from_bytes(script)).ok()?.read(&mut head).ok()?;
    let line = head[..count].strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let path = line.split(|byte| byte.is_ascii_whitespace()).find(|word| !word.is_empty())?.to_vec();
    let here = Named { tid, dirfd: libc::AT_FDCWD, path, in_root: false };
    // A process that has ended meanwhile cannot say what it means by a name; nearly always it is what we mean.
    here.follow().or_else(|| Named { tid: std::process::id() as Tid, ..here }.follow())
}
