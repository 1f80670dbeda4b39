//! A raw trace that is cut or damaged: what was whole is folded, or the trace is refused; nothing panics.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use contract::FoldedTrace;
use trace::event::{Event, Exec, What};
use trace::log::{LogWriter, stream_path};
use trace::{Clock, FoldError, Stat, fold_run};

const FLIPS: u64 = 10_000;

/// A shell that reads ten files, writes ten, and renames, links and removes some of them.
fn events() -> Vec<Event> {
    let stat = |ino: u64| Stat { dev: 1, ino, size: 9, mtime_ns: 5, ctime_ns: 5, mode: 0o100_644 };
    let path = |name: String| format!("/nowhere/{name}").into_bytes();
    let argv = vec![b"sh".to_vec(), b"-c".to_vec()];
    let exec = Exec { exe: b"/bin/sh".to_vec(), stat: stat(1), argv, ..Exec::default() };
    let mut done = vec![What::Exec(exec), What::Fork { parent: 7 }];
    for number in 0..10 {
        let ino = 10 + number;
        let name = |kind: &str| path(format!("{kind}{number}"));
        done.push(What::Open { flags: 0, path: name("in"), stat: stat(ino), before: None });
        done.push(What::Open { flags: 0o101, path: name("out"), stat: stat(100 + ino), before: None });
        done.push(What::Rename {
            flags: 0,
            from: name("out"),
            to: name("moved"),
            stat: stat(100 + ino),
            replaced: None,
        });
        done.push(What::Link { from: name("moved"), to: name("linked"), stat: stat(100 + ino) });
        done.push(What::Unlink { path: name("linked"), stat: stat(100 + ino) });
    }
    done.push(What::Warning { code: b"odd".to_vec(), message: b"something".to_vec() });
    done.push(What::Exit { status: 0 });
    let told = done.into_iter().enumerate();
    told.map(|(number, what)| Event { pid: 7, at_ns: number as u64, what }).collect()
}

fn folded(rundir: &Path, bytes: &[u8]) -> Result<FoldedTrace, FoldError> {
    fs::write(stream_path(rundir, "ptrace"), bytes).unwrap();
    fold_run(rundir, None, |_, _| false)
}

fn rundir() -> (tempfile::TempDir, Vec<u8>) {
    let rundir = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::create(rundir.path(), "ptrace", Clock::start()).unwrap();
    writer.append_all(&events());
    let bytes = fs::read(stream_path(rundir.path(), "ptrace")).unwrap();
    (rundir, bytes)
}

fn reads(folded: &FoldedTrace) -> HashSet<Vec<u8>> {
    folded.reads.iter().map(|read| read.path.clone()).collect()
}

#[test]
fn a_trace_cut_at_any_byte_is_folded_as_far_as_it_is_whole() {
    let (rundir, bytes) = rundir();
    let whole = folded(rundir.path(), &bytes).unwrap();
    assert_eq!((whole.reads.len(), whole.events), (11, 54));
    let mut before = 0;
    for length in 0..bytes.len() {
        let part = folded(rundir.path(), &bytes[..length]).unwrap();
        assert!(reads(&part).is_subset(&reads(&whole)), "cut at {length}");
        assert!((before..=before + 1).contains(&part.events), "cut at {length}");
        before = part.events;
    }
    assert_eq!(before, whole.events - 1);
}

#[test]
fn flipped_bits_are_left_out_or_refused() {
    let (rundir, bytes) = rundir();
    let whole = folded(rundir.path(), &bytes).unwrap();
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    println!("seed {seed}");
    let mut random = seed;
    for _ in 0..FLIPS {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let bit = random as usize % (bytes.len() * 8);
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        match folded(rundir.path(), &damaged) {
            Ok(part) => assert!(reads(&part).is_subset(&reads(&whole)), "bit {bit}"),
            Err(error) => assert_eq!(error.cause.kind(), ErrorKind::InvalidData, "bit {bit}"),
        }
    }
}
