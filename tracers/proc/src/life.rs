//! Whether a process lives, and since when.

use std::fs;

use crate::Tid;

/// When a process started, as CLOCK_MONOTONIC has it, rounded down to hundredths of a second. None: it has ended.
pub fn started_ns(pid: Tid) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; state and, 19 words later, the start follow it.
    let mut words = stat.rsplit_once(") ")?.1.split(' ');
    if matches!(words.next(), Some("Z" | "X" | "x")) {
        return None;
    }
    let ticks: u64 = words.nth(18)?.parse().ok()?;
    // SAFETY: plain function.
    let ticks_per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1) as u64;
    let since_boot = ticks * (1_000_000_000 / ticks_per_second);
    let suspended = clock_ns(libc::CLOCK_BOOTTIME).saturating_sub(clock_ns(libc::CLOCK_MONOTONIC));
    Some(since_boot.saturating_sub(suspended))
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills `now`; both clocks are always there.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_lives_has_a_start_in_the_past_and_another_one_has_none() {
        let start = started_ns(std::process::id() as i32).unwrap();
        assert!(start > 0 && start <= clock_ns(libc::CLOCK_MONOTONIC));
        assert_eq!(started_ns(i32::MAX), None);
    }
}
