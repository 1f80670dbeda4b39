//! Scripts whose interpreter is a script.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use trace::Stat;
use trace::event::What;

use crate::place::Place;

/// Scripts that are the interpreter of a script, which the kernel follows four deep, as opens. `last`, the program at the
/// end, is not among them. `find` tells what a name means to the process that executed the script.
pub fn interpreters(find: impl Fn(Vec<u8>) -> Option<Place>, script: &Place, last: &Stat) -> Vec<What> {
    const DEPTH: usize = 4;
    let mut said = Vec::new();
    let mut path = script.path.clone();
    for _ in 0..DEPTH {
        let found = interpreter_of(&path).and_then(&find);
        let Some(place) = found.filter(|place| place.stat.id() != last.id()) else { break };
        let Place { path: next, stat } = place;
        path.clone_from(&next);
        said.push(What::Open { flags: libc::O_RDONLY as u32, path: next, stat, before: None });
    }
    said
}

/// The name behind `#!`.
fn interpreter_of(script: &[u8]) -> Option<Vec<u8>> {
    let mut head = [0; 256];
    let count = std::fs::File::open(OsStr::from_bytes(script)).ok()?.read(&mut head).ok()?;
    let line = head[..count].strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    Some(line.split(|byte| byte.is_ascii_whitespace()).find(|word| !word.is_empty())?.to_vec())
}
