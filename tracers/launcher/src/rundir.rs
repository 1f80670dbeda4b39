//! The run directory: made before the command starts, sealed after it has ended (proto/roar/v1/run.proto).

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use contract::{FoldedTrace, JobKind, RunRecord};
use nix::unistd::{User, geteuid, gethostname};
use trace::failpoint::failpoint;
use trace::sealed;

use crate::args::RunArgs;
use crate::project::Project;

/// A run directory that this process keeps locked for as long as it lives.
pub struct RunDir {
    pub path: PathBuf,
    lock: File,
}

impl RunDir {
    /// Makes the directory with lock and record, then gives it its name: nobody ever sees half of it. Errors name the
    /// path.
    pub fn create(project: &Project, record: &RunRecord) -> io::Result<RunDir> {
        let runs = project.roar_dir().join("runs");
        let path = runs.join(&record.run_id);
        let unnamed = runs.join(format!("new-{}", record.run_id));
        let made = make_folder(&runs)
            .and_then(|()| make_folder(&unnamed))
            .and_then(|()| failpoint("launcher.dir-made"))
            .and_then(|()| fill(&unnamed, record))
            .and_then(|lock| failpoint("launcher.dir-filled").map(|()| lock))
            .and_then(|lock| fs::rename(&unnamed, &path).map(|()| lock))
            .and_then(|lock| failpoint("launcher.dir-named").map(|()| lock));
        match made {
            Ok(lock) => Ok(RunDir { path, lock }),
            Err(error) => {
                // What is left when even this fails is swept by the daemon.
                let _ = fs::remove_dir_all(&unnamed);
                Err(io::Error::new(error.kind(), format!("`{}`: {error}", path.display())))
            }
        }
    }

    /// For the tracer, which keeps the directory locked as well.
    pub fn lock_fd(&self) -> RawFd {
        self.lock.as_raw_fd()
    }

    /// Replaces the record.
    pub fn write_record(&self, record: &RunRecord) -> io::Result<()> {
        sealed::write(&self.path, sealed::Kind::Record, record)
    }

    /// Seals the run: from then on any daemon records it.
    pub fn seal(&self, folded: &FoldedTrace) -> io::Result<()> {
        sealed::write(&self.path, sealed::Kind::Folded, folded)?;
        failpoint("launcher.folded-renamed")
    }

    /// Makes a sealed run survive a power failure. Not needed, and six times as slow as the rest of the launcher's work,
    /// when the daemon commits it at once.
    pub fn make_durable(&self) -> io::Result<()> {
        sealed::make_durable(&self.path)
    }

    /// Removes the directory of a run that never started. Renamed first: the daemon may be about to write the state of git
    /// into it.
    pub fn discard(self) {
        let name = self.path.file_name().unwrap_or_default().display();
        let done = self.path.with_file_name(format!("done-{name}"));
        let _ = fs::rename(&self.path, &done);
        let _ = fs::remove_dir_all(&done);
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn fill(rundir: &Path, record: &RunRecord) -> io::Result<File> {
    let lock = File::create_new(rundir.join("lock"))?;
    // SAFETY: the descriptor is open. Not nix's Flock, which unlocks on drop, for the tracer as well.
    if unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_SH | libc::LOCK_NB) } == -1 {
        return Err(io::Error::last_os_error());
    }
    failpoint("launcher.locked")?;
    sealed::write(rundir, sealed::Kind::Record, record)?;
    Ok(lock)
}

/// Everything that is known before the command starts.
pub fn record(project: &Project, kind: JobKind, args: &RunArgs) -> RunRecord {
    RunRecord {
        run_id: uuid::Uuid::now_v7().to_string(),
        kind: kind.into(),
        project_root: bytes(project.root.as_os_str()),
        cwd: bytes(project.cwd.as_os_str()),
        argv: args.command.iter().map(|word| bytes(word)).collect(),
        step_name: args.name.clone(),
        tracer_wanted: args.tracer.clone(),
        started_at_ns: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64),
        launcher_pid: std::process::id(),
        hostname: gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        user: user(),
        roar_version: contract::ROAR_VERSION.to_owned(),
        git: None,
        tracer_fallback: args.fallback,
        hash_algorithms: args.hashes.clone(),
        again_of: args.again_of.clone(),
        surroundings: args.surroundings.clone(),
    }
}

fn bytes(text: &OsStr) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn user() -> String {
    match User::from_uid(geteuid()) {
        Ok(Some(user)) => user.name,
        _ => geteuid().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Request, parse};

    fn project() -> (tempfile::TempDir, Project, RunRecord) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        fs::create_dir(root.join(".roar")).unwrap();
        let project = Project { root: root.clone(), cwd: root };
        let Ok(Request::Run(args)) = parse("run", &["true".into()]) else { panic!("refused") };
        let record = record(&project, JobKind::Run, &args);
        (folder, project, record)
    }

    #[test]
    fn a_new_directory_is_locked_and_holds_the_record() {
        let (_folder, project, record) = project();
        let rundir = RunDir::create(&project, &record).unwrap();
        assert_eq!(sealed::read::<RunRecord>(&rundir.path, sealed::Kind::Record).unwrap(), record);
        let lock = File::open(rundir.path.join("lock")).unwrap();
        // SAFETY: the descriptor is open.
        let try_lock = || unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
        assert_eq!(try_lock(), -1);
        drop(rundir);
        assert_eq!(try_lock(), 0);
    }

    #[test]
    fn a_directory_that_cannot_be_filled_leaves_nothing_behind() {
        let (_folder, project, record) = project();
        let taken = project.roar_dir().join("runs").join(&record.run_id);
        fs::create_dir_all(taken.join("something")).unwrap();
        assert!(RunDir::create(&project, &record).is_err());
        assert_eq!(fs::read_dir(project.roar_dir().join("runs")).unwrap().count(), 1);
    }

    #[test]
    fn a_discarded_directory_is_gone() {
        let (_folder, project, record) = project();
        let rundir = RunDir::create(&project, &record).unwrap();
        let path = rundir.path.clone();
        rundir.discard();
        assert!(!path.exists());
        assert_eq!(fs::read_dir(project.roar_dir().join("runs")).unwrap().count(), 0);
    }
}
