//! `roar internal-fold RUNDIR`: the daemon has a run folded whose launcher is dead.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use contract::FoldedTrace;
use trace::FoldError;
use trace::sealed::{self, Kind};

use crate::failure::Failure;
use crate::report;

/// Of sysexits.h: the data is damaged, and will be the next time as well. The daemon puts the run aside.
const DATA_ERROR: u8 = 65;

/// Seals the run directory, if it is not sealed yet.
pub fn fold(words: &[OsString]) -> ExitCode {
    let [rundir] = words else {
        return report::failure(&Failure::new("usage", "usage: roar internal-fold RUNDIR").exit_status(2));
    };
    match seal(Path::new(rundir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report::failure(&failure),
    }
}

fn seal(rundir: &Path) -> Result<(), Failure> {
    if rundir.join("folded").exists() {
        return Ok(());
    }
    let cannot = |reason: &str, cause: String| {
        Failure::new(reason, format!("cannot fold `{}`", rundir.display())).cause(cause).exit_status(1)
    };
    let unreadable = |error: FoldError| match error.cause.kind() {
        ErrorKind::InvalidData => cannot("trace-corrupt", error.to_string()).exit_status(DATA_ERROR),
        _ => cannot("fold-failed", error.to_string()),
    };
    let folded: FoldedTrace = trace::fold_run(rundir, None, |_, _| false).map_err(unreadable)?;
    sealed::write(rundir, Kind::Folded, &folded).map_err(|error| cannot("fold-failed", error.to_string()))
}
