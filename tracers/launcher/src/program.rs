//! Which file a command names: looked up before anything is started, executed as execvp(3) does it.

use std::env;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::alike::closest;
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
            return Err(not_found(command, &path, environment.sets("PATH")));
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
        let failure = Failure::new("command-not-executable", format!("`{name}` cannot be executed"))
            .cause(error.to_string())
            .exit_status(126);
        match (error.kind(), Path::new(&*name).is_dir()) {
            (_, true) => failure.hint("it is a directory: name a program"),
            (ErrorKind::PermissionDenied, _) => failure
                .hint(format!("`chmod +x {name}` makes a program of it; a script also runs behind its interpreter")),
            _ => failure,
        }
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

fn not_found(command: &[OsString], path: &OsStr, in_path_of_project: bool) -> Failure {
    let name = &command[0];
    let failure = Failure::new("command-not-found", format!("`{}` was not found", name.display())).exit_status(127);
    if name.is_empty() {
        return failure.hint("the first word of the command is empty: a variable of the shell that is not set?");
    }
    failure.hint(meant(name, path).unwrap_or_else(|| match in_path_of_project {
        true => "it is looked for in the PATH that `roar env` sets for this project".into(),
        false => "it is looked for in the directories of PATH; for shell syntax, use `sh -c '...'`".into(),
    }))
}

/// What was probably meant by a name that no file has.
fn meant(name: &OsStr, path: &OsStr) -> Option<String> {
    let (bytes, text) = (name.as_bytes(), name.to_str()?);
    if bytes.starts_with(b"@") {
        return Some("a step is @N or @BN, as in `roar run @2`; `roar status` lists them".into());
    }
    if bytes.iter().any(u8::is_ascii_whitespace) {
        return Some("the words of a command are not quoted together; for shell syntax, use `sh -c '...'`".into());
    }
    if bytes.contains(&b'/') {
        let here = env::current_dir().ok()?;
        return Some(format!("the path is taken from `{}`", here.display()));
    }
    if Path::new(name).is_file() {
        return Some(format!(
            "it is in this directory, which is not in PATH: `./{text}`, or its interpreter before it"
        ));
    }
    if text.contains('=') {
        return Some(format!("to set a variable for one command: `env {text} COMMAND`"));
    }
    let near = closest(text, in_path(path).into_iter())?;
    Some(format!("did you mean `{near}`? it is looked for in the directories of PATH"))
}

/// The names of what is in the directories of PATH; only those that are text.
fn in_path(path: &OsStr) -> Vec<String> {
    let files = env::split_paths(path).filter_map(|entry| fs::read_dir(entry).ok()).flatten().flatten();
    files.filter_map(|file| file.file_name().into_string().ok()).collect()
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
