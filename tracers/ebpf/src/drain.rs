//! From the ring buffer to the streams of the runs.

use std::collections::BTreeMap;

use trace::event::{Event, RENAME_EXCHANGED, What};

use crate::load::Programs;
use crate::moved;
use crate::record::Record;
use crate::runs::Runs;
use crate::translate::{self, warning};

/// A directory is listed again when it was renamed while we did, so many times.
const ATTEMPTS: usize = 5;

/// Events of all runs in the order of time.
type Batch = Vec<(u32, Event)>;

/// Writes down everything that has happened up to now.
pub fn drain(programs: &mut Programs, runs: &mut Runs) {
    let mut batch = Batch::new();
    take(programs, runs, &mut batch);
    let mut ready: BTreeMap<u32, Vec<Event>> = BTreeMap::new();
    let mut at = 0;
    while at < batch.len() {
        let (run, event) = batch[at].clone();
        let moved = moved_with(programs, runs, &mut batch, at);
        let ready = ready.entry(run).or_default();
        ready.push(event);
        ready.extend(moved);
        at += 1;
    }
    for (run, events) in ready {
        runs.write(run, &events);
    }
}

/// Adds what is in the ring buffer to the batch.
fn take(programs: &mut Programs, runs: &Runs, batch: &mut Batch) {
    let first = batch.len();
    while let Some(item) = programs.events.next() {
        let Some(record) = Record::decode(&item) else { continue };
        drop(item);
        let Some(clock) = runs.clock(record.run) else { continue };
        let at_ns = record.at_ns.saturating_sub(clock.start_ns());
        let events = translate::events(&record).into_iter();
        batch.extend(events.map(|what| (record.run, Event { pid: record.tgid, at_ns, what })));
    }
    // Each processor is in order, and all of them nearly.
    batch[first..].sort_by_key(|(_, event)| event.at_ns);
}

/// The files that moved with a directory, when the event at `at` is the rename of one.
fn moved_with(programs: &mut Programs, runs: &Runs, batch: &mut Batch, at: usize) -> Vec<Event> {
    let (run, event) = batch[at].clone();
    let What::Rename { flags, from, to, stat, replaced } = &event.what else { return Vec::new() };
    let mut ways = Vec::new();
    if stat.is_dir() {
        ways.push((from, to));
    }
    if flags & RENAME_EXCHANGED != 0 && replaced.is_some_and(|other| other.is_dir()) {
        ways.push((to, from));
    }
    let mut events = Vec::new();
    for (old, new) in ways {
        let (files, more) = listing(programs, runs, batch, at, run, new);
        let told = files.into_iter().map(|place| What::Moved {
            from: [old, &place.path[new.len()..]].concat(),
            to: place.path,
            stat: place.stat,
        });
        let too_many = more.then(|| {
            let name = String::from_utf8_lossy(new);
            let message = format!("`{name}` was renamed: files beyond {} in it are not seen", moved::DIRECTORY_MAX);
            warning("directory-too-large", message)
        });
        events.extend(told.chain(too_many).map(|what| Event { what, ..event.clone() }));
    }
    events
}

/// The files that were below `root` at the time of the event at `at`.
fn listing(
    programs: &mut Programs,
    runs: &Runs,
    batch: &mut Batch,
    at: usize,
    run: u32,
    root: &[u8],
) -> (Vec<proc::Place>, bool) {
    let later = |batch: &Batch| -> Vec<Event> {
        batch[at + 1..].iter().filter(|(other, _)| *other == run).map(|(_, event)| event.clone()).collect()
    };
    let mut now = moved::now_at(root, &later(batch));
    for attempt in 1.. {
        let (files, more) = moved::list(&now);
        programs.await_reports();
        take(programs, runs, batch);
        let later = later(batch);
        let then = std::mem::replace(&mut now, moved::now_at(root, &later));
        if then == now || attempt == ATTEMPTS {
            return (moved::undo(root, &now, files, &later), more);
        }
    }
    (Vec::new(), false)
}
