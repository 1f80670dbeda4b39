//! `roar internal-complete WORD...`: what the last word may become, for the shell's script (roar_client/completion).
//!
//! Prints a line for each: the word, a tab, what it stands for. `:files` asks the shell to complete files as well,
//! `:command N` to complete what begins with word N as a command of its own. Says nothing where it knows nothing.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::Duration;

use contract::{CompleteRequest, CompletionKind};

use crate::args::{HASHES, TRACERS};
use crate::client;
use crate::daemon::Mode;
use crate::project;
use crate::runtime_dir::RuntimeDir;
use crate::words::{self, Row};

/// Somebody waits with a finger on the key.
const PATIENCE: Duration = Duration::from_millis(80);
/// Options of `run` and `build`, in the form of words.tsv.
const OWN_OPTIONS: [(&str, &str, &str); 10] = [
    ("-q --quiet", "", "no summary"),
    ("-n --name", "NAME", "name of the step"),
    ("--tracer", "T", "how to look on"),
    ("--tracer-fallback", "", "when the tracer does not work here, take the next best one"),
    ("--no-tracer-fallback", "", "when the tracer does not work here, do not start the command"),
    ("--cached", "", "restore outputs that a run would only make again"),
    ("--no-cached", "", "run the command in any case, and keep nothing"),
    ("--hash", "A", "record this hash beside BLAKE3"),
    ("--dry-run", "", "with @N: only print the command"),
    ("-h --help", "", "Show the help."),
];

/// Prints what the last of the words may become.
pub fn complete(words: &[OsString]) -> ExitCode {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let text: String = candidates(&words, &ask_daemon).into_iter().map(|line| line + "\n").collect();
    // Nobody to tell when nobody reads.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// Asks for words of a kind that begin like this.
type Ask<'a> = dyn Fn(CompletionKind, &str) -> Vec<(String, String)> + 'a;

fn candidates(words: &[String], ask: &Ask) -> Vec<String> {
    let Some((current, before)) = words.split_last() else { return Vec::new() };
    let Some(command) = before.first() else { return first_word(current) };
    if matches!(command.as_str(), "run" | "build") {
        return of_run(before, current, ask);
    }
    let table = words::table();
    let subcommands: Vec<_> = table.iter().filter_map(|row| row.subcommand_of(command)).collect();
    if subcommands.is_empty() {
        return of_command(&table, command, &before[1..], current, ask);
    }
    match before.get(1) {
        Some(word) => of_command(&table, &format!("{command} {word}"), &before[2..], current, ask),
        None => fitting(subcommands, current),
    }
}

fn first_word(current: &str) -> Vec<String> {
    let commands = words::table().into_iter().filter_map(|row| match row {
        Row::Command { path, about } if !path.contains(' ') => Some((path, about)),
        _ => None,
    });
    let options = [("--help", "Show the commands."), ("--version", "Show the version.")];
    let all = commands.chain(options.iter().copied().filter(|_| current.starts_with('-')));
    fitting(all, current)
}

/// roar's own options, then a command.
fn of_run(before: &[String], current: &str, ask: &Ask) -> Vec<String> {
    let mut number = 1;
    while number < before.len() {
        let word = before[number].as_str();
        if word == "--" {
            return vec![format!(":command {}", number + 1)];
        }
        if !word.starts_with('-') {
            // A step is run again with parameters of its command.
            return vec![if word.starts_with('@') { ":files".into() } else { format!(":command {number}") }];
        }
        number += if own_value(word).is_some_and(|value| !value.is_empty()) { 2 } else { 1 };
    }
    if number > before.len() {
        let values = match before.last().map(String::as_str) {
            Some("--tracer") => TRACERS,
            Some("--hash") => HASHES,
            _ => return Vec::new(),
        };
        return fitting(values.map(|name| (name, "")), current);
    }
    if current.starts_with('-') {
        return fitting(
            OWN_OPTIONS.iter().flat_map(|(names, _, about)| names.split(' ').map(|name| (name, *about))),
            current,
        );
    }
    if current.starts_with('@') {
        return steps(current, ask);
    }
    vec![format!(":command {number}")]
}

/// What can be run again: `@-1` is a job.
fn steps(current: &str, ask: &Ask) -> Vec<String> {
    let known = ask(CompletionKind::Reference, current);
    lines(known.into_iter().filter(|(word, _)| word.starts_with('@') && !word.starts_with("@-")))
}

fn own_value(word: &str) -> Option<&'static str> {
    OWN_OPTIONS.iter().find(|(names, ..)| names.split(' ').any(|name| name == word)).map(|(_, value, _)| *value)
}

