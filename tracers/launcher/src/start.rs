//! Starts the command, exactly once: traced, or untraced where that cannot be.

use std::fs;
use std::io;
use std::time::Instant;

use contract::Warning;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use ptrace::Tracer;

use crate::announce::Plan;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::program::Program;
use crate::report;
use crate::spawn::{Held, StartError};

/// How a folded trace names the backend that saw the command.
pub const PTRACE: &str = "ptrace";
pub const UNTRACED: &str = "none";

/// A command that runs.
pub struct Running {
    pub pid: Pid,
    pub started: Instant,
    /// None: nobody watches it.
    pub tracer: Option<Tracer>,
}

/// Starts the command. Errors: it cannot be executed (exit status 126 or 127), cannot be traced and must be, or no
/// process can be made (125).
pub fn start(plan: &mut Plan, program: &Program, caller: &Caller) -> Result<Running, Failure> {
    let started = Instant::now();
    let mut obstacle = None;
    let mut tracer = plan.rundir.as_ref().and_then(|rundir| {
        ptrace::start(&rundir.path, rundir.lock_fd(), started).map_err(|error| obstacle = Some(error)).ok()
    });
    let tracer_pid = tracer.as_ref().map(|tracer| Pid::from_raw(tracer.pid()));
    let mut held = Held::fork(program, caller, tracer_pid).map_err(|error| {
        Failure::new("not-started", "no process can be made for the command").cause(error.to_string())
    })?;
    if let Some(Err(error)) = tracer.as_mut().map(|tracer| tracer.attach(held.pid.as_raw())) {
        obstacle = Some(error);
    }
    loop {
        if let Some(error) = obstacle.take() {
            tracer.take().iter().for_each(end);
            if let Err(failure) = go_untraced(plan, &error) {
                held.dismiss();
                return Err(failure);
            }
        }
        match held.start(tracer.is_some()) {
            Err(StartError::Filter(error)) => obstacle = Some(error),
            Err(StartError::Exec(error)) => {
                held.dismiss();
                return Err(program.not_executed(&error));
            }
            // One that is gone was killed before it began, by Ctrl-C say; waiting for it tells.
            Ok(()) | Err(StartError::Gone) => return Ok(Running { pid: held.pid, started, tracer }),
        }
    }
}

/// Ends a tracer that is of no use; a process that it holds is let go by that.
fn end(tracer: &Tracer) {
    let pid = Pid::from_raw(tracer.pid());
    let _ = kill(pid, Signal::SIGKILL);
    let _ = waitpid(pid, None);
}

/// Notes that nobody will watch the command. Errors: the user does not want it to run then.
fn go_untraced(plan: &mut Plan, error: &io::Error) -> Result<(), Failure> {
    if plan.tracer_required {
        return Err(Failure::new("tracer-unavailable", "ptrace cannot watch the command here")
            .cause(error.to_string())
            .hint("without `--no-tracer-fallback` the command runs untraced"));
    }
    // Without a trace, whoever folds this run knows that nobody watched it.
    if let Some(rundir) = &plan.rundir {
        let _ = fs::remove_file(rundir.path.join(trace::log::NAME));
    }
    let warning = Warning {
        code: "untraced".to_owned(),
        message: format!("ptrace cannot watch the command here ({error}): what it reads and writes is not seen"),
    };
    report::warning(&warning);
    plan.warnings.push(warning);
    Ok(())
}
