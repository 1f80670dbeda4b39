//! Client and daemon of different versions: the newer one stays. A newer client asks an older daemon to end, which loses
//! no run, and starts its own; never the other way round, so that two versions used in turn do not drive each other out.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::time::Duration;

use contract::{HelloResponse, Protocol, StopDaemonRequest};
use tokio::time::timeout;

use crate::client::{ConnectError, Itself};
use crate::daemon;
use crate::failure::Failure;

pub const OLDEST: u32 = Protocol::Oldest as u32;
/// The same for as long as there is one version: prost leaves out the second name of a number.
pub const NEWEST: u32 = Protocol::Oldest as u32;

/// It answers before it ends.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// What a daemon is to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    Fits,
    /// It understands this program, and is to make room all the same.
    Older,
    /// It does not even understand it.
    TooOld,
    /// This program does not understand it.
    TooNew,
}

/// Compares a daemon with a client of this version, by protocol first.
pub fn judge(hello: &HelloResponse, version: &str) -> Age {
    if hello.protocol_max < OLDEST {
        return Age::TooOld;
    }
    if hello.protocol_min > NEWEST {
        return Age::TooNew;
    }
    match hello.protocol_max.cmp(&NEWEST).then_with(|| release(&hello.version).cmp(&release(version))) {
        Ordering::Less => Age::Older,
        Ordering::Equal | Ordering::Greater => Age::Fits,
    }
}

/// Returns the numbers that a version begins with; what follows them, and zeros at their end, make none newer.
fn release(version: &str) -> Vec<u32> {
    let end = version.find(|char: char| char != '.' && !char.is_ascii_digit()).unwrap_or(version.len());
    let mut numbers: Vec<u32> = version[..end].split('.').map_while(|part| part.parse().ok()).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

/// A daemon that is older than this program.
#[derive(Debug)]
pub struct Outdated {
    pub daemon: Itself,
    pub hello: HelloResponse,
    /// It speaks a protocol of ours.
    pub understands: bool,
}

/// Which daemon this command has asked to end, by its start id: one at most, whatever is started in its place.
#[derive(Default)]
pub struct Replacement(RefCell<Option<String>>);

impl Replacement {
    /// Asks a daemon to end. Ok: it stays, and may be talked to. Errors: Absent, it ends; Unusable, it stays, and does not
    /// understand this program.
    pub async fn ask(&self, outdated: Outdated) -> Result<(), ConnectError> {
        let Outdated { mut daemon, hello, understands } = outdated;
        let asked = self.0.borrow().clone();
        let may = match asked {
            None => daemon::may_start(),
            Some(start_id) if start_id == hello.start_id => Ok(()),
            Some(_) => Err(Failure::new("no-daemon", "the daemon that was started in its place is as old")),
        };
        match may {
            Ok(()) => {
                self.0.replace(Some(hello.start_id));
                // Whether it says yes or is gone already: in both cases there is room for a new one.
                let request = StopDaemonRequest { client_version: contract::ROAR_VERSION.into() };
                let _ = timeout(STOP_PATIENCE, daemon.stop_daemon(request)).await;
                Err(ConnectError::Absent(format!("roard {} is older and was asked to end", hello.version)))
            }
            Err(_) if understands => Ok(()),
            Err(why) => Err(ConnectError::Unusable(too_old(&hello, &why))),
        }
    }
}

fn too_old(hello: &HelloResponse, why_it_stays: &Failure) -> Failure {
    let theirs = hello.protocol_max;
    Failure::new("daemon-too-old", format!("the daemon speaks protocol {theirs}, this roar needs {OLDEST} or newer"))
        .cause(format!("{}\n{}", who(hello), why_it_stays.fact))
        .hint("run `roar daemon restart` (no recorded job is lost); install roar again when that does not help")
}

/// Why a daemon that has left this program behind cannot be talked to.
pub fn too_new(hello: &HelloResponse) -> Failure {
    let theirs = hello.protocol_min;
    Failure::new("daemon-too-new", format!("the daemon speaks protocol {theirs} or newer, this roar {NEWEST}"))
        .cause(who(hello))
        .hint("upgrade roar in this environment")
}

fn who(hello: &HelloResponse) -> String {
    format!("roard {}, pid {}, against roar {}", hello.version, hello.pid, contract::ROAR_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(protocol_min: u32, protocol_max: u32, theirs: &str, ours: &str) -> Age {
        judge(&HelloResponse { protocol_min, protocol_max, version: theirs.into(), ..HelloResponse::default() }, ours)
    }

    #[test]
    fn the_protocol_decides_first_then_the_version() {
        assert_eq!(age(1, NEWEST, "0.2.0", "0.2.0"), Age::Fits);
        assert_eq!(age(1, NEWEST, "0.1.9", "0.2.0"), Age::Older);
        assert_eq!(age(1, NEWEST, "0.2.0", "0.1.9"), Age::Fits);
        assert_eq!(age(1, NEWEST + 1, "0.1.0", "0.2.0"), Age::Fits);
        assert_eq!(age(0, OLDEST - 1, "0.2.0", "0.2.0"), Age::TooOld);
        assert_eq!(age(NEWEST + 1, NEWEST + 1, "0.2.0", "0.2.0"), Age::TooNew);
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (older, newer) in [("0.9.0", "0.10.0"), ("0.1", "0.1.1"), ("", "0.1"), ("1.0.0", "1.0.1.dev1")] {
            assert_eq!(age(1, NEWEST, older, newer), Age::Older, "{older} {newer}");
            assert_eq!(age(1, NEWEST, newer, older), Age::Fits, "{older} {newer}");
        }
        for (one, other) in [("0.1", "0.1.0"), ("0.2.0.dev1", "0.2.0"), ("0.2.1rc1", "0.2.1+local")] {
            assert_eq!(age(1, NEWEST, one, other), Age::Fits, "{one} {other}");
            assert_eq!(age(1, NEWEST, other, one), Age::Fits, "{one} {other}");
        }
    }
}
