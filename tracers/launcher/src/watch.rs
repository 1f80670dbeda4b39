//! The backends, and a run's hold on the one that watches it.

use std::fs;
use std::io;
use std::time::Duration;

use ebpf::Collector;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use ptrace::Tracer;
use trace::Clock;
use trace::event::{Event, What};
use trace::log::{LAUNCHER, LogWriter, stream_path};

use crate::keeper::Keeper;
use crate::preload;
use crate::rundir::RunDir;
use crate::runtime_dir::RuntimeDir;
use crate::spawn::Held;

/// The collector may have a large directory to list before it can answer.
const COLLECTOR_PATIENCE: Duration = Duration::from_secs(10);

/// A way to look on, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Ebpf,
    Preload,
    Ptrace,
}

impl Backend {
    pub const ALL: [Backend; 3] = [Backend::Ebpf, Backend::Preload, Backend::Ptrace];

    /// As options, the contract and the names of streams have it.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Ebpf => "ebpf",
            Backend::Preload => "preload",
            Backend::Ptrace => "ptrace",
        }
    }

    /// Those to try, in order: the one asked for, then what is left of the list from there on; all for "auto".
    pub fn candidates(wanted: &str) -> &'static [Backend] {
        let first = Backend::ALL.iter().position(|backend| backend.name() == wanted).unwrap_or(0);
        &Backend::ALL[first..]
    }

    /// Makes this backend watch the child from its exec on. Errors: it cannot, here; nothing of it is left then.
    pub fn attach(self, rundir: &RunDir, held: &mut Held, clock: Clock) -> io::Result<Watch> {
        let watch = match self {
            Backend::Ebpf => attach_ebpf(rundir, held, clock).map(Watch::Ebpf),
            Backend::Preload => preload::attach(rundir, held, clock).map(|_keeper| Watch::Preload { _keeper }),
            Backend::Ptrace => attach_ptrace(rundir, held, clock).map(Watch::Ptrace),
        };
        if watch.is_err() {
            // Whoever folds the run tells from the streams who watched it.
            let _ = fs::remove_file(stream_path(&rundir.path, self.name()));
            let _ = fs::remove_file(stream_path(&rundir.path, LAUNCHER));
        }
        watch
    }
}

/// What watches the command.
pub enum Watch {
    Ebpf(Collector),
    /// By the processes themselves, each for itself.
    Preload {
        _keeper: Keeper,
    },
    Ptrace(Tracer),
    Nobody,
}

impl Watch {
    /// Has everything that happened before the end of the command written to the run directory, as far as that takes no
    /// longer than `patience`. Returns the number of events that could not be.
    pub fn finish(&mut self, patience: Duration) -> u64 {
        match self {
            Watch::Ebpf(collector) => collector.end(COLLECTOR_PATIENCE),
            Watch::Ptrace(tracer) => tracer.finish(patience),
            Watch::Preload { .. } | Watch::Nobody => 0,
        }
    }

    /// Why the watch ended before the command did, for a warning; None when it did not.
    pub fn obituary(&self) -> Option<String> {
        match self {
            Watch::Ebpf(collector) => collector.is_gone().then(|| "the collector of eBPF events ended".to_owned()),
            Watch::Ptrace(tracer) => match waitpid(Pid::from_raw(tracer.pid()), Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Signaled(_, signal, _)) => Some(format!("the tracer was killed by {signal}")),
                _ => None,
            },
            Watch::Preload { .. } | Watch::Nobody => None,
        }
    }

    /// Reaps a tracer that is done. It would stay a zombie where nobody reaps orphans, as in a container without init, and a
    /// run around this one would see it still running.
    pub fn part(&self) {
        if let Watch::Ptrace(tracer) = self {
            let how = (!tracer.is_done()).then_some(WaitPidFlag::WNOHANG);
            let _ = waitpid(Pid::from_raw(tracer.pid()), how);
        }
    }
}

fn attach_ebpf(rundir: &RunDir, held: &Held, clock: Clock) -> io::Result<Collector> {
    let place = RuntimeDir::open().map_err(|failure| io::Error::other(failure.fact))?;
    let (socket, child) = (place.path.join(ebpf::SOCKET), held.pid.as_raw());
    let collector = Collector::watch(&socket, &rundir.path, rundir.lock_fd(), child, clock.start_ns())?;
    tell_start(rundir, held, clock)?;
    Ok(collector)
}

/// Writes down what a backend does not see that begins with the exec: the command's process, and what it inherits.
fn tell_start(rundir: &RunDir, held: &Held, clock: Clock) -> io::Result<()> {
    let pid = held.pid.as_raw();
    let mut log = LogWriter::create(&rundir.path, LAUNCHER, clock)?;
    let told = std::iter::once(What::Fork { parent: 0 }).chain(proc::inherited(pid));
    told.for_each(|what| log.append(&Event { pid: pid as u32, at_ns: clock.elapsed_ns(), what }));
    match log.flush() {
        0 => Ok(()),
        _ => Err(io::Error::other("the start of the command cannot be written down")),
    }
}

fn attach_ptrace(rundir: &RunDir, held: &mut Held, clock: Clock) -> io::Result<Tracer> {
    let mut tracer = ptrace::start(&rundir.path, Backend::Ptrace.name(), rundir.lock_fd(), clock)?;
    let pid = Pid::from_raw(tracer.pid());
    let attached =
        held.permit(pid).and_then(|()| tracer.attach(held.pid.as_raw())).and_then(|()| held.install_filter());
    if let Err(error) = attached {
        // A process that it holds is let go by its end.
        let _ = kill(pid, Signal::SIGKILL);
        let _ = waitpid(pid, None);
        return Err(error);
    }
    Ok(tracer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_is_tried_after_the_one_that_was_asked_for() {
        assert_eq!(Backend::candidates("auto"), Backend::ALL);
        for (at, backend) in Backend::ALL.into_iter().enumerate() {
            assert_eq!(Backend::candidates(backend.name()), &Backend::ALL[at..]);
        }
    }
}
