//! The life of `roar run COMMAND`: announce, start, wait, have it recorded, end as the command ended.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use contract::JobKind;
use trace::failpoint::failpoint;

use crate::announce;
use crate::args::{self, Request, RunArgs};
use crate::cached::{self, Verdict};
use crate::caller::Caller;
use crate::conclude;
use crate::daemon::Mode;
use crate::ending;
use crate::failure::Failure;
use crate::program::Program;
use crate::project;
use crate::report;
use crate::rerun;
use crate::rundir::RunDir;
use crate::scout;
use crate::signals::Inbox;
use crate::start;
use crate::wait;

/// Runs a command and has it recorded. Returns the exit status, or ends by the signal that ended the command.
pub fn record(kind: JobKind, words: &[OsString]) -> ExitCode {
    let verb = if kind == JobKind::Build { "build" } else { "run" };
    let done = match args::parse(verb, words) {
        Ok(Request::Run(args)) => run(kind, *args),
        Ok(Request::Help) => return print(&args::help(verb)),
        Err(failure) => Err(failure),
    };
    done.unwrap_or_else(|failure| report::failure(&failure))
}

fn run(mut kind: JobKind, mut args: RunArgs) -> Result<ExitCode, Failure> {
    let mode = Mode::wanted()?;
    let caller = Caller::meet();
    let mut project = project::here()?;
    if let Some(again) = args.again.take() {
        let plan = rerun::plan(&project, kind, &again, mode)?;
        if again.dry_run {
            return Ok(print(&rerun::shown(&project, &plan)));
        }
        kind = plan.kind();
        rerun::follow(&mut project, &mut args, plan)?;
    }
    let settings = project::settings(&project)?;
    let program = Program::locate(&args.command, settings.environment.clone())?;
    match cached::decide(&project, kind, &args, mode, &caller, &settings) {
        Verdict::Restored => return Ok(ExitCode::SUCCESS),
        Verdict::Run(surroundings) => args.surroundings = surroundings,
    }
    let inbox = Inbox::open()
        .map_err(|error| Failure::new("not-started", "signals cannot be received").cause(error.to_string()))?;
    let mut plan = announce::announce(&project, kind, &args, mode, &settings)?;
    let command = match start::start(&mut plan, &program, &caller) {
        Ok(command) => command,
        Err(failure) => {
            plan.rundir.into_iter().for_each(RunDir::discard);
            return Err(failure);
        }
    };
    let _ = failpoint("launcher.started");
    caller.let_go();
    let ended = wait::for_end(command.pid, &inbox, command.clock, scout::scout(&project, &plan));
    conclude::conclude(&project, plan, command, &ended, &inbox);
    Ok(ending::like(ended.exit))
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
