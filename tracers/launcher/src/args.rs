//! The words after `roar run` and `roar build`: roar's own options, then the command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use contract::Surroundings;
use lexopt::{Arg, Parser, ValueExt};

use crate::alike::closest;
use crate::failure::{Failure, USAGE_ERROR};

/// The best backend that can.
pub const AUTO: &str = "auto";
pub const TRACERS: [&str; 4] = [AUTO, "ebpf", "preload", "ptrace"];
/// Made of every content, asked for or not.
const ALWAYS: &str = "blake3";
pub const HASHES: [&str; 4] = [ALWAYS, "sha256", "sha512", "md5"];
const OPTIONS: [&str; 10] = [
    "--quiet",
    "--name",
    "--tracer",
    "--tracer-fallback",
    "--no-tracer-fallback",
    "--hash",
    "--cached",
    "--no-cached",
    "--dry-run",
    "--help",
];

/// What the caller asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RunArgs {
    /// No summary.
    pub quiet: bool,
    /// Name of the step; empty: derived from the command.
    pub name: String,
    /// One of TRACERS; empty: as the project's configuration says.
    pub tracer: String,
    /// Whether another backend may take the place of one that does not work; None: as the configuration says.
    pub fallback: Option<bool>,
    /// Hash algorithms beside BLAKE3; some of HASHES.
    pub hashes: Vec<String>,
    /// Whether outputs may be put in place instead of running the command; None: as the configuration says.
    pub cached: Option<bool>,
    /// At least one word; none as long as `again` says what is to be run.
    pub command: Vec<OsString>,
    /// A step to be run again.
    pub again: Option<Again>,
    /// Id of the job whose step this is; empty: found from the command.
    pub again_of: String,
    /// Its outputs are to be kept, for a run that has the same; None: they are not.
    pub surroundings: Option<Surroundings>,
}

/// A step to be run again: `@3`, and words that take the place of those of its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    pub step: String,
    pub words: Vec<OsString>,
    /// Only show the command.
    pub dry_run: bool,
}

/// Which backend is to look on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// One of TRACERS.
    pub tracer: String,
    /// Another one may take its place.
    pub fallback: bool,
}

impl RunArgs {
    /// What the command line says, else `default`.
    pub fn wish(&self, default: &Wish) -> Wish {
        let tracer = if self.tracer.is_empty() { &default.tracer } else { &self.tracer };
        Wish { tracer: tracer.clone(), fallback: self.fallback.unwrap_or(default.fallback) }
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Run(Box<RunArgs>),
    Help,
}

/// Reads the words. `verb` is "run" or "build". Errors: usage, with exit status 2.
pub fn parse(verb: &str, words: &[OsString]) -> Result<Request, Failure> {
    parse_words(words).map_err(|wrong| {
        let cause = usage(verb);
        let meant = wrong.meant.map(|word| format!("did you mean `{word}`? ")).unwrap_or_default();
        let hint = format!("{meant}`roar {verb} -h` explains it");
        Failure::new("usage", wrong.fact).cause(cause).hint(hint).exit_status(USAGE_ERROR)
    })
}

/// What is wrong with the words.
struct Wrong {
    fact: String,
    /// The word that was probably meant.
    meant: Option<&'static str>,
}

impl From<String> for Wrong {
    fn from(fact: String) -> Wrong {
        Wrong { fact, meant: None }
    }
}

impl From<&str> for Wrong {
    fn from(fact: &str) -> Wrong {
        fact.to_owned().into()
    }
}

fn parse_words(words: &[OsString]) -> Result<Request, Wrong> {
    let mut args = RunArgs {
        quiet: false,
        name: String::new(),
        tracer: String::new(),
        fallback: None,
        hashes: Vec::new(),
        cached: None,
        command: Vec::new(),
        again: None,
        again_of: String::new(),
        surroundings: None,
    };
    let mut parser = Parser::from_args(words);
    let (mut dry_run, mut literal) = (false, false);
    loop {
        // What follows `--` is a program, also one that is called like a step.
        literal = literal || parser.try_raw_args().is_some_and(|rest| rest.peek() == Some(OsStr::new("--")));
        let Some(arg) = parser.next().map_err(plain)? else { break };
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
            Arg::Short('q') | Arg::Long("quiet") => args.quiet = true,
            Arg::Short('n') | Arg::Long("name") => args.name = name(parser.value().map_err(plain)?)?,
            Arg::Long("tracer") => args.tracer = one_of(&TRACERS, "tracer", parser.value().map_err(plain)?)?,
            Arg::Long("tracer-fallback") => args.fallback = Some(true),
            Arg::Long("no-tracer-fallback") => args.fallback = Some(false),
            Arg::Long("hash") => {
                let name = one_of(&HASHES, "hash algorithm", parser.value().map_err(plain)?)?;
                if name != ALWAYS && !args.hashes.contains(&name) {
                    args.hashes.push(name);
                }
            }
            Arg::Long("cached") => args.cached = Some(true),
            Arg::Long("no-cached") => args.cached = Some(false),
            Arg::Long("dry-run") => dry_run = true,
            Arg::Value(first) => {
                let rest: Vec<OsString> = parser.raw_args().map_err(plain)?.collect();
                match step(&first) {
                    Some(step) if !literal => args.again = Some(again(step, rest, dry_run)),
                    _ if dry_run => return Err("`--dry-run` is for a step that is run again: `roar run @N`".into()),
                    _ => args.command = std::iter::once(first).chain(rest).collect(),
                }
                return Ok(Request::Run(Box::new(args)));
            }
            other => return Err(unexpected(other)),
        }
    }
    Err("there is no command to run".into())
}

