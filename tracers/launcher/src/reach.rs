//! Reaches a daemon for what cannot do without: starts one when none is there, and tries again until it has answered.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::client::ConnectError;
use crate::daemon::{self, Ending};
use crate::failure::Failure;
use crate::runtime_dir::RuntimeDir;

/// For a daemon to start, or to come back.
const PATIENCE: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_millis(20);

/// Why one attempt did not end with an answer.
pub enum Missed {
    /// Worth another attempt, perhaps after starting a daemon.
    NoDaemon(String),
    Failed(Failure),
}

impl From<ConnectError> for Missed {
    fn from(error: ConnectError) -> Missed {
        match error {
            ConnectError::Absent(why) => Missed::NoDaemon(why),
            ConnectError::Unusable(failure) => Missed::Failed(failure),
        }
    }
}

/// Attempts until one succeeds. `last_contact` is when the daemon was last heard of; an attempt may move it on. Errors: what
/// another attempt cannot mend, or no daemon answers for too long.
pub async fn until_answered<T>(
    place: &RuntimeDir,
    last_contact: &Cell<Instant>,
    attempt: impl AsyncFn() -> Result<T, Missed>,
) -> Result<T, Failure> {
    let mut started = false;
    loop {
        let heard = last_contact.get();
        match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(Missed::Failed(failure)) => return Err(failure),
            Err(Missed::NoDaemon(why)) if heard.elapsed() > PATIENCE => {
                return Err(Failure::new("no-daemon", "no daemon answers").cause(why));
            }
            Err(Missed::NoDaemon(_)) => {}
        }
        // Again and again until it is done: the lock of a daemon that was killed lasts as long as its dying.
        if !started {
            started = daemon::start(place)?;
        } else {
            match daemon::ending(place) {
                Some(Ending::Died(failure)) => return Err(failure),
                Some(Ending::GaveWay) => started = false,
                None => {}
            }
        }
        sleep(RETRY).await;
    }
}
