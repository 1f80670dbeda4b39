//! What cannot be asked is tried: do events arrive, and where does the kernel keep its directory entries?
//!
//! The second is needed to look up what a call is about to destroy. The kernel's hash table of directory entries has no
//! name that an unprivileged reader could look up, but each entry says where it is: those of files that were just made
//! are the first in their buckets, so that a few of them give address and size of the table.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use trace::Stat;

use crate::load::Programs;
use crate::record::{CREATED, Kind, OTHER, ProcessValue, Record, STAT, Settings};
use crate::verdict::Obstacle;

const SAMPLES: usize = 32;
/// No run has this number.
const RUN: u32 = 0;

/// Tries the programs on files of our own in `folder`, and sets them up for this machine. Returns what was found out, for
/// people. Leaves nothing attached. Errors: events do not arrive.
pub fn run(programs: &mut Programs, folder: &Path, only_user: Option<u32>) -> Result<String, Obstacle> {
    let own = std::process::id();
    let mount_ns = fs::metadata("/proc/self/ns/mnt").map_or(0, |meta| meta.ino() as u32);
    let settings =
        Settings { calibrating: own, only_user: only_user.unwrap_or(u32::MAX), mount_ns, ..Settings::default() };
    let place = folder.join(format!("probe.{own}"));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir(&place).map_err(|error| unwritable(&place, &error))?;
    programs.set(settings)?;
    programs.attach()?;
    let done = calibrate(programs, &place, settings)
        .and_then(|found| try_out(programs, &place, own).map(|exact| (found, exact)));
    programs.detach();
    let _ = fs::remove_dir_all(&place);
    let (found, exact) = done?;
    Ok(match (found, exact) {
        (true, true) => "loaded, and passed its self-test".to_owned(),
        _ => "loaded, and passed its self-test; what a call overwrites is not always known before".to_owned(),
    })
}

fn unwritable(path: &Path, error: &io::Error) -> Obstacle {
    Obstacle::new("refused", format!("the self-test cannot write to `{}`: {error}", path.display()))
}

fn create(path: &Path) -> Result<File, Obstacle> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| unwritable(path, &error))
}

fn all_records(programs: &mut Programs) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some(item) = programs.events.next() {
        records.extend(Record::decode(&item));
    }
    records
}

/// Finds the hash table, and tells the programs. False: it was not found.
fn calibrate(programs: &mut Programs, place: &Path, settings: Settings) -> Result<bool, Obstacle> {
    let paths: Vec<PathBuf> = (0..SAMPLES).map(|number| place.join(format!("sample-{number}"))).collect();
    for path in &paths {
        create(path)?;
    }
    let records = all_records(programs);
    let samples: Vec<(u64, u64)> = records
        .iter()
        .filter(|record| record.kind == Kind::Calibrate && record.has(CREATED))
        .map(|record| (record.stat.dev & 0xFFFF_FFFF, record.stat.ino))
        .collect();
    if samples.is_empty() {
        return Err(Obstacle::new("no-events", "the programs are attached, and no event arrives"));
    }
    let found = hash_table(&samples);
    let (hash_table, hash_shift) = found.unwrap_or_default();
    programs.set(Settings { hash_table, hash_shift, calibrating: 0, ..settings })?;
    Ok(found.is_some())
}

/// Address and shift of the table, from hashes of entries and the addresses of their buckets. A few may be wrong.
fn hash_table(samples: &[(u64, u64)]) -> Option<(u64, u32)> {
    let base = |&(hash, bucket): &(u64, u64), shift: u32| bucket.wrapping_sub(8 * (hash >> shift));
    for shift in 1..32 {
        for first in samples.iter().take(4) {
            let table = base(first, shift);
            let agree = samples.iter().filter(|sample| base(sample, shift) == table).count();
            if agree * 4 >= samples.len() * 3 && samples.len() >= 4 {
                return Some((table, shift));
            }
        }
    }
    None
}

/// Opens a known file, and expects the event. Returns whether what an open with O_TRUNC destroys was known before.
fn try_out(programs: &mut Programs, place: &Path, own: u32) -> Result<bool, Obstacle> {
    let path = place.join("known");
    let mut file = create(&path)?;
    io::Write::write_all(&mut file, b"content").map_err(|error| unwritable(&path, &error))?;
    drop(file);
    let watch = programs.processes.insert(own, ProcessValue { run: RUN, foreign: 0 }, 0);
    watch.map_err(|error| Obstacle::new("refused", format!("processes: {error}")))?;
    let opened = OpenOptions::new().write(true).truncate(true).open(&path);
    let _ = programs.processes.remove(&own);
    let file = opened.map_err(|error| unwritable(&path, &error))?;
    let stat = file.metadata().map_err(|error| unwritable(&path, &error))?;
    let records = all_records(programs);
    let Some(record) = records.iter().find(|record| record.kind == Kind::Open && record.has(STAT)) else {
        return Err(Obstacle::new("no-events", "the programs are attached, and an open is not seen"));
    };
    let seen = Stat { ..record.stat };
    if seen.ino != stat.ino() || record.places.first() != Some(&known_place(&path)) {
        return Err(Obstacle::new("no-events", "the programs are attached, and see another file than was opened"));
    }
    Ok(record.has(OTHER) && record.other.size == 7)
}

fn known_place(path: &Path) -> crate::record::Place {
    use std::os::unix::ffi::OsStringExt;
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    crate::record::Place::Path(real.into_os_string().into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_table_is_found_among_wrong_samples() {
        let (table, shift) = (0xFFFF_8880_0000_0000u64, 13);
        let mut samples: Vec<(u64, u64)> = (1..=32u64)
            .map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32)
            .map(|hash| (hash, table + 8 * (hash >> shift)))
            .collect();
        assert_eq!(hash_table(&samples), Some((table, shift)));
        samples[0].1 = 0xFFFF_8881_2345_6789;
        samples[7].1 = 0xFFFF_8881_9999_0000;
        assert_eq!(hash_table(&samples), Some((table, shift)));
        samples.iter_mut().for_each(|sample| sample.1 ^= sample.0 << 3);
        assert_eq!(hash_table(&samples), None);
    }
}
