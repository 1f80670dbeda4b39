//! The wait loop: one report of a traced thread after the other, until none is left.

use proc::{Place, Tid, inherited};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use trace::Clock;
use trace::event::{Event, What};
use trace::log::LogWriter;

use crate::observe::{self, Pending};
use crate::registers;
use crate::sys::{self, Waited};
use crate::syscalls::Action;

/// After so many events, a look whether anybody still wants them.
const EVENTS_BETWEEN_LOOKS: u64 = 4096;

/// While one thread alone reports again and again, each time within `SOON`, the tracer looks for its next report before it
/// sleeps: in a virtual machine, waking an idle CPU takes longer than all of the work at a stop. Where threads take
/// turns the CPU is theirs.
const SOON: Duration = Duration::from_micros(50);
const AGAIN_AND_AGAIN: u32 = 64;

/// Everything the tracer knows of the processes of one run.
pub struct Watcher {
    log: LogWriter,
    clock: Clock,
    threads: HashMap<Tid, Thread>,
    /// The thread of the last report, and how many reports of it have come soon, one after the other.
    last: Tid,
    in_a_row: u32,
    /// Opens that would say nothing new.
    seen: HashSet<OpenKey>,
    events: u64,
    unwanted: bool,
}

struct Thread {
    /// Thread group, the process.
    pid: Tid,
    pending: Option<Pending>,
}

/// A reading open of content that was read before from the same path.
type OpenKey = (u32, Vec<u8>, u64, u64, i64, i64);

impl Watcher {
    pub fn new(log: LogWriter, clock: Clock) -> Watcher {
        Watcher {
            log,
            clock,
            threads: HashMap::new(),
            last: 0,
            in_a_row: 0,
            seen: HashSet::new(),
            events: 0,
            unwanted: false,
        }
    }

    /// Attaches to the process that will become the command, and notes what it inherits. Errors: those of
    /// PTRACE_SEIZE; EPERM when it is traced already or the machine forbids it.
    pub fn attach(&mut self, pid: Tid) -> std::io::Result<()> {
        sys::seize(pid)?;
        self.add(pid, pid, 0);
        for what in inherited(pid) {
            self.say(pid, what);
        }
        Ok(())
    }

    /// Attaches to a process in the middle of its life; 0: its parent is known already. Errors: as those of `attach`.
    pub fn attach_started_by(&mut self, pid: Tid, parent: u32) -> std::io::Result<()> {
        sys::seize(pid)?;
        self.add(pid, pid, parent as Tid);
        Ok(())
    }

    /// Says what the tracer itself has found out.
    pub fn say_once(&mut self, pid: Tid, what: What) {
        self.say(pid, what);
    }

    /// Returns when no traced process is left, with the number of events that could not be written.
    pub fn watch(mut self) -> u64 {
        while let Waited::Thread(tid, status) = self.next() {
            if libc::WIFSTOPPED(status) {
                // ESRCH: killed while it was stopped; its end is reported next. Whatever else goes wrong, it must run on.
                if self.stopped(tid, libc::WSTOPSIG(status), status >> 16).is_err() {
                    let _ = sys::run(tid, 0);
                }
            } else {
                self.ended(tid, status);
            }
        }
        self.log.flush()
    }

    fn next(&mut self) -> Waited {
        let start = Instant::now();
        let found = if self.in_a_row >= AGAIN_AND_AGAIN { sys::look(SOON) } else { None };
        let waited = found.unwrap_or_else(sys::wait);
        let Waited::Thread(tid, _) = waited else { return waited };
        let again = tid == self.last && start.elapsed() < SOON;
        self.in_a_row = if again { self.in_a_row.saturating_add(1) } else { 0 };
        self.last = tid;
        waited
    }

