//! A run directory in, its folded trace out: reads the raw trace, reduces it, adds processes and warnings.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::{FileRead, FileWrite, FoldedTrace, Process, StatKey, Warning};

use crate::event::{Event, What};
use crate::log::{LAUNCHER, Log};
use crate::reduce::{Read, Write, reduce};
use crate::{Stat, log};

/// What a database can hold. The counts come from heads of streams, which have no checksum.
const MOST_LOST: u64 = i64::MAX as u64;
/// How a folded trace names the backend of a run that nobody watched.
const UNTRACED: &str = "none";

/// How the command ended, as its launcher saw it.
#[derive(Clone, Copy, Debug)]
pub struct RunEnd {
    pub exit_code: Option<i32>,
    pub exit_signal: Option<i32>,
    pub duration: Duration,
    /// Signal that the launcher received from outside during the run; 0: none.
    pub interrupted_by: i32,
    /// Events that the tracer saw and could not write, beside those that the streams tell of.
    pub events_lost: u64,
}

/// The raw trace of this run could not be read.
#[derive(Debug)]
pub struct FoldError {
    pub path: PathBuf,
    pub cause: io::Error,
}

impl fmt::Display for FoldError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "cannot read the trace in `{}`: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for FoldError {}

/// Folds the raw trace of a run, comparing with the files as they are now. `end` is None when the launcher is lost:
/// then the exit status is taken from the trace, if it is there. `is_alive` tells, of a process whose end is not in the
/// trace, whether it still runs, given its id and the time of its last event in nanoseconds since the start; a backend may
/// not see how a process ends. O(events). Errors: the trace is unreadable.
pub fn fold_run(
    rundir: &Path,
    end: Option<RunEnd>,
    is_alive: impl Fn(u32, u64) -> bool,
) -> Result<FoldedTrace, FoldError> {
    let raw = log::read(rundir).map_err(|cause| FoldError { path: rundir.to_owned(), cause })?;
    let uses = reduce(raw.told.iter().map(|told| &told.event), |path| Stat::of_link(path).ok());
    let mut processes = Processes::default();
    raw.told.iter().for_each(|told| processes.apply(&raw.streams[told.stream].backend, &told.event));
    let counts = raw.streams.iter().map(|stream| stream.lost).chain(end.map(|end| end.events_lost));
    let lost = counts.fold(0, u64::saturating_add).min(MOST_LOST);
    let mut folded = FoldedTrace {
        tracer: backend_of(&raw).to_owned(),
        reads: uses.reads.into_iter().map(file_read).collect(),
        writes: uses.writes.into_iter().map(file_write).collect(),
        warnings: warnings_of(&raw).into_iter().chain(events_lost(lost)).collect(),
        events: raw.told.len() as u64,
        events_lost: lost,
        ..FoldedTrace::default()
    };
    match end {
        Some(end) => {
            (folded.exit_code, folded.exit_signal) = (end.exit_code, end.exit_signal);
            processes.end_command(&end);
            folded.duration_ns = end.duration.as_nanos() as u64;
            folded.interrupted_by = end.interrupted_by;
            processes.end_unseen(is_alive);
            folded.warnings.extend(still_running(&processes.list));
        }
        None => {
            let command = processes.list.first();
            folded.exit_code = command.and_then(|command| command.exit_code);
            folded.exit_signal = command.and_then(|command| command.exit_signal);
            let last_event = raw.told.last().map(|told| told.event.at_ns);
            folded.duration_ns = command.and_then(|command| command.ended_ns).or(last_event).unwrap_or(0);
            folded.launcher_lost = true;
            folded.warnings.push(launcher_lost(folded.exit_code.is_some() || folded.exit_signal.is_some()));
        }
    }
    folded.processes = processes.list;
    Ok(folded)
}

/// The backend that watched the command: not the launcher, which only tells what it handed over.
fn backend_of(raw: &Log) -> &str {
    let main = raw.streams.iter().find(|stream| stream.main && stream.backend != LAUNCHER);
    main.map_or(UNTRACED, |stream| &stream.backend)
}

fn file_read(read: Read) -> FileRead {
    FileRead {
        path: read.path,
        stat: Some(stat_key(&read.stat)),
        executed: read.executed,
        now_at: read.now_at.unwrap_or_default(),
        replaced: read.replaced,
    }
}

fn file_write(write: Write) -> FileWrite {
    FileWrite { path: write.path, stat: Some(stat_key(&write.stat)), created: write.created, updated: write.updated }
}

pub(crate) fn stat_key(stat: &Stat) -> StatKey {
    StatKey { dev: stat.dev, ino: stat.ino, size: stat.size, mtime_ns: stat.mtime_ns, ctime_ns: stat.ctime_ns }
}