/// Returns the word when it has the form of a step: `@3`, `@B1`.
fn step(word: &OsStr) -> Option<String> {
    let number = word.as_bytes().strip_prefix(b"@")?;
    let digits = number.strip_prefix(b"B").or(number.strip_prefix(b"b")).unwrap_or(number);
    let is_step = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_step.then(|| word.to_string_lossy().into_owned())
}

/// Words after the step: up to `--`, roar's own option is among them.
fn again(step: String, rest: Vec<OsString>, dry_run: bool) -> Again {
    let mut again = Again { step, words: Vec::new(), dry_run };
    let mut rest = rest.into_iter();
    for word in rest.by_ref() {
        match word.as_bytes() {
            b"--" => break,
            b"--dry-run" => again.dry_run = true,
            _ => again.words.push(word),
        }
    }
    again.words.extend(rest);
    again
}

fn name(value: OsString) -> Result<String, String> {
    let name = value.string().map_err(|_| "the name given with `-n` is not UTF-8".to_owned())?;
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err("the name given with `-n` must be one line that is not empty".into());
    }
    Ok(name)
}

fn one_of(known: &[&'static str], what: &str, value: OsString) -> Result<String, Wrong> {
    let name = value.to_string_lossy();
    match known.contains(&name.as_ref()) {
        true => Ok(name.into_owned()),
        false => Err(Wrong {
            fact: format!("there is no {what} `{name}`, choose one of: {}", known.join(", ")),
            meant: closest(&name, known.iter().copied()),
        }),
    }
}

/// What the parser does not expect.
fn unexpected(arg: Arg) -> Wrong {
    let meant = match &arg {
        Arg::Long(typed) => closest(&format!("--{typed}"), OPTIONS.into_iter()),
        _ => None,
    };
    Wrong { fact: plain(arg.unexpected()), meant }
}

fn plain(error: lexopt::Error) -> String {
    error.to_string().replace('\'', "`")
}

fn usage(verb: &str) -> String {
    let options = "[-q] [-n NAME] [--tracer T] [--[no-]tracer-fallback] [--[no-]cached] [--hash A]";
    format!("usage: roar {verb} {options} [--] COMMAND [ARG...] | @N [ARG...]")
}

/// The text of `roar run -h`.
pub fn help(verb: &str) -> String {
    let (what, note, step) = match verb {
        "build" => ("a build step (@BN)", "Build steps come before the pipeline when it is reproduced.\n", "@B1"),
        _ => ("a step (@N)", "", "@2"),
    };
    format!(
        "\
Runs a command and records it as {what}: what it read and wrote, git commit, arguments, timing, exit status.
The command keeps its terminal, stdin, stdout, stderr, signals and exit status; the summary goes to stderr.
{note}
{}

options, before the command:
  -q, --quiet              no summary
  -n, --name NAME          name of the step, instead of one derived from the command
      --tracer T           how to look on: auto, ebpf, preload, ptrace (default: tracer.default, else auto)
      --tracer-fallback    when the tracer does not work here, take the next best one (default: tracer.fallback)
      --no-tracer-fallback when the tracer does not work here, do not start the command
      --cached             when a run would only make again what an earlier one made, put its outputs in place instead
      --no-cached          run the command in any case, and keep nothing (default: cache.enabled, for `run` only)
      --hash A             record this hash beside BLAKE3: sha256, sha512, md5; repeatable (adds to hash.algorithms)
      --dry-run            with @N: only print the command
  -h, --help               this text

`roar {verb} {step}` runs a step of the session again: the command of its newest job that did not fail, in the directory where
that ran. Words after it take the place of recorded ones: `--key VALUE`, `--key=VALUE`, `-k VALUE` and `name=VALUE` by their key, other words
one by one the words that are neither options nor their values. What has no key in the recorded command is added at its
end. The new job is of the same step; with `-n NAME` it is a step of its own. Words after a `--` are never roar's own. A
program that is called like a step is reached by `./@2`, or after `--`.

--cached: an earlier job of the same words and directory that was recorded with `--cached` stands for this one when every
file that it read has the same content and the environment, the programs and the packages are the same. Then its outputs
are restored, whatever is there now, and a job that says so is recorded; what the command prints is not repeated, and
nothing goes into a pipe. Not known is what else a command may depend on: files that it looked for and did not find, the
network, the clock, random numbers. A line on stderr says what was done, or why the command is run.

exit status: that of the command; 127 it was not found, 126 it is not executable, 125 roar could not start it.
A command that is killed by a signal ends roar by the same signal.

examples:
  roar {verb} python train.py --epochs 10
  roar {verb} -n prepare -- sh -c 'sort raw.csv > sorted.csv'
  roar {verb} {step} --epochs 20
  roar {verb} --cached python train.py
",
        usage(verb)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn run(line: &str) -> RunArgs {
        match parse("run", &words(line)) {
            Ok(Request::Run(args)) => *args,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_first_word_that_is_no_option_starts_the_command() {
        assert_eq!(run("-q python -q --name x").command, words("python -q --name x"));
        assert!(run("-q python").quiet);
        assert!(!run("python -q").quiet);
    }

    fn again(line: &str) -> (String, String, bool) {
        let again = run(line).again.unwrap_or_else(|| panic!("{line} is no step"));
        let words: Vec<_> = again.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        (again.step, words.join(" "), again.dry_run)
    }

    #[test]
    fn a_step_takes_the_place_of_a_command() {
        assert_eq!(again("@2"), ("@2".into(), "".into(), false));
        assert_eq!(again("-q @B12 --lr 0.1 x -q"), ("@B12".into(), "--lr 0.1 x -q".into(), false));
        assert_eq!(again("@2 --lr 1 --dry-run x"), ("@2".into(), "--lr 1 x".into(), true));
        assert_eq!(again("--dry-run @2 -- --dry-run -- x"), ("@2".into(), "--dry-run -- x".into(), true));
    }

    #[test]
    fn a_program_may_be_called_like_a_step() {
        for line in ["./@2 x", "-- @2 x", "-q -- @2 x", "@ x", "@B x", "@2a x", "@-1 x", "prog @2 x"] {
            assert_eq!(run(line).again, None, "{line}");
        }
        assert_eq!(run("-q -- @2 x").command, words("@2 x"));
    }

    #[test]
    fn two_dashes_end_the_options() {
        assert_eq!(run("-n a -- -odd-program -- x").command, words("-odd-program -- x"));
        assert_eq!(run("prog -- x").command, words("prog -- x"));
    }

    #[test]
    fn every_form_of_an_option_is_understood() {
        for line in ["-n prep x", "-nprep x", "--name prep x", "--name=prep x", "-qn prep x"] {
            assert_eq!(run(line).name, "prep", "{line}");
        }
        assert_eq!(run("--tracer ptrace x").tracer, "ptrace");
        assert_eq!((run("x").tracer.as_str(), run("x").fallback), ("", None));
        assert_eq!(run("--no-tracer-fallback --tracer-fallback x").fallback, Some(true));
        assert_eq!(run("--no-tracer-fallback x").fallback, Some(false));
    }

    #[test]
    fn hash_algorithms_add_up_and_blake3_is_no_extra() {
        assert_eq!(run("--hash md5 --hash=sha256 --hash md5 --hash blake3 x").hashes, ["md5", "sha256"]);
        assert!(run("x --hash md5").hashes.is_empty());
        let failure = parse("build", &words("--hash crc32 x")).unwrap_err();
        assert_eq!(failure.fact, "there is no hash algorithm `crc32`, choose one of: blake3, sha256, sha512, md5");
    }

    #[test]
    fn the_last_word_about_the_cache_counts_and_only_before_the_command() {
        assert_eq!((run("x --cached").cached, run("--cached x").cached), (None, Some(true)));
        assert_eq!(run("--cached --no-cached @2").cached, Some(false));
    }

    #[test]
    fn words_of_the_command_need_not_be_utf8() {
        let odd = OsString::from_vec(vec![b'a', 0xff]);
        let Ok(Request::Run(args)) = parse("run", &[odd.clone(), odd.clone()]) else { panic!("refused") };
        assert_eq!(args.command, [odd.clone(), odd]);
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        for line in [
            "",
            "-q",
            "--",
            "--frobnicate x",
            "-x true",
            "-n",
            "--tracer magic x",
            "--quiet=yes x",
            "--hash crc32 x",
            "--dry-run x",
        ] {
            let failure = parse("run", &words(line)).unwrap_err();
            assert_eq!(failure.exit_status, 2, "{line}");
            assert_eq!(failure.reason, "usage", "{line}");
        }
        assert!(parse("run", &["-n".into(), "a\nb".into(), "x".into()]).is_err());
    }

    #[test]
    fn help_is_found_before_the_command_only() {
        assert_eq!(parse("build", &words("-q -h true")), Ok(Request::Help));
        assert_eq!(run("ls -h").command, words("ls -h"));
    }
}
