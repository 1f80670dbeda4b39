//! Has a sealed run recorded: starts a daemon if there is none, waits for it, shows how far it is.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use contract::finish_job_response::Event;
use contract::{FinishJobRequest, HashProgress, Job};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::Status;

use crate::client::{self, Peer, is_lost_connection};
use crate::failure::Failure;
use crate::reach::{Missed, until_answered};
use crate::report;
use crate::runtime_dir::RuntimeDir;
use crate::signals::{self, Inbox};
use crate::skew::Replacement;

/// Between two messages of a daemon that is at work.
const SILENCE: Duration = Duration::from_secs(60);
/// What takes no longer is not worth a word.
const QUIET_TIME: Duration = Duration::from_millis(500);
const REDRAW: Duration = Duration::from_millis(100);

/// What became of a sealed run.
pub enum Finished {
    Recorded(Box<Job>),
    /// Its directory stays until a daemon can record it.
    Later(Failure),
    /// The user does not want to wait; the daemon goes on.
    NotWaitedFor,
}

/// Waits until the run is recorded. `known` is the daemon that announced it; one of an older version is replaced first. A
/// signal that asks for an end ends the waiting.
pub fn finish(
    place: &RuntimeDir,
    request: &FinishJobRequest,
    known: Option<Peer>,
    replacement: &Replacement,
    inbox: &Inbox,
) -> Finished {
    let finished = client::block_on(async {
        let progress = Progress::new();
        let mut ticks = interval(REDRAW);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let wanted = Wanted { place, request, known, replacement };
        let mut recording = pin!(record(&wanted, &progress));
        let mut impatience = pin!(impatience(inbox));
        let finished = loop {
            tokio::select! {
                finished = &mut recording => break finished,
                () = &mut impatience => break Finished::NotWaitedFor,
                _ = ticks.tick() => progress.draw(),
            }
        };
        progress.clear();
        finished
    });
    finished.unwrap_or_else(|error| {
        Finished::Later(Failure::new("no-daemon", "cannot talk to the daemon").cause(error.to_string()))
    })
}

/// Ends when a signal asks this process to end; stops with the terminal in between.
async fn impatience(inbox: &Inbox) {
    let Ok(arrivals) = inbox.listen() else { return std::future::pending().await };
    loop {
        match arrivals.next().await.signal {
            signal if signals::asks_to_end(signal) => return,
            signal if signals::stops_for_terminal(signal) => signals::suffer(signal),
            _ => {}
        }
    }
}

/// What is to be recorded, where, and by whom.
struct Wanted<'a> {
    place: &'a RuntimeDir,
    request: &'a FinishJobRequest,
    known: Option<Peer>,
    replacement: &'a Replacement,
}

async fn record(wanted: &Wanted<'_>, progress: &Progress) -> Finished {
    match until_answered(wanted.place, &progress.last_contact, async || attempt(wanted, progress).await).await {
        Ok(job) => Finished::Recorded(Box::new(job)),
        Err(failure) => Finished::Later(failure),
    }
}

async fn attempt(wanted: &Wanted<'_>, progress: &Progress) -> Result<Job, Missed> {
    let mut connected = client::connect(wanted.place, wanted.known).await?;
    if let Some(outdated) = connected.outdated {
        wanted.replacement.ask(outdated).await?;
    }
    let mut events = patiently(connected.jobs.finish_job(wanted.request.clone())).await?.into_inner();
    while let Some(message) = patiently(events.message()).await? {
        progress.last_contact.set(Instant::now());
        match message.event {
            Some(Event::Job(job)) => return Ok(job),
            Some(Event::Progress(now)) => progress.latest.set(Some(now)),
            None => {}
        }
    }
    Err(Missed::NoDaemon("the daemon ended in the middle of its answer".into()))
}

/// Waits for an answer, but not for ever.
pub async fn patiently<T>(answer: impl Future<Output = Result<T, Status>>) -> Result<T, Missed> {
    match timeout(SILENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(status)) if is_lost_connection(&status) => Err(Missed::NoDaemon(status.message().to_owned())),
        Ok(Err(status)) => Err(Missed::Failed(Failure::of_status(&status))),
        Err(_) => Err(Missed::Failed(
            Failure::new("daemon-silent", format!("the daemon said nothing for {} s", SILENCE.as_secs()))
                .hint("`roar daemon status` and `roar daemon logs` may say more"),
        )),
    }
}

/// The line on a terminal that says how far the recording is.
struct Progress {
    began: Instant,
    /// When the daemon was last heard of.
    last_contact: Cell<Instant>,
    latest: Cell<Option<HashProgress>>,
    /// What stands on the terminal now.
    line: RefCell<String>,
    visible: bool,
}

impl Progress {
    fn new() -> Progress {
        let now = Instant::now();
        Progress {
            began: now,
            last_contact: Cell::new(now),
            latest: Cell::new(None),
            line: RefCell::new(String::new()),
            visible: io::stderr().is_terminal(),
        }
    }

    fn draw(&self) {
        if !self.visible || self.began.elapsed() < QUIET_TIME {
            return;
        }
        let line = match self.latest.get() {
            Some(now) => text(&now),
            None => "recording: waiting for the daemon".to_owned(),
        };
        if *self.line.borrow() != line {
            write_stderr(&format!("\r{line}\x1b[K"));
            self.line.replace(line);
        }
    }

    fn clear(&self) {
        if !self.line.borrow().is_empty() {
            write_stderr("\r\x1b[K");
        }
    }
}

fn text(now: &HashProgress) -> String {
    let (done, total) = (report::size(now.bytes_done), report::size(now.bytes_total));
    format!("recording: hashed {}/{} files, {done} of {total}", now.files_done, now.files_total)
}

/// A terminal that is gone is no reason to stop.
fn write_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_well() {
        let now = HashProgress { files_done: 3, files_total: 12, bytes_done: 1 << 20, bytes_total: 1 << 30 };
        assert_eq!(text(&now), "recording: hashed 3/12 files, 1.0 MiB of 1.0 GiB");
    }
}
