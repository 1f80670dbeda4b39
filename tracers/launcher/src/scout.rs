//! Tells the daemon, while the command runs, what it reads, so that little is left to be hashed when it has ended.
//!
//! A hint and no more: whatever goes wrong here, the daemon does at the end what was not done.

use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use contract::{FileRead, HashEarlyRequest};
use tokio::time::{sleep, timeout};
use tonic::Status;
use trace::{Follower, Inputs};

use crate::announce::Plan;
use crate::client::{self, Peer};
use crate::daemon::Mode;
use crate::project::Project;
use crate::runtime_dir::RuntimeDir;

/// Between two looks at the trace, at least.
const BEAT: Duration = Duration::from_millis(500);
/// Of the time, one part in so many is spent on looking: the job needs its processor.
const SHARE: u32 = 20;
/// For a daemon to take note; it answers before it hashes anything.
const PATIENCE: Duration = Duration::from_secs(1);
/// Files of one call, some 500 KiB.
const AT_ONCE: usize = 5000;
/// Files that wait for a daemon to be there; more are left to the end.
const WAITING: usize = 100_000;

/// Goes on until it is dropped. A run that is not recorded, or not by the daemon of this user, has nothing to tell.
pub async fn scout(project: &Project, plan: &Plan) {
    let Some(rundir) = &plan.rundir else { return };
    if Mode::wanted().is_ok_and(|mode| mode == Mode::Off) {
        return;
    }
    let mut report = Report {
        project_root: project.root.as_os_str().as_bytes().to_vec(),
        run_id: plan.run_id.clone(),
        known: plan.daemon,
        untold: Vec::new(),
        told: 0,
    };
    let mut follower = Follower::new(&rundir.path);
    let mut inputs = Inputs::default();
    loop {
        let begun = Instant::now();
        let news = follower.news();
        report.add(news.iter().flat_map(|event| inputs.note(event)));
        drop(news);
        let rest = BEAT.max(begun.elapsed() * SHARE);
        // What no daemon took stays for the next beat.
        while report.has_news(inputs.count()) && report.tell(inputs.count()).await {}
        sleep(rest).await;
    }
}

/// What the daemon is to be told.
struct Report {
    project_root: Vec<u8>,
    run_id: String,
    /// The daemon that announced the run.
    known: Option<Peer>,
    untold: Vec<FileRead>,
    /// Number of files seen that the daemon knows of.
    told: usize,
}

impl Report {
    fn add(&mut self, reads: impl Iterator<Item = FileRead>) {
        self.untold.extend(reads);
        self.untold.truncate(WAITING);
    }

    fn has_news(&self, seen: usize) -> bool {
        !self.untold.is_empty() || self.told < seen
    }

    /// Tells a part. Returns whether a daemon heard it: what it then refuses is not said again.
    async fn tell(&mut self, seen: usize) -> bool {
        let some = self.untold.len().min(AT_ONCE);
        let request = HashEarlyRequest {
            project_root: self.project_root.clone(),
            run_id: self.run_id.clone(),
            reads: self.untold[..some].to_vec(),
            files_seen: seen as u64,
        };
        let heard = match timeout(PATIENCE, call(request, self.known)).await {
            Ok(Ok(())) => true,
            Ok(Err(Some(status))) => !client::is_lost_connection(&status),
            Ok(Err(None)) | Err(_) => false,
        };
        if heard {
            self.untold.drain(..some);
            self.told = seen;
        }
        heard
    }
}

/// Asks the daemon that is there. Errors: its own, or None when there is none to talk to.
async fn call(request: HashEarlyRequest, known: Option<Peer>) -> Result<(), Option<Status>> {
    let place = RuntimeDir::open().map_err(|_| None)?;
    let mut connected = client::connect(&place, known).await.map_err(|_| None)?;
    connected.jobs.hash_early(request).await.map(drop).map_err(Some)
}