/// Options and arguments of a command, by the table.
fn of_command(table: &[Row], path: &str, before: &[String], current: &str, ask: &Ask) -> Vec<String> {
    let value_of = |word: &str| table.iter().find_map(|row| row.value_of_option(path, word)).unwrap_or_default();
    if let Some(last) = before.last().filter(|word| !value_of(word).is_empty()) {
        return of_value(value_of(last), path, current, ask);
    }
    if let Some((option, value)) = current.split_once('=').filter(|_| current.starts_with("--")) {
        let found = of_value(value_of(option), path, value, ask);
        return found
            .into_iter()
            .map(|line| if line.starts_with(':') { line } else { format!("{option}={line}") })
            .collect();
    }
    if current.starts_with('-') {
        return fitting(table.iter().flat_map(|row| row.options_of(path)), current);
    }
    let mut positional = 0;
    let mut words = before.iter();
    while let Some(word) = words.next() {
        match value_of(word) {
            "" if word.starts_with('-') => {}
            "" => positional += 1,
            _ => drop(words.next()),
        }
    }
    let values: Vec<_> = table.iter().filter_map(|row| row.argument_of(path)).collect();
    let repeated = values.last().copied().filter(|value| value.contains("..."));
    values.get(positional).copied().or(repeated).map(|value| of_value(value, path, current, ask)).unwrap_or_default()
}

/// What stands for a value in the help says what it may be.
fn of_value(value: &str, path: &str, current: &str, ask: &Ask) -> Vec<String> {
    if value.contains('|') {
        return fitting(value.split('|').map(|word| (word, "")), current);
    }
    match value.trim_matches(|char: char| !char.is_ascii_uppercase()) {
        "HASH" => lines(ask(CompletionKind::Session, current)),
        "N" => steps(current, ask),
        "REF" | "A" | "B" | "TARGET" | "FROM" => {
            let mut found = lines(ask(CompletionKind::Reference, current));
            found.push(":files".into());
            found
        }
        "KEY" => lines(ask(CompletionKind::Key, current)),
        "NAME" if path.starts_with("env ") => lines(ask(CompletionKind::Variable, current)),
        "PATH" | "FILE" | "DIR" | "BACKUP" => vec![":files".into()],
        _ => Vec::new(),
    }
}

fn fitting<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>, current: &str) -> Vec<String> {
    lines(all.into_iter().filter(|(word, _)| word.starts_with(current)))
}

fn lines<A: AsRef<str>, B: AsRef<str>>(all: impl IntoIterator<Item = (A, B)>) -> Vec<String> {
    let plain = |text: &str| text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect::<String>();
    all.into_iter().map(|(word, about)| format!("{}\t{}", plain(word.as_ref()), plain(about.as_ref()))).collect()
}

