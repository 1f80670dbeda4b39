//! A process of a run that another backend has watched so far is handed to a tracer of its own.
//!
//! Called in that process, between two programs. The tracer must be no child of it, or the next program could wait for it;
//! so it is forked twice, in a way that sends no SIGCHLD. It is talked to through a page of shared memory: the process may
//! have no descriptor left to open, and none of its own may stay open in the tracer.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use trace::Clock;
use trace::event::What;
use trace::log::{HEADER, LogWriter, stream_path};

use crate::filter::Filter;
use crate::observe;
use crate::wait::Watcher;

/// Of the streams that are already there, one whose start all others share.
const SHARED_STREAM: &str = "preload";
/// Streams of one process id, which may come back, or be handed over more than once.
const STREAMS_MAX: u32 = 1000;
const PATIENCE: Duration = Duration::from_secs(10);

/// What process and tracer tell each other, one after the other.
const STARTED: u32 = 1; // by the tracer: `tracer` is set
const PERMITTED: u32 = 2; // by the process: it may be attached to
const ATTACHED: u32 = 3; // by the tracer
const REFUSED: u32 = 4; // by the tracer, which ends
const FILTERED: u32 = 5; // by the process: its calls stop now
const UNFILTERED: u32 = 6; // by the process: they never will

#[repr(C)]
struct Page {
    step: AtomicU32,
    tracer: AtomicI32,
}

/// The process's side of a tracer that watches it.
pub struct TakenOver {
    page: &'static Page,
    filter: Filter,
}

/// Has the calling process, which must have one thread, watched from now on, with all that it starts. `parent` is the process
/// that started it, or itself when that is known already. None: that cannot be; the stream says so, if it can be written.
pub fn take_over(rundir: &Path, parent: u32) -> Option<TakenOver> {
    let filter = Filter::build();
    let clock = clock_of(rundir).ok()?;
    let page = shared_page()?;
    // SAFETY: plain system call.
    let pid = unsafe { libc::getpid() };
    // SAFETY: one thread, so the child may do what its parent could; without a signal at its end, it is no ordinary child.
    let between = unsafe { libc::syscall(libc::SYS_clone, 0, 0, 0, 0, 0) } as i32;
    if between == 0 {
        // SAFETY: as above; the child ends without running exit handlers.
        unsafe {
            if libc::fork() == 0 {
                serve(page, pid, rundir, parent, clock);
            }
            libc::_exit(0);
        }
    }
    if between > 0 {
        // SAFETY: the kernel writes nothing.
        unsafe { libc::waitpid(between, std::ptr::null_mut(), libc::__WALL) };
    }
    if between < 0 || page.wait_for(STARTED) != STARTED {
        return None;
    }
    // SAFETY: plain system call. Without Yama it fails, and is not needed.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, page.tracer.load(Ordering::Acquire)) };
    page.say(PERMITTED);
    (page.wait_for(ATTACHED) == ATTACHED).then_some(TakenOver { page, filter })
}

impl TakenOver {
    /// Makes the interesting calls stop: directly before the exec.
    pub fn install_for_tracer(self) {
        let done = self.filter.install();
        self.page.say(if done.is_ok() { FILTERED } else { UNFILTERED });
    }
}

impl Page {
    fn say(&self, step: u32) {
        self.step.store(step, Ordering::Release);
        // SAFETY: the address is that of the word; nobody is woken who does not wait for it.
        unsafe { libc::syscall(libc::SYS_futex, self.step.as_ptr(), libc::FUTEX_WAKE, i32::MAX, 0, 0, 0) };
    }

    /// Returns the first step that is not before `wanted`; the last one seen, when the other side does not go on.
    fn wait_for(&self, wanted: u32) -> u32 {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let step = self.step.load(Ordering::Acquire);
            if step >= wanted || std::time::Instant::now() > deadline {
                return step;
            }
            let patience = libc::timespec { tv_sec: 0, tv_nsec: 50_000_000 };
            let (wait, word) = (libc::FUTEX_WAIT, self.step.as_ptr());
            // SAFETY: the kernel reads the word and the time.
            unsafe { libc::syscall(libc::SYS_futex, word, wait, step, &raw const patience, 0, 0) };
        }
    }
}

fn shared_page() -> Option<&'static Page> {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: new memory, as zeros, which is a valid page, and never unmapped.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), size_of::<Page>(), access, kind, -1, 0);
        if page == libc::MAP_FAILED { None } else { Some(&*page.cast()) }
    }
}

fn clock_of(rundir: &Path) -> io::Result<Clock> {
    let mut head = [0; HEADER];
    File::open(stream_path(rundir, SHARED_STREAM))?.read_exact(&mut head)?;
    Ok(Clock::of_run(u64::from_le_bytes(std::array::from_fn(|at| head[16 + at]))))
}

/// The tracer's life.
fn serve(page: &Page, pid: i32, rundir: &Path, parent: u32, clock: Clock) {
    crate::detach(&[], c"roar-ptrace");
    let _lock = lock(rundir);
    // SAFETY: plain system call.
    page.tracer.store(unsafe { libc::getpid() }, Ordering::Release);
    let Some(log) = create_stream(rundir, pid, clock) else { return page.say(REFUSED) };
    page.say(STARTED);
    if page.wait_for(PERMITTED) != PERMITTED {
        return;
    }
    let mut watcher = Watcher::new(log, clock);
    let parent = if parent == pid as u32 { 0 } else { parent };
    if let Err(error) = watcher.attach_started_by(pid, parent) {
        watcher.say_once(pid, unseen(pid, &error));
        return page.say(REFUSED);
    }
    page.say(ATTACHED);
    if page.wait_for(FILTERED) != FILTERED {
        watcher.say_once(pid, unseen(pid, &io::Error::other("no seccomp filter can be installed")));
    }
    watcher.watch();
}

/// Until the tracer ends, the run directory counts as in use.
fn lock(rundir: &Path) -> io::Result<File> {
    let lock = File::open(rundir.join("lock"))?;
    // SAFETY: the descriptor is open.
    unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_SH | libc::LOCK_NB) };
    Ok(lock)
}

fn create_stream(rundir: &Path, pid: i32, clock: Clock) -> Option<LogWriter> {
    for number in 0..STREAMS_MAX {
        let name = if number == 0 { format!("ptrace.{pid}") } else { format!("ptrace.{pid}-{number}") };
        match LogWriter::create(rundir, &name, clock) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.ok(),
        }
    }
    None
}

fn unseen(pid: i32, error: &io::Error) -> What {
    let message = format!(
        "process {pid} runs a program that only ptrace can watch, and it cannot here ({error}): what it does is not seen"
    );
    observe::warning("process-unseen", message)
}
