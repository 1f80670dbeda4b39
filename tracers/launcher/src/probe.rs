//! `roar internal-probe BACKEND`: whether a backend sees, on this machine, what a real program does.
//!
//! The program is this one again, as `roar internal-probe-program FOLDER`: it reads a file and makes another. One line on
//! stdout says how it went; exit status 0: the backend works.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use contract::{FoldedTrace, JobKind};

use crate::announce::Plan;
use crate::args::RunArgs;
use crate::caller::Caller;
use crate::conclude;
use crate::daemon::Mode;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::program::Program;
use crate::project::Project;
use crate::report;
use crate::rundir::{self, RunDir};
use crate::signals::Inbox;
use crate::skew::Replacement;
use crate::start;
use crate::wait;

const KNOWN: &str = "known";
const MADE: &str = "made";
const CONTENT: &str = "read by the program of a probe\n";

/// Probes the backend that is named.
pub fn probe(words: &[OsString]) -> ExitCode {
    let [backend] = words else {
        return report::failure(&Failure::new("usage", "usage: roar internal-probe BACKEND").exit_status(2));
    };
    match in_folder(&backend.to_string_lossy()) {
        Ok(()) => {
            println!("ok");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let cause = if failure.cause.is_empty() { String::new() } else { format!(": {}", failure.cause) };
            println!("{}{cause}", failure.fact);
            ExitCode::FAILURE
        }
    }
}

/// What is traced: reads one file of a folder and makes another.
pub fn program(words: &[OsString]) -> ExitCode {
    let [folder] = words else { return ExitCode::FAILURE };
    let folder = Path::new(folder);
    match fs::read(folder.join(KNOWN)).and_then(|content| fs::write(folder.join(MADE), content)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn in_folder(backend: &str) -> Result<(), Failure> {
    // Before anything is opened, as every run.
    let caller = Caller::meet();
    let folder = make_folder().map_err(|error| no_probe(&error.to_string()))?;
    let done = run(backend, &folder, &caller).and_then(|folded| compare(backend, &folder, &folded));
    let _ = fs::remove_dir_all(&folder);
    done
}

/// A project of its own: nobody else's files, and no daemon that could want to record it.
fn make_folder() -> io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("roar-probe-{}", uuid::Uuid::now_v7()));
    DirBuilder::new().mode(0o700).create(&folder)?;
    fs::create_dir(folder.join(".roar"))?;
    fs::write(folder.join(KNOWN), CONTENT)?;
    fs::canonicalize(&folder)
}

fn run(backend: &str, folder: &Path, caller: &Caller) -> Result<FoldedTrace, Failure> {
    let myself = std::env::current_exe().map_err(|error| no_probe(&error.to_string()))?;
    let command = vec![myself.into_os_string(), "internal-probe-program".into(), folder.as_os_str().to_owned()];
    let program = Program::locate(&command, Environment::default())?;
    let args = RunArgs {
        quiet: true,
        name: String::new(),
        tracer: backend.into(),
        fallback: Some(false),
        hashes: Vec::new(),
        cached: Some(false),
        command,
        again: None,
        again_of: String::new(),
        surroundings: None,
    };
    let project = Project { root: folder.to_owned(), cwd: folder.to_owned() };
    let record = rundir::record(&project, JobKind::Run, &args);
    let rundir = RunDir::create(&project, &record).map_err(|error| no_probe(&error.to_string()))?;
    let inbox = Inbox::open().map_err(|error| no_probe(&error.to_string()))?;
    let mut plan = Plan {
        rundir: Some(rundir),
        run_id: record.run_id,
        mode: Mode::Off,
        daemon: None,
        replacement: Replacement::default(),
        quiet: true,
        tracer: backend.to_owned(),
        tracer_required: true,
        warnings: Vec::new(),
    };
    let mut running = start::start(&mut plan, &program, caller)?;
    let ended = wait::for_end(running.pid, &inbox, running.clock, std::future::pending());
    if ended.exit.code() != Some(0) {
        return Err(no_probe("the program that is traced did not end as it should"));
    }
    match &plan.rundir {
        Some(rundir) => conclude::fold(rundir, &plan.warnings, &mut running, &ended),
        None => Err(no_probe("there is no run directory")),
    }
}

/// Errors: what was seen is not what was done.
fn compare(backend: &str, folder: &Path, folded: &FoldedTrace) -> Result<(), Failure> {
    let (known, made) = (folder.join(KNOWN), folder.join(MADE));
    let is = |path: &[u8], file: &Path| OsStr::from_bytes(path) == file.as_os_str();
    let size = CONTENT.len() as u64;
    let stat_size = |stat: &Option<contract::StatKey>| stat.as_ref().map_or(0, |stat| stat.size);
    if folded.tracer != backend {
        return Err(Failure::new("probe-failed", format!("this roar cannot use `{backend}`")));
    }
    if !folded.reads.iter().any(|read| is(&read.path, &known) && stat_size(&read.stat) == size) {
        return Err(Failure::new("probe-failed", "it did not see a file that a program read"));
    }
    if !folded.writes.iter().any(|write| is(&write.path, &made) && write.created && stat_size(&write.stat) == size) {
        return Err(Failure::new("probe-failed", "it did not see a file that a program made"));
    }
    Ok(())
}

fn no_probe(cause: &str) -> Failure {
    Failure::new("no-probe", "the probe cannot be made").cause(cause)
}