/// The processes of a run in the order of their start; a pid that comes back is another process.
#[derive(Default)]
struct Processes {
    list: Vec<Process>,
    /// Where in the list the newest process of each pid is.
    newest: HashMap<u32, usize>,
    /// Time of the last event of each pid.
    last_ns: HashMap<u32, u64>,
}

impl Processes {
    /// The launcher may know of the command's end before the tracer has written it down.
    fn end_command(&mut self, end: &RunEnd) {
        if let Some(command) = self.list.first_mut().filter(|command| command.ended_ns.is_none()) {
            command.ended_ns = Some(end.duration.as_nanos() as u64);
            (command.exit_code, command.exit_signal) = (end.exit_code, end.exit_signal);
        }
    }

    /// Processes whose end no backend has told, as that of one that was killed.
    fn end_unseen(&mut self, is_alive: impl Fn(u32, u64) -> bool) {
        for (pid, &at) in &self.newest {
            let process = &mut self.list[at];
            let last_ns = self.last_ns.get(pid).copied().unwrap_or(process.started_ns);
            if process.ended_ns.is_none() && !is_alive(*pid, last_ns) {
                process.ended_ns = Some(last_ns);
            }
        }
    }

    fn alive(&mut self, pid: u32) -> Option<&mut Process> {
        let process = &mut self.list[*self.newest.get(&pid)?];
        process.ended_ns.is_none().then_some(process)
    }

    fn apply(&mut self, backend: &str, event: &Event) {
        self.last_ns.insert(event.pid, event.at_ns);
        match &event.what {
            // A second backend that takes a process over knows of no parent.
            What::Fork { parent: 0 } if self.alive(event.pid).is_some() => {}
            What::Fork { parent } => {
                // A fork is a copy: until it execs, the child is the program of its parent, which may have ended by now. Looked
                // up first, should a damaged trace name the child as its own parent.
                let model = self.newest.get(parent).map(|&at| self.list[at].clone()).unwrap_or_default();
                self.newest.insert(event.pid, self.list.len());
                self.list.push(Process {
                    pid: event.pid,
                    parent_pid: *parent,
                    started_ns: event.at_ns,
                    exe: model.exe,
                    argv: model.argv,
                    tracer: backend.to_owned(),
                    ..Process::default()
                });
            }
            What::Exec(exec) => {
                if let Some(process) = self.alive(event.pid) {
                    process.exe.clone_from(&exec.exe);
                    process.argv.clone_from(&exec.argv);
                    backend.clone_into(&mut process.tracer);
                }
            }
            What::Exit { status } => {
                if let Some(process) = self.alive(event.pid) {
                    process.ended_ns = Some(event.at_ns);
                    let status = *status as i32;
                    process.exit_code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
                    process.exit_signal = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
                }
            }
            _ => {}
        }
    }
}

/// Warnings of the trace, each text once.
fn warnings_of(raw: &Log) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    for told in &raw.told {
        if let What::Warning { code, message } = &told.event.what {
            let warning = warning(&String::from_utf8_lossy(code), String::from_utf8_lossy(message).into_owned());
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    warnings
}

fn warning(code: &str, message: String) -> Warning {
    Warning { code: code.to_owned(), message }
}

/// One warning for all processes that outlived the command.
fn still_running(processes: &[Process]) -> Option<Warning> {
    let left: Vec<&Process> = processes.iter().filter(|process| process.ended_ns.is_none()).collect();
    let first = left.first()?;
    let program = first.argv.first().unwrap_or(&first.exe);
    let others = if left.len() > 1 { format!(" and {} more", left.len() - 1) } else { String::new() };
    let message = format!(
        "process {} (`{}`){others} was still running when the command ended: what it did later is not seen",
        first.pid,
        String::from_utf8_lossy(program),
    );
    Some(warning("still-running", message))
}

fn events_lost(count: u64) -> Option<Warning> {
    (count > 0)
        .then(|| warning("events-lost", format!("{count} events could not be written to the trace and are not seen")))
}

fn launcher_lost(exit_known: bool) -> Warning {
    let rest = if exit_known { "the trace is whole" } else { "what the command did after that is not seen" };
    warning("launcher-lost", format!("the launcher was killed during the run; {rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Exec;

    #[test]
    fn a_fork_of_a_fork_that_has_ended_is_its_program_too() {
        let mut processes = Processes::default();
        let python = Exec { argv: vec![b"python".to_vec()], ..Exec::default() };
        let told = [
            (1, What::Fork { parent: 0 }),
            (1, What::Exec(python)),
            (2, What::Fork { parent: 1 }),
            (2, What::Exit { status: 0 }),
            (3, What::Fork { parent: 2 }),
        ];
        for (at_ns, (pid, what)) in told.into_iter().enumerate() {
            processes.apply("preload", &Event { pid, at_ns: at_ns as u64, what });
        }
        let left = processes.list.last().unwrap();
        assert_eq!((left.pid, left.argv.as_slice()), (3, [b"python".to_vec()].as_slice()));
    }
}
