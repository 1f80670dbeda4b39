//! After the command has ended: seals its run and has it recorded.

use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use contract::{FinishJobRequest, FoldedTrace, Warning};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use ptrace::Tracer;
use trace::RunEnd;

use crate::announce::Plan;
use crate::failure::Failure;
use crate::finish::{self, Finished};
use crate::project::Project;
use crate::report;
use crate::rundir::RunDir;
use crate::runtime_dir::RuntimeDir;
use crate::signals::Inbox;
use crate::start::{PTRACE, Running, UNTRACED};
use crate::wait::Ended;

/// For processes that outlive the command by no more than their exit.
const LAST_EXITS: Duration = Duration::from_millis(20);

/// Has the run recorded, and says what became of it. Nothing in here changes how the launcher ends.
pub fn conclude(project: &Project, plan: Plan, command: Running, ended: &Ended, inbox: &Inbox) {
    let Some(rundir) = &plan.rundir else { return };
    let tracer = command.tracer.as_ref().map(|tracer| Pid::from_raw(tracer.pid()));
    if let Err(failure) = seal(rundir, &plan.warnings, command, ended) {
        let folder = rundir.path.display();
        report::not_recorded(&failure, &format!("its trace stays in `{folder}`; the daemon records it from there"));
        return;
    }
    let request =
        FinishJobRequest { project_root: project.root.as_os_str().as_bytes().to_vec(), run_id: plan.run_id.clone() };
    let finished = match RuntimeDir::open() {
        Ok(place) => finish::finish(&place, &request, plan.daemon, inbox),
        Err(failure) => Finished::Later(failure),
    };
    match finished {
        Finished::Recorded(job) if !plan.quiet => report::summary(&job, &plan.warnings),
        Finished::Recorded(_) => {}
        Finished::NotWaitedFor => {
            let _ = rundir.make_durable();
            report::not_waited_for();
        }
        Finished::Later(failure) => {
            let folder = rundir.path.display();
            let safe = if rundir.make_durable().is_ok() { "is safe" } else { "stays" };
            report::not_recorded(&failure, &format!("the run {safe} in `{folder}`; the next daemon records it"));
        }
    }
    // It would stay a zombie where nobody reaps orphans, as in a container without init.
    let _ = tracer.map(|pid| waitpid(pid, Some(WaitPidFlag::WNOHANG)));
}

/// Seals the run with what the trace tells.
fn seal(rundir: &RunDir, warnings: &[Warning], command: Running, ended: &Ended) -> Result<(), Failure> {
    let folded = fold(rundir, warnings, command, ended)?;
    rundir.seal(&folded).map_err(|error| not_sealed(format!("`{}`: {error}", rundir.path.display())))
}

/// Folds the trace of a command that has ended. Errors: the trace cannot be read.
pub fn fold(rundir: &RunDir, warnings: &[Warning], command: Running, ended: &Ended) -> Result<FoldedTrace, Failure> {
    let backend = if command.tracer.is_some() { PTRACE } else { UNTRACED };
    let mut tracer = command.tracer;
    let end = RunEnd {
        exit_code: ended.exit.code(),
        exit_signal: ended.exit.signal(),
        duration: ended.duration,
        interrupted_by: ended.interrupted_by,
        events_lost: tracer.as_mut().map_or(0, |tracer| tracer.finish(LAST_EXITS)),
    };
    let mut folded: FoldedTrace =
        trace::fold_run(&rundir.path, backend, Some(end)).map_err(|error| not_sealed(error.to_string()))?;
    folded.warnings.extend(warnings.iter().cloned().chain(tracer.as_ref().and_then(lost_tracer)));
    Ok(folded)
}

fn not_sealed(cause: String) -> Failure {
    Failure::new("not-sealed", "the run cannot be sealed").cause(cause)
}

/// A tracer lives as long as what it traces, unless somebody kills it.
fn lost_tracer(tracer: &Tracer) -> Option<Warning> {
    match waitpid(Pid::from_raw(tracer.pid()), Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(Warning {
            code: "tracer-lost".to_owned(),
            message: format!("the tracer was killed by {signal} during the run; what happened after that is not seen"),
        }),
        _ => None,
    }
}
