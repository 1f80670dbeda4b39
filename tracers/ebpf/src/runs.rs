//! The runs that are watched now: which processes belong to them, and where their events go.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use trace::Clock;
use trace::event::Event;
use trace::log::LogWriter;

use crate::load::Programs;
use crate::record::{ProcessValue, RUN_SLOTS, RunValue};

/// Name of the stream that we write.
const STREAM: &str = "ebpf";

/// A command and everything that it has started.
struct Run {
    clock: Clock,
    log: LogWriter,
    /// Keeps the run directory locked for as long as we write to it.
    _lock: OwnedFd,
    /// Its launcher will say when it has ended.
    led: bool,
}

/// All runs, by their numbers, which are never used again.
#[derive(Default)]
pub struct Runs {
    runs: HashMap<u32, Run>,
    last: u32,
}

/// What a launcher asks for.
pub struct Order<'a> {
    pub child: u32,
    pub start_ns: u64,
    pub rundir: &'a Path,
    pub lock: OwnedFd,
}

impl Runs {
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Begins to watch a process that waits for that, and what it will start. The programs are attached already. Errors name
    /// what is wrong.
    pub fn add(&mut self, programs: &mut Programs, order: Order, user: u32) -> io::Result<u32> {
        let owner = fs::metadata(format!("/proc/{}", order.child))?.uid();
        if owner != user {
            return Err(io::Error::other(format!("process {} belongs to user {owner}, not to {user}", order.child)));
        }
        let number = self.free_number().ok_or_else(|| io::Error::other("too many runs at once"))?;
        let clock = Clock::of_run(order.start_ns);
        let log = LogWriter::create(order.rundir, STREAM, clock)?;
        let count = RunValue { lost: 0, processes: 1 };
        programs.runs.set(number % RUN_SLOTS, count, 0).map_err(io::Error::other)?;
        let process = ProcessValue { run: number, foreign: 0 };
        programs.processes.insert(order.child, process, 0).map_err(io::Error::other)?;
        self.runs.insert(number, Run { clock, log, _lock: order.lock, led: true });
        Ok(number)
    }

    fn free_number(&mut self) -> Option<u32> {
        for _ in 0..RUN_SLOTS {
            self.last = self.last.wrapping_add(1).max(1);
            let slot = self.last % RUN_SLOTS;
            if !self.runs.keys().any(|number| number % RUN_SLOTS == slot) {
                return Some(self.last);
            }
        }
        None
    }

    /// The clock of a run; None for one that has ended.
    pub fn clock(&self, number: u32) -> Option<Clock> {
        self.runs.get(&number).map(|run| run.clock)
    }

    pub fn write(&mut self, number: u32, events: &[Event]) {
        if let Some(run) = self.runs.get_mut(&number) {
            run.log.append_all(events);
        }
    }

    /// Processes of a run that are alive.
    pub fn alive(programs: &Programs, number: u32) -> u64 {
        programs.runs.get(&(number % RUN_SLOTS), 0).map_or(0, |run| run.processes)
    }

    /// Ends a run: its processes that are left are not watched any more. Returns the number of events that were lost.
    pub fn end(&mut self, programs: &mut Programs, number: u32) -> u64 {
        let Some(mut run) = self.runs.remove(&number) else { return 0 };
        let unseen = programs.runs.get(&(number % RUN_SLOTS), 0).map_or(0, |run| run.lost);
        forget_processes(programs, number);
        unseen + run.log.flush()
    }

    /// Its launcher has gone without a word.
    pub fn abandon(&mut self, number: u32) {
        if let Some(run) = self.runs.get_mut(&number) {
            run.led = false;
        }
    }

    /// Ends the runs that nobody leads and that have no process left, or no directory.
    pub fn end_abandoned(&mut self, programs: &mut Programs) {
        let over = |(number, run): (&u32, &Run)| {
            let done = !run.led && (Runs::alive(programs, *number) == 0 || run.log.is_removed());
            done.then_some(*number)
        };
        let ended: Vec<u32> = self.runs.iter().filter_map(over).collect();
        for number in ended {
            let lost = self.end(programs, number);
            if lost > 0 {
                eprintln!("run {number} without a launcher: {lost} events are lost");
            }
        }
    }
}

fn forget_processes(programs: &mut Programs, number: u32) {
    let of_run = |(pid, process): (u32, ProcessValue)| (process.run == number).then_some(pid);
    let left: Vec<u32> = programs.processes.iter().flatten().filter_map(of_run).collect();
    for pid in left {
        // It may have ended meanwhile.
        let _ = programs.processes.remove(&pid);
    }
}
