//! `roar run @N`: the daemon tells the command of the step, which is then run as any other is.

use std::cell::Cell;
use std::env;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use contract::{JobKind, PlanRerunRequest, PlanRerunResponse};

use crate::args::{Again, RunArgs};
use crate::client;
use crate::daemon::Mode;
use crate::failure::Failure;
use crate::finish::patiently;
use crate::project::Project;
use crate::reach::until_answered;
use crate::report;
use crate::runtime_dir::RuntimeDir;
use crate::skew::Replacement;

/// Asks for the command of a step. Errors: there is no such step, a word has no place in its command, no daemon answers.
pub fn plan(project: &Project, kind: JobKind, again: &Again, mode: Mode) -> Result<PlanRerunResponse, Failure> {
    let request = PlanRerunRequest {
        project_root: project.root.as_os_str().as_bytes().to_vec(),
        step: again.step.clone(),
        words: again.words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        kind: kind.into(),
    };
    let place = match mode {
        Mode::Off => RuntimeDir::private(),
        Mode::Auto | Mode::Require => RuntimeDir::open(),
    }?;
    let replacement = Replacement::default();
    let last_contact = Cell::new(Instant::now());
    let asking = until_answered(&place, &last_contact, async || {
        let mut connected = client::connect(&place, None).await?;
        if let Some(outdated) = connected.outdated {
            replacement.ask(outdated).await?;
        }
        Ok(patiently(connected.jobs.plan_rerun(request.clone())).await?.into_inner())
    });
    client::block_on(asking)
        .unwrap_or_else(|error| Err(Failure::new("no-daemon", "cannot talk to the daemon").cause(error.to_string())))
}

/// Goes to the directory of the step and puts its command in the place of the caller's words. Says which it is, unless it
/// was told to be quiet. Errors: the directory is gone.
pub fn follow(project: &mut Project, args: &mut RunArgs, plan: PlanRerunResponse) -> Result<(), Failure> {
    let command = shown(project, &plan);
    let cwd = directory(&plan);
    env::set_current_dir(&cwd).map_err(|error| {
        Failure::new("directory-gone", format!("{} cannot run in `{}`", plan.step, cwd.display()))
            .cause(error.to_string())
            .hint("make the directory again, or run the command elsewhere as a step of its own; `--dry-run` prints it")
    })?;
    if !args.quiet {
        report::again(&plan.step, command.trim_end());
    }
    // SAFETY: there is one thread. A shell has it agree with the directory in which it starts a command.
    unsafe { env::set_var("PWD", &cwd) };
    project.cwd = cwd;
    // With a name of its own it is another step.
    if args.name.is_empty() {
        args.again_of = plan.job_uid;
        args.name = plan.step_name;
    }
    args.command = plan.argv.into_iter().map(OsString::from_vec).collect();
    Ok(())
}

/// The command as a line for a shell in the caller's directory.
pub fn shown(project: &Project, plan: &PlanRerunResponse) -> String {
    let words: Vec<String> = plan.argv.iter().map(|word| quoted(word)).collect();
    let cwd = directory(plan);
    let way = match cwd == project.cwd {
        true => String::new(),
        false => format!("cd {} && ", quoted(way(&project.cwd, &cwd).as_os_str().as_bytes())),
    };
    format!("{way}{}\n", words.join(" "))
}

fn directory(plan: &PlanRerunResponse) -> PathBuf {
    PathBuf::from(OsString::from_vec(plan.cwd.clone()))
}

/// The shorter way: from here down, or from the root.
fn way<'a>(here: &Path, there: &'a Path) -> &'a Path {
    there.strip_prefix(here).unwrap_or(there)
}

/// A word as a POSIX shell takes it; control characters and what is not UTF-8 in the form `$'\x1b'` of bash and zsh.
fn quoted(word: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(byte);
    match std::str::from_utf8(word) {
        Ok(text) if !word.is_empty() && word.iter().all(plain) => text.to_owned(),
        Ok(text) if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => format!("$'{}'", word.escape_ascii().to_string().replace("\\\"", "\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        let project = Project { root: "/p".into(), cwd: "/p".into() };
        let shown_in = |cwd: &str| {
            let argv = [b"python".to_vec(), b"a b.py".to_vec(), b"it's".to_vec(), b"".to_vec(), b"--lr=1e-3".to_vec()];
            shown(&project, &PlanRerunResponse { argv: argv.into(), cwd: cwd.into(), ..PlanRerunResponse::default() })
        };
        assert_eq!(shown_in("/p"), "python 'a b.py' 'it'\\''s' '' --lr=1e-3\n");
        assert!(shown_in("/p/sub dir").starts_with("cd 'sub dir' && python "));
        assert!(shown_in("/elsewhere").starts_with("cd /elsewhere && python "));
    }

    #[test]
    fn odd_words_play_no_tricks_on_a_terminal() {
        assert_eq!(quoted(b"a\x1b[2J\n'\"\xff"), r#"$'a\x1b[2J\n\'"\xff'"#);
    }
}