/// What the daemon knows, when one runs and is quick; none is started.
fn ask_daemon(kind: CompletionKind, prefix: &str) -> Vec<(String, String)> {
    let work = async {
        let project = project::here().ok()?;
        let place = RuntimeDir::open().ok().filter(|_| matches!(Mode::wanted(), Ok(Mode::Auto | Mode::Require)))?;
        let mut completion = client::connect(&place, None).await.ok()?.completion;
        let request = CompleteRequest {
            project_root: project.root.as_os_str().as_bytes().to_vec(),
            kind: kind.into(),
            prefix: prefix.to_owned(),
        };
        let response = completion.complete(request).await.ok()?.into_inner();
        Some(response.candidates.into_iter().map(|one| (one.text, one.about)).collect())
    };
    let answer = client::block_on(async { tokio::time::timeout(PATIENCE, work).await });
    answer.ok().and_then(Result::ok).flatten().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Request, parse};

    /// The words that a line may go on with; the daemon knows `@1` and `@B1`.
    fn after(line: &str) -> Vec<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let ask = |kind: CompletionKind, prefix: &str| {
            let known: &[&str] = if kind == CompletionKind::Session { &["7f1ec9a4"] } else { &["@-1", "@1", "@B1"] };
            let all = known.iter().map(|word| (word.to_string(), format!("{kind:?}")));
            all.filter(|(step, _)| step.starts_with(prefix)).collect()
        };
        candidates(&words, &ask).iter().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn commands_and_subcommands_are_completed() {
        assert_eq!(after("sta"), ["status"]);
        assert!(after("").contains(&"run".to_owned()));
        assert_eq!(after("--v"), ["--version"]);
        assert_eq!(after("config un"), ["unset"]);
        assert_eq!(after("no-such-command x"), Vec::<String>::new());
    }

    #[test]
    fn options_and_their_values_are_completed() {
        assert_eq!(after("show --dr"), ["--dropped"]);
        assert_eq!(after("log --status f"), ["failed"]);
        assert_eq!(after("log --status=i"), ["--status=interrupted"]);
        assert_eq!(after("init --path "), [":files"]);
        assert_eq!(after("log --grep "), Vec::<String>::new());
    }

    #[test]
    fn arguments_are_completed_by_what_they_stand_for() {
        assert_eq!(after("show @"), ["@-1", "@1", "@B1", ":files"]);
        assert_eq!(after("show --dropped @B"), ["@B1", ":files"]);
        assert_eq!(after("show @1 "), Vec::<String>::new());
        assert_eq!(after("label set job @B"), ["@B1", ":files"]);
        assert_eq!(after("rerun --stale @B"), ["@B1"]);
        assert_eq!(after("session use "), ["7f1ec9a4"]);
        assert_eq!(after("log --session 7f"), ["7f1ec9a4"]);
        assert_eq!(after("tracer check eb"), ["ebpf"]);
        assert_eq!(after("ignore a b "), [":files"]);
        assert_eq!(after("completion z"), ["zsh"]);
    }

    #[test]
    fn behind_run_stands_a_command_of_its_own() {
        assert_eq!(after("run py"), [":command 1"]);
        assert_eq!(after("run -q -n x --tracer ptrace python tra"), [":command 6"]);
        assert_eq!(after("run -- -od"), [":command 2"]);
        assert_eq!(after("build --tracer p"), ["preload", "ptrace"]);
        assert_eq!(after("run --hash sha"), ["sha256", "sha512"]);
        assert_eq!(after("run -n "), Vec::<String>::new());
        assert_eq!(after("run --no-t"), ["--no-tracer-fallback"]);
        assert_eq!(after("run @"), ["@1", "@B1"]);
        assert_eq!(after("run @1 da"), [":files"]);
    }

    #[test]
    fn the_options_of_run_are_those_that_it_takes() {
        for (names, value, _) in OWN_OPTIONS {
            for name in names.split(' ') {
                let value = match value {
                    "" => None,
                    "A" => Some("sha256"),
                    _ => Some("ptrace"),
                };
                let step = name == "--dry-run";
                let rest = if step { "@1" } else { "x" };
                let words: Vec<OsString> =
                    std::iter::once(name).chain(value).chain([rest]).map(OsString::from).collect();
                match parse("run", &words) {
                    Ok(Request::Run(args)) if step => assert_eq!(args.again.map(|again| again.step), Some("@1".into())),
                    Ok(Request::Run(args)) => assert_eq!(args.command, ["x"], "{name}"),
                    Ok(Request::Help) => assert_eq!(names, "-h --help"),
                    Err(failure) => panic!("{name}: {failure}"),
                }
            }
        }
    }

    #[test]
    fn a_name_cannot_add_lines() {
        assert_eq!(lines([("a\nb", "c\td")]), ["a b\tc d"]);
    }
}
