//! `roar`: records what a command reads and writes (`run`, `build`); hands every other command over.

mod alike;
mod announce;
mod args;
mod cached;
mod caller;
mod client;
mod completion;
mod conclude;
mod daemon;
mod ending;
mod environment;
mod failure;
mod finish;
mod fold_command;
mod git;
mod handover;
mod handover_command;
mod keeper;
mod preload;
mod probe;
mod program;
mod project;
mod reach;
mod report;
mod rerun;
mod run;
mod rundir;
mod runtime_dir;
mod scout;
mod signals;
mod skew;
mod spawn;
mod start;
mod tether;
mod wait;
mod watch;
mod witness;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use contract::JobKind;

use crate::failure::Failure;

fn main() -> ExitCode {
    if let Err(problem) = trace::failpoint::arm() {
        return report::failure(&Failure::new("usage", problem).exit_status(2));
    }
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match words.first().and_then(|word| word.to_str()) {
        Some("run") => run::record(JobKind::Run, &words[1..]),
        Some("build") => run::record(JobKind::Build, &words[1..]),
        Some("internal-fold") => fold_command::fold(&words[1..]),
        Some("internal-probe") => probe::probe(&words[1..]),
        Some("internal-probe-program") => probe::program(&words[1..]),
        Some("internal-complete") => completion::complete(&words[1..]),
        Some("internal-version") => version(),
        Some("internal-handover") => handover_command::hand_over(&words[1..]),
        _ => handover::to_command_line(&words),
    }
}

/// For `roar doctor`: the other programs of an installation know their own versions, and `roar --version` is theirs.
fn version() -> ExitCode {
    println!("{}", contract::ROAR_VERSION);
    ExitCode::SUCCESS
}
