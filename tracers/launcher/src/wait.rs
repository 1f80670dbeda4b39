//! Waits for the command: passes signals on, stops and continues with it, and learns how it ended.

use std::fs;
use std::io;
use std::time::Duration;

use nix::unistd::Pid;
use trace::Clock;

use crate::client;
use crate::ending::Exit;
use crate::signals::{self, Arrived, Inbox};
use crate::witness::Witness;

/// A command that is shorter has nothing done beside it.
const ALONE: Duration = Duration::from_secs(1);

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub exit: Exit,
    pub duration: Duration,
    /// The first signal from outside that asked for an end; 0: none.
    pub interrupted_by: i32,
}

/// Waits for the end of the command, which is a child of this process. From its second second on, `beside` is done
/// meanwhile, on this one thread; at the end it is dropped, however far it is.
pub fn for_end(command: Pid, inbox: &Inbox, clock: Clock, beside: impl Future<Output = ()>) -> Ended {
    let mut waiting = Waiting { command, clock, witness: Witness::start(), interrupted_by: 0 };
    while let Some(arrived) = inbox.wait_for(ALONE.saturating_sub(clock.elapsed())) {
        if let Some(ended) = waiting.take(&arrived) {
            return ended;
        }
    }
    let ended = client::block_on(waiting.take_all(inbox, beside)).and_then(|ended| ended);
    // Where no two things can be done at once, the one that counts.
    ended.unwrap_or_else(|_| {
        loop {
            if let Some(ended) = waiting.take(&inbox.wait()) {
                return ended;
            }
        }
    })
}

/// The wait for one command.
struct Waiting {
    command: Pid,
    clock: Clock,
    witness: Witness,
    interrupted_by: i32,
}

impl Waiting {
    async fn take_all(&mut self, inbox: &Inbox, beside: impl Future<Output = ()>) -> io::Result<Ended> {
        let arrivals = inbox.listen()?;
        let end = async {
            loop {
                if let Some(ended) = self.take(&arrivals.next().await) {
                    return ended;
                }
            }
        };
        let beside = async {
            beside.await;
            std::future::pending().await
        };
        tokio::select! {
            biased;
            ended = end => Ok(ended),
            never = beside => never,
        }
    }

    /// Does what a signal asks for. Returns how the command ended, when the signal tells that it has.
    fn take(&mut self, arrived: &Arrived) -> Option<Ended> {
        if arrived.signal == libc::SIGCHLD {
            let exit = exit_of(self.command)?;
            return Some(Ended { exit, duration: self.clock.elapsed(), interrupted_by: self.interrupted_by });
        }
        let to_all = self.witness.saw(arrived.signal);
        if arrived.sender.is_some_and(|sender| is_inside(sender, self.command)) {
            return None;
        }
        if self.interrupted_by == 0 && signals::asks_to_end(arrived.signal) {
            self.interrupted_by = arrived.signal;
        }
        if !to_all && is_meant_for_command(arrived) {
            signals::forward(arrived, self.command);
        }
        None
    }
}

/// What the kernel sends, it sends to the terminal's foreground group, the command included, but for the alarm that the
/// caller set before it became roar.
fn is_meant_for_command(arrived: &Arrived) -> bool {
    arrived.sender.is_some() || arrived.signal == libc::SIGALRM
}

/// Takes note of what the command did: stops with it, returns how it ended.
fn exit_of(command: Pid) -> Option<Exit> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a place for the status.
        match unsafe { libc::waitpid(command.as_raw(), &mut status, libc::WNOHANG | libc::WUNTRACED) } {
            0 => return None,
            // Reaped by nobody else, so this is only there to end the loop.
            -1 => return Some(Exit::Code(1)),
            _ if libc::WIFSTOPPED(status) => stop_like(libc::WSTOPSIG(status)),
            _ => return Some(Exit::of_status(status)),
        }
    }
}

/// Stops this process too, so that the shell sees the job stopped, for the same reason.
fn stop_like(signal: i32) {
    signals::suffer(if signals::stops_for_terminal(signal) { signal } else { libc::SIGSTOP });
}

/// Whether a process is the command or one of its descendants (or this process itself): what they send to their own
/// group reaches the command without the launcher's help, and what they send to the launcher is not for the command.
fn is_inside(sender: Pid, command: Pid) -> bool {
    let mut pid = sender.as_raw();
    if pid == std::process::id() as i32 {
        return true;
    }
    while pid > 1 && pid != command.as_raw() {
        match parent_of(pid) {
            Some(parent) => pid = parent,
            None => return false,
        }
    }
    pid == command.as_raw()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; state and parent follow it.
    let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
    std::str::from_utf8(&stat[after_name..]).ok()?.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_of_a_process_is_known() {
        assert_eq!(parent_of(std::process::id() as i32), Some(nix::unistd::getppid().as_raw()));
        assert_eq!(parent_of(i32::MAX), None);
    }

    #[test]
    fn descendants_are_inside_and_others_are_not() {
        let own_parent = nix::unistd::getppid();
        assert!(is_inside(nix::unistd::getpid(), Pid::from_raw(1)));
        assert!(!is_inside(own_parent, nix::unistd::getpid()));
        assert!(!is_inside(Pid::from_raw(0), nix::unistd::getpid()));
    }
}
