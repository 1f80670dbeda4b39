//! Every command but `run` and `build` belongs to the Python command line beside this program.

use std::env;
use std::ffi::{CString, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::program::c_string;
use crate::report;

const COMMAND_LINE: &str = "roar-py";

/// Becomes the Python command line. Returns only when that is not possible.
pub fn to_command_line(words: &[OsString]) -> ExitCode {
    let caller = Caller::meet();
    let Err(error) = beside(COMMAND_LINE).and_then(|program| become_program(&program, words, &caller));
    let failure = Failure::new("no-command-line", format!("cannot run `{COMMAND_LINE}`"))
        .cause(error.to_string())
        .hint("install roar again: its Python part is missing beside this program");
    report::failure(&failure)
}

/// The path of a program in the directory where this one really is, whatever link it was started by.
pub fn beside(name: &str) -> io::Result<PathBuf> {
    Ok(env::current_exe()?.canonicalize()?.with_file_name(name))
}

fn become_program(program: &Path, words: &[OsString], caller: &Caller) -> io::Result<std::convert::Infallible> {
    let path = c_string(program.as_os_str().to_owned());
    let argv: Vec<CString> = std::iter::once(path.clone()).chain(words.iter().cloned().map(c_string)).collect();
    caller.restore();
    let error = nix::unistd::execv(&path, &argv).err().map_or_else(io::Error::last_os_error, io::Error::from);
    Err(io::Error::new(error.kind(), format!("{}: {error}", program.as_os_str().as_bytes().escape_ascii())))
}
