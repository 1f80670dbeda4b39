//! Places where tests make the launcher die, fail or wait: ROAR_FAILPOINTS="launcher.folded=kill@2,...". The daemon has
//! such places too; actions and the variable are described there (roard/failpoints.py).

use std::fs;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const VARIABLE: &str = "ROAR_FAILPOINTS";
/// Those of the daemon are none of ours.
const OURS: &str = "launcher.";
/// In the order in which a launcher passes them.
pub const NAMES: [&str; 14] = [
    "launcher.dir-made",
    "launcher.locked",
    "launcher.record-written",
    "launcher.dir-filled",
    "launcher.dir-named",
    "launcher.begin",
    "launcher.begun",
    "launcher.started",
    "launcher.ended",
    "launcher.folded",
    "launcher.folded-written",
    "launcher.folded-renamed",
    "launcher.sync",
    "launcher.finished",
];

static ARMED: OnceLock<Vec<Armed>> = OnceLock::new();

/// A place where something is to happen.
struct Armed {
    name: &'static str,
    action: Action,
    /// Which time, from 1; 0: every time.
    at: u32,
    passed: AtomicU32,
}

enum Action {
    Kill,
    Fail(i32),
    /// Until this FIFO is opened for writing and closed again.
    Pause(String),
}

/// Reads the variable; to be called once, first. Errors, as text: a name, action or number that is none.
pub fn arm() -> Result<(), String> {
    let Ok(wanted) = std::env::var(VARIABLE) else { return Ok(()) };
    let armed: Result<Vec<Armed>, String> =
        wanted.split(',').filter(|item| item.starts_with(OURS)).map(parse).collect();
    let _ = ARMED.set(armed?);
    Ok(())
}

fn parse(item: &str) -> Result<Armed, String> {
    let wrong = || format!("{VARIABLE}: `{item}` is no failpoint with an action");
    let (name, action) = item.split_once('=').ok_or_else(wrong)?;
    let (action, at) = action.split_once('@').unwrap_or((action, "0"));
    let action = match action.split_once(':') {
        None if action == "kill" => Action::Kill,
        Some(("pause", fifo)) => Action::Pause(fifo.to_owned()),
        Some(("error", number)) => Action::Fail(errno(number).ok_or_else(wrong)?),
        _ => return Err(wrong()),
    };
    Ok(Armed {
        name: NAMES.into_iter().find(|known| *known == name).ok_or_else(wrong)?,
        action,
        at: at.parse().map_err(|_| wrong())?,
        passed: AtomicU32::new(0),
    })
}

fn errno(name: &str) -> Option<i32> {
    [("EIO", libc::EIO), ("ENOSPC", libc::ENOSPC), ("EMFILE", libc::EMFILE), ("EROFS", libc::EROFS)]
        .into_iter()
        .find_map(|(known, number)| (known == name).then_some(number))
}

/// Does what the place of this name is armed with. Errors: the one that it is armed with.
pub fn failpoint(name: &str) -> io::Result<()> {
    ARMED.get().map_or(Ok(()), |all| all.iter().filter(|armed| armed.name == name).try_for_each(Armed::pass))
}

impl Armed {
    fn pass(&self) -> io::Result<()> {
        let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        if self.at != 0 && self.at != passed {
            return Ok(());
        }
        match &self.action {
            Action::Fail(number) => Err(io::Error::from_raw_os_error(*number)),
            Action::Pause(fifo) => fs::read(fifo).map(drop),
            Action::Kill => {
                // SAFETY: plain system calls.
                unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_failpoint_is_refused() {
        for wrong in [
            "launcher.folded",
            "launcher.nowhere=kill",
            "launcher.folded=burn",
            "launcher.folded=error:EWHAT",
            "launcher.folded=kill@x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_time_that_is_asked_for_fails() {
        let armed = parse("launcher.folded=error:ENOSPC@2").unwrap();
        let failed: Vec<bool> = (0..3).map(|_| armed.pass().is_err()).collect();
        assert_eq!(failed, [false, true, false]);
    }
}
