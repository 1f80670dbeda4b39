//! After the command has ended: seals its run and has it recorded.

use std::os::unix::ffi::OsStrExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use contract::{FinishJobRequest, FoldedTrace, Warning};
use proc::started_ns;
use trace::failpoint::failpoint;
use trace::{Clock, RunEnd};

use crate::announce::Plan;
use crate::daemon::Mode;
use crate::failure::Failure;
use crate::finish::{self, Finished};
use crate::project::Project;
use crate::report;
use crate::rundir::RunDir;
use crate::runtime_dir::RuntimeDir;
use crate::signals::Inbox;
use crate::start::Running;
use crate::wait::Ended;

/// For processes that outlive the command by no more than their exit.
const LAST_EXITS: Duration = Duration::from_millis(20);

/// Has the run recorded, and says what became of it. Nothing in here changes how the launcher ends.
pub fn conclude(project: &Project, plan: Plan, mut command: Running, ended: &Ended, inbox: &Inbox) {
    let Some(rundir) = &plan.rundir else { return };
    let _ = failpoint("launcher.ended");
    if let Err(failure) = seal(rundir, &plan.warnings, &mut command, ended) {
        let folder = rundir.path.display();
        report::not_recorded(&failure, &format!("its trace stays in `{folder}`; the daemon records it from there"));
        return;
    }
    let request =
        FinishJobRequest { project_root: project.root.as_os_str().as_bytes().to_vec(), run_id: plan.run_id.clone() };
    let place = match plan.mode {
        Mode::Off => RuntimeDir::private(),
        Mode::Auto | Mode::Require => RuntimeDir::open(),
    };
    let finished = match &place {
        Ok(place) => finish::finish(place, &request, plan.daemon, &plan.replacement, inbox),
        Err(failure) => Finished::Later(failure.clone()),
    };
    match finished {
        Finished::Recorded(job) if !plan.quiet => report::summary(&job, &plan.warnings),
        Finished::Recorded(_) => {}
        Finished::NotWaitedFor => {
            let _ = rundir.make_durable();
            report::not_waited_for(plan.mode);
        }
        Finished::Later(failure) => {
            let folder = rundir.path.display();
            let safe = if rundir.make_durable().is_ok() { "is safe" } else { "stays" };
            report::not_recorded(&failure, &format!("the run {safe} in `{folder}`; the next daemon records it"));
        }
    }
    let _ = failpoint("launcher.finished");
    command.watch.part();
}

/// Seals the run with what the trace tells.
fn seal(rundir: &RunDir, warnings: &[Warning], command: &mut Running, ended: &Ended) -> Result<(), Failure> {
    let folded = fold(rundir, warnings, command, ended)?;
    failpoint("launcher.folded")
        .and_then(|()| rundir.seal(&folded))
        .map_err(|error| not_sealed(format!("`{}`: {error}", rundir.path.display())))
}

/// Folds the trace of a command that has ended. Errors: the trace cannot be read.
pub fn fold(
    rundir: &RunDir,
    warnings: &[Warning],
    command: &mut Running,
    ended: &Ended,
) -> Result<FoldedTrace, Failure> {
    let end = RunEnd {
        exit_code: ended.exit.code(),
        exit_signal: ended.exit.signal(),
        duration: ended.duration,
        interrupted_by: ended.interrupted_by,
        events_lost: command.watch.finish(LAST_EXITS),
    };
    let mut folded: FoldedTrace = trace::fold_run(&rundir.path, Some(end), lives(command.clock, LAST_EXITS))
        .map_err(|error| not_sealed(error.to_string()))?;
    folded.warnings.extend(warnings.iter().cloned().chain(command.watch.obituary().map(tracer_lost)));
    Ok(folded)
}

fn not_sealed(cause: String) -> Failure {
    Failure::new("not-sealed", "the run cannot be sealed").cause(cause)
}

/// Tells whether a process of the run still lives, after giving all of them together `patience` to end. An id may have come
/// back: a process that started after the last event is another one.
fn lives(clock: Clock, patience: Duration) -> impl Fn(u32, u64) -> bool {
    /// The kernel tells the time of a start in hundredths of a second.
    const TICK_NS: u64 = 10_000_000;
    let deadline = Instant::now() + patience;
    move |pid, last_ns| {
        let is_there = || started_ns(pid as i32).is_some_and(|start| start <= clock.start_ns() + last_ns + TICK_NS);
        while is_there() {
            if Instant::now() >= deadline {
                return true;
            }
            sleep(Duration::from_millis(1));
        }
        false
    }
}

fn tracer_lost(how: String) -> Warning {
    let message = format!("{how} during the run; what happened after that is not seen");
    Warning { code: "tracer-lost".to_owned(), message }
}
