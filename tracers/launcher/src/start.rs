//! Starts the command, exactly once: watched by the first backend that can, or unwatched where none can.

use contract::Warning;
use nix::unistd::Pid;
use trace::Clock;

use crate::announce::Plan;
use crate::args::AUTO;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::program::Program;
use crate::report;
use crate::rundir::RunDir;
use crate::spawn::{Held, StartError};
use crate::watch::{Backend, Watch};

/// A command that runs.
pub struct Running {
    pub pid: Pid,
    pub clock: Clock,
    pub watch: Watch,
}

/// Starts the command. Errors: it cannot be executed (exit status 126 or 127), cannot be traced and must be, or no
/// process can be made (125).
pub fn start(plan: &mut Plan, program: &Program, caller: &Caller) -> Result<Running, Failure> {
    let clock = Clock::start();
    let mut held = Held::fork(program, caller).map_err(|error| {
        Failure::new("not-started", "no process can be made for the command").cause(error.to_string())
    })?;
    let watch = match watch(plan, &mut held, clock) {
        Ok(watch) => watch,
        Err(failure) => {
            held.dismiss();
            return Err(failure);
        }
    };
    match held.execute() {
        Err(StartError::Exec(error)) => {
            held.dismiss();
            Err(program.not_executed(&error))
        }
        // One that is gone was killed before it began, by Ctrl-C say; waiting for it tells.
        Ok(()) | Err(StartError::Gone) => Ok(Running { pid: held.pid, clock, watch }),
    }
}

/// Attaches the first backend that can watch the child here. Errors: none can, or not the one that must.
fn watch(plan: &mut Plan, held: &mut Held, clock: Clock) -> Result<Watch, Failure> {
    let Some(rundir) = &plan.rundir else { return Ok(Watch::Nobody) };
    let (found, obstacles) = first_that_can(Backend::candidates(&plan.tracer), rundir, held, clock);
    let Some(first) = obstacles.first() else { return Ok(found.map_or(Watch::Nobody, |(_, watch)| watch)) };
    // "auto" asks for no backend in particular: one that can is what was asked for.
    if plan.tracer == AUTO && found.is_some() {
        return Ok(found.map_or(Watch::Nobody, |(_, watch)| watch));
    }
    if plan.tracer_required {
        return Err(Failure::new("tracer-unavailable", first.fact())
            .cause(first.cause.clone())
            .hint("without `--no-tracer-fallback` another tracer is tried, or the command runs untraced"));
    }
    let warning = warning(&obstacles, found.as_ref().map(|(backend, _)| *backend));
    report::warning(&warning);
    plan.warnings.push(warning);
    Ok(found.map_or(Watch::Nobody, |(_, watch)| watch))
}

/// Why a backend was not taken.
struct Obstacle {
    backend: Backend,
    cause: String,
}

impl Obstacle {
    fn fact(&self) -> String {
        format!("{} cannot watch the command here", self.backend.name())
    }
}

fn first_that_can(
    candidates: &[Backend],
    rundir: &RunDir,
    held: &mut Held,
    clock: Clock,
) -> (Option<(Backend, Watch)>, Vec<Obstacle>) {
    let mut obstacles = Vec::new();
    for &backend in candidates {
        match backend.attach(rundir, held, clock) {
            Ok(watch) => return (Some((backend, watch)), obstacles),
            Err(error) => obstacles.push(Obstacle { backend, cause: error.to_string() }),
        }
    }
    (None, obstacles)
}

fn warning(obstacles: &[Obstacle], found: Option<Backend>) -> Warning {
    let why: Vec<String> = obstacles.iter().map(|one| format!("{} ({})", one.fact(), one.cause)).collect();
    let (code, rest) = match found {
        Some(backend) => ("tracer-fallback", format!("{} did instead", backend.name())),
        None => ("untraced", "what it reads and writes is not seen".to_owned()),
    };
    Warning { code: code.to_owned(), message: format!("{}: {rest}", why.join("; ")) }
}
