//! The time of a run: CLOCK_MONOTONIC, which all processes and the kernel's BPF programs read alike.

use std::time::Duration;

/// Counts from the start of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    start_ns: u64,
}

impl Clock {
    /// The run starts now.
    pub fn start() -> Clock {
        Clock { start_ns: now_ns() }
    }

    /// The clock of a run that was started by another process.
    pub fn of_run(start_ns: u64) -> Clock {
        Clock { start_ns }
    }

    /// CLOCK_MONOTONIC of the start.
    pub fn start_ns(self) -> u64 {
        self.start_ns
    }

    /// Nanoseconds since the start.
    pub fn elapsed_ns(self) -> u64 {
        now_ns().saturating_sub(self.start_ns)
    }

    pub fn elapsed(self) -> Duration {
        Duration::from_nanos(self.elapsed_ns())
    }
}

fn now_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills `now`; CLOCK_MONOTONIC is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
