//! Before the command starts: its run directory, and the daemon's plan for it.

use contract::{JobKind, RunRecord, Warning};

use crate::args::RunArgs;
use crate::client::{self, Answer, Begun, Peer};
use crate::daemon;
use crate::failure::{Failure, NOT_STARTED};
use crate::git;
use crate::project::{self, Project};
use crate::report;
use crate::rundir::{self, RunDir};
use crate::runtime_dir::RuntimeDir;

/// What is known once the run has been announced.
pub struct Plan {
    /// None: the command runs, but cannot be recorded.
    pub rundir: Option<RunDir>,
    pub run_id: String,
    /// That has answered.
    pub daemon: Option<Peer>,
    /// The backend to watch it by; "auto": the best that can.
    pub tracer: String,
    /// No summary.
    pub quiet: bool,
    /// To be stored with the job; the user has seen them.
    pub warnings: Vec<Warning>,
}

/// Makes the run directory and announces the run. Whatever is wrong with disk or daemon, the command may start.
/// Errors: the user has something to mend first.
pub fn announce(project: &Project, kind: JobKind, args: &RunArgs) -> Result<Plan, Failure> {
    let mut record = rundir::record(project, kind, args);
    let mut plan = Plan {
        rundir: None,
        run_id: record.run_id.clone(),
        daemon: None,
        tracer: args.tracer.clone(),
        quiet: args.quiet,
        warnings: Vec::new(),
    };
    let rundir = match RunDir::create(project, &record) {
        Ok(rundir) => rundir,
        Err(error) => {
            let why = Failure::new("no-run-directory", "the run directory cannot be made").cause(error.to_string());
            report::not_recorded(&why, "the command runs all the same, and leaves no record");
            return Ok(plan);
        }
    };
    match ask_daemon(project, &record) {
        Ok(Some(answer)) => {
            answer.plan.warnings.iter().for_each(report::warning);
            plan.quiet |= answer.plan.quiet;
            plan.tracer = answer.plan.tracer;
            plan.warnings = answer.plan.warnings;
            plan.daemon = answer.daemon;
        }
        Ok(None) => {
            record.git = git::state();
            // Should this fail, the record that is there already does without.
            let _ = rundir.write_record(&record);
        }
        Err(failure) => {
            rundir.discard();
            return Err(failure.exit_status(NOT_STARTED));
        }
    }
    plan.rundir = Some(rundir);
    Ok(plan)
}

/// Returns the daemon's answer, None when it gives none; starts a daemon, and does not wait for it, when there is none.
fn ask_daemon(project: &Project, record: &RunRecord) -> Result<Option<Answer>, Failure> {
    // Whatever goes wrong here is met again at the end, and said then, if it still is wrong.
    if let Ok(place) = RuntimeDir::open() {
        match client::block_on(client::begin(&place, record)) {
            Ok(Begun::Planned(answer)) => return Ok(Some(answer)),
            Ok(Begun::Refused(failure)) => return Err(failure),
            Ok(Begun::NoDaemon) => drop(daemon::start(&place)),
            Ok(Begun::Silent) | Err(_) => {}
        }
    }
    project::check_config_syntax(project).map(|()| None)
}
