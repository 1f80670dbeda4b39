//! `roar internal-fold RUNDIR`: the daemon has a run folded whose launcher is dead.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use contract::FoldedTrace;
use trace::sealed::{self, Kind};

use crate::failure::Failure;
use crate::report;

/// Seals the run directory, if it is not sealed yet.
pub fn fold(words: &[OsString]) -> ExitCode {
    let [rundir] = words else {
        return report::failure(&Failure::new("usage", "usage: roar internal-fold RUNDIR").exit_status(2));
    };
    match seal(Path::new(rundir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report::failure(&failure.exit_status(1)),
    }
}

fn seal(rundir: &Path) -> Result<(), Failure> {
    if rundir.join("folded").exists() {
        return Ok(());
    }
    let cannot =
        |cause: String| Failure::new("fold-failed", format!("cannot fold `{}`", rundir.display())).cause(cause);
    let folded: FoldedTrace = trace::fold_run(rundir, None, |_, _| false).map_err(|error| cannot(error.to_string()))?;
    sealed::write(rundir, Kind::Folded, &folded).map_err(|error| cannot(error.to_string()))
}
