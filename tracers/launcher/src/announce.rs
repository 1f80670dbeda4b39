//! Before the command starts: its run directory, and the daemon's plan for it.

use contract::{JobKind, RunRecord, Warning};
use trace::failpoint::failpoint;

use crate::args::{AUTO, RunArgs, Wish};
use crate::client::{self, Answer, Begun, Peer};
use crate::daemon::{self, Mode};
use crate::failure::{Failure, NOT_STARTED};
use crate::git;
use crate::project::{Project, Settings};
use crate::report;
use crate::rundir::{self, RunDir};
use crate::runtime_dir::RuntimeDir;
use crate::skew::Replacement;

/// What is known once the run has been announced.
pub struct Plan {
    /// None: the command runs, but cannot be recorded.
    pub rundir: Option<RunDir>,
    pub run_id: String,
    pub mode: Mode,
    /// That has answered, and may stay.
    pub daemon: Option<Peer>,
    /// The daemon of an older version that was asked to end.
    pub replacement: Replacement,
    /// No summary.
    pub quiet: bool,
    /// The backend to use: "ebpf", "preload", "ptrace", or "auto" when nobody has found out which of them work.
    pub tracer: String,
    /// The command must not run when that one cannot look on.
    pub tracer_required: bool,
    /// To be stored with the job; the user has seen them.
    pub warnings: Vec<Warning>,
}

/// Makes the run directory and announces the run. Whatever is wrong with disk or daemon, the command may start.
/// Errors: the user has something to mend first.
pub fn announce(
    project: &Project,
    kind: JobKind,
    args: &RunArgs,
    mode: Mode,
    settings: &Settings,
) -> Result<Plan, Failure> {
    let mut record = rundir::record(project, kind, args);
    let wish = args.wish(&Wish { tracer: AUTO.into(), fallback: true });
    let mut plan = Plan {
        rundir: None,
        run_id: record.run_id.clone(),
        mode,
        daemon: None,
        replacement: Replacement::default(),
        quiet: args.quiet,
        tracer: wish.tracer,
        tracer_required: !wish.fallback,
        warnings: Vec::new(),
    };
    let rundir = match RunDir::create(project, &record) {
        Ok(rundir) => rundir,
        Err(error) => {
            let why =
                Failure::new("no-run-directory", "the run directory cannot be made").cause(error.to_string()).hint(
                    "check owner and permissions of `.roar/`, and that its file system is neither full nor read-only",
                );
            report::not_recorded(&why, "the command runs all the same, and leaves no record");
            return Ok(plan);
        }
    };
    let _ = failpoint("launcher.begin");
    match ask_daemon(&record, &plan) {
        Ok(Begin::Planned(answer)) => {
            answer.plan.warnings.iter().for_each(report::warning);
            plan.quiet |= answer.plan.quiet;
            plan.tracer = answer.plan.tracer;
            plan.tracer_required = answer.plan.tracer_required;
            plan.warnings = answer.plan.warnings;
            plan.daemon = answer.daemon;
        }
        Ok(Begin::Alone) => {
            let wish = args.wish(&settings.wish);
            plan.quiet |= settings.quiet;
            (plan.tracer, plan.tracer_required) = (wish.tracer, !wish.fallback);
            record.git = git::state();
            // Should this fail, the record that is there already does without.
            let _ = rundir.write_record(&record);
        }
        Err(failure) => {
            rundir.discard();
            return Err(failure.exit_status(NOT_STARTED));
        }
    }
    let _ = failpoint("launcher.begun");
    plan.rundir = Some(rundir);
    Ok(plan)
}

/// Who plans the run.
enum Begin {
    Planned(Answer),
    /// This process, by what the project's configuration says.
    Alone,
}

/// Returns the daemon's answer, when it gives one; starts a daemon, and does not wait for it, when there is none. One that
/// is of this command alone is started at its end: until then it would only be in the job's way.
fn ask_daemon(record: &RunRecord, plan: &Plan) -> Result<Begin, Failure> {
    if plan.mode == Mode::Off {
        return Ok(Begin::Alone);
    }
    // Whatever goes wrong here is met again at the end, and said then, if it still is wrong.
    if let Ok(place) = RuntimeDir::open() {
        match client::block_on(client::begin(&place, record, &plan.replacement)) {
            Ok(Begun::Planned(answer)) => return Ok(Begin::Planned(answer)),
            Ok(Begun::Refused(failure)) => return Err(failure),
            Ok(Begun::NoDaemon) => drop(daemon::start(&place)),
            Ok(Begun::Silent) | Err(_) => {}
        }
    }
    Ok(Begin::Alone)
}
