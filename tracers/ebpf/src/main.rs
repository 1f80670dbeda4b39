//! `roar-collector`: watches the runs of one user by BPF programs, for as long as its daemon wants it to.

mod drain;
mod load;
mod moved;
mod names;
mod record;
mod runs;
mod self_test;
mod serve;
mod socket;
mod translate;
mod verdict;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use load::Programs;
use serve::Server;
use verdict::{Obstacle, to_json};

const USAGE: &str = "usage: roar-collector --check | --serve FOLDER";

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let words: Vec<&Path> = words.iter().map(Path::new).collect();
    match words.as_slice() {
        [word] if *word == Path::new("--check") => check(),
        [word, folder] if *word == Path::new("--serve") => serve(folder),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Loads and tests the programs, says what came of it, and ends.
fn check() -> ExitCode {
    let verdict = ready(&env::temp_dir()).map(|(_, facts)| facts);
    say(&verdict);
    if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says whether it can work, then works in a runtime directory until nobody needs it.
fn serve(folder: &Path) -> ExitCode {
    keep_to_ourselves();
    let opened = ready(folder).and_then(|(programs, facts)| Ok((Server::open(programs, folder)?, facts)));
    let (server, verdict) = match opened {
        Ok((server, facts)) => (Some(server), Ok(facts)),
        Err(obstacle) => (None, Err(obstacle)),
    };
    say(&verdict);
    let Some(server) = server else { return ExitCode::FAILURE };
    server.serve();
    ExitCode::SUCCESS
}

fn ready(folder: &Path) -> Result<(Programs, String), Obstacle> {
    let mut programs = Programs::load()?;
    // SAFETY: always succeeds.
    let user = unsafe { libc::geteuid() };
    let facts = self_test::run(&mut programs, folder, (user != 0).then_some(user))?;
    Ok((programs, facts))
}

fn say(verdict: &Result<String, Obstacle>) {
    // Whoever started us may have gone.
    let _ = writeln!(io::stdout(), "{}", to_json(verdict));
}

/// Signals from a terminal are meant for others, and no directory is kept busy.
fn keep_to_ourselves() {
    // SAFETY: constants only.
    unsafe {
        for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGPIPE, libc::SIGTSTP] {
            libc::signal(signal, libc::SIG_IGN);
        }
        libc::chdir(c"/".as_ptr());
    }
}
