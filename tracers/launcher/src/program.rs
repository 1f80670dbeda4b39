//! Which file a command names: looked up before anything is started, executed as execvp(3) does it.

use std::env;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::environment::Environment;
use crate::failure::Failure;

/// Where execvp(3) looks without PATH.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
const SHELL: &CStr = c"/bin/sh";

/// execv(3), or what a backend puts in its place; returns why it did not.
pub type Exec = dyn Fn(&CStr, &[CString]) -> nix::Error;

/// execv(3) itself.
pub fn execv(path: &CStr, argv: &[CString]) -> nix::Error {
    let Err(error) = nix::unistd::execv(path, argv);
    error
}

/// A command line ready for exec.
#[derive(Debug)]
pub struct Program {
    /// Files of this name that exist, in the order of PATH; at least one.
    candidates: Vec<CString>,
    argv: Vec<CString>,
    environment: Environment,
}

impl Program {
    /// Looks a command up, in the PATH that it is going to have. `command` has at least one word. Errors:
    /// command-not-found, with exit status 127.
    pub fn locate(command: &[OsString], environment: Environment) -> Result<Program, Failure> {
        let path = environment.get("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
        let candidates = candidates(&command[0], &path);
        if candidates.is_empty() {
            return Err(not_found(&command[0], environment.sets("PATH")));
        }
        Ok(Program { candidates, argv: command.iter().cloned().map(c_string).collect(), environment })
    }

    /// Executes the first candidate that can be executed, in place of this process. Returns why none can. Allocates, so it
    /// is only for a child of a single-threaded process.
    pub fn execute(&self, exec: &Exec) -> nix::Error {
        self.environment.apply();
        let mut refused = nix::Error::ENOENT;
        for candidate in &self.candidates {
            match exec(candidate, &self.argv) {
                // A script without `#!`.
                nix::Error::ENOEXEC => return self.execute_by_shell(candidate, exec),
                nix::Error::EACCES => refused = nix::Error::EACCES,
                nix::Error::ENOENT | nix::Error::ENOTDIR | nix::Error::ESTALE => {}
                other => return other,
            }
        }
        refused
    }

    fn execute_by_shell(&self, script: &CString, exec: &Exec) -> nix::Error {
        let words = [SHELL.to_owned(), script.clone()].into_iter().chain(self.argv[1..].iter().cloned());
        exec(SHELL, &words.collect::<Vec<_>>())
    }

    /// What to say when `execute` returned.
    pub fn not_executed(&self, error: &io::Error) -> Failure {
        let name = String::from_utf8_lossy(self.argv[0].to_bytes());
        if error.raw_os_error() == Some(libc::ENOENT) {
            return Failure::new("command-not-found", format!("`{name}` is there and cannot be started"))
                .cause("the interpreter that it names, in its `#!` line or as its loader, does not exist")
                .exit_status(127);
        }
        Failure::new("command-not-executable", format!("`{name}` cannot be executed"))
            .cause(error.to_string())
            .exit_status(126)
    }
}

fn candidates(name: &OsStr, path: &OsStr) -> Vec<CString> {
    if name.is_empty() {
        return Vec::new();
    }
    if name.as_bytes().contains(&b'/') {
        return exists(Path::new(name)).then(|| c_string(name.to_owned())).into_iter().collect();
    }
    // An empty entry is the working directory.
    let entries = env::split_paths(path).map(|entry| entry.join(name));
    entries.filter(|file| exists(file)).map(|file| c_string(file.into_os_string())).collect()
}

/// Whether execve(2) could find something there; a file that cannot be looked at might be.
fn exists(file: &Path) -> bool {
    match fs::metadata(file) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

fn not_found(name: &OsStr, in_path_of_project: bool) -> Failure {
    let failure = Failure::new("command-not-found", format!("`{}` was not found", name.display())).exit_status(127);
    if name.as_bytes().contains(&b'/') {
        return failure;
    }
    failure.hint(match name.as_bytes().starts_with(b"@") {
        true => "a step is @N or @BN, as in `roar run @2`; `roar status` lists them",
        false if in_path_of_project => "it is looked for in the PATH that `roar env` sets for this project",
        false => "it is looked for in the directories of PATH; for shell syntax, use `sh -c '...'`",
    })
}

/// The words of a command line hold no NUL: they came through execve(2).
pub fn c_string(word: OsString) -> CString {
    let bytes = word.into_vec();
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn all_files_of_the_name_are_candidates_in_the_order_of_path() {
        let folder = tempfile::tempdir().unwrap();
        for entry in ["a", "b", "c"] {
            fs::create_dir(folder.path().join(entry)).unwrap();
        }
        fs::write(folder.path().join("c/prog"), "").unwrap();
        fs::write(folder.path().join("a/prog"), "").unwrap();
        symlink("nowhere", folder.path().join("b/prog")).unwrap();
        let path = env::join_paths(["a", "missing", "b", "c"].map(|entry| folder.path().join(entry))).unwrap();
        let expected = ["a/prog", "c/prog"].map(|file| c_string(folder.path().join(file).into_os_string()));
        assert_eq!(candidates(OsStr::new("prog"), &path), expected);
        assert!(candidates(OsStr::new(""), &path).is_empty());
    }

    #[test]
    fn a_name_with_a_slash_is_not_looked_up() {
        assert_eq!(candidates(OsStr::new("/bin/sh"), OsStr::new("/nowhere")), [c"/bin/sh".to_owned()]);
        assert!(candidates(OsStr::new("./nowhere"), OsStr::new("/bin")).is_empty());
    }

    #[test]
    fn what_is_missing_is_127_and_what_cannot_run_is_126() {
        let locate = |name: &str| Program::locate(&[name.into()], Environment::default());
        assert_eq!(locate("no-such-program-here").unwrap_err().exit_status, 127);
        let program = locate("/etc/passwd").unwrap();
        let status = |errno| program.not_executed(&io::Error::from_raw_os_error(errno)).exit_status;
        assert_eq!(status(libc::ENOENT), 127);
        for errno in [libc::EACCES, libc::ENOEXEC, libc::EISDIR, libc::E2BIG, libc::ETXTBSY, libc::ELOOP] {
            assert_eq!(status(errno), 126, "{errno}");
        }
    }
}