    fn stopped(&mut self, tid: Tid, signal: i32, event: i32) -> std::io::Result<()> {
        if !self.threads.contains_key(&tid) {
            // A new thread may report before its parent's report of it arrives.
            self.adopt(tid);
        }
        match event {
            libc::PTRACE_EVENT_SECCOMP => return self.entered(tid),
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                let child = sys::event_message(tid)? as Tid;
                // Unknown and gone: it has been seen from its first stop to its end before this report arrived.
                if !self.threads.contains_key(&child) && is_alive(child) {
                    self.adopt(child);
                }
            }
            libc::PTRACE_EVENT_EXEC => self.executed(tid)?,
            libc::PTRACE_EVENT_STOP if is_group_stop(signal) => return sys::listen(tid),
            libc::PTRACE_EVENT_STOP => {}
            _ if signal == libc::SIGTRAP | 0x80 => self.returned(tid),
            _ => return sys::run(tid, signal),
        }
        sys::run(tid, 0)
    }

    fn entered(&mut self, tid: Tid) -> std::io::Result<()> {
        let entry = sys::syscall_entry(tid)?;
        match Action::from_data(entry.data) {
            // A filter of the job's own wants its tracer, and there is none: as the kernel does then.
            None => {
                registers::refuse_call(tid)?;
                return sys::run(tid, 0);
            }
            // Our filter would answer ENOSYS to a child without a tracer, whatever that opens.
            Some(Action::Clone) => registers::clear_argument_bits(tid, libc::CLONE_UNTRACED as u64)?,
            Some(_) => {}
        }
        let pending = observe::before(tid, &entry);
        let to_exit = pending.as_ref().is_some_and(|pending| !matches!(pending, Pending::Exec { .. }));
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.pending = pending;
        }
        if to_exit { sys::run_to_exit(tid) } else { sys::run(tid, 0) }
    }

    fn returned(&mut self, tid: Tid) {
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        let (pid, pending) = (thread.pid, thread.pending.take());
        let (Some(pending), Ok(result)) = (pending, sys::syscall_result(tid)) else { return };
        match result {
            Some(result) => observe::after(tid, pid, pending, result, |what| self.say(pid, what)),
            None => observe::refused(pid, &pending).into_iter().for_each(|what| self.say(pid, what)),
        }
    }

    /// execve(2) from any thread makes that thread the only one, under the id of the process.
    fn executed(&mut self, pid: Tid) -> std::io::Result<()> {
        let former = sys::event_message(pid)? as Tid;
        let pending = self.threads.get_mut(&former).and_then(|thread| thread.pending.take());
        self.threads.retain(|&tid, thread| thread.pid != pid || tid == pid);
        let file = match pending {
            Some(Pending::Exec { file }) => file,
            _ => None::<Place>,
        };
        for what in observe::executed(pid, file) {
            self.say(pid, what);
        }
        Ok(())
    }

    fn ended(&mut self, tid: Tid, status: i32) {
        let Some(thread) = self.threads.remove(&tid) else { return };
        // The first thread of a process is reported last, with the status of the process.
        if thread.pid == tid {
            self.threads.retain(|_, other| other.pid != tid);
            self.say(tid, What::Exit { status: status as u32 });
        }
    }

    fn adopt(&mut self, tid: Tid) {
        let (pid, parent) = family_of(tid).unwrap_or((tid, 0));
        self.add(tid, pid, parent);
    }

    fn add(&mut self, tid: Tid, pid: Tid, parent: Tid) {
        self.threads.insert(tid, Thread { pid, pending: None });
        if tid == pid {
            self.say(pid, What::Fork { parent: parent as u32 });
        }
    }

    fn say(&mut self, pid: Tid, what: What) {
        if self.unwanted || !self.is_news(&what) {
            return;
        }
        self.log.append(&Event { pid: pid as u32, at_ns: self.clock.elapsed_ns(), what });
        self.events += 1;
        if self.events.is_multiple_of(EVENTS_BETWEEN_LOOKS) {
            self.unwanted = self.log.is_removed();
        }
    }

    /// A process that opens one file ten thousand times says it once, as long as the file does not change.
    fn is_news(&mut self, what: &What) -> bool {
        match what {
            What::Open { flags, path, stat, before: None } if flags & libc::O_CREAT as u32 == 0 => {
                self.seen.insert((*flags, path.clone(), stat.dev, stat.ino, stat.mtime_ns, stat.ctime_ns))
            }
            _ => true,
        }
    }
}

fn is_group_stop(signal: i32) -> bool {
    matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU)
}

fn is_alive(tid: Tid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{tid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Process and parent process of a thread.
fn family_of(tid: Tid) -> Option<(Tid, Tid)> {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    Some((field("Tgid:")?, field("PPid:")?))
}
